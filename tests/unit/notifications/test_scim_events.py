from datetime import UTC, datetime

import pytest

from rolecall.authorization.actor import NOBODY
from rolecall.directory.events import (
    GroupChanged,
    GroupCreated,
    GroupDeleted,
    GroupMembersChanged,
    RoleAssigned,
    UserChanged,
    UserCreated,
    UserDeactivated,
    UserDeleted,
    UserReactivated,
)
from rolecall.directory.subjects import Subject
from rolecall.notifications.scim_events import PREFIX, claims_of, claims_of_test, is_told
from tests.make.actors import PROVISIONER

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
ADA = Subject(id="a", path="/Users/a", external_id="x-ada", profile={"userName": "ada", "title": "Dr"}, version=3)
TEAM = Subject(id="g", path="/Groups/g", external_id=None, profile={"displayName": "Team"}, version=None)
OF_ADA = {"user_id": "a", "user_name": "ada"}
OF_TEAM = {"group_id": "g", "display_name": "Team"}
CHANGED = GroupMembersChanged(**OF_TEAM, added=("c", "b"), removed=("a",))
WHOLE = {"userName": "ada", "title": "Dr", "id": "a"}


@pytest.mark.parametrize(
    "event, subject, notice, full",
    [
        (
            UserCreated(**OF_ADA),
            ADA,
            {"create:notice": {"attributes": ["id", "title", "userName"], "version": 'W/"3"'}},
            {"create:full": {"data": WHOLE, "version": 'W/"3"'}},
        ),
        (
            UserChanged(**OF_ADA, attributes=("title",)),
            ADA,
            {"patch:notice": {"attributes": ["title"], "version": 'W/"3"'}},
            {"put:full": {"data": WHOLE, "version": 'W/"3"'}},
        ),
        (UserDeactivated(**OF_ADA, reason="scim"), ADA, {"deactivate": {}}, {"deactivate": {}}),
        (UserReactivated(**OF_ADA), ADA, {"activate": {}}, {"activate": {}}),
        (UserDeleted(**OF_ADA), ADA, {"delete": {}}, {"delete": {}}),
        (
            GroupCreated(**OF_TEAM),
            TEAM,
            {"create:notice": {"attributes": ["id", "displayName"]}},
            {"create:full": {"data": {"displayName": "Team", "id": "g"}}},
        ),
        (
            GroupChanged(**OF_TEAM, attributes=("displayName",)),
            TEAM,
            {"patch:notice": {"attributes": ["displayName"]}},
            {"put:full": {"data": {"displayName": "Team", "id": "g"}}},
        ),
        (
            CHANGED,
            TEAM,
            {"patch:notice": {"attributes": ["members"]}},
            {
                "patch:full": {
                    "data": {
                        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
                        "Operations": [
                            {"op": "remove", "path": 'members[value eq "a"]'},
                            {"op": "add", "path": "members", "value": [{"value": "b"}, {"value": "c"}]},
                        ],
                    }
                }
            },
        ),
        (GroupDeleted(**OF_TEAM), TEAM, {"delete": {}}, {"delete": {}}),
    ],
)
def test_each_event_of_users_and_groups_has_its_words_in_scim(event, subject, notice, full):
    for wanted, is_full in ((notice, False), (full, True)):
        claims = claims_of(event, subject, PROVISIONER, NOW, full=is_full)
        assert claims["events"] == {PREFIX + uri: said for uri, said in wanted.items()}
        assert (claims["iat"], claims["txn"]) == (1795514400, PROVISIONER.request_id)
        assert is_told(event)


def test_the_subject_is_named_by_its_path_and_by_its_external_id_if_it_has_one():
    claims = claims_of(UserDeleted(**OF_ADA), ADA, PROVISIONER, NOW, full=False)
    assert claims["sub_id"] == {"format": "scim", "uri": "/Users/a", "externalId": "x-ada"}
    assert "sub" not in claims
    assert "txn" not in claims_of(UserDeleted(**OF_ADA), ADA, NOBODY, NOW, full=False)
    claims = claims_of(GroupDeleted(**OF_TEAM), TEAM, PROVISIONER, NOW, full=False)
    assert claims["sub_id"] == {"format": "scim", "uri": "/Groups/g"}


def test_only_members_that_came_need_no_removal():
    came = GroupMembersChanged(**OF_TEAM, added=("b",), removed=())
    (said,) = claims_of(came, TEAM, PROVISIONER, NOW, full=True)["events"].values()
    assert [each["op"] for each in said["data"]["Operations"]] == ["add"]
    went = GroupMembersChanged(**OF_TEAM, added=(), removed=("b",))
    (said,) = claims_of(went, TEAM, PROVISIONER, NOW, full=True)["events"].values()
    assert [each["op"] for each in said["data"]["Operations"]] == ["remove"]


def test_for_what_is_not_scim_s_there_are_no_words():
    event = RoleAssigned(**OF_ADA, team_id="t", role="viewer", source="manual")
    assert claims_of(event, ADA, PROVISIONER, NOW, full=False) is None
    assert not is_told(event)


def test_a_test_is_a_verification_of_the_stream():
    claims = claims_of_test("s", "Warehouse", NOW)
    assert claims["sub_id"] == {"format": "opaque", "id": "s"}
    assert list(claims["events"].values()) == [{"state": "Warehouse"}]
