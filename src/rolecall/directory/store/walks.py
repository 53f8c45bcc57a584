"""How is a list read on from a position, as fast at its end as at its beginning?

Nothing is skipped by counting, so what is inserted or deleted meanwhile shifts no page: a row that
is there and selected throughout is met exactly once, unless what it is sorted by changes.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum
from functools import cache
from typing import Any, Final, TypeAlias

from sqlalchemy import ColumnElement, and_, bindparam, func, null, or_, select

from rolecall.directory.model import ListRequest, Position, Seek, Stretch
from rolecall.directory.store.lists import (
    ALL_USERS,
    GROUPS,
    PROVISIONED_USERS,
    STORED_USER_COLUMNS,
    Kind,
    SortKey,
    bounded,
    in_order,
    owned,
    scan,
    visible_in,
)
from rolecall.directory.store.users import USER_COLUMNS
from rolecall.kernel.predicate import Path
from rolecall.storage.predicates import to_sql
from rolecall.storage.statement import Row, Statement
from rolecall.storage.totals import read_total
from rolecall.storage.transaction import ReadTx

_Found: TypeAlias = tuple[Position, Row]

_LONGEST_KEY: Final = 400
"""Characters by which texts without a column are told apart before their ids are: a position must fit into a URL."""


class _Part(Enum):
    """A list is read part by part, so that each is in the order of an index."""

    ALL = "all"
    """Of a list by id."""
    VALUED = "valued"
    """What has a value to be sorted by."""
    ABSENT = "absent"
    """What has none, by id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Course:
    """Which way one part is read, and whether from its very beginning."""

    part: _Part
    started: bool
    keys_fall: bool
    ids_fall: bool


def walk_provisioned_users(tx: ReadTx, request: ListRequest, seek: Seek, owner: str | None) -> Stretch[Row]:
    """Return rows that begin as `STORED_USER_COLUMNS` do, of users that SCIM owns.

    Raises: ListTooSlow.
    """
    return walk_kind(tx, request, seek, owned(PROVISIONED_USERS, owner))


def walk_all_users(tx: ReadTx, request: ListRequest, seek: Seek) -> Stretch[Row]:
    """Return rows of `USER_COLUMNS`, of users of every kind.

    Raises: ListTooSlow.
    """
    stretch = walk_kind(tx, request, seek, ALL_USERS)
    return replace(stretch, items=tuple(row[len(STORED_USER_COLUMNS) :][: len(USER_COLUMNS)] for row in stretch.items))


def walk_groups(tx: ReadTx, request: ListRequest, seek: Seek, owner: str | None) -> Stretch[Row]:
    """Return rows that begin as `STORED_GROUP_COLUMNS` do.

    Raises: ListTooSlow.
    """
    return walk_kind(tx, request, seek, owned(GROUPS, owner))


def walk_kind(tx: ReadTx, request: ListRequest, seek: Seek, kind: Kind) -> Stretch[Row]:
    """Return rows that begin with the columns of a kind.

    Raises: ListTooSlow.
    """
    with bounded(tx):
        return _stretch(_source(tx, request, kind), seek, request.limit)


def _source(tx: ReadTx, request: ListRequest, kind: Kind) -> "_Columns | _Scanned":
    source: _Columns | _Scanned
    if request.sort_by is not None and request.sort_by not in kind.orders:
        source = _Scanned(tx, request, kind, visible_in(request, kind))
    elif request.where is None:
        source = _Columns(tx, request, kind, None)
    else:
        selection = to_sql(request.where, kind.filters)
        if selection.exact:
            source = _Columns(tx, request, kind, selection.condition)
        else:
            source = _Scanned(tx, request, kind, kind.visible & selection.condition)
    return source


def _stretch(source: "_Columns | _Scanned", seek: Seek, limit: int) -> Stretch[Row]:
    total = source.count()
    if limit == 0:
        return Stretch(items=(), total=total)
    found = source.read(seek, limit + 1)
    onward = replace(seek, start=found[limit - 1][0]) if len(found) > limit else None
    found = found[:limit]
    if found:
        back = Seek(start=found[0][0], backwards=not seek.backwards)
        behind = back if seek.start is not None and source.read(back, 1) else None
    else:
        # Whatever there still is lies on the other side of where this began.
        behind = Seek(backwards=not seek.backwards) if seek.start is not None and total else None
    if seek.backwards:
        return Stretch(items=tuple(row for _, row in reversed(found)), total=total, before=onward, after=behind)
    return Stretch(items=tuple(row for _, row in found), total=total, before=behind, after=onward)


