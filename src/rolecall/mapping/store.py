"""The rows of mappings, of what they match, and of how groups map by themselves."""

from collections.abc import Iterable
from collections.abc import Mapping as Dictionary
from typing import Any, Final

import orjson
from sqlalchemy import bindparam, delete, insert, or_, select, update

from rolecall.authorization.roles import RoleId
from rolecall.directory.model import Ground, SourceKind, Target, TeamId, ground_of
from rolecall.kernel.clock import from_microseconds, to_microseconds
from rolecall.kernel.text import comparison_form
from rolecall.mapping.decide import matcher_of
from rolecall.mapping.model import Choices, Known, MadeBy, Mapping, MappingId, MappingState, MatchKind
from rolecall.mapping.tables import mapped, mapping, mapping_choice, mapping_target
from rolecall.storage.statement import Row, Statement
from rolecall.storage.transaction import ReadTx, WriteTx
from rolecall.storage.types import is_listed

_M: Final = mapping.c
_T: Final = mapping_target.c
_D: Final = mapped.c
_CONVENTION: Final = "convention"
_GROUP_TEAM: Final = "group_team_role"

_COLUMNS: Final = (
    _M.id,
    _M.source,
    _M.match_kind,
    _M.match_value,
    _M.made_by,
    _M.state,
    _M.version,
    _M.created_at,
    _M.changed_at,
)
_FIND: Final = Statement(select(*_COLUMNS).where(_M.id == bindparam("id")))
_FIND_TO_CHANGE: Final = Statement(select(*_COLUMNS).where(_M.id == bindparam("id")).with_for_update())
_LIST: Final = Statement(select(*_COLUMNS).order_by(_M.id))
_CANDIDATES: Final = Statement(
    select(*_COLUMNS)
    .where(
        _M.source == bindparam("source"),
        or_(
            (_M.match_kind == MatchKind.NAME.value) & (_M.match_key == bindparam("name_key")),
            (_M.match_kind == MatchKind.ID.value) & is_listed(_M.match_key, bindparam("ids")),
            _M.match_kind == MatchKind.PATTERN.value,
        ),
    )
    .order_by(_M.id)
)
_TARGETS: Final = Statement(select(_T.mapping_id, _T.team_id, _T.role_id))
_TARGETS_OF: Final = Statement(
    select(_T.mapping_id, _T.team_id, _T.role_id).where(is_listed(_T.mapping_id, bindparam("ids")))
)
_GIVEN: Final = Statement(
    select(_T.team_id, _T.role_id)
    .join(mapped, _D.mapping_id == _T.mapping_id)
    .join(mapping, _M.id == _T.mapping_id)
    .where(_D.source == bindparam("source"), _M.state == MappingState.ACTIVE.value, _M.id != bindparam("besides"))
)
_INSERT: Final = Statement(insert(mapping).values({column.name: bindparam(column.name) for column in _M}))
_UPDATE: Final = Statement(
    update(mapping)
    .where(_M.id == bindparam("which"))
    .values({column.name: bindparam(column.name) for column in _M if column.name != "id"})
)
_DELETE: Final = Statement(delete(mapping).where(_M.id == bindparam("id")))
_INSERT_TARGET: Final = Statement(insert(mapping_target).values({column.name: bindparam(column.name) for column in _T}))
_DELETE_TARGETS: Final = Statement(delete(mapping_target).where(_T.mapping_id == bindparam("id")))
_NAMING: Final = Statement(
    select(*_COLUMNS)
    .where(
        _M.id.in_(select(_T.mapping_id).where(or_(_T.role_id == bindparam("named"), _T.team_id == bindparam("named"))))
    )
    .order_by(_M.id)
)
_GROUNDS: Final = Statement(select(_D.source).where(_D.mapping_id == bindparam("id")).order_by(_D.source))
_MAPPINGS_OF: Final = Statement(
    select(*_COLUMNS).join(mapped, _D.mapping_id == _M.id).where(_D.source == bindparam("source")).order_by(_M.id)
)
_INSERT_MAPPED: Final = Statement(insert(mapped).values(source=bindparam("source"), mapping_id=bindparam("mapping_id")))
_DELETE_MAPPED: Final = Statement(
    delete(mapped).where(_D.source == bindparam("source"), _D.mapping_id == bindparam("mapping_id"))
)
_DELETE_GROUND: Final = Statement(delete(mapped).where(_D.source == bindparam("source")))
_ANY: Final = Statement(
    select(
        or_(select(_M.id).exists(), select(mapping_choice.c.name).exists()),
    )
)
_CHOICES: Final = Statement(select(mapping_choice.c.name, mapping_choice.c.value))
_DELETE_CHOICES: Final = Statement(delete(mapping_choice))
_INSERT_CHOICE: Final = Statement(insert(mapping_choice).values(name=bindparam("name"), value=bindparam("value")))


