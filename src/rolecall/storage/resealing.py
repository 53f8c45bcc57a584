"""With which keys is what is in the database sealed, and how does it get from one key to the next?"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Column, Table, bindparam, func, select, update

from rolecall.authorization.actions import Action
from rolecall.authorization.check import require
from rolecall.kernel.errors import DomainError
from rolecall.storage.events import SecretKeyForgotten, SecretKeyMade
from rolecall.storage.secrets import KeyRing, SecretKeyInUse, key_id_of, place_of, prefix_of
from rolecall.storage.statement import Statement
from rolecall.storage.transaction import ReadTx, WriteTx
from rolecall.storage.types import METADATA, RingKey, Sealed

_AT_ONCE: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """What one transaction of resealing did."""

    resealed: int
    unreadable: int
    """Values that no key of the ring opens; they stay as they are."""
    next_after: tuple[int, str] | None
    """Where the next one goes on; None when everything has been looked at."""


def count_by_key(tx: ReadTx) -> Mapping[str, int]:
    """Return how many secrets are sealed with each key, by its id.

    Raises: Forbidden.
    """
    require(tx.actor, Action.KEY_RING_CHANGE)
    counts: Counter[str] = Counter()
    for _table, _key, column in _sealed_columns():
        for (sealed,) in Statement(select(column).where(column.is_not(None))).run(tx):  # type: ignore[attr-defined]  # both drivers' cursors can be iterated
            counts[key_id_of(sealed)] += 1
    return dict(counts)


def rotate_key(tx: WriteTx, keys: KeyRing) -> str:
    """Make a new key, which seals from now on; return its id. `reseal_slice` then brings the rest to it.

    Raises: Forbidden, KeysAreFixed, SecretKeyMissing, BadKeyRing, UnsafeKeyFile.
    """
    require(tx.actor, Action.KEY_RING_CHANGE)
    # Should the commit fail after this, there is a key more than events tell: better than secrets without their key.
    key_id = keys.rotate(tx.now)
    tx.record(SecretKeyMade(key_id=key_id))
    return key_id


def reseal_slice(tx: WriteTx, keys: KeyRing, *, after: tuple[int, str] = (0, "")) -> Slice:
    """Seal at most a hundred secrets with the primary key that another has sealed, behind the place `after`.

    Whatever stops it: begun anew, it goes on with what is left.

    Raises: Forbidden, SecretKeyMissing, BadKeyRing, UnsafeKeyFile.
    """
    require(tx.actor, Action.KEY_RING_CHANGE)
    number, row_id = after
    columns = _sealed_columns()
    if number == len(columns):
        return Slice(resealed=0, unreadable=0, next_after=None)
    table, key, column = columns[number]
    begins = prefix_of(keys.primary)
    others = (
        select(key, column)
        .where(column.is_not(None), func.substr(column, 1, len(begins)) != begins, key > row_id)
        .order_by(key)
        .limit(_AT_ONCE)
    )
    rows = Statement(others).rows(tx)
    change = Statement(
        update(table)
        .where(key == bindparam("which"), column == bindparam("old"))
        .values({column.name: bindparam("new")})
    )
    unreadable = 0
    for found, sealed in rows:
        place = place_of(table.name, column.name, found)
        try:
            anew = keys.seal(keys.unseal(sealed, place=place), place=place)
        except DomainError:
            unreadable += 1
            continue
        change.run(tx, which=found, old=sealed, new=anew)
    next_after = (number, str(rows[-1][0])) if len(rows) == _AT_ONCE else (number + 1, "")
    return Slice(resealed=len(rows) - unreadable, unreadable=unreadable, next_after=next_after)


def forget_key(tx: WriteTx, keys: KeyRing, key_id: str) -> None:
    """Remove a key for good, which nothing in the database needs any more.

    Raises: Forbidden, SecretKeyInUse, KeysAreFixed, SecretKeyMissing, BadKeyRing, UnsafeKeyFile.
    """
    require(tx.actor, Action.KEY_RING_CHANGE)
    count = count_by_key(tx).get(key_id, 0)
    if count:
        raise SecretKeyInUse(
            f"{count} secrets are sealed with the key {key_id}. Run: rolecall admin secrets rotate --resume",
            key_id=key_id,
        )
    proven = _count_proven_by(tx, key_id)
    if proven:
        raise SecretKeyInUse(
            f"{proven} seals of the audit log can only be checked with the key {key_id}. It can go when the records "
            "that they are for have been forgotten (--audit-days).",
            key_id=key_id,
        )
    keys.forget(key_id)
    tx.record(SecretKeyForgotten(key_id=key_id))


def _sealed_columns() -> list[tuple[Table, Column[Any], Column[Any]]]:
    """Return, of each column that holds sealed texts, the table, the key's column and itself, in order of name."""
    return [
        (table, next(iter(table.primary_key.columns)), column)
        for _name, table in sorted(METADATA.tables.items())
        for column in table.columns
        if isinstance(column.type, Sealed)
    ]


def _count_proven_by(tx: ReadTx, key_id: str) -> int:
    """Return how many rows can only be checked with this key."""
    columns = [column for table in METADATA.tables.values() for column in table.columns if _names_key(column)]
    return sum(
        Statement(select(func.count()).select_from(column.table).where(column == bindparam("key_id"))).value(
            tx, key_id=key_id
        )
        for column in columns
    )


def _names_key(column: Column[Any]) -> bool:
    return isinstance(column.type, RingKey)
