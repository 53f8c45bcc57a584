"""Does the REST API show what SCIM requests would do, and keep nothing of it?"""

import asyncio
from datetime import timedelta

import pytest

from rolecall.api.scim.app import all_routes
from rolecall.api.scim.previews import Played, preview_requests, request_of
from rolecall.api.scim.replay import ScimFront
from rolecall.authorization.actions import Action
from rolecall.connections.preview.model import Radius
from rolecall.connections.preview.recorded import list_recorded
from rolecall.directory import installation
from rolecall.directory.model import DEFAULT_CONNECTION
from rolecall.kernel.clock import to_rfc3339
from rolecall.kernel.errors import Forbidden
from rolecall.scim.registry import Registry
from rolecall.scim.users import RequirementProfile
from tests.make.actors import PROVISIONER, all_but
from tests.make.directory import GROUP_SCHEMA, USER_SCHEMA, user_profile
from tests.make.mapping import finish_reconciling, mapping, roles_of
from tests.make.rest import key_of_role, reason_of, refused

CONNECTIONS, LOG = "/api/v1/scim_connections", "/api/v1/scim_log"
PREVIEW = f"{CONNECTIONS}/{DEFAULT_CONNECTION}:preview"
PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
BULK_REQUEST = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
NOWHERE = "00000000-0000-7000-8000-00000000dead"


@pytest.fixture
def provider(api, installed):
    """An identity provider that makes calls, a second after each other."""
    api.send("PUT", "/api/v1/sign_in_settings/scim", {"value": {"enabled": True}})
    key = api.post(f"{CONNECTIONS}/{DEFAULT_CONNECTION}:rotate", {})["value"]["access_key"]

    def say(method, path, body=None, **more):
        sent = {} if body is None else {"json": body}
        answer = api.ask(method, f"/scim/v2{path}", key=key, **sent, **more)
        installed.clock.advance(timedelta(seconds=1))
        return answer

    return say


@pytest.fixture
def staff(installed, provider):
    """Three people whom a mapped group makes viewers, by name; and the group."""
    mapping(installed, "Staff")
    people = {each: provider("POST", "/Users", user_profile(each)).json()["id"] for each in ("ada", "bob", "cleo")}
    group = {
        "schemas": [GROUP_SCHEMA],
        "displayName": "Staff",
        "members": [{"value": each} for each in people.values()],
    }
    return people, provider("POST", "/Groups", group).json()["id"]


def patch(*operations):
    return {"schemas": [PATCH_OP], "Operations": list(operations)}


EMPTIED = patch({"op": "remove", "path": "members"})
SECRET = patch({"op": "replace", "value": {"title": "Countess", "password": "hidden-word"}})
OFF = patch({"op": "replace", "path": "active", "value": False})


def sent(method, path, body=None, **headers):
    return {"method": method, "path": path, "body": body, "headers": headers}


def previewed(api, *requests, path=PREVIEW):
    return api.post(path, {"requests": list(requests)})["value"]


def losers(radius):
    return [each["user_name"] for each in radius["lost"]]


def holders(installed, people):
    return {name for name, user_id in people.items() if roles_of(installed, user_id)}


def test_an_emptied_group_is_foreseen_and_then_just_that_happens(api, installed, provider, staff):
    people, group = staff
    before = installed.count_rows("event")
    preview = previewed(api, sent("PATCH", f"/Groups/{group}", EMPTIED))
    (call,) = preview["calls"]
    assert (call["http_status"], call["error_reason"], call["not_played_because"]) == (204, None, None)
    assert losers(call["radius"]) == ["ada", "bob", "cleo"]
    assert preview["total"] == call["radius"]
    assert preview["total"]["lost"][0] == {
        "user_id": people["ada"],
        "user_name": "ada",
        "team_id": "00000000-0000-7000-8000-000000000001",
        "team_name": "Root",
        "role_id": "viewer",
        "role_name": "Viewer",
    }
    assert (preview["total"]["losing_people_count"], preview["is_complete"]) == (3, True)
    assert preview["total"]["group_counts"] == {"created": 0, "changed": 1, "deleted": 0}
    assert [each["removed_count"] for each in preview["total"]["groups"]] == [3]
    assert (installed.count_rows("event"), holders(installed, people)) == (before, set(people))
    assert provider("PATCH", f"/Groups/{group}", EMPTIED).status_code == 204
    assert holders(installed, people) == set()


def test_what_a_job_would_do_is_counted_in_and_not_begun(api, installed, staff):
    people, group = staff
    installed.change(installation.set_users_at_once, 2)
    preview = previewed(api, sent("PATCH", f"/Groups/{group}", EMPTIED))
    assert losers(preview["total"]) == ["ada", "bob", "cleo"]
    assert finish_reconciling(installed) == 0
    assert holders(installed, people) == set(people)


