"""Which calls are there on groups (RFC 7644 §3.2-3.6)?"""

from functools import cache
from typing import Final

from rolecall.api.calls import Answer
from rolecall.api.scim.calls import ScimCall
from rolecall.api.scim.lists import Listing, answer_list
from rolecall.api.scim.users import outcomes_in_order, read_patch
from rolecall.directory import groups
from rolecall.directory.model import (
    AddMembers,
    Changed,
    EditProfile,
    GroupId,
    GroupStep,
    ListRequest,
    ProfileChange,
    RemoveMembers,
    ReplaceMembers,
    Seek,
    StoredGroup,
    Stretch,
)
from rolecall.directory.walks import walk_groups
from rolecall.kernel.document import Document
from rolecall.kernel.page import Page
from rolecall.scim.groups import parse_group, render_group
from rolecall.scim.patch_apply import group_steps
from rolecall.scim.profiles import replaced
from rolecall.scim.projection import Projection
from rolecall.scim.resources import entity_tag
from rolecall.scim.schemas import GROUP, ResourceType
from rolecall.storage.transaction import ReadTx, WriteTx

_FEW_MEMBERS: Final = 100
"""A change of so many members is brief, however large the group."""
_ANY_NUMBER: Final = _FEW_MEMBERS + 1


async def create_group(call: ScimCall) -> Answer:
    """POST /Groups."""
    projection = call.projection(call.registry.group)
    profile, members = await call.parsed(lambda body: parse_group(body, call.registry.group))

    def create(tx: WriteTx) -> StoredGroup:
        group = groups.create_group(tx, profile, members or ())
        call.record.subject_id = group.id
        return group

    group = await call.write(create, status=201, brief=len(members or ()) <= _FEW_MEMBERS)
    return _answer(call, group, projection, status=201)


async def list_groups(call: ScimCall) -> Answer:
    """GET /Groups."""
    return await answer_list(call, groups_listing(call.registry.group))


async def get_group(call: ScimCall) -> Answer:
    """GET /Groups/{id}. Members are read only when they are wanted."""
    projection = call.projection(call.registry.group)
    group_id = _id_in(call)
    with_members = projection.wants("members")
    run = call.read if with_members else call.look_up
    group = await run(lambda tx: groups.get_group(tx, group_id, with_members=with_members))
    return _answer(call, group, projection)


async def replace_group(call: ScimCall) -> Answer:
    """PUT /Groups/{id}. Members that the body does not speak of are none afterwards (RFC 7644 §3.5.1)."""
    projection = call.projection(call.registry.group)
    expected = call.expected()
    group_id = _id_in(call)
    profile, members = await call.parsed(lambda body: parse_group(body, call.registry.group))

    def put(before: Document) -> ProfileChange:
        return ProfileChange(profile=replaced(before, profile, call.registry.group), outcomes={})

    steps: tuple[GroupStep, ...] = (
        EditProfile(change=put),
        ReplaceMembers(operation=0, members=members or ()),
    )
    with_members = projection.wants("members")
    changed = await call.write(
        lambda tx: groups.change_group(tx, group_id, steps, expected, with_members=with_members), status=200
    )
    return _answer(call, changed.thing, projection)


async def patch_group(call: ScimCall) -> Answer:
    """PATCH /Groups/{id}: 204, since nobody wants 20,000 members back (ADR 0006); 200 when `attributes` asks."""
    projection = call.projection(call.registry.group)
    expected = call.expected()
    group_id = _id_in(call)
    patch = await call.parsed(lambda body: read_patch(call, body, call.registry.group))
    steps = group_steps(patch, call.registry.group)
    with_body = "attributes" in call.parameters
    with_members = with_body and projection.wants("members")

    def change(tx: WriteTx) -> Changed[StoredGroup]:
        changed = groups.change_group(tx, group_id, steps, expected, with_members=with_members)
        call.record.operations = outcomes_in_order(changed, len(patch.operations))
        return changed

    changed = await call.write(
        change, status=200 if with_body else 204, brief=not with_members and sum(map(_rows_of, steps)) <= _FEW_MEMBERS
    )
    if with_body:
        return _answer(call, changed.thing, projection)
    return Answer(status=204, headers={"ETag": entity_tag(changed.thing.version)})


async def delete_group(call: ScimCall) -> Answer:
    """DELETE /Groups/{id}."""
    expected = call.expected()
    group_id = _id_in(call)
    await call.write(lambda tx: groups.delete_group(tx, group_id, expected), status=204)
    return Answer(status=204)


def _page(tx: ReadTx, _call: ScimCall, request: ListRequest, projection: Projection) -> Page[StoredGroup]:
    return groups.list_groups(tx, request, with_members=projection.wants("members"))


def _walk(
    tx: ReadTx, _call: ScimCall, request: ListRequest, seek: Seek, projection: Projection
) -> Stretch[StoredGroup]:
    return walk_groups(tx, request, seek, with_members=projection.wants("members"))


def _render(group: StoredGroup, call: ScimCall, projection: Projection) -> bytes:
    return render_group(group, base_url=call.base_url, projection=projection)


def _rows_of(step: GroupStep) -> int:
    """Return how many members a step names; a step that names none may touch all, and so may another name."""
    match step:
        case AddMembers(members=members) | RemoveMembers(members=members):
            return len(members)
        case _:
            return _ANY_NUMBER


@cache
def groups_listing(resource_type: ResourceType) -> Listing[StoredGroup]:
    """Return how groups are listed, whose kind this is."""
    return Listing(resource_type=resource_type, page=_page, walk=_walk, render=_render)


def _id_in(call: ScimCall) -> GroupId:
    call.record.subject_id = call.resource_id
    return GroupId(call.resource_id)


def _answer(call: ScimCall, group: StoredGroup, projection: Projection, *, status: int = 200) -> Answer:
    headers = {"ETag": entity_tag(group.version)}
    if call.method == "GET" and call.has_current(group.version):
        return Answer(status=304, headers=headers)
    headers["Location" if status == 201 else "Content-Location"] = f"{call.base_url}{GROUP.endpoint}/{group.id}"  # noqa: PLR2004  # 201 Created
    return Answer(status=status, body=_render(group, call, projection), headers=headers)
