from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from rolecall.authentication.model import ApiKey, ApiKeyId, KeyLimits
from rolecall.directory.model import ROOT_TEAM, UserId

NOW = datetime(2026, 11, 24, tzinfo=UTC)
A_MOMENT = timedelta(microseconds=1)
KEY = ApiKey(
    id=ApiKeyId("abcdefghijkl"),
    secret_hash="0" * 64,
    name="a key",
    user_id=UserId("1"),
    user_name="ada",
    user_is_active=True,
    team_id=ROOT_TEAM,
    role=None,
    created_at=NOW,
    limits=KeyLimits(),
    revoked_at=None,
    last_used_at=None,
)


def test_a_key_without_an_end_is_usable():
    assert KEY.is_usable(NOW)


@pytest.mark.parametrize("expires_at, usable", [(NOW + A_MOMENT, True), (NOW, False), (NOW - A_MOMENT, False)])
def test_a_key_is_usable_until_the_instant_of_its_end(expires_at, usable):
    assert replace(KEY, limits=KeyLimits(expires_at=expires_at)).is_usable(NOW) is usable


def test_a_revoked_key_is_not_usable():
    assert not replace(KEY, revoked_at=NOW).is_usable(NOW)


def test_the_key_of_a_user_without_access_is_not_usable():
    assert not replace(KEY, user_is_active=False).is_usable(NOW)
