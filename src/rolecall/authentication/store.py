"""The rows of API keys, access tokens and set-up links."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_network
from typing import Any, Final

import orjson
from sqlalchemy import Integer, and_, bindparam, delete, insert, null, or_, select, update

from rolecall.authentication.model import ApiKey, ApiKeyId, KeyLimits
from rolecall.authentication.tables import access_token, api_key, setup_link
from rolecall.authorization.actions import Action
from rolecall.authorization.roles import RoleId
from rolecall.directory.model import ConnectionId, TeamId, UserId
from rolecall.kernel.clock import from_microseconds, to_microseconds
from rolecall.storage.statement import Row, Statement
from rolecall.storage.transaction import ReadTx, WriteTx
from rolecall.storage.types import is_listed, listed

_K: Final = api_key.c
_L: Final = setup_link.c
_T: Final = access_token.c

_INSERT: Final = Statement(
    insert(api_key).values(
        {column.name: bindparam(column.name) for column in _K if column.name not in {"last_used_at", "expiry_told_at"}}
    )
)
_FIND: Final = Statement(select(api_key).where(_K.id == bindparam("id")))
_LIST_OF_TEAM: Final = Statement(
    select(api_key).where(_K.team_id == bindparam("team_id"), _K.revoked_at.is_(None)).order_by(_K.created_at)
)
_LIST: Final = Statement(select(api_key).order_by(_K.created_at, _K.id))
_LIST_OF_USER: Final = Statement(
    select(api_key).where(_K.user_id == bindparam("user_id"), _K.revoked_at.is_(None)).order_by(_K.created_at)
)
_HAS_KEYS: Final = Statement(
    select(_K.id).where(is_listed(_K.user_id, bindparam("user_ids")), _K.revoked_at.is_(None)).limit(1)
)
_LIST_ALL_OF_USER: Final = Statement(
    select(api_key).where(_K.user_id == bindparam("user_id")).order_by(_K.created_at, _K.id)
)
_LIST_OF_CONNECTION: Final = Statement(
    select(api_key).where(_K.connection_id == bindparam("connection_id")).order_by(_K.created_at, _K.id)
)
_IDS_OF_CONNECTION: Final = Statement(
    select(_K.id).where(
        or_(
            _K.connection_id == bindparam("connection_id"),
            and_(_K.connection_id.is_(None), bindparam("with_unbound", type_=Integer()) == 1),
        )
    )
)
_CONNECTIONS_OF: Final = Statement(select(_K.id, _K.connection_id).where(is_listed(_K.id, bindparam("ids"))))
_SET_EXPIRY: Final = Statement(
    update(api_key).where(_K.id == bindparam("which")).values(expires_at=bindparam("expires_at"))
)
_REVOKE: Final = Statement(
    update(api_key).where(_K.id == bindparam("which"), _K.revoked_at.is_(None)).values(revoked_at=bindparam("now"))
)
_TOUCH: Final = Statement(
    update(api_key).where(_K.id.in_(select(listed(bindparam("ids")).c.value))).values(last_used_at=bindparam("now"))
)
_RENAME: Final = Statement(update(api_key).where(_K.id == bindparam("which")).values(name=bindparam("name")))
_REINSTATE: Final = Statement(
    update(api_key).where(_K.id == bindparam("which"), _K.revoked_at.is_not(None)).values(revoked_at=null())
)
_DELETE: Final = Statement(delete(api_key).where(_K.id == bindparam("id")))
_ENDING: Final = and_(
    _K.expires_at > bindparam("now"),
    _K.expires_at <= bindparam("soon"),
    _K.revoked_at.is_(None),
    _K.expiry_told_at.is_(None),
)
_LIST_ENDING: Final = Statement(select(api_key).where(_ENDING).order_by(_K.expires_at, _K.id).with_for_update())
_NOTE_TOLD: Final = Statement(update(api_key).where(_ENDING).values(expiry_told_at=bindparam("now")))
_INSERT_TOKEN: Final = Statement(insert(access_token).values({column.name: bindparam(column.name) for column in _T}))
_FIND_TOKEN: Final = Statement(select(access_token).where(_T.id == bindparam("id"), _T.expires_at > bindparam("now")))
_DELETE_TOKENS_OF: Final = Statement(delete(access_token).where(_T.api_key_id == bindparam("api_key_id")))
_DELETE_ENDED_TOKENS: Final = Statement(delete(access_token).where(_T.expires_at <= bindparam("now")))
_INSERT_LINK: Final = Statement(insert(setup_link).values({column.name: bindparam(column.name) for column in _L}))
_DELETE_LINKS: Final = Statement(delete(setup_link))
_FIND_LINK: Final = Statement(
    select(_L.token_hash).where(_L.token_hash == bindparam("token_hash"), _L.expires_at > bindparam("now"))
)
_TAKE_LINK: Final = Statement(
    delete(setup_link).where(_L.token_hash == bindparam("token_hash"), _L.expires_at > bindparam("now"))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptToken:
    """What is kept of an access token."""

    secret_hash: str
    key_id: ApiKeyId
    actions: frozenset[Action] | None
    expires_at: datetime


def insert_key(tx: WriteTx, key: ApiKey) -> None:
    """Write a new key."""
    _INSERT.run(
        tx,
        id=key.id,
        secret_hash=key.secret_hash,
        name=key.name,
        user_id=key.user_id,
        team_id=key.team_id,
        role_id=key.role,
        connection_id=key.connection_id,
        actions=_actions_text(key.limits.actions),
        networks=orjson.dumps([str(each) for each in key.limits.networks]).decode() if key.limits.networks else None,
        created_at=to_microseconds(key.created_at),
        expires_at=None if key.expires_at is None else to_microseconds(key.expires_at),
        revoked_at=None,
    )


def find_key(tx: ReadTx, key_id: str) -> Row | None:
    """Return the row of a key, or None."""
    return _FIND.row(tx, id=key_id)


def list_keys(tx: ReadTx) -> list[Row]:
    """Return the rows of all keys, oldest first."""
    return _LIST.rows(tx)


def list_keys_of(tx: ReadTx, user_id: UserId) -> list[Row]:
    """Return the rows of a user's keys that are not revoked."""
    return _LIST_OF_USER.rows(tx, user_id=user_id)


