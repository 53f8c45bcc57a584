import json
from datetime import UTC, datetime

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolecall.directory.model import GroupId, Membership, StoredUser, UserId
from rolecall.scim.errors import InvalidValue
from rolecall.scim.projection import parse_projection
from rolecall.scim.schemas import ENTERPRISE_USER_SCHEMA, USER, USER_SCHEMA
from rolecall.scim.users import RequirementProfile, check_requirements, parse_user, render_user

URN = USER_SCHEMA.uri
BASE = "https://rolecall.example/scim/v2"
CREATED = datetime(2026, 1, 31, 8, 0, 0, 123456, tzinfo=UTC)
CHANGED = datetime(2026, 2, 1, tzinfo=UTC)
ANN = {
    "schemas": [URN],
    "userName": "Ann@example.com",
    "name": {"givenName": "Ann", "familyName": "Lee"},
    "displayName": "Ann Lee",
    "emails": [{"value": "ann@EXAMPLE.com", "primary": True}, {"value": "a@example.com"}],
    "active": True,
}
MEMBERSHIPS = (
    Membership(group_id=GroupId("g1"), display="Staff", direct=True),
    Membership(group_id=GroupId("g2"), display="All", direct=False),
)
EVERYTHING = parse_projection(None, None, USER)


def ann(memberships: tuple[Membership, ...] = MEMBERSHIPS, profile=ANN) -> StoredUser:
    return StoredUser(
        id=UserId("u1"),
        profile=orjson.dumps(profile).decode(),
        version=3,
        created_at=CREATED,
        changed_at=CHANGED,
        memberships=memberships,
    )


def test_a_user_name_alone_is_enough_for_the_standard():
    assert parse_user({"userName": "ann"}, USER, profile=RequirementProfile.RFC) == {
        "schemas": [URN],
        "userName": "ann",
    }


def test_a_complete_user_is_accepted_by_both():
    for profile in RequirementProfile:
        assert parse_user({**ANN, "id": "x"}, USER, profile=profile) == ANN


@pytest.mark.parametrize(
    "change, place, sentence",
    [
        ({"name": {"familyName": "Lee"}}, "name.givenName", "name.givenName is missing."),
        ({"name": {"givenName": "Ann"}}, "name.familyName", "name.familyName is missing."),
        ({"name": None}, "name.givenName", "name.givenName is missing."),
        ({"displayName": ""}, "displayName", "displayName is missing."),
        ({"emails": []}, "emails.primary", "One e-mail address must be marked as primary."),
        ({"emails": [{"value": "x"}]}, "emails.primary", "One e-mail address must be marked as primary."),
        ({"userName": "bo@example.com"}, "userName", "userName must be the primary e-mail address."),
        ({"emails": [{"type": "work", "primary": True}]}, "userName", "userName must be the primary e-mail address."),
    ],
)
def test_the_strict_profile_says_what_is_missing(change, place: str, sentence: str):
    with pytest.raises(InvalidValue) as refusal:
        parse_user({**ANN, **change}, USER, profile=RequirementProfile.STRICT)
    assert refusal.value.detail == sentence
    assert refusal.value.about == {"attribute": place}
    parse_user({**ANN, **change}, USER, profile=RequirementProfile.RFC)


def test_the_strict_profile_wants_one_primary_address_also_of_what_is_stored():
    twice = {**ANN, "emails": [{"value": "Ann@example.com", "primary": True}] * 2}
    with pytest.raises(InvalidValue, match="One e-mail"):
        check_requirements(twice, RequirementProfile.STRICT)
    check_requirements(twice, RequirementProfile.RFC)


def test_a_user_is_written_in_full():
    written = json.loads(render_user(ann(), base_url=BASE, projection=EVERYTHING))
    assert written == {
        **ANN,
        "id": "u1",
        "groups": [
            {"value": "g1", "$ref": f"{BASE}/Groups/g1", "display": "Staff", "type": "direct"},
            {"value": "g2", "$ref": f"{BASE}/Groups/g2", "display": "All", "type": "indirect"},
        ],
        "meta": {
            "resourceType": "User",
            "created": "2026-01-31T08:00:00.123Z",
            "lastModified": "2026-02-01T00:00:00.000Z",
            "location": f"{BASE}/Users/u1",
            "version": 'W/"3"',
        },
    }
    assert list(written)[:2] == ["schemas", "id"]
    assert list(written)[-2:] == ["groups", "meta"]


def test_a_user_without_groups_has_none():
    assert "groups" not in json.loads(render_user(ann(()), base_url=BASE, projection=EVERYTHING))


def test_a_user_is_written_as_far_as_is_wanted():
    projection = parse_projection("userName,emails.value,groups.value", None, USER)
    assert json.loads(render_user(ann(), base_url=BASE, projection=projection)) == {
        "schemas": [URN],
        "id": "u1",
        "userName": "Ann@example.com",
        "emails": [{"value": "ann@EXAMPLE.com"}, {"value": "a@example.com"}],
        "groups": [{"value": "g1"}, {"value": "g2"}],
    }


texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)


@given(
    texts,
    st.dictionaries(texts, texts, min_size=1, max_size=2),
    st.sampled_from([(), MEMBERSHIPS]),
    st.sampled_from([ENTERPRISE_USER_SCHEMA.uri, "urn:acme:2.0:User", "http://example.com/a'b(c)"]),
)
def test_whatever_is_stored_is_written_as_it_is(name, extension, memberships, uri):
    profile = {"schemas": [URN, uri], "userName": name, "title": name, uri: extension}
    written = orjson.loads(render_user(ann(memberships, profile), base_url=BASE, projection=EVERYTHING))
    assert {key: written.pop(key) for key in ("id", "meta")}["id"] == "u1"
    assert len(written.pop("groups", ())) == len(memberships)
    assert written == profile
