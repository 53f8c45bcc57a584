"""The rows of resources of declared kinds, and of their unique values."""

from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import orjson
from sqlalchemy import ColumnElement, bindparam, delete, insert, literal, select, update

from rolecall.directory.errors import ValueTaken
from rolecall.directory.model import (
    ListRequest,
    Resource,
    ResourceId,
    ResourceKind,
    Seek,
    StoredResource,
    Stretch,
    UniqueAttribute,
    UniqueValue,
)
from rolecall.directory.store.lists import Kind, list_kind, owned
from rolecall.directory.store.users import text_of
from rolecall.directory.store.walks import walk_kind
from rolecall.directory.tables import directory_resource, resource_value
from rolecall.kernel.clock import from_microseconds, to_microseconds
from rolecall.kernel.page import Page
from rolecall.kernel.predicate import Compare, Operator, Path, Present
from rolecall.kernel.text import comparison_form
from rolecall.storage.errors import UniqueViolation
from rolecall.storage.predicates import EVERYTHING, InstantColumn, Selection, TextColumn
from rolecall.storage.statement import Row, Statement
from rolecall.storage.transaction import ReadTx, WriteTx

_R: Final = directory_resource.c
_V: Final = resource_value.c

_COLUMNS: Final = (_R.id, _R.profile, _R.version, _R.created_at, _R.changed_at, _R.connection_id)
_BY_ID: Final = select(*_COLUMNS).where(_R.id == bindparam("id"), _R.kind == bindparam("kind"))
_FIND: Final = Statement(_BY_ID)
_FIND_TO_CHANGE: Final = Statement(_BY_ID.with_for_update())
_INSERT: Final = Statement(
    insert(directory_resource).values({column.name: bindparam(column.name) for column in directory_resource.c})
)
_UPDATE: Final = Statement(
    update(directory_resource)
    .where(_R.id == bindparam("which"))
    .values({column.name: bindparam(column.name) for column in directory_resource.c if column.name != "id"})
)
_DELETE: Final = Statement(delete(directory_resource).where(_R.id == bindparam("id")))
_VALUES: Final = Statement(select(_V.attribute, _V.value_key).where(_V.resource_id == bindparam("resource_id")))
_INSERT_VALUE: Final = Statement(
    insert(resource_value).values({column.name: bindparam(column.name) for column in resource_value.c})
)
_LIST_ALL: Final = Statement(select(*_COLUMNS).where(_R.kind == bindparam("kind")).order_by(_R.id))
_CLEAR_VALUES: Final = Statement(delete(resource_value).where(_V.kind == bindparam("kind")))
_DELETE_VALUE: Final = Statement(
    delete(resource_value).where(
        _V.kind == bindparam("kind"), _V.attribute == bindparam("attribute"), _V.value_key == bindparam("value_key")
    )
)


@dataclass(frozen=True, slots=True)
class _UniqueColumn:
    """The values of one unique attribute, which are rows of their own."""

    kind: str
    attribute: UniqueAttribute

    def select(self, part: Compare | Present) -> Selection:
        """Return the condition; only for what an index finds at once."""
        equal = isinstance(part, Compare) and part.operator is Operator.EQ and part.fold is self.attribute.folded
        if not equal or not isinstance(part, Compare) or not isinstance(part.value, str) or not part.value:
            return EVERYTHING
        key = comparison_form(part.value) if part.fold else part.value
        having = select(_V.resource_id).where(
            _V.kind == self.kind, _V.attribute == self.attribute.name, _V.value_key == key
        )
        return Selection(condition=_R.id.in_(having), exact=True)


def find_stored_resource(
    tx: ReadTx, kind: ResourceKind, resource_id: ResourceId, owner: str | None
) -> StoredResource | None:
    """Return the resource of that kind that has this id and that owner (None: any), ready to be shown, or None."""
    row = _FIND.row(tx, id=resource_id, kind=kind.name)
    return None if row is None or owner not in {None, row[5]} else _stored_resource_from(row)


def find_resource_to_change(tx: WriteTx, kind: ResourceKind, resource_id: ResourceId) -> Resource | None:
    """Return the same to work with; others cannot change it until the transaction ends."""
    row = _FIND_TO_CHANGE.row(tx, id=resource_id, kind=kind.name)
    return None if row is None else _resource_from(row, kind)


def list_all(tx: ReadTx, kind: ResourceKind) -> tuple[Resource, ...]:
    """Return every resource of that kind, however many there are."""
    return tuple(_resource_from(row, kind) for row in _LIST_ALL.rows(tx, kind=kind.name))


def list_resources(tx: ReadTx, kind: ResourceKind, request: ListRequest, owner: str | None) -> Page[StoredResource]:
    """Return resources of that kind that a connection owns; None: that any does.

    Raises: ListTooSlow.
    """
    page = list_kind(tx, request, owned(_listed(kind), owner))
    return Page(items=tuple(_stored_resource_from(row) for row in page.items), total=page.total)


