"""How are changes that a guard held looked at, released and dropped, over the REST API?"""

from datetime import timedelta

import pytest

from rolecall.authentication.api_keys import create_api_key
from rolecall.authorization.roles import SCIM_PROVISIONER
from rolecall.connections.connections import switch_default
from rolecall.directory import assignments, groups
from rolecall.directory.model import DEFAULT_CONNECTION
from tests.make.directory import ANY_VERSION, service_user
from tests.make.held import limited, staffed
from tests.make.rest import reason_of, refused

HELD = "/api/v1/held_changes"
PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


@pytest.fixture
def provider(api, installed):
    """Push as the default connection, which may take something from nobody."""
    installed.change(switch_default, on=True)
    robot = service_user(installed, "provider")
    installed.change(assignments.assign_role, robot, role=SCIM_PROVISIONER)
    made = installed.change(
        create_api_key, user_id=robot, name="k", role=SCIM_PROVISIONER, connection_id=DEFAULT_CONNECTION
    )
    limited(installed, 0)

    def push(method, path, body=None, **headers):
        return api.ask(
            method, f"/scim/v2{path}", key=made.secret, headers=headers, **({} if body is None else {"json": body})
        )

    return push


@pytest.fixture
def staff(installed):
    """A group that gives a role, and its three members."""
    return staffed(installed, 3)


def removal(*members):
    operations = [{"op": "remove", "path": f'members[value eq "{each}"]'} for each in members]
    return {"schemas": [PATCH_OP], "Operations": operations}


