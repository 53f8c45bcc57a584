"""Which calls are there on SCIM connections?"""

from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network
from typing import Annotated, Any, Final

from fastapi import Path, Query
from starlette.responses import Response

from rolecall.api.rest.calls import CurrentCall, many, nothing, one
from rolecall.api.rest.connection_shapes import (
    ConnectionBody,
    ConnectionChange,
    ManyConnections,
    ManyCredentials,
    OneConnection,
    OneCredential,
    OneLinkedUser,
    OneScimSetting,
    Rotation,
    ScimSetting,
    UserToLink,
)
from rolecall.api.rest.endpoints import Endpoint
from rolecall.api.rest.errors import bad_field
from rolecall.api.rest.filters import FieldType, FilterField, describe
from rolecall.api.rest.masks import Mask, Version, expected_version, given_fields
from rolecall.api.rest.paging import MAX_FILTER, MAX_PAGE_SIZE, Pages, PageSize, PageToken, describe_order
from rolecall.api.rest.shapes import instant
from rolecall.api.rest.small_lists import answer_page, orders_of
from rolecall.authentication.model import ApiKey, Network
from rolecall.authorization.actions import Action
from rolecall.authorization.actor import PushScope
from rolecall.connections import connections
from rolecall.connections.model import Connection, ConnectionDraft, ConnectionState, Dialect, RequirementProfile
from rolecall.connections.traffic import traffic_of
from rolecall.directory.model import DEFAULT_CONNECTION, UserId
from rolecall.directory.owners import count_owned
from rolecall.kernel.document import Json
from rolecall.storage.transaction import ReadTx, WriteTx

FIELDS: Final = (
    FilterField(name="id", type=FieldType.TEXT, path=("id",)),
    FilterField(name="name", type=FieldType.NAME, path=("name",)),
    FilterField(name="state", type=FieldType.TEXT, path=("state",)),
)

_NULLABLE: Final = frozenset({"dialect_pinned", "requirement_profile"})

ConnectionFilter = Annotated[str, Query(max_length=MAX_FILTER, description=describe(FIELDS))]
ConnectionOrder = Annotated[str, Query(max_length=100, description=describe_order(orders_of(FIELDS)))]
ConnectionIdInPath = Annotated[str, Path(alias="id", max_length=100, description="The connection's id.")]


async def list_connections(
    call: CurrentCall,
    filter: ConnectionFilter = "",  # noqa: A002  # its name on the wire
    order_by: ConnectionOrder = "",
    page_size: PageSize = MAX_PAGE_SIZE,
    page_token: PageToken = "",
) -> Response:
    """List SCIM connections, the default one first."""
    pages = Pages(call=call, name="scim_connections")
    asked = await pages.asked(page_token, filter_text=filter, order_by=order_by)

    def ask(tx: ReadTx) -> list[dict[str, Json]]:
        return [_to_json(tx, connection) for connection in connections.list_connections(tx)]

    return answer_page(await call.read(ask), FIELDS, pages, asked, page_size)


async def get_connection(call: CurrentCall, connection_id: ConnectionIdInPath) -> Response:
    """Return one SCIM connection."""
    return one(await call.look_up(lambda tx: _to_json(tx, connections.get_connection(tx, connection_id))))


async def create_connection(call: CurrentCall, body: ConnectionBody) -> Response:
    """Make a SCIM connection for one more identity provider. Its first credential comes from `:rotate`."""
    draft = ConnectionDraft(
        name=body.name,
        state=ConnectionState(body.state),
        networks=_networks_in(body.allowed_networks),
        push_scope=PushScope(users=tuple(body.user_scope), groups=tuple(body.group_scope)),
        rate_limit=body.rate_limit,
        requirement_profile=_profile_of(body.requirement_profile),
        silent_after_hours=body.silent_after_hours,
        dialect_pinned=_dialect_of(body.dialect_pinned),
        guard_people=body.guard_people,
        guard_percent=body.guard_percent,
    )

    def create(tx: WriteTx) -> Json:
        made = connections.create_connection(tx, draft)
        call.record.subject_id = made.id
        return _to_json(tx, made)

    return one(await call.write(create))


