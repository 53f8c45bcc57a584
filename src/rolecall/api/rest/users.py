"""Which calls are there on users of every kind?"""

from collections.abc import Callable
from typing import Annotated, Final

from fastapi import Path, Query
from pydantic import Field
from starlette.responses import Response

from rolecall.api.rest.calls import CurrentCall, RestCall, many, one
from rolecall.api.rest.endpoints import Endpoint, Need
from rolecall.api.rest.filters import FieldType, FilterField, describe, parse_filter
from rolecall.api.rest.mappings import MAPPING_EXAMPLE, ShownMapping
from rolecall.api.rest.mappings import to_json as mapping_json
from rolecall.api.rest.paging import MAX_FILTER, MAX_PAGE_SIZE, Pages, PageSize, PageToken, describe_order, parse_order
from rolecall.api.rest.shapes import Body, Shown, instant
from rolecall.authorization.actions import Action
from rolecall.directory import users, walks
from rolecall.directory.grounds import Step
from rolecall.directory.model import ROOT_TEAM, ListRequest, Position, Seek, User, UserId, UserState
from rolecall.kernel.document import Json
from rolecall.kernel.predicate import Path as FieldPath
from rolecall.mapping import explain
from rolecall.mapping.explain import ExplainedSource, TeamRole
from rolecall.storage.transaction import ReadTx, WriteTx

FIELDS: Final = (
    FilterField(name="id", type=FieldType.TEXT, path=("id",)),
    FilterField(name="name", type=FieldType.NAME, path=("userName",)),
    FilterField(name="display_name", type=FieldType.NAME, path=("displayName",)),
    FilterField(name="email", type=FieldType.NAME, path=("emails", "value")),
    FilterField(name="external_id", type=FieldType.TEXT, path=("externalId",)),
    FilterField(name="is_active", type=FieldType.TRUTH, path=("active",)),
    FilterField(name="created_at", type=FieldType.INSTANT, path=("meta", "created")),
    FilterField(name="updated_at", type=FieldType.INSTANT, path=("meta", "lastModified")),
)
ORDERS: Final[dict[str, FieldPath]] = {
    field.name: field.path for field in FIELDS if field.name not in {"email", "is_active"}
}

UserFilter = Annotated[str, Query(max_length=MAX_FILTER, description=describe(FIELDS))]
UserOrder = Annotated[str, Query(max_length=100, description=describe_order(ORDERS))]
UserIdInPath = Annotated[str, Path(alias="id", max_length=100, description="The user's id.")]


class ShownSource(Shown):
    """Why a user has a role in a team."""

    kind: str = Field(examples=["MANUAL"])
    id: str | None = Field(description="The group's id, or the value; null when it was given by hand.")
    name: str | None
    since: str


class ShownTeamRole(Shown):
    """A role that a user has in a team, for as long as one source is left."""

    team_id: str
    team_name: str
    role_id: str = Field(examples=["admin"])
    role_name: str
    sources: list[ShownSource]


class ShownStep(Shown):
    """One step on the way from a user to a source: into a group, or to a value, and since when."""

    id: str
    name: str
    since: str


class ExplainedBy(ShownSource):
    """Why a user has a role in a team, and by which way."""

    path: list[ShownStep] = Field(description="Into one group after the other, the mapped one last.")
    mappings: list[ShownMapping] = Field(description="The mappings that give the role.")


class ExplainedTeamRole(Shown):
    """A role that a user has in a team, with the way to each source."""

    team_id: str
    team_name: str
    role_id: str
    role_name: str
    sources: list[ExplainedBy]


class ShownUser(Shown):
    """A person or a machine that uses Rolecall."""

    id: str
    name: str = Field(description="The unique user name.")
    display_name: str | None
    email: str | None = Field(description="The primary address, else the first.")
    external_id: str | None = Field(description="By what the identity provider knows it.")
    kind: str = Field(description="`PERSON`, or `SERVICE` for a machine.")
    is_active: bool
    is_provisioned: bool = Field(description="Whether SCIM owns it.")
    is_break_glass: bool
    created_at: str
    updated_at: str
    version: int


class ShownUserWithRoles(ShownUser):
    """The same, with what it may do where; for a deactivated user, what would be restored and counts for nothing."""

    team_roles: list[ShownTeamRole]


class OneUser(Shown):
    """One user."""

    value: ShownUser


class ExplainedUser(Shown):
    """A user, and why it has which role in which team."""

    user: ShownUser
    team_roles: list[ExplainedTeamRole]


