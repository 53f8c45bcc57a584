"""Does a SCIM request that is run again do what the front would do, alone, in order and in bulk, on either database?"""

import asyncio

import orjson
import pytest

from rolecall.api.errors import MethodNotAllowed, UnknownEndpoint, UnsupportedMediaType
from rolecall.api.scim.app import all_routes
from rolecall.api.scim.replay import ScimFront, ScimRequest, parse_call
from rolecall.authorization.actor import NOBODY
from rolecall.directory import provisioned_users
from rolecall.directory.events import GroupMembersChanged, UserDeactivated
from rolecall.kernel.errors import Forbidden, NotFound, VersionConflict
from rolecall.scim.errors import InvalidSyntax
from rolecall.scim.registry import Registry
from rolecall.scim.users import RequirementProfile
from tests.make.actors import PROVISIONER
from tests.make.directory import pushed_group, pushed_user

REGISTRY = Registry()
FRONT = ScimFront(
    routes=all_routes(REGISTRY),
    registry=REGISTRY,
    requirements=RequirementProfile.RFC,
    base_url="https://rolecall.example/scim/v2",
)
PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
BULK_REQUEST = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"


def call(method, target, body=None, **headers):
    sent = b"" if body is None else orjson.dumps(body)
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return parse_call(ScimRequest(method=method, target=target, headers=names, body=sent), FRONT)


def patch(*operations):
    return {"schemas": [PATCH_OP], "Operations": list(operations)}


DEACTIVATE = patch({"op": "replace", "path": "active", "value": False})


def rehearsed(installed, *calls, actor=PROVISIONER):
    def play(rehearsing):
        return [each.play(rehearsing) for each in calls]

    return asyncio.run(installed.transactions.rehearse_in_order(actor, play))


def is_active(installed, user_id):
    user = installed.ask(lambda tx: provisioned_users.get_user(tx, user_id, with_memberships=False))
    return orjson.loads(user.profile)["active"]


def test_a_rehearsed_patch_answers_as_the_front_would_and_changes_nothing(installed):
    user = pushed_user(installed, "ada@example.org")
    rehearsal = rehearsed(installed, call("PATCH", f"/scim/v2/Users/{user}?attributes=active", DEACTIVATE))
    ((answer, calls),) = rehearsal.value
    assert (answer.status, orjson.loads(answer.body)["active"], calls) == (200, False, ())
    assert UserDeactivated in [type(event) for event in rehearsal.events]
    assert is_active(installed, user) is True


def test_a_request_that_is_made_again_for_good_is_made(installed):
    user = pushed_user(installed, "ada@example.org")
    answer = asyncio.run(
        installed.transactions.write(PROVISIONER, call("PATCH", f"/scim/v2/Users/{user}", DEACTIVATE).change)
    )
    assert answer.status == 200
    assert is_active(installed, user) is False


def test_what_would_be_refused_raises_the_very_error(installed):
    user = pushed_user(installed, "ada@example.org")
    target = f"/scim/v2/Users/{user}"
    with pytest.raises(VersionConflict):
        rehearsed(installed, call("PATCH", target, DEACTIVATE, if_match='W/"99"'))
    with pytest.raises(UnsupportedMediaType):
        rehearsed(installed, call("PATCH", target, DEACTIVATE, content_type="text/plain"))
    with pytest.raises(InvalidSyntax):
        rehearsed(installed, call("PATCH", target))
    with pytest.raises(NotFound):
        rehearsed(installed, call("DELETE", "/scim/v2/Users/00000000-0000-7000-8000-00000000dead"))
    with pytest.raises(UnknownEndpoint):
        call("POST", "/scim/v2/Nothing", {})
    with pytest.raises(MethodNotAllowed):
        call("DELETE", "/scim/v2/Users")
    with pytest.raises(Forbidden):
        rehearsed(installed, call("PATCH", target, DEACTIVATE), actor=NOBODY)


def test_requests_build_on_each_other(installed):
    user = pushed_user(installed, "ada@example.org")
    group = pushed_group(installed, "Sales", user)
    emptied = call("PATCH", f"/scim/v2/Groups/{group}", patch({"op": "remove", "path": "members"}))
    rehearsal = rehearsed(installed, emptied, emptied, call("DELETE", f"/scim/v2/Users/{user}"))
    assert [answer.status for answer, _calls in rehearsal.value] == [204, 204, 204]
    (lost,) = [event for event in rehearsal.events if isinstance(event, GroupMembersChanged)]
    assert lost.removed == (user,)
    assert is_active(installed, user) is True


def test_operations_of_a_bulk_request_fail_alone(installed):
    pushed_user(installed, "ada@example.org")
    operations = [
        {
            "method": "POST",
            "path": "/Users",
            "bulkId": "g",
            "data": {"schemas": [USER], "userName": "grace@example.org"},
        },
        {"method": "POST", "path": "/Users", "bulkId": "a", "data": {"schemas": [USER], "userName": "ada@example.org"}},
        {
            "method": "POST",
            "path": "/Groups",
            "bulkId": "s",
            "data": {"schemas": [GROUP], "displayName": "Sales", "members": [{"value": "bulkId:g"}]},
        },
    ]
    bulk = call("POST", "/scim/v2/Bulk", {"schemas": [BULK_REQUEST], "Operations": operations})
    rehearsal = rehearsed(installed, bulk)
    ((answer, calls),) = rehearsal.value
    assert [each["status"] for each in orjson.loads(answer.body)["Operations"]] == ["201", "409", "201"]
    assert [each.status for each in calls] == [201, 409, 201]
    with pytest.raises(MethodNotAllowed):
        asyncio.run(installed.transactions.write(PROVISIONER, bulk.change))


def test_nothing_of_a_read_is_run(installed):
    for each in (call("GET", "/scim/v2/Users?count=1"), call("POST", "/scim/v2/Users/.search", {})):
        assert rehearsed(installed, each).value == [(None, ())]