async def change_connection(
    call: CurrentCall,
    connection_id: ConnectionIdInPath,
    body: ConnectionChange,
    update_mask: Mask = "",
    version: Version = None,
) -> Response:
    """Change a SCIM connection; what is not named stays. One that is OFF is answered 403, and keeps what it owns."""
    given = given_fields(body, update_mask)
    for name, value in given.items():
        if value is None and name not in _NULLABLE:
            raise bad_field(name, "cannot be null.")
    changes: dict[str, Any] = dict(given)
    if "state" in changes:
        changes["state"] = ConnectionState(changes["state"])
    if "allowed_networks" in changes:
        changes["networks"] = _networks_in(changes.pop("allowed_networks"))
    scope = {
        part: tuple(changes.pop(name))
        for part, name in (("users", "user_scope"), ("groups", "group_scope"))
        if name in changes
    }
    if "requirement_profile" in changes:
        changes["requirement_profile"] = _profile_of(changes["requirement_profile"])
    if "dialect_pinned" in changes:
        changes["dialect_pinned"] = _dialect_of(changes["dialect_pinned"])
    call.record.subject_id = connection_id

    def edit(draft: ConnectionDraft) -> ConnectionDraft:
        return replace(draft, push_scope=replace(draft.push_scope, **scope), **changes)

    def change(tx: WriteTx) -> Json:
        expected = expected_version(version)
        changed = connections.change_connection(tx, connection_id, edit, expected)
        return _to_json(tx, changed)

    return one(await call.write(change))


async def delete_connection(call: CurrentCall, connection_id: ConnectionIdInPath, version: Version = None) -> Response:
    """Delete a SCIM connection that owns nothing and has no credential left. The default one stays."""
    call.record.subject_id = connection_id
    await call.write(lambda tx: connections.delete_connection(tx, connection_id, expected_version(version)))
    return nothing()


async def rotate_connection(call: CurrentCall, connection_id: ConnectionIdInPath, body: Rotation) -> Response:
    """Make a credential for a SCIM connection; those that were there end after the overlap.

    `access_key` is in this answer only.
    """
    call.record.subject_id = connection_id
    overlap = timedelta(hours=body.overlap_hours)

    def rotate(tx: WriteTx) -> Json:
        made = connections.rotate_credential(tx, connection_id, overlap=overlap)
        return {**_credential_to_json(tx, made.key), "access_key": made.secret}

    return one(await call.write(rotate))


async def list_connection_credentials(call: CurrentCall, connection_id: ConnectionIdInPath) -> Response:
    """List the credentials of a SCIM connection, oldest first, ended ones too."""

    def ask(tx: ReadTx) -> list[Json]:
        return [_credential_to_json(tx, key) for key in connections.list_credentials(tx, connection_id)]

    return many(await call.read(ask), None)


async def link_user(call: CurrentCall, connection_id: ConnectionIdInPath, body: UserToLink) -> Response:
    """Let a SCIM connection own a user that is there: a local one, or one of another connection.

    It keeps its id and what it holds by hand; of another connection, it leaves that one's groups.
    """
    call.record.subject_id = body.user_id

    def link(tx: WriteTx) -> Json:
        user = connections.link_user(tx, connection_id, UserId(body.user_id))
        return {"user_id": user.id, "user_name": user.user_name, "connection_id": user.connection_id}

    return one(await call.write(link))


async def get_scim_setting(call: CurrentCall) -> Response:
    """Return whether the default SCIM connection is on."""
    return one(await call.look_up(lambda tx: {"enabled": connections.get_connection(tx, DEFAULT_CONNECTION).is_on}))


async def set_scim_setting(call: CurrentCall, body: ScimSetting) -> Response:
    """Switch the default SCIM connection on or off. Others stay as they are."""
    on = body.value.enabled
    call.record.subject_id = DEFAULT_CONNECTION
    return one(await call.write(lambda tx: {"enabled": connections.switch_default(tx, on=on).is_on}))


def _profile_of(text: str | None) -> RequirementProfile | None:
    return None if text is None else RequirementProfile(text)


def _dialect_of(text: str | None) -> Dialect | None:
    return None if text is None else Dialect(text)


def _networks_in(texts: list[str]) -> tuple[Network, ...]:
    networks = []
    for text in texts:
        try:
            networks.append(ip_network(text))
        except ValueError as error:
            raise bad_field("allowed_networks", f"{text!r} is no network such as 192.0.2.0/24.") from error
    return tuple(networks)


def _value_of(chosen: Dialect | RequirementProfile | None) -> str | None:
    return None if chosen is None else chosen.value


def _to_json(tx: ReadTx, connection: Connection) -> dict[str, Json]:
    users, groups = count_owned(tx, connection.id)
    draft, traffic = connection.draft, traffic_of(tx, connection.id)
    return {
        "id": connection.id,
        "name": connection.name,
        "state": connection.draft.state.value,
        "is_default": connection.id == DEFAULT_CONNECTION,
        "allowed_networks": [str(each) for each in connection.draft.networks],
        "user_scope": list(draft.push_scope.users),
        "group_scope": list(draft.push_scope.groups),
        "rate_limit": connection.draft.rate_limit,
        "requirement_profile": _value_of(draft.requirement_profile),
        "silent_after_hours": draft.silent_after_hours,
        "dialect_pinned": _value_of(draft.dialect_pinned),
        "dialect": _value_of(connection.dialect),
        "last_call_at": instant(connection.last_call_at),
        "calls_24h": traffic.call_count,
        "errors_24h": traffic.error_count,
        "error_rate": round(traffic.error_count / traffic.call_count, 4) if traffic.call_count else None,
        "guard_people": connection.draft.guard_people,
        "guard_percent": connection.draft.guard_percent,
        "user_count": users,
        "group_count": groups,
        "created_at": instant(connection.created_at),
        "updated_at": instant(connection.changed_at),
        "version": connection.version,
    }