def has_keys(tx: ReadTx, user_ids: Iterable[UserId]) -> bool:
    """Return whether any of these users has a key that is not revoked."""
    return _HAS_KEYS.row(tx, user_ids=orjson.dumps(list(user_ids)).decode()) is not None


def list_all_keys_of(tx: ReadTx, user_id: UserId) -> list[Row]:
    """Return the rows of a user's keys, oldest first, revoked ones too."""
    return _LIST_ALL_OF_USER.rows(tx, user_id=user_id)


def list_keys_in(tx: ReadTx, team_id: TeamId) -> list[Row]:
    """Return the rows of a team's keys that are not revoked."""
    return _LIST_OF_TEAM.rows(tx, team_id=team_id)


def list_keys_of_connection(tx: ReadTx, connection_id: ConnectionId) -> list[Row]:
    """Return the rows of a connection's keys, oldest first, revoked ones too."""
    return _LIST_OF_CONNECTION.rows(tx, connection_id=connection_id)


def list_ids_of_connection(tx: ReadTx, connection_id: ConnectionId, *, with_unbound: bool) -> list[str]:
    """Return the ids of the keys of a connection, ended ones too, and if wanted of those of none."""
    rows = _IDS_OF_CONNECTION.rows(tx, connection_id=connection_id, with_unbound=int(with_unbound))
    return [row[0] for row in rows]


def find_connection_ids(tx: ReadTx, key_ids: Collection[str]) -> dict[str, ConnectionId | None]:
    """Return the connection of each of these keys that is there; None for one of no connection."""
    rows = _CONNECTIONS_OF.rows(tx, ids=orjson.dumps(sorted(key_ids)).decode())
    return {row[0]: None if row[1] is None else ConnectionId(row[1]) for row in rows}


def set_key_expiry(tx: WriteTx, key_id: str, expires_at: datetime) -> None:
    """Let a key end by itself at this instant."""
    _SET_EXPIRY.run(tx, which=key_id, expires_at=to_microseconds(expires_at))


def revoke_key(tx: WriteTx, key_id: str) -> bool:
    """End a key and its access tokens; return False when it was ended before."""
    _DELETE_TOKENS_OF.run(tx, api_key_id=key_id)
    return _REVOKE.run(tx, which=key_id, now=to_microseconds(tx.now)).rowcount > 0


def rename_key(tx: WriteTx, key_id: str, name: str) -> None:
    """Give a key another name."""
    _RENAME.run(tx, which=key_id, name=name)