class _Columns:
    """A list whose condition and order the database decides."""

    def __init__(self, tx: ReadTx, request: ListRequest, kind: Kind, condition: ColumnElement[bool] | None) -> None:
        self._tx = tx
        self._kind = kind
        self._condition = condition
        self._sort_by = request.sort_by
        self._descending = request.descending

    def count(self) -> int:
        """Return how many rows there are."""
        if self._condition is None and self._kind.total is not None:
            return read_total(self._tx, self._kind.total, self._kind.owner)
        if self._condition is None:
            return int(_kept_count(self._kind).value(self._tx))
        statement = _count(self._kind, self._kind.visible & self._condition)
        return int(statement.value(self._tx))

    def read(self, seek: Seek, limit: int) -> list[_Found]:
        """Return at most `limit` rows from there on, the nearest first."""
        found: list[_Found] = []
        for course in self._courses(seek):
            start: dict[str, Any] = {}
            if course.started and seek.start is not None:
                start = {"start_id": seek.start.id}
                if course.part is _Part.VALUED:
                    start["start_key"] = seek.start.key
            rows = self._statement(course).rows(self._tx, **start, limit=limit - len(found))
            found += [(Position(key=row[-1], id=row[0]), row) for row in rows]
            if len(found) == limit:
                break
        return found

    def _statement(self, course: _Course) -> Statement:
        if self._condition is None:
            return _kept_reading(self._kind, self._sort_by, course)
        return _reading(self._kind, self._kind.visible & self._condition, self._sort_by, course)

    def _courses(self, seek: Seek) -> Iterator[_Course]:
        """Yield how each part is read, from the one on in which the start lies."""
        by_id = self._sort_by is None or self._sort_by == ("id",)
        if by_id:
            parts, ids_fall = [_Part.ALL], self._descending is not seek.backwards
        else:
            # RFC 7644 §3.4.2.3: what has no value comes last when ascending, first when descending.
            parts, ids_fall = [_Part.VALUED, _Part.ABSENT], seek.backwards
            if self._descending is not seek.backwards:
                parts.reverse()
        if seek.start is not None and not by_id:
            parts = parts[parts.index(_Part.ABSENT if seek.start.key is None else _Part.VALUED) :]
        for number, part in enumerate(parts):
            yield _Course(
                part=part,
                started=seek.start is not None and number == 0,
                keys_fall=self._descending is not seek.backwards,
                ids_fall=ids_fall,
            )


class _Scanned:
    """A list of which the database knows too little: everything is read, then what is wanted cut out."""

    def __init__(self, tx: ReadTx, request: ListRequest, kind: Kind, condition: ColumnElement[bool]) -> None:
        found = [(_shortened(key), row) for key, row in scan(tx, request, kind, condition)]
        if request.sort_by is not None:
            found = in_order(found, descending=request.descending)
        self._ids_fall = request.descending and request.sort_by is None
        self._found = [(Position(key=key, id=row[0]), row) for key, row in found]
        self._descending = request.descending

    def count(self) -> int:
        """Return how many rows there are."""
        return len(self._found)

    def read(self, seek: Seek, limit: int) -> list[_Found]:
        """Return at most `limit` rows from there on, the nearest first."""
        found = reversed(self._found) if seek.backwards else iter(self._found)
        start = seek.start
        if start is None:
            return [each for _, each in zip(range(limit), found, strict=False)]
        chosen = (each for each in found if self._lies_beyond(each[0], start, backwards=seek.backwards))
        return [each for _, each in zip(range(limit), chosen, strict=False)]

    def _lies_beyond(self, one: Position, start: Position, *, backwards: bool) -> bool:
        if one.id == start.id and _key(one) == _key(start):
            return False
        return self._comes_after(one, start) is not backwards

    def _comes_after(self, one: Position, other: Position) -> bool:
        mine, theirs = _key(one), _key(other)
        if mine == theirs:
            return (one.id > other.id) is not self._ids_fall
        if mine is None or theirs is None:
            return (mine is None) is not self._descending
        return (mine > theirs) is not self._descending


def _key(position: Position) -> SortKey | None:
    key = position.key
    return (key[0], key[1]) if isinstance(key, list | tuple) else None


def _shortened(key: SortKey | None) -> SortKey | None:
    return (key[0], key[1][:_LONGEST_KEY]) if key is not None and isinstance(key[1], str) else key


@cache
def _kept_count(kind: Kind) -> Statement:
    return _count(kind, kind.at_hand)


def _count(kind: Kind, condition: ColumnElement[bool]) -> Statement:
    return Statement(select(func.count()).select_from(kind.identifier.table).where(condition))


@cache
def _kept_reading(kind: Kind, sort_by: Path | None, course: _Course) -> Statement:
    return _reading(kind, kind.at_hand if course.part is _Part.ALL else kind.visible, sort_by, course)


def _reading(kind: Kind, condition: ColumnElement[bool], sort_by: Path | None, course: _Course) -> Statement:
    """Return the statement that reads one part; its rows end in what they are sorted by."""
    identifier = kind.identifier
    order: ColumnElement[Any] = identifier if sort_by is None else kind.orders[sort_by]
    start_id = bindparam("start_id", type_=identifier.type)
    beyond = identifier < start_id if course.ids_fall else identifier > start_id
    by: list[Any] = [identifier.desc() if course.ids_fall else identifier]
    conditions: list[ColumnElement[bool]] = [condition]
    if course.part is _Part.ABSENT:
        conditions.append(order.is_(None))
    elif course.part is _Part.VALUED:
        conditions.append(order.is_not(None))
        by.insert(0, order.desc() if course.keys_fall else order)
        start_key = bindparam("start_key", type_=order.type)
        # The first half is what an index on the order alone can serve.
        beyond = and_(
            order <= start_key if course.keys_fall else order >= start_key,
            or_(order < start_key if course.keys_fall else order > start_key, beyond),
        )
    if course.started:
        conditions.append(beyond)
    key = order if course.part is _Part.VALUED else null()
    return Statement(
        select(*kind.columns, key.label("sorted_by")).where(*conditions).order_by(*by).limit(bindparam("limit"))
    )