def _credential_to_json(tx: ReadTx, key: ApiKey) -> dict[str, Json]:
    return {
        "id": key.id,
        "name": key.name,
        "access_key": "",
        "is_usable": key.is_usable(tx.now),
        "created_at": instant(key.created_at),
        "expires_at": instant(key.expires_at),
        "revoked_at": instant(key.revoked_at),
        "last_access_at": instant(key.last_used_at),
    }


_CONNECTION: Final[dict[str, Any]] = {
    "id": "019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6a7b",
    "name": "Entra ID",
    "state": "ON",
    "is_default": False,
    "allowed_networks": ["192.0.2.0/24"],
    "user_scope": ["*@example.com"],
    "group_scope": [],
    "rate_limit": 0,
    "requirement_profile": None,
    "silent_after_hours": 24,
    "dialect_pinned": None,
    "dialect": "entra",
    "last_call_at": "2026-11-24T11:30:00.000Z",
    "calls_24h": 480,
    "errors_24h": 12,
    "error_rate": 0.025,
    "guard_people": 50,
    "guard_percent": 10,
    "user_count": 1200,
    "group_count": 45,
    "created_at": "2026-11-24T10:00:00.000Z",
    "updated_at": "2026-11-24T10:00:00.000Z",
    "version": 1,
}
_CREDENTIAL: Final[dict[str, Any]] = {
    "id": "ie5hac8o3E6n",
    "name": "Entra ID",
    "access_key": "",
    "is_usable": True,
    "created_at": "2026-11-24T10:00:00.000Z",
    "expires_at": None,
    "revoked_at": None,
    "last_access_at": "2026-11-24T11:30:00.000Z",
}
_LINKED: Final = {
    "user_id": "019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6a7c",
    "user_name": "ada@example.com",
    "connection_id": _CONNECTION["id"],
}
_ONE: Final = {"value": _CONNECTION}
_ALL: Final = "/api/v1/scim_connections"
_PATH: Final = "/api/v1/scim_connections/{id:opaque}"
_SETTING: Final = "/api/v1/sign_in_settings/scim"
_LIST: Final = Action.CONNECTION_LIST
_CHANGE: Final = Action.CONNECTION_CHANGE

ENDPOINTS: Final = (
    Endpoint(
        method="GET",
        path=_ALL,
        needs=_LIST,
        run=list_connections,
        answers=ManyConnections,
        example={"values": [_CONNECTION], "next_page_token": "", "has_more": False},
    ),
    Endpoint(
        method="POST",
        path=_ALL,
        needs=_CHANGE,
        run=create_connection,
        answers=OneConnection,
        example=_ONE,
        refusals=(409,),
    ),
    Endpoint(method="GET", path=_PATH, needs=_LIST, run=get_connection, answers=OneConnection, example=_ONE),
    Endpoint(
        method="PATCH",
        path=_PATH,
        needs=_CHANGE,
        run=change_connection,
        answers=OneConnection,
        example=_ONE,
        refusals=(409, 412),
    ),
    Endpoint(method="DELETE", path=_PATH, needs=_CHANGE, run=delete_connection, answers=None, refusals=(409, 412)),
    Endpoint(
        method="POST",
        path=f"{_PATH}:rotate",
        needs=_CHANGE,
        run=rotate_connection,
        answers=OneCredential,
        example={"value": _CREDENTIAL | {"access_key": "RLCL…", "last_access_at": None}},
        refusals=(409,),
    ),
    Endpoint(
        method="POST",
        path=f"{_PATH}:link",
        needs=_CHANGE,
        run=link_user,
        answers=OneLinkedUser,
        example={"value": _LINKED},
        refusals=(409,),
    ),
    Endpoint(
        method="GET",
        path=f"{_PATH}/credentials",
        needs=_LIST,
        run=list_connection_credentials,
        answers=ManyCredentials,
        example={"values": [_CREDENTIAL], "next_page_token": "", "has_more": False},
    ),
    Endpoint(
        method="GET",
        path=_SETTING,
        needs=_LIST,
        run=get_scim_setting,
        answers=OneScimSetting,
        example={"value": {"enabled": True}},
    ),
    Endpoint(
        method="PUT",
        path=_SETTING,
        needs=_CHANGE,
        run=set_scim_setting,
        answers=OneScimSetting,
        example={"value": {"enabled": True}},
        refusals=(409,),
    ),
)