def held_of(response):
    """Return the id under which a change was held."""
    assert response.status_code == 409, response.text
    body = response.json()
    assert body["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
    assert body["status"] == "409"
    return body["detail"].partition("Held as ")[2].partition(":")[0]


def roles_left(installed, member):
    return len(installed.ask(assignments.list_assignments, member))


def test_a_held_change_is_listed_shown_with_its_radius_and_released(api, installed, provider, staff):
    group, members = staff
    held_id = held_of(provider("PATCH", f"/Groups/{group}", removal(*members[:2])))
    (listed,) = api.walk(HELD)
    assert listed == {
        "id": held_id,
        "connection_id": DEFAULT_CONNECTION,
        "connection_name": "Default",
        "state": "HELD",
        "method": "PATCH",
        "url": f"/scim/v2/Groups/{group}",
        "request_id": listed["request_id"],
        "losing_people_count": 2,
        "lost_in_hour_count": 2,
        "limit_count": 0,
        "try_count": 1,
        "held_at": "2026-11-24T10:00:00.000Z",
        "last_tried_at": "2026-11-24T10:00:00.000Z",
        "decided_at": None,
        "decided_by_id": None,
        "decided_by_name": None,
        "result_status": None,
        "refusal": None,
    }
    shown = api.get(f"{HELD}/{held_id}")["value"]
    assert (shown["http_status"], shown["error_reason"]) == (204, None)
    assert [each["user_id"] for each in shown["radius"]["lost"]] == members[:2]
    assert [roles_left(installed, each) for each in members] == [1, 1, 1]
    released = api.post(f"{HELD}/{held_id}:release")["value"]
    assert (released["state"], released["result_status"]) == ("RELEASED", 204)
    assert released["decided_at"] == "2026-11-24T10:00:00.000Z"
    assert released["decided_by_name"] == "root"
    assert [roles_left(installed, each) for each in members] == [0, 0, 1]
    assert api.get(f"{HELD}/{held_id}")["value"]["radius"] is None
    assert "connections.change.released" in installed.event_types()
    # What was released is over, and has not used up the hour: the next one is held for itself alone.
    again = held_of(provider("PATCH", f"/Groups/{group}", removal(members[2])))
    assert api.get(f"{HELD}/{again}")["value"]["lost_in_hour_count"] == 1


def test_a_retry_is_recognised_until_somebody_decides(api, installed, provider, staff):
    group, members = staff
    first = held_of(provider("PATCH", f"/Groups/{group}", removal(members[0])))
    limited(installed, 5)
    assert held_of(provider("PATCH", f"/Groups/{group}?attributes=id", removal(members[0]))) == first
    (listed,) = api.walk(HELD)
    assert listed["try_count"] == 2
    assert installed.event_types().count("connections.change.held") == 1
    api.post(f"{HELD}/{first}:drop")
    assert provider("PATCH", f"/Groups/{group}", removal(members[0])).status_code == 204
    assert [each["state"] for each in api.walk(HELD)] == ["DROPPED"]


def test_a_retry_of_something_else_is_held_for_itself(api, provider, staff):
    group, members = staff
    path = f"/Groups/{group}"
    ids = {held_of(provider("PATCH", path, removal(each))) for each in members}
    ids.add(held_of(provider("DELETE", path)))
    assert len(ids) == 4
    assert {each["id"] for each in api.walk(HELD, page_size=2)} == ids


def test_lists_are_narrowed_and_turned_round(api, installed, provider, staff):
    group, members = staff
    ids = []
    for each in members:
        ids.append(held_of(provider("PATCH", f"/Groups/{group}", removal(each))))
        installed.clock.advance(timedelta(microseconds=1))
    api.post(f"{HELD}/{ids[1]}:drop")
    assert [each["id"] for each in api.walk(HELD, state="HELD", page_size=1)] == [ids[2], ids[0]]
    assert [each["id"] for each in api.walk(HELD, order_by="held_at", page_size=1)] == ids
    assert [each["id"] for each in api.walk(HELD, state="DROPPED", connection_id=DEFAULT_CONNECTION)] == [ids[1]]
    assert api.walk(HELD, connection_id="none") == []


def test_what_cannot_be_made_any_more_stays_held_and_says_why(api, installed, provider, staff):
    group, members = staff
    held_id = held_of(provider("PATCH", f"/Groups/{group}", removal(members[0])))
    installed.change(groups.delete_group, group, ANY_VERSION)
    shown = api.get(f"{HELD}/{held_id}")["value"]
    assert (shown["http_status"], shown["error_reason"], shown["radius"]["lost"]) == (404, "not_found", [])
    refused(api.ask("POST", f"{HELD}/{held_id}:release"), 404)
    shown = api.get(f"{HELD}/{held_id}")["value"]
    assert shown["state"] == "HELD"
    assert shown["refusal"].startswith("not_found: ")
    assert api.post(f"{HELD}/{held_id}:drop")["value"]["refusal"] is None


def test_all_of_a_connection_or_some_are_released_and_dropped(api, installed, provider, staff):
    group, members = staff
    ids = [held_of(provider("PATCH", f"/Groups/{group}", removal(each))) for each in members]
    done = api.post(f"{HELD}:drop", {"ids": [ids[0], "none"]})["value"]
    assert (done["decided_count"], done["remaining_count"]) == (1, None)
    assert [(each["id"], each["error_reason"]) for each in done["refused"]] == [("none", "not_found")]
    done = api.post(f"{HELD}:release", {"connection_id": DEFAULT_CONNECTION, "limit": 1})["value"]
    assert done == {"decided_count": 1, "refused": [], "remaining_count": 1}
    done = api.post(f"{HELD}:release", {"connection_id": DEFAULT_CONNECTION})["value"]
    assert done == {"decided_count": 1, "refused": [], "remaining_count": 0}
    assert [roles_left(installed, each) for each in members] == [1, 0, 0]
    refused(api.ask("POST", f"{HELD}:release", json={}), 400, "ids")
    both = {"ids": [], "connection_id": DEFAULT_CONNECTION}
    refused(api.ask("POST", f"{HELD}:drop", json=both), 400, "ids")


def test_what_is_decided_is_decided(api, provider, staff):
    group, members = staff
    held_id = held_of(provider("PATCH", f"/Groups/{group}", removal(members[0])))
    api.post(f"{HELD}/{held_id}:drop")
    for verb in ("release", "drop"):
        assert reason_of(refused(api.ask("POST", f"{HELD}/{held_id}:{verb}"), 409)) == "held_change_decided"
        refused(api.ask("POST", f"{HELD}/none:{verb}"), 404)
    refused(api.ask("GET", f"{HELD}/none"), 404)


def test_each_operation_of_a_bulk_request_is_held_by_itself(api, installed, provider, staff):
    group, members = staff
    limited(installed, 1)
    operations = [{"method": "PATCH", "path": f"/Groups/{group}", "data": removal(each)} for each in members]
    body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": operations}
    answered = provider("POST", "/Bulk", body).json()["Operations"]
    assert [each["status"] for each in answered] == ["204", "409", "409"]
    one, other = api.walk(HELD)
    assert one["url"] == other["url"] == f"/scim/v2/Groups/{group}"
    api.post(f"{HELD}/{one['id']}:release")
    left = [roles_left(installed, each) for each in members]
    assert (left[0], sorted(left[1:])) == (0, [0, 1])


def test_what_was_sent_is_sealed_until_it_is_decided_and_then_gone(api, installed, provider, staff):
    group, members = staff
    held_id = held_of(provider("PATCH", f"/Groups/{group}", removal(members[0])))

    def kept():
        return installed.ask(lambda tx: tx.connection.execute("SELECT body FROM held_change").fetchall())

    ((sealed,),) = kept()
    assert sealed.startswith("rlk1:")
    api.post(f"{HELD}/{held_id}:release")
    assert kept() == [(None,)]


def test_a_version_that_was_asked_for_is_asked_for_again_when_it_is_released(api, installed, provider, staff):
    group, members = staff
    version = api.ask("GET", f"/scim/v2/Groups/{group}").headers["etag"]
    held_id = held_of(provider("PATCH", f"/Groups/{group}", removal(members[0]), **{"If-Match": version}))
    other = {"schemas": [PATCH_OP], "Operations": [{"op": "replace", "path": "externalId", "value": "x"}]}
    assert provider("PATCH", f"/Groups/{group}", other).status_code == 204
    assert reason_of(api.ask("POST", f"{HELD}/{held_id}:release").json()) == "version_conflict"
    assert roles_left(installed, members[0]) == 1