def is_used(tx: ReadTx) -> bool:
    """Return whether there is any mapping, or any choice by which one could come to be."""
    return bool(_ANY.value(tx))


def find_mapping(tx: ReadTx, mapping_id: MappingId) -> Mapping | None:
    """Return the mapping that has this id, or None."""
    return _one(tx, _FIND.row(tx, id=mapping_id))


def find_mapping_to_change(tx: WriteTx, mapping_id: MappingId) -> Mapping | None:
    """Return the same, and keep others from changing it until the transaction ends."""
    return _one(tx, _FIND_TO_CHANGE.row(tx, id=mapping_id))


def list_mappings(tx: ReadTx) -> tuple[Mapping, ...]:
    """Return every mapping in the order in which they were made."""
    return _mappings_from(_LIST.rows(tx), _TARGETS.rows(tx))


def list_matching(tx: ReadTx, kind: SourceKind, known: Known) -> tuple[Mapping, ...]:
    """Return the mappings that match what is so known, in the order in which they were made."""
    found = _CANDIDATES.rows(
        tx,
        source=kind.value,
        name_key=comparison_form(known.name),
        ids=orjson.dumps(sorted(known.ids)).decode(),
    )
    return tuple(each for each in _many(tx, found) if matcher_of(each.match_kind, each.match_value)(known))


def list_naming(tx: ReadTx, named: str) -> tuple[Mapping, ...]:
    """Return the mappings that give a role, or something in a team, by the id of either."""
    return _many(tx, _NAMING.rows(tx, named=named))


def insert_mapping(tx: WriteTx, made: Mapping) -> None:
    """Write a new mapping."""
    _INSERT.run(tx, **_row_of(made))
    _insert_targets(tx, made)


def save_mapping(tx: WriteTx, changed: Mapping) -> None:
    """Write a changed mapping."""
    values = _row_of(changed)
    values["which"] = values.pop("id")
    _UPDATE.run(tx, **values)
    _DELETE_TARGETS.run(tx, id=changed.id)
    _insert_targets(tx, changed)


def delete_mapping(tx: WriteTx, mapping_id: MappingId) -> None:
    """Delete a mapping, and that it matches anything."""
    _DELETE.run(tx, id=mapping_id)


def list_grounds(tx: ReadTx, mapping_id: MappingId) -> tuple[Ground, ...]:
    """Return what a mapping matches."""
    return tuple(ground_of(row[0]) for row in _GROUNDS.rows(tx, id=mapping_id))


def list_mappings_of(tx: ReadTx, ground: Ground) -> tuple[Mapping, ...]:
    """Return the mappings that match a ground, in the order in which they were made."""
    return _many(tx, _MAPPINGS_OF.rows(tx, source=ground.source))


def list_targets(tx: ReadTx, ground: Ground, *, besides: str = "") -> frozenset[Target]:
    """Return what the mappings that match a ground give together; of all, or of all but one."""
    rows = _GIVEN.rows(tx, source=ground.source, besides=besides)
    return frozenset(Target(team_id=TeamId(row[0]), role=RoleId(row[1])) for row in rows)


