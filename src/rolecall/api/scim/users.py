"""Which calls are there on users (RFC 7644 §3.2-3.6)?"""

from dataclasses import replace
from functools import cache
from typing import Any

from rolecall.api.calls import Answer
from rolecall.api.scim.calls import ScimCall
from rolecall.api.scim.lists import Listing, answer_list
from rolecall.api.scim.managers import with_known_managers
from rolecall.directory import provisioned_users
from rolecall.directory.model import (
    Changed,
    ListRequest,
    Outcome,
    ProfileChange,
    Seek,
    StoredUser,
    Stretch,
    UserId,
)
from rolecall.directory.walks import walk_users
from rolecall.kernel.document import Document, Json
from rolecall.kernel.page import Page
from rolecall.scim.patch import Patch, parse_patch
from rolecall.scim.patch_apply import apply_to_profile
from rolecall.scim.profiles import replaced
from rolecall.scim.projection import Projection
from rolecall.scim.resources import entity_tag
from rolecall.scim.schemas import USER, ResourceType
from rolecall.scim.users import check_requirements, parse_user, render_user
from rolecall.storage.transaction import ReadTx, WriteTx


async def create_user(call: ScimCall) -> Answer:
    """POST /Users."""
    projection = call.projection(call.registry.user)
    profile = await call.parsed(lambda body: parse_user(body, call.registry.user, profile=call.requirements))

    def create(tx: WriteTx) -> StoredUser:
        user = provisioned_users.create_user(tx, profile)
        call.record.subject_id = user.id
        return _shown(tx, call, user, projection)

    user = await call.write(create, status=201, brief=True)
    return _answer(call, user, projection, status=201)


async def list_users(call: ScimCall) -> Answer:
    """GET /Users."""
    return await answer_list(call, users_listing(call.registry.user))


async def get_user(call: ScimCall) -> Answer:
    """GET /Users/{id}."""
    projection = call.projection(call.registry.user)
    user_id = _id_in(call)

    def get(tx: ReadTx) -> StoredUser:
        user = provisioned_users.get_user(tx, user_id, with_memberships=projection.wants("groups"))
        return _shown(tx, call, user, projection)

    return _answer(call, await call.look_up(get), projection)


async def get_own_user(call: ScimCall) -> Answer:
    """GET /Me: the user whose key the caller presented (RFC 7644 §3.11)."""
    projection = call.projection(call.registry.user)
    user = await call.look_up(lambda tx: _shown(tx, call, provisioned_users.get_own_user(tx), projection))
    call.record.subject_id = user.id
    return _answer(call, user, projection)


async def replace_user(call: ScimCall) -> Answer:
    """PUT /Users/{id}."""
    projection = call.projection(call.registry.user)
    expected = call.expected()
    user_id = _id_in(call)
    profile = await call.parsed(lambda body: parse_user(body, call.registry.user, profile=call.requirements))

    def put(before: Document) -> ProfileChange:
        # Who leaves `active` out of a PUT means to leave it alone, not to end or to restore access.
        left_out = {"active": before["active"]} if "active" in before and "active" not in profile else {}
        after = replaced(before, {**profile, **left_out}, call.registry.user)
        return ProfileChange(profile=after, outcomes={})

    def change(tx: WriteTx) -> StoredUser:
        changed = provisioned_users.change_user(tx, user_id, put, expected)
        return _shown(tx, call, changed.thing, projection)

    return _answer(call, await call.write(change, status=200, brief=True), projection)


async def patch_user(call: ScimCall) -> Answer:
    """PATCH /Users/{id}."""
    projection = call.projection(call.registry.user)
    expected = call.expected()
    user_id = _id_in(call)
    patch = await call.parsed(lambda body: read_patch(call, body, call.registry.user))

    def patched(before: Document) -> ProfileChange:
        after = apply_to_profile(patch, before, call.registry.user)
        check_requirements(after.profile, call.requirements)
        return after

    def change(tx: WriteTx) -> StoredUser:
        changed = provisioned_users.change_user(tx, user_id, patched, expected)
        call.record.operations = outcomes_in_order(changed, len(patch.operations))
        return _shown(tx, call, changed.thing, projection)

    return _answer(call, await call.write(change, status=200, brief=True), projection)


async def delete_user(call: ScimCall) -> Answer:
    """DELETE /Users/{id}."""
    expected = call.expected()
    user_id = _id_in(call)
    await call.write(lambda tx: provisioned_users.delete_user(tx, user_id, expected), status=204)
    return Answer(status=204)


def _page(tx: ReadTx, call: ScimCall, request: ListRequest, projection: Projection) -> Page[StoredUser]:
    page = provisioned_users.list_users(tx, request, with_memberships=projection.wants("groups"))
    return replace(page, items=with_known_managers(tx, call, page.items, projection))


def _walk(tx: ReadTx, call: ScimCall, request: ListRequest, seek: Seek, projection: Projection) -> Stretch[StoredUser]:
    stretch = walk_users(tx, request, seek, with_memberships=projection.wants("groups"))
    return replace(stretch, items=with_known_managers(tx, call, stretch.items, projection))


def _render(user: StoredUser, call: ScimCall, projection: Projection) -> bytes:
    return render_user(user, base_url=call.base_url, projection=projection)


@cache
def users_listing(resource_type: ResourceType) -> Listing[StoredUser]:
    """Return how users are listed, whose kind this is."""
    return Listing(resource_type=resource_type, page=_page, walk=_walk, render=_render)


def read_patch(call: ScimCall, body: Json, resource_type: ResourceType) -> Patch:
    """Return the PATCH in a body; the record says meanwhile that none of its operations has been carried out."""
    operations = body.get("Operations") if isinstance(body, dict) else None
    if isinstance(operations, list):
        call.record.operations = ("refused",) * len(operations)
    return parse_patch(body, resource_type)


def outcomes_in_order(changed: Changed[Any], count: int) -> tuple[str, ...]:
    """Return what became of each operation, in the order of the request."""
    return tuple(changed.outcomes.get(position, Outcome.NO_CHANGE).value for position in range(count))


def _id_in(call: ScimCall) -> UserId:
    call.record.subject_id = call.resource_id
    return UserId(call.resource_id)


def _shown(tx: ReadTx, call: ScimCall, user: StoredUser, projection: Projection) -> StoredUser:
    return with_known_managers(tx, call, (user,), projection)[0]


def _answer(call: ScimCall, user: StoredUser, projection: Projection, *, status: int = 200) -> Answer:
    headers = {"ETag": entity_tag(user.version)}
    if call.method == "GET" and call.has_current(user.version):
        return Answer(status=304, headers=headers)
    headers["Location" if status == 201 else "Content-Location"] = f"{call.base_url}{USER.endpoint}/{user.id}"  # noqa: PLR2004  # 201 Created
    return Answer(status=status, body=_render(user, call, projection), headers=headers)
