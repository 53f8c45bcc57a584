"""How does a SCIM connection leave, and come back, over the REST API?"""

from dataclasses import replace
from datetime import timedelta

import pytest

from rolecall.connections import connections
from rolecall.connections.leaving import decommissioning
from rolecall.connections.model import ConnectionDraft, ConnectionState
from rolecall.directory import groups, provisioned_users
from tests.make.actors import PROVISIONER
from tests.make.directory import group_profile, user_profile
from tests.make.mapping import mapping
from tests.make.rest import reason_of, refused

ALL = "/api/v1/scim_connections"
KEEP = {"users": "KEEP_AS_LOCAL", "assignments": "KEEP"}
REMOVE = {"users": "KEEP_AS_LOCAL", "assignments": "REMOVE"}


@pytest.fixture
def okta(api, installed):
    """A connection with Ada, who is a viewer by its group; its id and hers."""
    draft = ConnectionDraft(name="Okta", state=ConnectionState.ON)
    owner = installed.change(connections.create_connection, draft).id
    actor = replace(PROVISIONER, connection_id=owner)
    ada = installed.change(provisioned_users.create_user, user_profile("ada"), actor=actor).id
    installed.change(groups.create_group, group_profile("Engineers"), (ada,), actor=actor)
    mapping(installed, "Engineers")
    return owner, ada


def work(installed, owner, step):
    while installed.change(step, owner) is not None:
        pass


def test_it_leaves_after_a_preview_and_comes_back(api, installed, okta):
    owner, ada = okta
    preview = api.post(f"{ALL}/{owner}:decommission", {**REMOVE, "preview": True})["value"]
    assert [(each["user_id"], each["role_id"]) for each in preview["radius"]["lost"]] == [(ada, "viewer")]
    assert (preview["is_preview"], preview["radius"]["losing_people_count"], preview["phase"]) == (True, 1, "LEFT")
    assert api.get(f"{ALL}/{owner}")["value"]["state"] == "ON"
    refused(api.ask("GET", f"{ALL}/{owner}/leaving"), 404)

    begun = api.post(f"{ALL}/{owner}:decommission", {**KEEP, "undo_within_hours": 1})["value"]
    assert begun == {
        "connection_id": owner,
        "is_preview": False,
        "phase": "LEAVING",
        "users": "KEEP_AS_LOCAL",
        "assignments": "KEEP",
        "to_connection_id": None,
        "done_count": 0,
        "total_count": 2,
        "started_at": "2026-11-24T10:00:00.000Z",
        "finished_at": None,
        "undo_until": "2026-11-24T11:00:00.000Z",
        "kept_back": [],
        "radius": None,
    }
    work(installed, owner, decommissioning.leave_slice)
    left = api.get(f"{ALL}/{owner}/leaving")["value"]
    assert (left["phase"], left["done_count"]) == ("LEFT", 2)
    assert api.get(f"{ALL}/{owner}")["value"]["state"] == "DECOMMISSIONED"
    assert api.post(f"{ALL}/{owner}:recommission", {})["value"]["phase"] == "RETURNING"
    work(installed, owner, decommissioning.return_slice)
    assert api.get(f"{ALL}/{owner}")["value"]["state"] == "ON"
    assert api.get(f"{ALL}/{owner}")["value"]["user_count"] == 1


def test_what_cannot_be_is_refused_and_names_the_field(api, installed, okta):
    owner, _ada = okta
    path = f"{ALL}/{owner}:decommission"
    refused(api.ask("POST", path, json={"users": "KEEP_AS_LOCAL"}), 400, "assignments")
    refused(api.ask("POST", path, json={**KEEP, "users": "DELETE"}), 400, "users")
    refused(api.ask("POST", path, json={**KEEP, "undo_within_hours": 9999}), 400, "undo_within_hours")
    for body in ({**KEEP, "users": "HAND_OVER"}, {**KEEP, "to_connection_id": owner}):
        for preview in (False, True):
            answer = refused(api.ask("POST", path, json={**body, "preview": preview}), 400, "to_connection_id")
            assert reason_of(answer) == "bad_connection"
    refused(api.ask("POST", f"{ALL}/none:decommission", json=KEEP), 404)
    refused(api.ask("POST", f"{ALL}/none:recommission", json={}), 404)
    assert reason_of(refused(api.ask("POST", f"{ALL}/{owner}:recommission", json={}), 409)) == "connection_fixed"
    api.post(path, KEEP)
    assert reason_of(refused(api.ask("POST", path, json=REMOVE), 409)) == "connection_fixed"
    installed.clock.advance(timedelta(hours=72))
    assert reason_of(refused(api.ask("POST", f"{ALL}/{owner}:recommission", json={}), 409)) == "connection_fixed"
