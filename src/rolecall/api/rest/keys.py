"""Which calls are there on API keys, of users and of teams?"""

from collections.abc import Callable, Mapping, Sequence
from ipaddress import ip_network
from typing import Annotated, Any, Final

from fastapi import Path, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from rolecall.api.rest.calls import CurrentCall, RestCall, nothing, one
from rolecall.api.rest.endpoints import Endpoint
from rolecall.api.rest.errors import bad_field
from rolecall.api.rest.filters import FieldType, FilterField, describe
from rolecall.api.rest.paging import MAX_FILTER, MAX_PAGE_SIZE, Pages, PageSize, PageToken, describe_order
from rolecall.api.rest.shapes import ActionName, Body, Instant, Name, Shown, instant
from rolecall.api.rest.small_lists import answer_page, orders_of
from rolecall.authentication import api_keys, key_changes
from rolecall.authentication.model import ApiKey, ApiKeyId, KeyLimits, Network, NewApiKey
from rolecall.authorization.actions import Action
from rolecall.authorization.roles import RoleId
from rolecall.directory.model import ROOT_TEAM, TeamId, UserId
from rolecall.directory.team_facts import team_names
from rolecall.kernel.document import Json
from rolecall.kernel.errors import NotFound
from rolecall.storage.transaction import ReadTx, WriteTx

FIELDS: Final = (
    FilterField(name="id", type=FieldType.TEXT, path=("id",)),
    FilterField(name="name", type=FieldType.NAME, path=("name",)),
    FilterField(name="team_id", type=FieldType.TEXT, path=("team_id",)),
    FilterField(name="user_id", type=FieldType.TEXT, path=("user_id",)),
    FilterField(name="status", type=FieldType.TEXT, path=("status",)),
    FilterField(name="created_at", type=FieldType.INSTANT, path=("created_at",)),
    FilterField(name="expires_at", type=FieldType.INSTANT, path=("expires_at",)),
    FilterField(name="last_access_at", type=FieldType.INSTANT, path=("last_access_at",)),
)
OAA_PUSH: Final = "oaa_push"

KeyFilter = Annotated[str, Query(max_length=MAX_FILTER, description=describe(FIELDS))]
KeyOrder = Annotated[str, Query(max_length=100, description=describe_order(orders_of(FIELDS)))]
KeyIdInPath = Annotated[str, Path(alias="id", max_length=100, description="The key's id.")]
Networks = Annotated[
    list[Annotated[str, Field(max_length=50)]],
    Field(max_length=50, description="From where alone it may be used, as `192.0.2.0/24`; empty: from anywhere."),
]
Actions = Annotated[
    list[ActionName] | None, Field(max_length=200, description="What alone it may do; null: all that it could.")
]
Expiry = Annotated[
    Instant | None, Field(description="When it ends by itself; null: never. Two weeks before, an event.")
]


class KeyBody(Body):
    """A key to be made for a user."""

    name: Name = Field(description="For people.")
    user_id: str | None = Field(default=None, max_length=100, description="Whose it is; null: the caller's own.")
    team_id: str = Field(default=ROOT_TEAM, max_length=100, description="The team in which it acts.")
    role_id: str | None = Field(
        default=None, max_length=100, description="Narrows it to one of the user's roles; null: all of them."
    )
    actions: Actions = None
    allowed_networks: Networks = Field(default=[])
    expires_at: Expiry = None


class TeamKeyBody(Body):
    """A key to be made for a team."""

    name: Name = Field(description="For people.")
    team_id: str = Field(default=ROOT_TEAM, max_length=100, description="The team in which it acts.")
    role_id: str = Field(default=OAA_PUSH, max_length=100, description="What it may do.")
    actions: Actions = None
    allowed_networks: Networks = Field(default=[])
    expires_at: Expiry = None


class KeyName(Body):
    """Another name for a key."""

    name: Name = Field(description="For people.")