class OneExplainedUser(Shown):
    """One user, explained."""

    value: ExplainedUser


class OneUserWithRoles(Shown):
    """One user, with its roles."""

    value: ShownUserWithRoles


class ManyUsers(Shown):
    """A page of users."""

    values: list[ShownUser]
    next_page_token: str
    has_more: bool


class Deactivation(Body):
    """Why a user loses access."""

    reason: str = Field(default="by an administrator", max_length=500, description="Kept with the event.")


async def list_users(
    call: CurrentCall,
    filter: UserFilter = "",  # noqa: A002  # its name on the wire
    order_by: UserOrder = "",
    page_size: PageSize = MAX_PAGE_SIZE,
    page_token: PageToken = "",
) -> Response:
    """List users of every kind."""
    pages = Pages(call=call, name="users")
    asked = await pages.asked(page_token, filter_text=filter, order_by=order_by)
    sort_by, descending = parse_order(asked.order_by, ORDERS)
    request = ListRequest(
        where=parse_filter(asked.filter, FIELDS), sort_by=sort_by, descending=descending, skip=0, limit=page_size
    )
    stretch = await call.read(lambda tx: walks.walk_all_users(tx, request, _seek_at(asked.place)))
    after = None if stretch.after is None else pages.token(asked, _place_of(stretch.after))
    return many([to_json(user) for user in stretch.items], after)


async def get_user(call: CurrentCall, user_id: UserIdInPath) -> Response:
    """Return one user, with its roles in teams and where they come from."""

    def ask(tx: ReadTx) -> Json:
        user = users.get_user(tx, UserId(user_id))
        return _with_roles(user, explain.list_team_roles(tx, user.id))

    return one(await call.look_up(ask))


async def get_own_user(call: CurrentCall) -> Response:
    """Return the user that asks, with its roles in teams."""

    def ask(tx: ReadTx) -> Json:
        user = users.get_own_user(tx)
        return _with_roles(user, explain.list_own_team_roles(tx))

    return one(await call.look_up(ask))


async def explain_user(call: CurrentCall, user_id: UserIdInPath) -> Response:
    """Say why a user has which role in which team, since when, and by which way.

    Behind each source stand the groups on the way to it, the mapped one last, and the mappings that give the role.
    """

    def ask(tx: ReadTx) -> Json:
        user = users.get_user(tx, UserId(user_id))
        roles = [_explained_role(each) for each in explain.explain_user(tx, user.id)]
        return {"user": to_json(user), "team_roles": roles}

    return one(await call.read(ask))


async def deactivate_user(call: CurrentCall, user_id: UserIdInPath, body: Deactivation | None = None) -> Response:
    """End all access of a user, at once, with its keys; its history and its assignments stay.

    The last active administrator of Root and the break-glass user are refused (403).
    """
    reason = (body or Deactivation()).reason
    return await _change(call, user_id, lambda tx: users.deactivate_user(tx, UserId(user_id), reason=reason))


async def reactivate_user(call: CurrentCall, user_id: UserIdInPath) -> Response:
    """Restore the access of a user by its assignments; its keys stay ended."""
    return await _change(call, user_id, lambda tx: users.reactivate_user(tx, UserId(user_id)))


async def _change(call: RestCall, user_id: str, change: Callable[[WriteTx], User]) -> Response:
    call.record.subject_id = user_id
    return one(to_json(await call.write(change)))


def to_json(user: User) -> dict[str, Json]:
    """Return a user as it stands on the wire."""
    profile = user.profile
    return {
        "id": user.id,
        "name": user.user_name,
        "display_name": _text(profile.get("displayName")),
        "email": _email_of(user),
        "external_id": _text(profile.get("externalId")),
        "kind": user.kind.value.upper(),
        "is_active": user.state is UserState.ACTIVE,
        "is_provisioned": user.provisioned,
        "is_break_glass": user.break_glass,
        "created_at": instant(user.created_at),
        "updated_at": instant(user.changed_at),
        "version": user.version,
    }


def _with_roles(user: User, held: tuple[TeamRole, ...]) -> Json:
    return {**to_json(user), "team_roles": [_team_role(each) for each in held]}


def _team_role(held: TeamRole) -> dict[str, Json]:
    return {
        "team_id": held.team_id,
        "team_name": held.team_name,
        "role_id": held.role_id,
        "role_name": held.role_name,
        "sources": [_source(source) for source in held.sources],
    }