def save_grounds(tx: WriteTx, mapping_id: MappingId, *, before: Iterable[Ground], after: Iterable[Ground]) -> None:
    """Write what a mapping matches now."""
    before, after = frozenset(before), frozenset(after)
    for ground in sorted(before - after):
        _DELETE_MAPPED.run(tx, source=ground.source, mapping_id=mapping_id)
    for ground in sorted(after - before):
        _INSERT_MAPPED.run(tx, source=ground.source, mapping_id=mapping_id)


def save_mappings_of(tx: WriteTx, ground: Ground, *, before: Iterable[MappingId], after: Iterable[MappingId]) -> None:
    """Write by which mappings a ground is matched now."""
    before, after = frozenset(before), frozenset(after)
    for mapping_id in sorted(before - after):
        _DELETE_MAPPED.run(tx, source=ground.source, mapping_id=mapping_id)
    for mapping_id in sorted(after - before):
        _INSERT_MAPPED.run(tx, source=ground.source, mapping_id=mapping_id)


def delete_ground(tx: WriteTx, ground: Ground) -> None:
    """Write that nothing matches a ground any more, since it is gone."""
    _DELETE_GROUND.run(tx, source=ground.source)


def read_choices(tx: ReadTx) -> Choices:
    """Return how groups map by themselves."""
    kept: dict[str, str] = dict(_CHOICES.rows(tx))
    return Choices(convention=_CONVENTION in kept, group_team_role=kept.get(_GROUP_TEAM))


def save_choices(tx: WriteTx, choices: Choices) -> None:
    """Write how groups map by themselves."""
    _DELETE_CHOICES.run(tx)
    if choices.convention:
        _INSERT_CHOICE.run(tx, name=_CONVENTION, value="on")
    if choices.group_team_role is not None:
        _INSERT_CHOICE.run(tx, name=_GROUP_TEAM, value=choices.group_team_role)


def _insert_targets(tx: WriteTx, written: Mapping) -> None:
    for target in sorted(written.targets):
        _INSERT_TARGET.run(tx, mapping_id=written.id, team_id=target.team_id, role_id=target.role)


def _one(tx: ReadTx, row: Row | None) -> Mapping | None:
    return None if row is None else _many(tx, [row])[0]


def _many(tx: ReadTx, rows: list[Row]) -> tuple[Mapping, ...]:
    if not rows:
        return ()
    return _mappings_from(rows, _TARGETS_OF.rows(tx, ids=orjson.dumps([row[0] for row in rows]).decode()))


def _mappings_from(rows: list[Row], target_rows: list[Row]) -> tuple[Mapping, ...]:
    targets: dict[str, set[Target]] = {}
    for mapping_id, team_id, role_id in target_rows:
        targets.setdefault(mapping_id, set()).add(Target(team_id=TeamId(team_id), role=RoleId(role_id)))
    return tuple(_mapping_from(row, targets) for row in rows)


def _mapping_from(row: Row, targets: Dictionary[str, set[Target]]) -> Mapping:
    return Mapping(
        id=MappingId(row[0]),
        source=SourceKind(row[1]),
        match_kind=MatchKind(row[2]),
        match_value=row[3],
        targets=frozenset(targets.get(row[0], ())),
        made_by=MadeBy(row[4]),
        state=MappingState(row[5]),
        version=row[6],
        created_at=from_microseconds(row[7]),
        changed_at=from_microseconds(row[8]),
    )


def _row_of(written: Mapping) -> dict[str, Any]:
    is_name = written.match_kind is MatchKind.NAME
    return {
        "id": written.id,
        "source": written.source.value,
        "match_kind": written.match_kind.value,
        "match_value": written.match_value,
        "match_key": comparison_form(written.match_value) if is_name else written.match_value,
        "made_by": written.made_by.value,
        "state": written.state.value,
        "version": written.version,
        "created_at": to_microseconds(written.created_at),
        "changed_at": to_microseconds(written.changed_at),
    }
