"""How are users and groups found by a condition, in an order, a page at a time?

Conditions that have columns are decided by the database. What it cannot decide is decided here, row
by row. Both are done within a time budget, except for what a unique index finds.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Final, TypeAlias

import orjson
from sqlalchemy import Column, ColumnElement, bindparam, case, func, literal, select, true

from rolecall.directory.errors import ListTooSlow
from rolecall.directory.model import GroupId, ListRequest, MemberKind, UserId, UserState
from rolecall.directory.store.groups import GROUP_COLUMNS, list_members
from rolecall.directory.store.users import USER_COLUMNS, list_memberships
from rolecall.directory.tables import (
    GROUP_TOTAL,
    PROVISIONED,
    PROVISIONED_TOTAL,
    directory_group,
    directory_user,
    group_member,
    user_email,
)
from rolecall.kernel.clock import from_microseconds, to_rfc3339
from rolecall.kernel.document import Document, Json
from rolecall.kernel.page import Page
from rolecall.kernel.predicate import (
    Compare,
    Matcher,
    Operator,
    Path,
    Predicate,
    Present,
    compile_matcher,
    paths_of,
    values_at,
)
from rolecall.kernel.text import comparison_form
from rolecall.storage.budget import time_budget
from rolecall.storage.errors import OutOfTime
from rolecall.storage.predicates import (
    EVERYTHING,
    InstantColumn,
    RowsColumn,
    Selection,
    StateColumn,
    TextColumn,
    to_sql,
)
from rolecall.storage.statement import Row, Statement
from rolecall.storage.totals import read_total
from rolecall.storage.transaction import ReadTx
from rolecall.storage.types import unindexed

_BUDGET_SECONDS: Final = 3.0
_CHUNK: Final = 500

_U: Final = directory_user.c
_G: Final = directory_group.c
_M: Final = group_member.c

# The columns that a listed row begins with, whatever the thing: id, profile, version, created_at, changed_at.
STORED_USER_COLUMNS: Final = (_U.id, _U.profile, _U.version, _U.created_at, _U.changed_at)
STORED_GROUP_COLUMNS: Final = GROUP_COLUMNS


SortKey: TypeAlias = tuple[int, Any]
"""What a scan sorts by: numbers (0) before texts (1)."""


class _MemberOf:
    """`groups.value eq "id"`: the users in a group and in the groups below it."""

    def select(self, part: Compare | Present) -> Selection:
        if not (isinstance(part, Compare) and part.operator is Operator.EQ and isinstance(part.value, str)):
            return EVERYTHING
        if part.fold:
            return EVERYTHING
        below = select(_M.member_id, _M.member_kind).where(_M.group_id == part.value).cte(recursive=True)
        inner = group_member.alias("inner_member")
        below = below.union(
            select(inner.c.member_id, inner.c.member_kind).where(
                inner.c.group_id == below.c.member_id, below.c.member_kind == MemberKind.GROUP.value
            )
        )
        return Selection(condition=_U.id.in_(select(below.c.member_id)), exact=True)


def _email_exists(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    return _U.id.in_(select(user_email.c.user_id).where(condition))


def _member_exists(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    return _G.id.in_(select(_M.group_id).where(condition))


_USER_FILTERS: Final[dict[Path, Any]] = {
    ("id",): TextColumn(_U.id, folded=False),
    ("userName",): TextColumn(_U.user_name_key, folded=True),
    ("displayName",): TextColumn(_U.display_name_key, folded=True),
    ("externalId",): TextColumn(_U.external_id, folded=False),
    ("active",): StateColumn(_U.state, UserState.ACTIVE.value),
    ("meta", "created"): InstantColumn(_U.created_at),
    ("meta", "lastModified"): InstantColumn(_U.changed_at),
    ("emails",): RowsColumn(
        {
            ("value",): TextColumn(user_email.c.value_key, folded=True),
            ("type",): TextColumn(user_email.c.type_key, folded=True),
        },
        _email_exists,
    ),
    ("groups", "value"): _MemberOf(),
}
_GROUP_FILTERS: Final[dict[Path, Any]] = {
    ("id",): TextColumn(_G.id, folded=False),
    ("displayName",): TextColumn(_G.display_name_key, folded=True),
    ("externalId",): TextColumn(_G.external_id, folded=False),
    ("meta", "created"): InstantColumn(_G.created_at),
    ("meta", "lastModified"): InstantColumn(_G.changed_at),
    ("members",): RowsColumn(
        {
            ("value",): TextColumn(_M.member_id, folded=False),
            ("type",): TextColumn(_M.member_kind, folded=False),
        },
        _member_exists,
    ),
}
_USER_ORDERS: Final[dict[Path, ColumnElement[Any]]] = {
    ("id",): _U.id,
    ("userName",): _U.user_name_key,
    ("displayName",): _U.display_name_key,
    ("externalId",): _U.external_id,
    ("meta", "created"): _U.created_at,
    ("meta", "lastModified"): _U.changed_at,
}
_GROUP_ORDERS: Final[dict[Path, ColumnElement[Any]]] = {
    ("id",): _G.id,
    ("displayName",): _G.display_name_key,
    ("externalId",): _G.external_id,
    ("meta", "created"): _G.created_at,
    ("meta", "lastModified"): _G.changed_at,
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Kind:
    """What one kind of list is made of."""

    identifier: Column[str]
    columns: tuple[Any, ...]
    visible: ColumnElement[bool]
    belongs: Column[Any]
    """The column of the connection that owns a row."""
    total: str | None
    """The total that is kept of them; None: they are counted."""
    filters: dict[Path, Any]
    orders: dict[Path, ColumnElement[Any]]
    unique: frozenset[Path]
    """Paths of which each value belongs to one row at most."""
    resource_type: str
    related: Mapping[str, Callable[[ReadTx, str], list[Document]]]
    """What is kept elsewhere and belongs to the document all the same, by its name there."""
    owner: str | None = None
    """The connection whose rows alone are listed; None: those of all."""
    by_owner: ColumnElement[bool] | None = None
    """The same condition as `visible`, for which the index by owner and id is meant."""

    @property
    def at_hand(self) -> ColumnElement[bool]:
        """What a list of everything, by id, is read by."""
        return self.visible if self.by_owner is None else self.by_owner


@cache
def owned(kind: Kind, owner: str | None) -> Kind:
    """Return the kind narrowed to what a connection owns; None: as it is."""
    if owner is None:
        return kind
    return replace(
        kind,
        visible=kind.visible & (unindexed(kind.belongs) == owner),
        by_owner=kind.visible & (kind.belongs == owner),
        owner=owner,
    )


def _groups_document(tx: ReadTx, user_id: str) -> list[Document]:
    return [
        {"value": each.group_id, "display": each.display, "type": "direct" if each.direct else "indirect"}
        for each in list_memberships(tx, UserId(user_id))
    ]


def _members_document(tx: ReadTx, group_id: str) -> list[Document]:
    return [
        {"value": each.id, "display": each.display, "type": each.kind.value}
        for each in list_members(tx, GroupId(group_id))
    ]


PROVISIONED_USERS: Final = Kind(
    identifier=_U.id,
    columns=STORED_USER_COLUMNS,
    visible=PROVISIONED,
    belongs=_U.connection_id,
    total=PROVISIONED_TOTAL,
    filters=_USER_FILTERS,
    orders=_USER_ORDERS,
    unique=frozenset({("id",), ("userName",)}),
    resource_type="User",
    related={"groups": _groups_document},
)
ALL_USERS: Final = Kind(
    identifier=_U.id,
    columns=(*STORED_USER_COLUMNS, *USER_COLUMNS),
    visible=_U.state != UserState.DELETED.value,
    belongs=_U.connection_id,
    total=None,
    filters=_USER_FILTERS,
    orders=_USER_ORDERS,
    unique=frozenset({("id",), ("userName",)}),
    resource_type="User",
    related={"groups": _groups_document},
)
GROUPS: Final = Kind(
    identifier=_G.id,
    columns=STORED_GROUP_COLUMNS,
    visible=true(),
    belongs=_G.connection_id,
    total=GROUP_TOTAL,
    filters=_GROUP_FILTERS,
    orders=_GROUP_ORDERS,
    unique=frozenset({("id",), ("displayName",)}),
    resource_type="Group",
    related={"members": _members_document},
)


def list_provisioned_users(tx: ReadTx, request: ListRequest, owner: str | None) -> Page[Row]:
    """Return rows of `STORED_USER_COLUMNS` of users that a connection owns; None: that any does.

    Raises: ListTooSlow.
    """
    return list_kind(tx, request, owned(PROVISIONED_USERS, owner))


def list_all_users(tx: ReadTx, request: ListRequest) -> Page[Row]:
    """Return rows of `USER_COLUMNS` of users of every kind.

    Raises: ListTooSlow.
    """
    page = list_kind(tx, request, ALL_USERS)
    return Page(items=tuple(row[len(STORED_USER_COLUMNS) :] for row in page.items), total=page.total)


def list_groups(tx: ReadTx, request: ListRequest, owner: str | None) -> Page[Row]:
    """Return rows of `STORED_GROUP_COLUMNS` of groups that a connection owns; None: that any does.

    Raises: ListTooSlow.
    """
    return list_kind(tx, request, owned(GROUPS, owner))


def list_kind(tx: ReadTx, request: ListRequest, kind: Kind) -> Page[Row]:
    """Return rows of the columns of a kind.

    Raises: ListTooSlow.
    """
    by_column = request.sort_by is None or request.sort_by in kind.orders
    equal = None if request.where is None or not by_column else _equal_to(request.where, kind)
    if equal is None:
        if request.where is None and request.sort_by is None and kind.total is not None:
            return _list_everything(tx, request, kind, read_total(tx, kind.total, kind.owner))
        with bounded(tx):
            return _list_among(tx, request, kind)
    path, value = equal
    statements = _statements(kind, request.sort_by, descending=request.descending, equal=path)
    with nullcontext() if path in kind.unique else bounded(tx):
        return _page(tx, request, statements, {"value": value})


@contextmanager
def bounded(tx: ReadTx) -> Iterator[None]:
    """Give what is asked in the block as much time as a list may take.

    Raises: ListTooSlow.
    """
    try:
        with time_budget(tx, _BUDGET_SECONDS):
            yield
    except OutOfTime as error:
        raise _too_slow() from error


def _too_slow() -> ListTooSlow:
    return ListTooSlow(
        f"This filter or order needs more than {_BUDGET_SECONDS:.0f} seconds."
        " Add a condition on userName, externalId, displayName, emails.value, id or meta.lastModified."
    )


def _list_everything(tx: ReadTx, request: ListRequest, kind: Kind, total: int) -> Page[Row]:
    """Return rows by id, which the index has in that order: what lies nearer to the end is reached from there."""
    left = max(0, total - request.skip)
    limit = min(request.limit, left)
    from_end = left - limit < request.skip
    skip = left - limit if from_end else request.skip
    _count, page = _statements(kind, None, descending=request.descending is not from_end)
    rows = page.rows(tx, limit=limit, skip=skip) if limit else []
    return Page(items=tuple(reversed(rows) if from_end else rows), total=total)


def _list_among(tx: ReadTx, request: ListRequest, kind: Kind) -> Page[Row]:
    if request.sort_by is None or request.sort_by in kind.orders:
        if request.where is None:
            statements = _statements(kind, request.sort_by, descending=request.descending)
            return _page(tx, request, statements, {}, total=kind)
        selection = to_sql(request.where, kind.filters)
        if selection.exact:
            statements = _statements_where(
                kind, kind.visible & selection.condition, request.sort_by, descending=request.descending
            )
            return _page(tx, request, statements, {})
        return _list_by_scan(tx, request, kind, kind.visible & selection.condition)
    return _list_by_scan(tx, request, kind, visible_in(request, kind))


def visible_in(request: ListRequest, kind: Kind) -> ColumnElement[bool]:
    """Return the condition on the rows that a scan has to look at."""
    if request.where is None:
        return kind.visible
    return kind.visible & to_sql(request.where, kind.filters).condition


def _equal_to(where: Predicate, kind: Kind) -> tuple[Path, str] | None:
    """Return path and value of the commonest condition, `column eq "text"`, for which statements are kept."""
    if not (isinstance(where, Compare) and where.operator is Operator.EQ and isinstance(where.value, str)):
        return None
    column = kind.filters.get(where.path)
    if not isinstance(column, TextColumn) or column.folded is not where.fold or not where.value:
        return None
    return where.path, comparison_form(where.value) if where.fold else where.value


@cache
def _statements(
    kind: Kind, sort_by: Path | None, *, descending: bool, equal: Path | None = None
) -> tuple[Statement, Statement]:
    condition = kind.at_hand if equal is None and sort_by in {None, ("id",)} else kind.visible
    if equal is not None:
        condition &= kind.filters[equal].column == bindparam("value")
    return _statements_where(kind, condition, sort_by, descending=descending)


def _statements_where(
    kind: Kind, condition: ColumnElement[bool], sort_by: Path | None, *, descending: bool
) -> tuple[Statement, Statement]:
    """Return the statement that counts, and the one that reads a page.

    The page is found by the narrow index first; only its own rows are then read whole.
    """
    order = kind.identifier if sort_by is None else kind.orders[sort_by]
    count = select(func.count()).select_from(kind.identifier.table).where(condition)
    ordered = _ordered(select(kind.identifier).where(condition), order, kind.identifier, descending=descending)
    chosen = ordered.limit(bindparam("limit")).offset(bindparam("skip")).cte("chosen")
    page = select(*kind.columns).join(chosen, chosen.c.id == kind.identifier)
    return Statement(count), Statement(_ordered(page, order, kind.identifier, descending=descending))


def _page(
    tx: ReadTx,
    request: ListRequest,
    statements: tuple[Statement, Statement],
    parameters: dict[str, str],
    *,
    total: Kind | None = None,
) -> Page[Row]:
    """Return the page; they are counted only where neither the page itself nor a total that is kept tells."""
    count, page = statements
    rows = page.rows(tx, **parameters, limit=request.limit, skip=request.skip) if request.limit else []
    if len(rows) < request.limit and (rows or not request.skip):
        return Page(items=tuple(rows), total=request.skip + len(rows))
    if total is None or total.total is None:
        counted = int(count.value(tx, **parameters))
    else:
        counted = read_total(tx, total.total, total.owner)
    return Page(items=tuple(rows), total=counted)


def _ordered(query: Any, order: ColumnElement[Any], identifier: ColumnElement[Any], *, descending: bool) -> Any:
    """RFC 7644 §3.4.2.3: what has no value comes last when ascending, first when descending."""
    if order is identifier:
        return query.order_by(identifier.desc() if descending else identifier)
    absent = case((order.is_(None), literal(1)), else_=literal(0))
    if descending:
        return query.order_by(absent.desc(), order.desc(), identifier)
    return query.order_by(absent, order, identifier)


def _list_by_scan(tx: ReadTx, request: ListRequest, kind: Kind, condition: ColumnElement[bool]) -> Page[Row]:
    found = scan(tx, request, kind, condition)
    if request.sort_by is not None:
        found = in_order(found, descending=request.descending)
    page = found[request.skip : request.skip + request.limit]
    return Page(items=tuple(row for _key, row in page), total=len(found))


def scan(
    tx: ReadTx, request: ListRequest, kind: Kind, condition: ColumnElement[bool]
) -> list[tuple[SortKey | None, Row]]:
    """Return every row that the request selects, by id, each with what it is sorted by.

    Raises: ListTooSlow.
    """
    matches = _matcher(request.where)
    named = {path[0] for path in paths_of(request.where)} if request.where is not None else set()
    related = [name for name in kind.related if name in named]
    needs_document = request.where is not None or request.sort_by is not None
    backwards = request.descending and request.sort_by is None
    order = kind.identifier.desc() if backwards else kind.identifier
    query = Statement(select(*kind.columns).where(condition).order_by(order))
    found: list[tuple[SortKey | None, Row]] = []
    for row in _within_budget(query.run(tx)):
        document = _document_of(tx, row, kind, related) if needs_document else {}
        if matches(document):
            found.append((_sort_key(document, request.sort_by), row))
    return found


def in_order(found: list[tuple[SortKey | None, Row]], *, descending: bool) -> list[tuple[SortKey | None, Row]]:
    """Return what a scan found, sorted; equals stay by id, and what has no value comes as in `_ordered`."""
    there = [(key, row) for key, row in found if key is not None]
    absent = [(key, row) for key, row in found if key is None]
    there.sort(key=lambda each: each[0], reverse=descending)
    return [*absent, *there] if descending else [*there, *absent]


def _matcher(where: Predicate | None) -> Matcher:
    return compile_matcher(where) if where is not None else lambda _document: True


def _within_budget(cursor: Any) -> Iterator[Row]:
    deadline = time.monotonic() + _BUDGET_SECONDS
    while chunk := cursor.fetchmany(_CHUNK):
        yield from chunk
        if time.monotonic() > deadline:
            raise _too_slow()


_SORTED_AS_WRITTEN: Final = frozenset({("id",), ("externalId",), ("meta", "created"), ("meta", "lastModified")})
"""Paths whose columns hold no comparison form, so that a scan sorts as an index does."""


def _document_of(tx: ReadTx, row: Row, kind: Kind, related: list[str]) -> Document:
    document: dict[str, Json] = orjson.loads(row[1])
    document["id"] = row[0]
    document["meta"] = {
        "resourceType": kind.resource_type,
        "created": to_rfc3339(from_microseconds(row[3])),
        "lastModified": to_rfc3339(from_microseconds(row[4])),
        "version": f'W/"{row[2]}"',
    }
    for name in related:
        document[name] = kind.related[name](tx, row[0])
    return document


def _sort_key(document: Document, path: Path | None) -> SortKey | None:
    """Return what to sort by: of several values the primary one, else the first; texts without case."""
    if path is None:
        return None
    value = next(values_at(_primary_first(document, path[0]), path), None)
    if isinstance(value, dict):
        value = value.get("value")
    match value:
        case None:
            return None
        case bool() | int() | float():
            return (0, value)
        case _:
            return (1, str(value) if path in _SORTED_AS_WRITTEN else comparison_form(str(value)))


def _primary_first(document: Document, name: str) -> Document:
    values = document.get(name)
    if not isinstance(values, list):
        return document
    primary = [value for value in values if isinstance(value, dict) and value.get("primary") is True]
    return {**document, name: [*primary, *(value for value in values if value not in primary)]}