def _source(source: ExplainedSource) -> dict[str, Json]:
    return {"kind": source.kind.name, "id": source.id, "name": source.name, "since": instant(source.since)}


def _step(step: Step) -> Json:
    return {"id": step.id, "name": step.name, "since": instant(step.since)}


def _explained_role(held: TeamRole) -> Json:
    return {
        **_team_role(held),
        "sources": [
            {
                **_source(source),
                "path": [_step(step) for step in source.path],
                "mappings": [mapping_json(mapping) for mapping in source.mappings],
            }
            for source in held.sources
        ],
    }


def _email_of(user: User) -> Json:
    emails = user.profile.get("emails")
    given = [each for each in emails if isinstance(each, dict)] if isinstance(emails, list) else []
    primary = [each for each in given if each.get("primary") is True]
    return _text(next((each.get("value") for each in [*primary, *given]), None))


def _text(value: Json) -> str | None:
    return value if isinstance(value, str) and value else None


def _place_of(seek: Seek) -> Json:
    return None if seek.start is None else [seek.start.key, seek.start.id]


def _seek_at(place: Json) -> Seek:
    if not isinstance(place, list):
        return Seek()
    key, identifier = place
    return Seek(start=Position(key=key, id=str(identifier)))


_EXAMPLE: Final = {
    "id": "019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6a7b",
    "name": "ada@example.com",
    "display_name": "Ada Lovelace",
    "email": "ada@example.com",
    "external_id": "00u1a2b3c4",
    "kind": "PERSON",
    "is_active": True,
    "is_provisioned": True,
    "is_break_glass": False,
    "created_at": "2026-11-24T10:00:00.000Z",
    "updated_at": "2026-11-24T10:00:00.000Z",
    "version": 1,
}
_TEAM_ROLE: Final = {
    "team_id": ROOT_TEAM,
    "team_name": "Root",
    "role_id": "admin",
    "role_name": "Administrator",
    "sources": [{"kind": "MANUAL", "id": None, "name": None, "since": "2026-11-24T10:00:00.000Z"}],
}
_EXPLAINED: Final = {
    "team_id": ROOT_TEAM,
    "team_name": "Root",
    "role_id": "viewer",
    "role_name": "Viewer",
    "sources": [
        {
            "kind": "SCIM_GROUP",
            "id": "019ab3c4-2222-7f80-9a1b-2c3d4e5f6a7b",
            "name": "Sales EMEA",
            "since": "2026-11-24T10:00:00.000Z",
            "path": [
                {
                    "id": "019ab3c4-2222-7f80-9a1b-2c3d4e5f6a7b",
                    "name": "Sales EMEA",
                    "since": "2026-11-24T10:00:00.000Z",
                }
            ],
            "mappings": [MAPPING_EXAMPLE],
        }
    ],
}
_ONE: Final = {"value": {**_EXAMPLE, "team_roles": [_TEAM_ROLE]}}

ENDPOINTS: Final = (
    Endpoint(
        method="GET",
        path="/api/v1/users",
        needs=Action.USER_LIST,
        run=list_users,
        answers=ManyUsers,
        example={"values": [_EXAMPLE], "next_page_token": "", "has_more": False},
    ),
    Endpoint(
        method="GET",
        path="/api/v1/users/self",
        needs=Need.CREDENTIAL,
        run=get_own_user,
        answers=OneUserWithRoles,
        example=_ONE,
        refusals=(404,),
    ),
    Endpoint(
        method="GET",
        path="/api/v1/users/{id:opaque}",
        needs=Action.USER_LIST,
        run=get_user,
        answers=OneUserWithRoles,
        example=_ONE,
    ),
    Endpoint(
        method="GET",
        path="/api/v1/users/{id:opaque}:explain",
        needs=Action.MAPPING_LIST,
        run=explain_user,
        answers=OneExplainedUser,
        example={"value": {"user": _EXAMPLE, "team_roles": [_EXPLAINED]}},
    ),
    Endpoint(
        method="POST",
        path="/api/v1/users/{id:opaque}:deactivate",
        needs=Action.USER_DEACTIVATE,
        run=deactivate_user,
        answers=OneUser,
        example={"value": {**_EXAMPLE, "is_active": False}},
    ),
    Endpoint(
        method="POST",
        path="/api/v1/users/{id:opaque}:reactivate",
        needs=Action.USER_DEACTIVATE,
        run=reactivate_user,
        answers=OneUser,
        example={"value": _EXAMPLE},
    ),
)