class ShownKey(Shown):
    """An API key."""

    id: str
    access_key: str = Field(description="The whole key, in the answer that makes it; empty ever after.")
    name: str
    status: str = Field(description="`ACTIVE`, or `INACTIVE` when it opens nothing: revoked, ended, or no access.")
    team_id: str
    team_name: str | None
    user_id: str | None = Field(description="Null for a key of a team.")
    user_name: str | None
    role_id: str | None
    actions: list[str] | None
    allowed_networks: list[str]
    created_at: str
    expires_at: str | None
    revoked_at: str | None
    last_access_at: str | None = Field(description="To the minute.")


class OneKey(Shown):
    """One key."""

    value: ShownKey


class ManyKeys(Shown):
    """A page of keys."""

    values: list[ShownKey]
    next_page_token: str
    has_more: bool


async def list_keys(
    call: CurrentCall,
    filter: KeyFilter = "",  # noqa: A002  # its name on the wire
    order_by: KeyOrder = "",
    page_size: PageSize = MAX_PAGE_SIZE,
    page_token: PageToken = "",
) -> Response:
    """List keys of users: with `api_key:list` everybody's, else the caller's own.

    Revoked ones too, oldest first.
    """
    pages = Pages(call=call, name="keys")
    asked = await pages.asked(page_token, filter_text=filter, order_by=order_by)

    def ask(tx: ReadTx) -> list[dict[str, Json]]:
        may_see_all = Action.API_KEY_LIST in tx.actor.actions
        keys = api_keys.list_api_keys(tx) if may_see_all else api_keys.list_own_api_keys(tx)
        return _shown(tx, [key for key in keys if key.user_id is not None])

    return answer_page(await call.read(ask), FIELDS, pages, asked, page_size)


async def create_key(call: CurrentCall, body: KeyBody) -> Response:
    """Make a key of a user: the caller's own, or with `api_key:create` anybody's.

    It does what its user may do in that team, and no more than what is named here. Nobody makes a key that does more
    than they may themselves, and a limited key makes no less limited one. `access_key` is in this answer only.
    """
    limits = _limits_of(body)

    def create(tx: WriteTx) -> Json:
        user_id = body.user_id or tx.actor.user_id
        if user_id is None:
            raise bad_field("user_id", "needed: no user stands behind the credential that asks.")
        made = api_keys.create_api_key(
            tx,
            user_id=UserId(user_id),
            name=body.name,
            role=None if body.role_id is None else RoleId(body.role_id),
            team_id=TeamId(body.team_id),
            limits=limits,
        )
        return _made(call, tx, made)

    return one(await call.write(create))


async def list_team_keys(
    call: CurrentCall,
    filter: KeyFilter = "",  # noqa: A002  # its name on the wire
    order_by: KeyOrder = "",
    page_size: PageSize = MAX_PAGE_SIZE,
    page_token: PageToken = "",
) -> Response:
    """List keys of teams, revoked ones too, oldest first."""
    pages = Pages(call=call, name="teamkeys")
    asked = await pages.asked(page_token, filter_text=filter, order_by=order_by)

    def ask(tx: ReadTx) -> list[dict[str, Json]]:
        return _shown(tx, [key for key in api_keys.list_api_keys(tx) if key.user_id is None])

    return answer_page(await call.read(ask), FIELDS, pages, asked, page_size)


async def create_team_key(call: CurrentCall, body: TeamKeyBody) -> Response:
    """Make a key that belongs to no user: for machines whose work outlives whoever set them up.

    It does what its role gives in that team, and no more than what is named here. Nobody makes a key that does more
    than they may themselves. `access_key` is in this answer only.
    """
    limits = _limits_of(body)

    def create(tx: WriteTx) -> Json:
        made = api_keys.create_team_key(
            tx, team_id=TeamId(body.team_id), name=body.name, role=RoleId(body.role_id), limits=limits
        )
        return _made(call, tx, made)

    return one(await call.write(create))


async def rename_key(call: CurrentCall, key_id: KeyIdInPath, body: KeyName) -> Response:
    """Give a user's key another name."""
    return await _change(call, key_id, lambda tx: key_changes.rename_api_key(tx, ApiKeyId(key_id), body.name))