def test_requests_build_on_each_other_and_each_has_an_answer_of_its_own(api, staff):
    people, group = staff
    back = patch({"op": "add", "path": "members", "value": [{"value": people["ada"]}]})
    bulk = {
        "schemas": [BULK_REQUEST],
        "Operations": [
            {"method": "POST", "path": "/Users", "bulkId": "x", "data": user_profile("dora")},
            {"method": "POST", "path": "/Users", "bulkId": "y", "data": user_profile("ada")},
        ],
    }
    preview = previewed(
        api,
        sent("PATCH", f"https://rolecall.example/scim/v2/Groups/{group}", EMPTIED),
        sent("PATCH", f"/Groups/{group}", back),
        sent("PATCH", f"/Users/{people['bob']}", OFF, **{"If-Match": 'W/"99"'}),
        sent("GET", "/Users?count=1"),
        sent("POST", "/Bulk", bulk),
        sent("DELETE", f"/Users/{NOWHERE}"),
        sent("POST", "/Nothing", {}),
        sent("POST", "/Users"),
    )
    answers = [(each["http_status"], each["error_reason"]) for each in preview["calls"]]
    assert answers[:4] == [(204, None), (204, None), (412, "version_conflict"), (None, None)]
    assert answers[4:] == [(200, None), (404, "not_found"), (404, "unknown_endpoint"), (400, "invalid_syntax")]
    assert [(each["http_status"], each["error_reason"]) for each in preview["calls"][4]["operations"]] == [
        (201, None),
        (409, "user_name_taken"),
    ]
    assert [each["user_name"] for each in preview["calls"][1]["radius"]["gained"]] == ["ada"]
    assert (losers(preview["total"]), preview["total"]["gained"]) == (["bob", "cleo"], [])
    assert [(each["user_name"], each["change"]) for each in preview["total"]["users"]] == [("dora", "created")]


def test_a_connection_touches_only_what_it_owns_and_requires_what_it_is_told_to(api, staff):
    people, group = staff
    made = api.post(CONNECTIONS, {"name": "Entra ID", "requirement_profile": "strict"})["value"]["id"]
    path = f"{CONNECTIONS}/{made}:preview"
    preview = previewed(
        api,
        sent("PATCH", f"/Groups/{group}", EMPTIED),
        sent("PATCH", f"/Users/{people['ada']}", OFF),
        sent("POST", "/Users", {"schemas": [USER_SCHEMA], "userName": "eve"}),
        path=path,
    )
    assert [each["http_status"] for each in preview["calls"]] == [404, 404, 400]
    assert preview["total"]["lost_count"] == 0


def test_what_cannot_be_previewed_is_refused_and_says_why(api, installed):
    refused(api.ask("POST", f"{CONNECTIONS}/none:preview", json={"requests": [sent("GET", "/Users")]}), 404)
    refused(api.ask("POST", PREVIEW, json={}), 400, "requests")
    time = {"since": "2026-11-24T00:00:00Z", "until": "2026-11-25T00:00:00Z"}
    refused(api.ask("POST", PREVIEW, json={"requests": [sent("GET", "/Users")], "recorded": time}), 400, "requests")
    refused(api.ask("POST", PREVIEW, json={"recorded": {**time, "until": time["since"]}}), 400, "recorded.until")
    refused(api.ask("POST", PREVIEW, json={"recorded": {"since": "today"}}), 400, "recorded.since", "recorded.until")
    refused(api.ask("POST", PREVIEW, json={"requests": []}), 400, "requests")
    refused(api.ask("POST", PREVIEW, json={"requests": [{"method": "JUMP", "path": "/"}]}), 400, "requests.0.method")
    refused(api.ask("POST", f"{LOG}/1:preview"), 404)
    refused(api.ask("POST", f"{LOG}/none:preview"), 404)
    for role in ("viewer", "scim_provisioner"):
        refused(api.ask("POST", PREVIEW, key=key_of_role(installed, role), json={}), 403)


def recorded(api, since, until):
    return api.post(PREVIEW, {"recorded": {"since": to_rfc3339(since), "until": to_rfc3339(until)}})["value"]


