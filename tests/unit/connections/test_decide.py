"""What shall a SCIM connection be after a change, and which change is refused?"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from rolecall.authorization.actions import Action
from rolecall.authorization.actor import NOBODY, PushScope
from rolecall.connections import decide
from rolecall.connections.errors import BadConnection, ConnectionFixed, ConnectionInUse
from rolecall.connections.model import ConnectionDraft, ConnectionState, Dialect, TrafficNote
from rolecall.directory import decide as directory
from rolecall.directory.errors import BreakGlassUser
from rolecall.directory.model import DEFAULT_CONNECTION, ConnectionId, UserId, UserKind
from tests.make.directory import user_profile

THEN, NOW = datetime(2026, 11, 24, tzinfo=UTC), datetime(2026, 11, 25, tzinfo=UTC)
DRAFT = ConnectionDraft(name="Okta")
OKTA = decide.new_connection(ConnectionId("okta"), DRAFT, now=THEN)
DEFAULT = decide.new_connection(DEFAULT_CONNECTION, DRAFT, now=THEN)
GONE = replace(DRAFT, state=ConnectionState.DECOMMISSIONED)


def a_user(**changed):
    return replace(
        directory.new_user(UserId("u"), user_profile("ada"), kind=UserKind.PERSON, now=THEN),
        **changed,
    )


def test_a_new_connection_has_version_1_and_is_off_unless_told_otherwise():
    assert (OKTA.version, OKTA.is_on, OKTA.name) == (1, False, "Okta")
    assert decide.new_connection(OKTA.id, replace(DRAFT, state=ConnectionState.ON), now=THEN).is_on


def test_a_connection_may_have_a_scope():
    scope = PushScope(users=("*@example.com", "svc-*"), groups=("Rolecall *",))
    assert decide.new_connection(OKTA.id, replace(DRAFT, push_scope=scope), now=THEN).draft.push_scope == scope


@pytest.mark.parametrize(
    "wrong, attribute",
    [
        ({"name": " "}, "name"),
        ({"guard_people": -1}, "guard_people"),
        ({"rate_limit": -1}, "rate_limit"),
        ({"push_scope": PushScope(users=("",))}, "user_scope"),
        ({"push_scope": PushScope(users=("a" * 201,))}, "user_scope"),
        ({"push_scope": PushScope(groups=("a\x01*",))}, "group_scope"),
        ({"push_scope": PushScope(groups=("*",) * 51)}, "group_scope"),
        ({"silent_after_hours": -1}, "silent_after_hours"),
        ({"silent_after_hours": 8761}, "silent_after_hours"),
        ({"rate_limit": 1_000_001}, "rate_limit"),
        ({"guard_percent": -1}, "guard_percent"),
        ({"guard_percent": 101}, "guard_percent"),
    ],
)
def test_what_is_wrong_with_a_connection_is_told_with_its_name(wrong, attribute):
    draft = replace(DRAFT, **wrong)
    for refuse in (
        lambda: decide.new_connection(OKTA.id, draft, now=THEN),
        lambda: decide.changed_connection(OKTA, draft, now=NOW),
    ):
        with pytest.raises(BadConnection) as refused:
            refuse()
        assert refused.value.about["attribute"] == attribute


def test_a_change_that_changes_nothing_is_the_same_connection():
    assert decide.changed_connection(OKTA, replace(DRAFT), now=NOW) is OKTA
    changed = decide.changed_connection(OKTA, replace(DRAFT, state=ConnectionState.ON, guard_people=3), now=NOW)
    assert (changed.version, changed.is_on, changed.changed_at) == (2, True, NOW)
    assert decide.differing(OKTA.draft, changed.draft) == ("guard_people", "state")


def test_a_state_change_neither_decommissions_nor_brings_back():
    with pytest.raises(BadConnection):
        decide.new_connection(OKTA.id, GONE, now=THEN)
    with pytest.raises(ConnectionFixed):
        decide.changed_connection(OKTA, GONE, now=NOW)
    with pytest.raises(ConnectionFixed):
        decide.changed_connection(replace(OKTA, draft=GONE), DRAFT, now=NOW)
    renamed = decide.changed_connection(replace(OKTA, draft=GONE), replace(GONE, name="Old"), now=NOW)
    assert renamed.name == "Old"


def test_only_a_connection_with_nothing_left_is_deleted():
    decide.check_deletion(OKTA, owns=False, has_keys=False)
    for owns, has_keys in ((True, False), (False, True), (True, True)):
        with pytest.raises(ConnectionInUse):
            decide.check_deletion(OKTA, owns=owns, has_keys=has_keys)
    with pytest.raises(ConnectionFixed):
        decide.check_deletion(DEFAULT, owns=False, has_keys=False)


def test_a_person_is_linked_once_and_comes_from_nowhere_or_another_connection():
    for before in (None, DEFAULT_CONNECTION):
        linked = decide.linked_user(a_user(connection_id=before), OKTA, now=NOW)
        assert (linked.connection_id, linked.version, linked.provisioned) == (OKTA.id, 2, True)
        assert decide.linked_user(linked, OKTA, now=NOW) is linked


def test_the_break_glass_user_a_machine_and_a_deleted_user_are_never_linked():
    with pytest.raises(BreakGlassUser):
        decide.linked_user(a_user(break_glass=True), OKTA, now=NOW)
    for user in (a_user(kind=UserKind.SERVICE), directory.deleted_user(a_user(), now=NOW)):
        with pytest.raises(BadConnection) as refused:
            decide.linked_user(user, OKTA, now=NOW)
        assert refused.value.about["attribute"] == "user_id"


def test_who_acts_within_a_connection_has_its_limits_and_may_push_beside_what_it_may_anyway():
    asks = replace(NOBODY, user_id="ada", actions=frozenset({Action.AUDIT_READ}))
    acting = decide.acting_within(asks, "okta")
    assert (acting.connection_id, acting.user_id) == ("okta", "ada")
    assert acting.actions == {Action.AUDIT_READ, Action.PROVISIONED_READ, Action.PROVISIONED_WRITE}
    assert decide.acting_within(acting, None).connection_id is None


@pytest.mark.parametrize(
    "user_agent, target, dialect",
    [
        ("Okta SCIM Client 1.0.0", "/scim/v2/Users", Dialect.OKTA),
        ("goauthentik.io/2026.2 authentik", "/scim/v2/Users", Dialect.AUTHENTIK),
        ("AzureAD", "/scim/v2/Users", Dialect.ENTRA),
        ("AzureAD", "/scim/v2/Users?aadOptscim062020", Dialect.ENTRA_2020),
        ("", "/scim/v2/Users?filter=x&AADOPTSCIM062020=", Dialect.ENTRA_2020),
        ("curl/8", "/scim/v2/Users", None),
        ("", "/scim/v2/Users", None),
    ],
)
def test_a_dialect_is_recognised_by_the_name_that_a_client_gives_and_by_the_flag_of_entra(user_agent, target, dialect):
    assert decide.dialect_of(user_agent, target) is dialect


def a_note(**changed):
    note = TrafficNote(
        connection_id=OKTA.id, hour_at=THEN, call_count=1, error_count=0, last_call_at=NOW, dialect=Dialect.OKTA
    )
    return replace(note, **changed)


def test_what_is_noticed_later_does_not_go_back_and_what_calls_do_not_tell_stays_as_it_was():
    seen = decide.noticed(OKTA, a_note())
    assert (seen.last_call_at, seen.dialect, seen.version) == (NOW, Dialect.OKTA, OKTA.version)
    late = decide.noticed(seen, a_note(last_call_at=THEN, dialect=None))
    assert (late.last_call_at, late.dialect) == (NOW, Dialect.OKTA)
    assert decide.noticed(OKTA, a_note(dialect=None)).dialect is Dialect.OTHER


def test_a_silence_ends_with_a_call_that_is_later_than_the_notice_of_it():
    silent = replace(OKTA, silence_told_at=NOW)
    assert decide.noticed(silent, a_note()).silence_told_at == NOW
    assert decide.noticed(silent, a_note(last_call_at=NOW + timedelta(seconds=1))).silence_told_at is None


def test_a_connection_is_silent_when_it_is_on_may_not_be_and_has_not_called_for_its_hours():
    on = replace(OKTA, draft=replace(DRAFT, state=ConnectionState.ON, silent_after_hours=24))
    assert decide.is_silent(on, now=NOW)
    assert not decide.is_silent(on, now=NOW - timedelta(seconds=1))
    for other in (
        replace(on, last_call_at=THEN + timedelta(hours=1)),
        replace(on, changed_at=THEN + timedelta(hours=1)),
        replace(on, silence_told_at=THEN),
        replace(on, draft=replace(on.draft, silent_after_hours=0)),
        replace(on, draft=replace(on.draft, state=ConnectionState.OFF)),
    ):
        assert not decide.is_silent(other, now=NOW)


def test_one_that_leaves_is_in_use_no_more_until_it_is_back():
    decide.check_in_use(OKTA)
    gone = decide.in_state(OKTA, ConnectionState.DECOMMISSIONED, now=NOW)
    assert (gone.version, gone.changed_at, gone.name) == (2, NOW, "Okta")
    with pytest.raises(ConnectionFixed):
        decide.check_in_use(gone)
    decide.check_in_use(decide.in_state(gone, ConnectionState.ON, now=NOW))
