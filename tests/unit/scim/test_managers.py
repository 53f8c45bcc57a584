from datetime import UTC, datetime

import orjson
import pytest

from rolecall.directory.model import StoredUser, UserId
from rolecall.scim.managers import managers_named_by, with_managers
from rolecall.scim.projection import parse_projection
from rolecall.scim.schemas import ENTERPRISE_USER_SCHEMA, USER

ENTERPRISE = ENTERPRISE_USER_SCHEMA.uri
BASE = "https://rolecall.example/scim/v2"
USUAL = parse_projection(None, None, USER)
WITH_NAME = parse_projection(f"{ENTERPRISE}:manager.displayName", None, USER)
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def user(**attributes: object) -> StoredUser:
    profile = orjson.dumps({"schemas": ["x"], "userName": "u", **attributes}).decode()
    return StoredUser(id=UserId("1"), profile=profile, version=1, created_at=NOON, changed_at=NOON, memberships=())


def managed_by(**manager: object) -> StoredUser:
    return user(**{ENTERPRISE: {"department": "d", "manager": manager}})


def test_managers_are_named_once_each():
    users = [managed_by(value="a"), managed_by(value="b"), managed_by(value="a"), user(), user(title="manager")]
    assert managers_named_by(users) == {"a", "b"}


@pytest.mark.parametrize(
    "other",
    [
        user(**{"urn:acme:2.0:User": {"manager": {"value": "a"}}}),
        user(**{ENTERPRISE: {"department": "manager"}, "nickName": '"manager"'}),
        managed_by(displayName="only a name"),
        user(manager="a"),
        user(**{ENTERPRISE: ["manager"]}),
    ],
    ids=range(5),
)
def test_what_only_looks_like_a_manager_is_none(other: StoredUser):
    assert managers_named_by([other]) == frozenset()
    assert with_managers([other], {"a": "Ada"}, BASE, WITH_NAME) == (other,)


@pytest.mark.parametrize("projection, named", [(USUAL, {}), (WITH_NAME, {"displayName": "Ada"})])
def test_a_known_manager_is_shown_with_its_address_and_on_request_its_name(projection, named):
    (shown,) = with_managers([managed_by(value="a", **{"$ref": "../Users/a"})], {"a": "Ada"}, BASE, projection)
    assert orjson.loads(shown.profile)[ENTERPRISE] == {
        "department": "d",
        "manager": {"value": "a", "$ref": f"{BASE}/Users/a"} | named,
    }


def test_an_unknown_manager_stays_as_it_was_sent():
    sent = managed_by(value="b", **{"$ref": "../Users/b"})
    assert with_managers([sent, user()], {"a": "Ada"}, BASE, WITH_NAME) == (sent, user())
