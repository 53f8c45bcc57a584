import hashlib
import string
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolecall.authentication.decide import (
    CHECK_LENGTH,
    KEY_LENGTH,
    check_address,
    check_limits,
    check_no_wider,
    hash_of,
    id_of,
    new_key_text,
)
from rolecall.authentication.errors import AddressNotAllowed, BadApiKey, InvalidApiKey, KeyTooWide, MalformedApiKey
from rolecall.authentication.model import KeyLimits
from rolecall.authorization.actions import Action
from rolecall.kernel.errors import ErrorKind

BASE64 = string.ascii_letters + string.digits + "+/"


def test_a_key_is_64_characters_of_base64_that_begin_with_the_prefix():
    for _ in range(200):
        key = new_key_text()
        assert len(key) == KEY_LENGTH == 64
        assert key.startswith("RLCL")
        assert set(key) <= set(BASE64)


def test_no_two_keys_are_alike():
    keys = [new_key_text() for _ in range(500)]
    assert len(set(keys)) == 500
    assert len({id_of(key) for key in keys}) == 500


def test_an_id_can_stand_in_a_url():
    assert all(id_of(new_key_text()).isalnum() for _ in range(500))


def test_the_id_is_the_twelve_characters_behind_the_prefix():
    key = new_key_text()
    assert id_of(key) == key[4:16]


@given(st.integers(4, 63), st.sampled_from(BASE64))
def test_one_wrong_character_is_noticed(position, character):
    key = new_key_text()
    wrong = key[:position] + character + key[position + 1 :]
    if wrong == key:
        assert id_of(wrong) == key[4:16]
    else:
        with pytest.raises(MalformedApiKey):
            id_of(wrong)


@given(st.integers(16, 58))
def test_two_characters_that_changed_places_are_noticed(position):
    key = new_key_text()
    swapped = key[:position] + key[position + 1] + key[position] + key[position + 2 :]
    if swapped != key:
        with pytest.raises(MalformedApiKey):
            id_of(swapped)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "RLCL",
        "x" * 64,
        "rlcl" + "a" * 60,
        "RLCL" + "a" * 59,
        "RLCL" + "a" * 61,
        "RLCL" + "a" * 59 + "-",
        "RLCL" + "a" * 59 + "=",
        "RLCL" + "a" * 59 + " ",
        "RLCL" + "a" * 59 + "ä",
        "RLCL" + "a" * 59 + "２",
        "RLCL" + "a" * 59 + "\n",
    ],
)
def test_what_does_not_look_like_a_key_is_told_apart_from_a_copying_error(text):
    with pytest.raises(InvalidApiKey) as refused:
        id_of(text)
    assert refused.value.kind is ErrorKind.UNAUTHENTICATED


def test_a_refusal_does_not_repeat_what_was_sent():
    key = new_key_text()
    wrong = key[:-1] + ("A" if key[-1] != "A" else "B")
    with pytest.raises(MalformedApiKey) as refused:
        id_of(wrong)
    assert wrong not in refused.value.detail
    assert wrong[4:16] not in refused.value.detail


def test_the_check_depends_on_every_character_before_it():
    key = new_key_text()
    assert len(key[-CHECK_LENGTH:]) == 5
    others = {id_of(new_key_text()) for _ in range(5)}
    assert key[4:16] not in others


def test_only_the_sha_256_of_a_secret_is_kept():
    assert hash_of("a secret") == hashlib.sha256(b"a secret").hexdigest()
    assert hash_of("a secret") != hash_of("a secret ")


NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)
HELD = frozenset({Action.TEAM_LIST, Action.ROLE_LIST})
LISTS_TEAMS = frozenset({Action.TEAM_LIST})
NETWORK = (ip_network("192.0.2.0/24"), ip_network("2001:db8::/32"))


@pytest.mark.parametrize(
    "limits",
    [KeyLimits(), KeyLimits(actions=HELD), KeyLimits(actions=LISTS_TEAMS, expires_at=LATER, networks=NETWORK)],
)
def test_limits_that_leave_something_are_taken(limits):
    assert check_limits(limits, HELD, now=NOON) is None


@pytest.mark.parametrize(
    "limits, field",
    [
        (KeyLimits(actions=frozenset()), "actions"),
        (KeyLimits(actions=frozenset({Action.USER_DELETE})), "actions"),
        (KeyLimits(expires_at=NOON), "expires_at"),
    ],
)
def test_limits_that_leave_nothing_are_refused(limits, field):
    with pytest.raises(BadApiKey) as refused:
        check_limits(limits, HELD, now=NOON)
    assert refused.value.about == {"attribute": field}


@pytest.mark.parametrize(
    "limits, others",
    [
        (KeyLimits(), KeyLimits()),
        (KeyLimits(actions=LISTS_TEAMS, expires_at=NOON, networks=NETWORK), KeyLimits()),
        (KeyLimits(actions=LISTS_TEAMS), KeyLimits(actions=HELD)),
        (KeyLimits(expires_at=LATER), KeyLimits(expires_at=LATER)),
        (KeyLimits(networks=NETWORK), KeyLimits(networks=NETWORK)),
        (KeyLimits(networks=(ip_network("192.0.2.128/25"),)), KeyLimits(networks=NETWORK)),
        (KeyLimits(networks=(ip_network("2001:db8:1::/48"),)), KeyLimits(networks=NETWORK)),
    ],
)
def test_limits_may_be_as_narrow_or_narrower(limits, others):
    assert check_no_wider(limits, others) is None


@pytest.mark.parametrize(
    "limits, others, field",
    [
        (KeyLimits(), KeyLimits(actions=HELD), "actions"),
        (KeyLimits(actions=HELD), KeyLimits(actions=LISTS_TEAMS), "actions"),
        (KeyLimits(), KeyLimits(expires_at=LATER), "expires_at"),
        (KeyLimits(expires_at=LATER), KeyLimits(expires_at=NOON), "expires_at"),
        (KeyLimits(), KeyLimits(networks=NETWORK), "networks"),
        (KeyLimits(networks=(ip_network("192.0.0.0/16"),)), KeyLimits(networks=NETWORK), "networks"),
        (KeyLimits(networks=(ip_network("::/0"),)), KeyLimits(networks=NETWORK[:1]), "networks"),
        (KeyLimits(networks=(*NETWORK, ip_network("10.0.0.0/8"))), KeyLimits(networks=NETWORK), "networks"),
    ],
)
def test_limits_may_not_be_wider(limits, others, field):
    with pytest.raises(KeyTooWide) as refused:
        check_no_wider(limits, others)
    assert refused.value.about == {"attribute": field}


@pytest.mark.parametrize("address", ["192.0.2.7", "2001:db8::1"])
def test_a_key_may_be_used_from_its_networks(address):
    assert check_address(NETWORK, address, key_id="k") is None
    assert check_address((), "unknown", key_id="k") is None


@pytest.mark.parametrize("address", ["192.0.3.7", "::1", "unknown"])
def test_a_key_may_not_be_used_from_elsewhere(address):
    with pytest.raises(AddressNotAllowed, match="The API key k may not be used"):
        check_address(NETWORK, address, key_id="k")
