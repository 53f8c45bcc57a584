from datetime import UTC, datetime, timedelta

import pytest

from rolecall.connections.guide import decide
from rolecall.connections.guide.model import Facts, ProviderKind, SightingKind
from rolecall.connections.model import Dialect
from rolecall.events.model import AuditRecord

NOW = datetime(2026, 11, 25, tzinfo=UTC)
NOTHING = Facts(
    base_url="https://x.example/scim/v2",
    has_key=False,
    is_on=False,
    has_called=False,
    has_groups=False,
    is_validated=False,
)


def call(method, target, status=200, *, at=NOW, **more):
    known = dict.fromkeys(AuditRecord.__dataclass_fields__)
    known |= {"recorded_at": at, "method": method, "target": target, "status": status, **more}
    return AuditRecord(**known)


@pytest.mark.parametrize(
    "method, target, status, kind",
    [
        ("GET", "/scim/v2/ServiceProviderConfig", 200, SightingKind.TESTED),
        ("GET", "/scim/v2/Users?startIndex=1&count=1", 200, SightingKind.TESTED),
        ("GET", "/x/scim/v2/Users?filter=userName+eq+%22ada%22", 200, SightingKind.LOOKED_FOR_USER),
        ("GET", "/scim/v2/Users/gone", 404, SightingKind.TESTED),
        ("POST", "/scim/v2/Users", 201, SightingKind.USER_CREATED),
        ("PATCH", "/scim/v2/Users/7", 200, SightingKind.USER_CHANGED),
        ("PUT", "/scim/v2/Users/7", 200, SightingKind.USER_CHANGED),
        ("DELETE", "/scim/v2/Users/7", 204, SightingKind.USER_CHANGED),
        ("POST", "/scim/v2/Groups", 201, SightingKind.GROUP_CREATED),
        ("PATCH", "/scim/v2/Groups/7", 204, SightingKind.MEMBERS_CHANGED),
        ("PUT", "/scim/v2/Groups/7", 200, SightingKind.MEMBERS_CHANGED),
        ("DELETE", "/scim/v2/Groups/7", 204, SightingKind.MEMBERS_CHANGED),
        ("POST", "/scim/v2/Users", 409, SightingKind.REFUSED),
        ("POST", "/scim/v2/Users", None, SightingKind.REFUSED),
    ],
)
def test_what_a_call_tells(method, target, status, kind):
    assert decide.kind_of(call(method, target, status)) is kind


def test_of_each_kind_the_first_call_is_shown_in_the_order_of_time():
    later = NOW + timedelta(minutes=1)
    calls = [
        call("GET", "/scim/v2/Users?filter=x"),
        call("POST", "/scim/v2/Users", 400, detail="displayName is missing."),
        call("POST", "/scim/v2/Users", 409, detail="Another."),
        call("GET", "/scim/v2/Users?filter=y", at=later),
        call("POST", "/scim/v2/Users", 201, at=later),
    ]
    seen = decide.first_calls(calls, Dialect.OKTA)
    assert seen.dialect is Dialect.OKTA
    assert [(each.kind, each.at) for each in seen.sightings] == [
        (SightingKind.LOOKED_FOR_USER, NOW),
        (SightingKind.REFUSED, NOW),
        (SightingKind.USER_CREATED, later),
    ]
    assert seen.sightings[1].means == "It was refused: displayName is missing."
    assert decide.first_calls([call("GET", "/scim/v2", 500)], None).sightings[0].means == "It was refused: 500"


@pytest.mark.parametrize(
    "dialect, provider",
    [
        (Dialect.OKTA, ProviderKind.OKTA),
        (Dialect.ENTRA, ProviderKind.ENTRA),
        (Dialect.ENTRA_2020, ProviderKind.ENTRA),
        (Dialect.PING, ProviderKind.OTHER),
        (None, ProviderKind.OTHER),
    ],
)
def test_a_guide_speaks_in_the_words_of_whoever_calls(dialect, provider):
    assert decide.provider_of(dialect) is provider


@pytest.mark.parametrize("provider", ProviderKind)
def test_every_guide_has_the_six_steps_and_says_what_to_enter(provider):
    guide = decide.guide_of(NOTHING, provider)
    assert [each.name for each in guide.steps] == ["connection", "key", "enable", "provider", "groups", "validate"]
    assert [each.done for each in guide.steps] == [True, False, False, False, False, False]
    assert all(each.instructions for each in guide.steps)
    url, key = guide.steps[3].entries
    assert (url.value, "64 characters" in key.value) == (NOTHING.base_url, True)


def test_what_is_known_says_which_steps_are_done():
    facts = Facts(base_url="x", has_key=True, is_on=True, has_called=True, has_groups=True, is_validated=True)
    assert all(each.done for each in decide.guide_of(facts, ProviderKind.ENTRA).steps)
