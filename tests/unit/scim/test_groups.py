import json
from datetime import UTC, datetime

import pytest

from rolecall.directory.model import GroupId, Member, MemberKind, StoredGroup, UserId
from rolecall.scim.errors import InvalidSyntax, InvalidValue
from rolecall.scim.groups import parse_group, render_group
from rolecall.scim.projection import parse_projection
from rolecall.scim.schemas import GROUP, GROUP_SCHEMA

URN = GROUP_SCHEMA.uri
BASE = "https://rolecall.example/scim/v2"
MEMBERS = (
    Member(id=UserId("u1"), kind=MemberKind.USER, display="Ann"),
    Member(id=GroupId("g2"), kind=MemberKind.GROUP, display="Others"),
)
EVERYTHING = parse_projection(None, None, GROUP)


def staff(members: tuple[Member, ...] | None = MEMBERS) -> StoredGroup:
    return StoredGroup(
        id=GroupId("g1"),
        profile=json.dumps({"schemas": [URN], "displayName": "Staff", "externalId": "7"}, separators=(",", ":")),
        version=2,
        created_at=datetime(2026, 1, 31, tzinfo=UTC),
        changed_at=datetime(2026, 2, 1, tzinfo=UTC),
        members=members,
    )


@pytest.mark.parametrize(
    "body, members",
    [
        ({}, None),
        ({"members": None}, None),
        ({"members": []}, ()),
        ({"Members": [{"value": "u1"}, {"value": "u1"}, "u2"]}, ("u1", "u2")),
    ],
)
def test_a_group_is_read_with_the_members_it_speaks_of(body, members):
    profile, found = parse_group({"displayName": "Staff", "id": "x", **body}, GROUP)
    assert profile == {"schemas": [URN], "displayName": "Staff"}
    assert found == members


def test_the_further_schema_of_entra_is_passed_over():
    entra = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"
    profile, _ = parse_group(
        {"schemas": [URN, entra], "displayName": "Staff", "meta": {"resourceType": "Group"}}, GROUP
    )
    assert profile["schemas"] == [URN]


def test_a_group_must_have_a_name():
    with pytest.raises(InvalidValue, match="displayName is missing"):
        parse_group({"members": []}, GROUP)


def test_a_member_must_have_a_value():
    with pytest.raises(InvalidValue, match=r"members\[0\]\.value is missing"):
        parse_group({"displayName": "Staff", "members": [{}]}, GROUP)


def test_the_names_of_members_are_written_only_when_they_are_asked_for():
    projection = parse_projection("members.value,members.display", None, GROUP)
    written = json.loads(render_group(staff(), base_url=BASE, projection=projection))
    assert [member["display"] for member in written["members"]] == ["Ann", "Others"]
    whole = json.loads(render_group(staff(), base_url=BASE, projection=parse_projection("members", None, GROUP)))
    assert "display" not in whole["members"][0]


def test_a_body_that_is_no_object_is_refused():
    with pytest.raises(InvalidSyntax, match="a Group"):
        parse_group([], GROUP)


def test_a_group_is_written_in_full():
    written = json.loads(render_group(staff(), base_url=BASE, projection=EVERYTHING))
    assert written == {
        "schemas": [URN],
        "id": "g1",
        "displayName": "Staff",
        "externalId": "7",
        "members": [
            {"value": "u1", "$ref": f"{BASE}/Users/u1", "type": "User"},
            {"value": "g2", "$ref": f"{BASE}/Groups/g2", "type": "Group"},
        ],
        "meta": {
            "resourceType": "Group",
            "created": "2026-01-31T00:00:00.000Z",
            "lastModified": "2026-02-01T00:00:00.000Z",
            "location": f"{BASE}/Groups/g1",
            "version": 'W/"2"',
        },
    }
    assert list(written)[:2] == ["schemas", "id"]


@pytest.mark.parametrize("members", [None, ()])
def test_members_that_were_not_read_or_are_not_there_are_left_out(members):
    assert "members" not in json.loads(render_group(staff(members), base_url=BASE, projection=EVERYTHING))


def test_a_group_is_written_as_far_as_is_wanted():
    projection = parse_projection(None, "members.display,meta,externalId", GROUP)
    assert json.loads(render_group(staff(MEMBERS[:1]), base_url=BASE, projection=projection)) == {
        "schemas": [URN],
        "id": "g1",
        "displayName": "Staff",
        "members": [{"value": "u1", "$ref": f"{BASE}/Users/u1", "type": "User"}],
    }