async def rename_team_key(call: CurrentCall, key_id: KeyIdInPath, body: KeyName) -> Response:
    """Give a team's key another name."""
    return await _change(
        call, key_id, lambda tx: key_changes.rename_api_key(tx, ApiKeyId(key_id), body.name), team=True
    )


async def revoke_key(call: CurrentCall, key_id: KeyIdInPath) -> Response:
    """End a user's key at once, with its access tokens."""
    return await _change(call, key_id, lambda tx: _revoked(tx, key_id))


async def revoke_team_key(call: CurrentCall, key_id: KeyIdInPath) -> Response:
    """End a team's key at once, with its access tokens."""
    return await _change(call, key_id, lambda tx: _revoked(tx, key_id), team=True)


async def reinstate_key(call: CurrentCall, key_id: KeyIdInPath) -> Response:
    """Let a revoked key of a user open again what it opened. Who does it must hold what the key gives."""
    return await _change(call, key_id, lambda tx: key_changes.reinstate_api_key(tx, ApiKeyId(key_id)))


async def reinstate_team_key(call: CurrentCall, key_id: KeyIdInPath) -> Response:
    """Let a revoked key of a team open again what it opened. Who does it must hold what the key gives."""
    return await _change(call, key_id, lambda tx: key_changes.reinstate_api_key(tx, ApiKeyId(key_id)), team=True)


async def delete_key(call: CurrentCall, key_id: KeyIdInPath) -> Response:
    """Delete a user's key for good; audit and events still name it."""
    return await _delete(call, key_id, team=False)


async def delete_team_key(call: CurrentCall, key_id: KeyIdInPath) -> Response:
    """Delete a team's key for good; audit and events still name it."""
    return await _delete(call, key_id, team=True)


async def _change(call: RestCall, key_id: str, change: Callable[[WriteTx], ApiKey], *, team: bool = False) -> Response:
    call.record.subject_id = key_id

    def run(tx: WriteTx) -> Json:
        key = change(tx)
        _check_kind(key, team=team)
        return _to_json(key, tx, team_names(tx, [key.team_id]))

    return one(await call.write(run))


async def _delete(call: RestCall, key_id: str, *, team: bool) -> Response:
    call.record.subject_id = key_id

    def run(tx: WriteTx) -> None:
        _check_kind(key_changes.delete_api_key(tx, ApiKeyId(key_id)), team=team)

    await call.write(run)
    return nothing()


def _revoked(tx: WriteTx, key_id: str) -> ApiKey:
    return api_keys.revoke_api_key(tx, ApiKeyId(key_id))


def _check_kind(key: ApiKey, *, team: bool) -> None:
    """Refuse, which takes everything back, when the key is not of the kind that the path names."""
    if (key.user_id is None) is not team:
        raise NotFound(f"There is no such key with the id {key.id} here.", api_key_id=key.id)


def _made(call: RestCall, tx: WriteTx, made: NewApiKey) -> Json:
    call.record.subject_id = made.key.id
    return {**_to_json(made.key, tx, team_names(tx, [made.key.team_id])), "access_key": made.secret}


def _shown(tx: ReadTx, keys: Sequence[ApiKey]) -> list[dict[str, Json]]:
    names = team_names(tx, {key.team_id for key in keys})
    return [_to_json(key, tx, names) for key in keys]


def _to_json(key: ApiKey, tx: ReadTx, names: Mapping[TeamId, str]) -> dict[str, Json]:
    actions = key.limits.actions
    return {
        "id": key.id,
        "access_key": "",
        "name": key.name,
        "status": "ACTIVE" if key.is_usable(tx.now) else "INACTIVE",
        "team_id": key.team_id,
        "team_name": names.get(key.team_id),
        "user_id": key.user_id,
        "user_name": key.user_name,
        "role_id": key.role,
        "actions": None if actions is None else sorted(action.value for action in actions),
        "allowed_networks": [str(network) for network in key.limits.networks],
        "created_at": instant(key.created_at),
        "expires_at": instant(key.expires_at),
        "revoked_at": instant(key.revoked_at),
        "last_access_at": instant(key.last_used_at),
    }