def walk_resources(
    tx: ReadTx, kind: ResourceKind, request: ListRequest, seek: Seek, owner: str | None
) -> Stretch[StoredResource]:
    """Return resources of that kind and owner (None: any) from a position on.

    Raises: ListTooSlow.
    """
    rows = walk_kind(tx, request, seek, owned(_listed(kind), owner))
    items = tuple(_stored_resource_from(row) for row in rows.items)
    return Stretch(items=items, total=rows.total, before=rows.before, after=rows.after)


def insert_resource(tx: WriteTx, resource: Resource, unique: tuple[UniqueValue, ...]) -> None:
    """Write a new resource and its unique values.

    Raises: ValueTaken.
    """
    _INSERT.run(tx, **_row_of(resource))
    insert_values(tx, resource, unique)


def save_resource(tx: WriteTx, resource: Resource, unique: tuple[UniqueValue, ...]) -> None:
    """Write a changed resource; of its unique values only what differs.

    Raises: ValueTaken.
    """
    row = _row_of(resource)
    row["which"] = row.pop("id")
    _UPDATE.run(tx, **row)
    there = {UniqueValue(attribute=row[0], key=row[1]) for row in _VALUES.rows(tx, resource_id=resource.id)}
    for value in there.difference(unique):
        _DELETE_VALUE.run(tx, kind=resource.kind, attribute=value.attribute, value_key=value.key)
    insert_values(tx, resource, tuple(value for value in unique if value not in there))


def insert_values(tx: WriteTx, resource: Resource, unique: tuple[UniqueValue, ...]) -> None:
    """Write unique values of a resource that are not there yet.

    Raises: ValueTaken.
    """
    for value in unique:
        try:
            _INSERT_VALUE.run(
                tx, kind=resource.kind, attribute=value.attribute, value_key=value.key, resource_id=resource.id
            )
        except UniqueViolation as violation:
            raise ValueTaken(
                f"The {value.attribute} of the {resource.kind} {resource.id} is in use by another one.",
                attribute=value.attribute,
            ) from violation


def clear_values(tx: WriteTx, kind: ResourceKind) -> None:
    """Forget the unique values of all resources of a kind."""
    _CLEAR_VALUES.run(tx, kind=kind.name)


def delete_resource(tx: WriteTx, resource_id: ResourceId) -> None:
    """Delete the resource and its unique values."""
    _DELETE.run(tx, id=resource_id)


def stored_resource_of(resource: Resource) -> StoredResource:
    """Return a resource that was just written, ready to be shown."""
    return StoredResource(
        id=resource.id,
        profile=orjson.dumps(resource.profile).decode(),
        version=resource.version,
        created_at=resource.created_at,
        changed_at=resource.changed_at,
    )


@cache
def _listed(kind: ResourceKind) -> Kind:
    """Return what a list of that kind is made of."""
    by_column: dict[Path, ColumnElement[Any]] = {
        ("id",): _R.id,
        ("externalId",): _R.external_id,
        ("meta", "created"): _R.created_at,
        ("meta", "lastModified"): _R.changed_at,
    }
    filters: dict[Path, Any] = {
        ("id",): TextColumn(_R.id, folded=False),
        ("externalId",): TextColumn(_R.external_id, folded=False),
        ("meta", "created"): InstantColumn(_R.created_at),
        ("meta", "lastModified"): InstantColumn(_R.changed_at),
    }
    return Kind(
        identifier=_R.id,
        columns=_COLUMNS,
        visible=_R.kind == literal(kind.name),
        belongs=_R.connection_id,
        total=None,
        filters=filters | {unique.path: _UniqueColumn(kind.name, unique) for unique in kind.unique},
        orders=by_column,
        unique=frozenset({("id",), *(unique.path for unique in kind.unique)}),
        resource_type=kind.name,
        related={},
    )


def _resource_from(row: Row, kind: ResourceKind) -> Resource:
    return Resource(
        id=row[0],
        kind=kind.name,
        connection_id=row[5],
        profile=orjson.loads(row[1]),
        version=row[2],
        created_at=from_microseconds(row[3]),
        changed_at=from_microseconds(row[4]),
    )


def _stored_resource_from(row: Row) -> StoredResource:
    return StoredResource(
        id=row[0],
        profile=row[1],
        version=row[2],
        created_at=from_microseconds(row[3]),
        changed_at=from_microseconds(row[4]),
    )


def _row_of(resource: Resource) -> dict[str, Any]:
    return {
        "id": resource.id,
        "kind": resource.kind,
        "external_id": text_of(resource.profile.get("externalId")),
        "connection_id": resource.connection_id,
        "profile": orjson.dumps(resource.profile).decode(),
        "version": resource.version,
        "created_at": to_microseconds(resource.created_at),
        "changed_at": to_microseconds(resource.changed_at),
    }