def reinstate_key(tx: WriteTx, key_id: str) -> bool:
    """Take back that a key was ended; return False when it was not."""
    return _REINSTATE.run(tx, which=key_id).rowcount > 0


def delete_key(tx: WriteTx, key_id: str) -> None:
    """Delete a key with its access tokens."""
    _DELETE_TOKENS_OF.run(tx, api_key_id=key_id)
    _DELETE.run(tx, id=key_id)


def take_keys_ending(tx: WriteTx, soon: datetime) -> list[Row]:
    """Return the rows of keys that end by then and were not taken before."""
    period = {"now": to_microseconds(tx.now), "soon": to_microseconds(soon)}
    rows = _LIST_ENDING.rows(tx, **period)
    if rows:
        _NOTE_TOLD.run(tx, **period)
    return rows


def insert_token(
    tx: WriteTx,
    *,
    token_id: str,
    secret_hash: str,
    key_id: str,
    actions: frozenset[Action] | None,
    expires_at: datetime,
) -> None:
    """Write a new access token, and delete those that have ended."""
    _DELETE_ENDED_TOKENS.run(tx, now=to_microseconds(tx.now))
    _INSERT_TOKEN.run(
        tx,
        id=token_id,
        secret_hash=secret_hash,
        api_key_id=key_id,
        actions=_actions_text(actions),
        created_at=to_microseconds(tx.now),
        expires_at=to_microseconds(expires_at),
    )


def find_token(tx: ReadTx, token_id: str) -> KeptToken | None:
    """Return an access token that has not ended, or None."""
    row = _FIND_TOKEN.row(tx, id=token_id, now=to_microseconds(tx.now))
    if row is None:
        return None
    return KeptToken(
        secret_hash=row[1],
        key_id=ApiKeyId(row[2]),
        actions=_actions_from(row[3]),
        expires_at=from_microseconds(row[5]),
    )


def touch_keys(tx: WriteTx, key_ids: list[str]) -> None:
    """Write that these keys were used now."""
    _TOUCH.run(tx, ids=orjson.dumps(key_ids).decode(), now=to_microseconds(tx.now))


def replace_links(tx: WriteTx, token_hash: str, expires_at: int) -> None:
    """Keep this one set-up link and no other."""
    _DELETE_LINKS.run(tx)
    _INSERT_LINK.run(tx, token_hash=token_hash, created_at=to_microseconds(tx.now), expires_at=expires_at)


def has_link(tx: ReadTx, token_hash: str) -> bool:
    """Return whether this set-up link is valid now."""
    return _FIND_LINK.row(tx, token_hash=token_hash, now=to_microseconds(tx.now)) is not None


def take_link(tx: WriteTx, token_hash: str) -> bool:
    """Use a set-up link up; return False when it is not valid now."""
    return _TAKE_LINK.run(tx, token_hash=token_hash, now=to_microseconds(tx.now)).rowcount > 0


def key_from(row: Row, *, user_name: str | None, user_is_active: bool) -> ApiKey:
    """Return the key in a row."""
    values: dict[str, Any] = dict(zip(_K.keys(), row, strict=True))
    return ApiKey(
        id=ApiKeyId(values["id"]),
        secret_hash=values["secret_hash"],
        name=values["name"],
        user_id=None if values["user_id"] is None else UserId(values["user_id"]),
        user_name=user_name,
        user_is_active=user_is_active,
        team_id=TeamId(values["team_id"]),
        role=None if values["role_id"] is None else RoleId(values["role_id"]),
        connection_id=None if values["connection_id"] is None else ConnectionId(values["connection_id"]),
        limits=KeyLimits(
            actions=_actions_from(values["actions"]),
            networks=tuple(ip_network(each) for each in orjson.loads(values["networks"] or "[]")),
            expires_at=None if values["expires_at"] is None else from_microseconds(values["expires_at"]),
        ),
        created_at=from_microseconds(values["created_at"]),
        revoked_at=None if values["revoked_at"] is None else from_microseconds(values["revoked_at"]),
        last_used_at=None if values["last_used_at"] is None else from_microseconds(values["last_used_at"]),
    )


def _actions_text(actions: frozenset[Action] | None) -> str | None:
    return None if actions is None else orjson.dumps(sorted(action.value for action in actions)).decode()


def _actions_from(text: str | None) -> frozenset[Action] | None:
    if text is None:
        return None
    known = {action.value: action for action in Action}
    # What a later version could do and this one cannot, the key cannot either.
    return frozenset(known[name] for name in orjson.loads(text) if name in known)