def test_a_recorded_day_is_played_in_its_order_and_says_what_could_not_be(api, installed, provider, staff):
    people, group = staff
    since = installed.clock.now
    provider("PATCH", f"/Groups/{group}", EMPTIED)
    provider("PATCH", f"/Users/{people['ada']}", SECRET)
    create = {"method": "POST", "path": "/Users", "bulkId": "x", "data": user_profile("dora")}
    provider("POST", "/Bulk", {"schemas": [BULK_REQUEST], "Operations": [create]})
    large = [{"value": people["ada"], "display": "x" * 300_000}, {"value": people["bob"]}]
    provider("PATCH", f"/Groups/{group}", patch({"op": "add", "path": "members", "value": large}))
    until = installed.clock.now
    provider("DELETE", f"/Users/{people['cleo']}")
    preview = recorded(api, since, until)
    calls = [(each["method"], each["http_status"], each["not_played_because"]) for each in preview["calls"]]
    assert calls[0] == ("PATCH", 204, None)
    assert calls[1] == ("PATCH", None, "something secret in it was masked")
    assert calls[2] == ("POST", 409, None)
    assert calls[3] == ("PATCH", None, "its body was too large to be written down")
    assert len(calls) == 4
    assert preview["is_complete"] is True
    first = preview["calls"][0]
    assert (first["radius"]["lost_count"], first["radius"]["lost"], first["radius"]["is_complete"]) == (2, [], False)
    assert losers(preview["total"]) == ["ada", "bob"]
    assert holders(installed, people) == {"ada", "bob"}


def test_more_recorded_calls_than_are_played_at_once_are_left_and_it_says_so(api, installed, provider, staff):
    _people, group = staff
    since = installed.clock.now
    for _ in range(2):
        provider("PATCH", f"/Groups/{group}", EMPTIED)
    until = installed.clock.now

    def some(limit):
        found = installed.ask(list_recorded, DEFAULT_CONNECTION, since=since, until=until, limit=limit)
        return [each.record.method for each in found.calls], found.is_complete

    assert some(2) == (["PATCH", "PATCH"], True)
    assert some(1) == (["PATCH"], False)
    assert installed.ask(list_recorded, DEFAULT_CONNECTION, since=until, until=until + timedelta(days=1)).calls == ()
    with pytest.raises(Forbidden):
        installed.ask(list_recorded, DEFAULT_CONNECTION, since=since, until=until, actor=all_but(Action.AUDIT_READ))


def test_when_the_time_is_up_no_further_call_is_begun(installed, api, staff):
    _people, group = staff
    front = ScimFront(
        routes=all_routes(Registry()), registry=Registry(), requirements=RequirementProfile.RFC, base_url="/scim/v2"
    )
    request = request_of("PATCH", f"/Groups/{group}", {}, EMPTIED)
    played = [Played(request=request, actor=PROVISIONER), Played(request=request, actor=PROVISIONER)]

    def previewed_within(seconds):
        def play(rehearsing):
            return preview_requests(rehearsing, played, front, seconds=seconds)

        return asyncio.run(installed.transactions.rehearse_in_order(PROVISIONER, play)).value

    ended = previewed_within(-1.0)
    assert (ended.calls, ended.total, ended.is_complete) == ((), Radius(), False)
    whole = previewed_within(600.0)
    assert ([len(each.radius.lost) for each in whole.calls], whole.is_complete) == ([3, 0], True)


def test_a_recorded_call_is_previewed_as_it_would_be_now(api, installed, provider, staff):
    people, group = staff
    provider("PATCH", f"/Groups/{group}", EMPTIED)
    again = patch({"op": "add", "path": "members", "value": [{"value": people["bob"]}]})
    provider("PATCH", f"/Groups/{group}", again)
    newest, emptied = api.get(LOG, group_id=group, page_size=2)["values"]
    assert emptied["lost_count"] == 3
    preview = api.post(f"{LOG}/{emptied['id']}:preview")["value"]
    (call,) = preview["calls"]
    assert (call["scim_log_id"], call["http_status"], losers(call["radius"])) == (emptied["id"], 204, ["bob"])
    assert api.post(f"{LOG}/{newest['id']}:preview")["value"]["total"]["gained_count"] == 0
    assert holders(installed, people) == {"bob"}


def test_a_call_whose_record_is_not_whole_is_not_played(api, installed, provider, staff):
    people, _ = staff
    provider("PATCH", f"/Users/{people['ada']}", SECRET)
    (masked,) = api.get(LOG, user_id=people["ada"], page_size=1)["values"]
    refusal = refused(api.ask("POST", f"{LOG}/{masked['id']}:preview"), 409)
    assert reason_of(refusal) == "call_not_replayable"
    assert "masked" in refusal["message"]
    other = api.post(f"{CONNECTIONS}/{DEFAULT_CONNECTION}:rotate", {"overlap_hours": 0})["value"]["access_key"]
    api.ask("PATCH", f"/scim/v2/Users/{people['bob']}", key=other, json=OFF)
    (call,) = api.get(LOG, user_id=people["bob"], page_size=1)["values"]
    key = call["api_key_id"]
    api.send("DELETE", f"/api/preview/teamkeys/{key}")
    refusal = refused(api.ask("POST", f"{LOG}/{call['id']}:preview"), 409)
    assert "the key that it was made with is gone" in refusal["message"]
