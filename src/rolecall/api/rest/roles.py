"""Which calls are there on roles?"""

from dataclasses import replace
from typing import Annotated, Any, Final

from fastapi import Path, Query
from pydantic import Field
from starlette.responses import Response

from rolecall.api.rest.calls import CurrentCall, nothing, one
from rolecall.api.rest.endpoints import Endpoint
from rolecall.api.rest.errors import bad_field
from rolecall.api.rest.filters import FieldType, FilterField, describe
from rolecall.api.rest.masks import Mask, Version, expected_version, given_fields
from rolecall.api.rest.paging import MAX_FILTER, MAX_PAGE_SIZE, Pages, PageSize, PageToken, describe_order
from rolecall.api.rest.shapes import ActionName, Body, Name, Shown, instant
from rolecall.api.rest.small_lists import answer_page, orders_of
from rolecall.authorization.actions import Action
from rolecall.authorization.roles import RoleId
from rolecall.directory import roles
from rolecall.directory.model import Role, RoleDraft
from rolecall.kernel.document import Json
from rolecall.storage.transaction import ReadTx, WriteTx

FIELDS: Final = (
    FilterField(name="id", type=FieldType.TEXT, path=("id",)),
    FilterField(name="name", type=FieldType.NAME, path=("name",)),
    FilterField(name="is_built_in", type=FieldType.TRUTH, path=("is_built_in",)),
)

RoleFilter = Annotated[str, Query(max_length=MAX_FILTER, description=describe(FIELDS))]
RoleOrder = Annotated[str, Query(max_length=100, description=describe_order(orders_of(FIELDS)))]
RoleIdInPath = Annotated[
    str, Path(alias="id", max_length=100, description="The role's id; of a built-in one its name on the wire.")
]


class RoleBody(Body):
    """A custom role."""

    name: Name = Field(description="Unlike that of any other role.")
    description: str = Field(default="", max_length=1000, description="For people.")
    permissions: list[ActionName] = Field(min_length=1, max_length=200, description="The actions that it gives.")


class RoleChange(Body):
    """What shall be otherwise with a role; what is not named stays."""

    name: Name | None = Field(default=None, description="As when it is made.")
    description: str | None = Field(default=None, max_length=1000, description="As when it is made.")
    permissions: list[ActionName] | None = Field(
        default=None, min_length=1, max_length=200, description="As when it is made."
    )


class ShownRole(Shown):
    """A named set of actions."""

    id: str
    name: str
    description: str
    permissions: list[str]
    is_built_in: bool
    created_at: str | None = Field(description="Null for a built-in role, which was always there.")
    updated_at: str | None
    version: int


class OneRole(Shown):
    """One role."""

    value: ShownRole


class ManyRoles(Shown):
    """A page of roles."""

    values: list[ShownRole]
    next_page_token: str
    has_more: bool


async def list_roles(
    call: CurrentCall,
    filter: RoleFilter = "",  # noqa: A002  # its name on the wire
    order_by: RoleOrder = "",
    page_size: PageSize = MAX_PAGE_SIZE,
    page_token: PageToken = "",
) -> Response:
    """List roles, built-in ones first."""
    pages = Pages(call=call, name="roles")
    asked = await pages.asked(page_token, filter_text=filter, order_by=order_by)

    def ask(tx: ReadTx) -> list[dict[str, Json]]:
        return [_to_json(role) for role in roles.list_roles(tx)]

    return answer_page(await call.read(ask), FIELDS, pages, asked, page_size)


async def get_role(call: CurrentCall, role_id: RoleIdInPath) -> Response:
    """Return one role."""
    return one(await call.look_up(lambda tx: _to_json(roles.get_role(tx, RoleId(role_id)))))


async def create_role(call: CurrentCall, body: RoleBody) -> Response:
    """Make a custom role of listed actions. Nobody gives an action that they do not hold."""
    draft = RoleDraft(name=body.name, description=body.description, actions=_actions_in(body.permissions))

    def create(tx: WriteTx) -> Json:
        role = roles.create_role(tx, draft)
        call.record.subject_id = role.id
        return _to_json(role)

    return one(await call.write(create))


async def change_role(
    call: CurrentCall, role_id: RoleIdInPath, body: RoleChange, update_mask: Mask = "", version: Version = None
) -> Response:
    """Change a custom role, for everybody who holds it; what is not named stays. Built-in roles cannot be changed."""
    given = given_fields(body, update_mask)
    for name, value in given.items():
        if value is None:
            raise bad_field(name, "cannot be null.")
    changes: dict[str, Any] = {name: value for name, value in given.items() if name != "permissions"}
    if "permissions" in given:
        changes["actions"] = _actions_in(given["permissions"])
    call.record.subject_id = role_id

    def change(tx: WriteTx) -> Json:
        expected = expected_version(version)
        return _to_json(roles.change_role(tx, RoleId(role_id), lambda draft: replace(draft, **changes), expected))

    return one(await call.write(change))


async def delete_role(call: CurrentCall, role_id: RoleIdInPath, version: Version = None) -> Response:
    """Delete a custom role, with every assignment of it."""
    call.record.subject_id = role_id
    await call.write(lambda tx: roles.delete_role(tx, RoleId(role_id), expected_version(version)))
    return nothing()


def _actions_in(names: list[str]) -> frozenset[Action]:
    return frozenset(Action(name) for name in names)


def _to_json(role: Role) -> dict[str, Json]:
    return {
        "id": role.id,
        "name": role.name,
        "description": role.description,
        "permissions": sorted(action.value for action in role.actions),
        "is_built_in": role.built_in,
        "created_at": instant(role.created_at),
        "updated_at": instant(role.changed_at),
        "version": role.version,
    }


_ROLE: Final[dict[str, Any]] = {
    "id": "019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6a7b",
    "name": "Log reader",
    "description": "For the SIEM.",
    "permissions": ["audit:read", "event:read"],
    "is_built_in": False,
    "created_at": "2026-11-24T10:00:00.000Z",
    "updated_at": "2026-11-24T10:00:00.000Z",
    "version": 1,
}
_ONE: Final = {"value": _ROLE}
_PATH: Final = "/api/v1/roles/{id:opaque}"

ENDPOINTS: Final = (
    Endpoint(
        method="GET",
        path="/api/v1/roles",
        needs=Action.ROLE_LIST,
        run=list_roles,
        answers=ManyRoles,
        example={"values": [_ROLE], "next_page_token": "", "has_more": False},
    ),
    Endpoint(
        method="POST",
        path="/api/v1/roles",
        needs=Action.ROLE_CHANGE,
        run=create_role,
        answers=OneRole,
        example=_ONE,
        refusals=(409,),
    ),
    Endpoint(method="GET", path=_PATH, needs=Action.ROLE_LIST, run=get_role, answers=OneRole, example=_ONE),
    Endpoint(
        method="PATCH",
        path=_PATH,
        needs=Action.ROLE_CHANGE,
        run=change_role,
        answers=OneRole,
        example=_ONE,
        refusals=(409, 412),
    ),
    Endpoint(method="DELETE", path=_PATH, needs=Action.ROLE_CHANGE, run=delete_role, answers=None, refusals=(409, 412)),
)
