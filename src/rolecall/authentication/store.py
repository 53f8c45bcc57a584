"""The rows of API keys and set-up links."""

from typing import Any, Final

import orjson
from sqlalchemy import bindparam, delete, insert, select, update

from rolecall.authentication.model import ApiKey, ApiKeyId
from rolecall.authentication.tables import api_key, setup_link
from rolecall.authorization.roles import RoleId
from rolecall.directory.model import TeamId, UserId
from rolecall.kernel.clock import from_microseconds, to_microseconds
from rolecall.storage.statement import Row, Statement
from rolecall.storage.transaction import ReadTx, WriteTx
from rolecall.storage.types import listed

_K: Final = api_key.c
_L: Final = setup_link.c

_INSERT: Final = Statement(
    insert(api_key).values({column.name: bindparam(column.name) for column in _K if column.name != "last_used_at"})
)
_FIND: Final = Statement(select(api_key).where(_K.id == bindparam("id")))
_LIST_OF_TEAM: Final = Statement(
    select(api_key).where(_K.team_id == bindparam("team_id"), _K.revoked_at.is_(None)).order_by(_K.created_at)
)
_LIST: Final = Statement(select(api_key).order_by(_K.created_at, _K.id))
_LIST_OF_USER: Final = Statement(
    select(api_key).where(_K.user_id == bindparam("user_id"), _K.revoked_at.is_(None)).order_by(_K.created_at)
)
_REVOKE: Final = Statement(
    update(api_key).where(_K.id == bindparam("which"), _K.revoked_at.is_(None)).values(revoked_at=bindparam("now"))
)
_TOUCH: Final = Statement(
    update(api_key).where(_K.id.in_(select(listed(bindparam("ids")).c.value))).values(last_used_at=bindparam("now"))
)
_INSERT_LINK: Final = Statement(insert(setup_link).values({column.name: bindparam(column.name) for column in _L}))
_DELETE_LINKS: Final = Statement(delete(setup_link))
_FIND_LINK: Final = Statement(
    select(_L.token_hash).where(_L.token_hash == bindparam("token_hash"), _L.expires_at > bindparam("now"))
)
_TAKE_LINK: Final = Statement(
    delete(setup_link).where(_L.token_hash == bindparam("token_hash"), _L.expires_at > bindparam("now"))
)


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


def list_keys_in(tx: ReadTx, team_id: TeamId) -> list[Row]:
    """Return the rows of a team's keys that are not revoked."""
    return _LIST_OF_TEAM.rows(tx, team_id=team_id)


def revoke_key(tx: WriteTx, key_id: str) -> bool:
    """End a key; return False when it was ended before."""
    return _REVOKE.run(tx, which=key_id, now=to_microseconds(tx.now)).rowcount > 0


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


def key_from(row: Row, *, user_name: str, user_is_active: bool) -> ApiKey:
    """Return the key in a row."""
    values: dict[str, Any] = dict(zip(_K.keys(), row, strict=True))
    return ApiKey(
        id=ApiKeyId(values["id"]),
        secret_hash=values["secret_hash"],
        name=values["name"],
        user_id=UserId(values["user_id"]),
        user_name=user_name,
        user_is_active=user_is_active,
        team_id=TeamId(values["team_id"]),
        role=None if values["role_id"] is None else RoleId(values["role_id"]),
        created_at=from_microseconds(values["created_at"]),
        expires_at=None if values["expires_at"] is None else from_microseconds(values["expires_at"]),
        revoked_at=None if values["revoked_at"] is None else from_microseconds(values["revoked_at"]),
        last_used_at=None if values["last_used_at"] is None else from_microseconds(values["last_used_at"]),
    )