def _limits_of(body: KeyBody | TeamKeyBody) -> KeyLimits:
    return KeyLimits(
        actions=None if body.actions is None else frozenset(Action(name) for name in body.actions),
        networks=tuple(_network_in(text) for text in body.allowed_networks),
        expires_at=body.expires_at,
    )


def _network_in(text: str) -> Network:
    try:
        return ip_network(text)
    except ValueError as error:
        raise bad_field("allowed_networks", f"{text!r} is no network such as 192.0.2.0/24.") from error


_KEY: Final[dict[str, Any]] = {
    "id": "ie5hac8o3E6n",
    "access_key": "",
    "name": "Billing export",
    "status": "ACTIVE",
    "team_id": ROOT_TEAM,
    "team_name": "Root",
    "user_id": "019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6a7b",
    "user_name": "ada@example.com",
    "role_id": None,
    "actions": ["team:list"],
    "allowed_networks": ["192.0.2.0/24"],
    "created_at": "2026-11-24T10:00:00.000Z",
    "expires_at": "2027-11-24T10:00:00.000Z",
    "revoked_at": None,
    "last_access_at": "2026-11-24T11:30:00.000Z",
}
_TEAM_KEY: Final = _KEY | {"user_id": None, "user_name": None, "role_id": OAA_PUSH, "actions": None}
_SECRET: Final = {"access_key": "RLCL…", "last_access_at": None}
_REVOKED: Final = {"status": "INACTIVE", "revoked_at": "2026-11-24T12:00:00.000Z"}


def _endpoints(
    noun: str, example: Mapping[str, Any], needs: Mapping[str, Action], runs: Mapping[str, Callable[..., Any]]
) -> tuple[Endpoint, ...]:
    """Return the endpoints on keys of one kind, which are the same but for what they need."""
    path = f"/api/preview/{noun}"
    changes: tuple[tuple[str, str, str, type[BaseModel] | None, Mapping[str, Any]], ...] = (
        ("PATCH", "", "rename", OneKey, {"value": example}),
        ("DELETE", "", "delete", None, {}),
        ("POST", ":revoke", "revoke", OneKey, {"value": {**example, **_REVOKED}}),
        ("POST", ":reinstate", "reinstate", OneKey, {"value": example}),
    )
    return (
        Endpoint(
            method="GET",
            path=path,
            needs=needs["list"],
            run=runs["list"],
            answers=ManyKeys,
            example={"values": [example], "next_page_token": "", "has_more": False},
        ),
        Endpoint(
            method="POST",
            path=path,
            needs=needs["create"],
            run=runs["create"],
            answers=OneKey,
            example={"value": {**example, **_SECRET}},
            refusals=(404,),
        ),
        *(
            Endpoint(
                method=method,
                path=f"{path}/{{id:opaque}}{verb}",
                needs=needs[name],
                run=runs[name],
                answers=answers,
                example=shown,
            )
            for method, verb, name, answers, shown in changes
        ),
    )


_VERBS: Final = ("list", "create", "rename", "delete", "revoke", "reinstate")

ENDPOINTS: Final = (
    *_endpoints(
        "keys",
        _KEY,
        # Of others' keys the use cases want more.
        dict.fromkeys(_VERBS, Action.OWN_KEY_CHANGE),
        {
            "list": list_keys,
            "create": create_key,
            "rename": rename_key,
            "delete": delete_key,
            "revoke": revoke_key,
            "reinstate": reinstate_key,
        },
    ),
    *_endpoints(
        "teamkeys",
        _TEAM_KEY,
        {
            "list": Action.API_KEY_LIST,
            "create": Action.API_KEY_CREATE,
            "rename": Action.API_KEY_CHANGE,
            "delete": Action.API_KEY_CHANGE,
            "revoke": Action.API_KEY_REVOKE,
            "reinstate": Action.API_KEY_CHANGE,
        },
        {
            "list": list_team_keys,
            "create": create_team_key,
            "rename": rename_team_key,
            "delete": delete_team_key,
            "revoke": revoke_team_key,
            "reinstate": reinstate_team_key,
        },
    ),
)
