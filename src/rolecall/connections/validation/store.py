"""The rows of validations."""

from dataclasses import asdict
from typing import Any, Final

import orjson
from sqlalchemy import bindparam, delete, insert, select, update

from rolecall.connections.tables import scim_validation
from rolecall.connections.validation.model import (
    Answer,
    Request,
    StepReport,
    Validation,
    ValidationId,
    ValidationState,
    Way,
)
from rolecall.directory.model import ConnectionId
from rolecall.kernel.clock import from_microseconds, to_microseconds
from rolecall.storage.statement import Row, Statement
from rolecall.storage.transaction import ReadTx, WriteTx

_V: Final = scim_validation.c

_FIND: Final = Statement(select(scim_validation).where(_V.id == bindparam("id")))
_LIST: Final = Statement(select(scim_validation).where(_V.connection_id == bindparam("owner")).order_by(_V.id.desc()))
_LIST_OPEN: Final = Statement(
    select(scim_validation).where(_V.finished_at.is_(None), _V.created_at < bindparam("before")).order_by(_V.id)
)
_INSERT: Final = Statement(insert(scim_validation).values({each.name: bindparam(each.name) for each in _V}))
_UPDATE: Final = Statement(
    update(scim_validation)
    .where(_V.id == bindparam("which"))
    .values({name: bindparam(name) for name in ("state", "key_id", "reports", "finished_at")})
)
_DELETE: Final = Statement(delete(scim_validation).where(_V.id == bindparam("id")))


def find_validation(tx: ReadTx, validation_id: str) -> Validation | None:
    """Return the validation that has this id, or None."""
    row = _FIND.row(tx, id=validation_id)
    return None if row is None else _validation_from(row)


def list_validations(tx: ReadTx, connection_id: str) -> tuple[Validation, ...]:
    """Return the validations of a connection, the newest first."""
    return tuple(map(_validation_from, _LIST.rows(tx, owner=connection_id)))


def list_open(tx: ReadTx, *, before: int) -> tuple[Validation, ...]:
    """Return the validations that were asked for before an instant, in microseconds, and have not ended."""
    return tuple(map(_validation_from, _LIST_OPEN.rows(tx, before=before)))


def insert_validation(tx: WriteTx, run: Validation) -> None:
    """Write a new validation."""
    _INSERT.run(tx, **_row_of(run))


def save_validation(tx: WriteTx, run: Validation) -> None:
    """Write how far a validation is."""
    row = _row_of(run)
    _UPDATE.run(tx, which=run.id, **{name: row[name] for name in ("state", "key_id", "reports", "finished_at")})


def delete_validation(tx: WriteTx, validation_id: ValidationId) -> None:
    """Delete one validation."""
    _DELETE.run(tx, id=validation_id)


def _row_of(run: Validation) -> dict[str, Any]:
    return {
        "id": run.id,
        "connection_id": run.connection_id,
        "way": run.way.value,
        "state": run.state.value,
        "key_id": run.key_id,
        "reports": orjson.dumps([asdict(each) for each in run.reports]).decode(),
        "created_at": to_microseconds(run.created_at),
        "finished_at": None if run.finished_at is None else to_microseconds(run.finished_at),
    }


def _validation_from(row: Row) -> Validation:
    kept = dict(zip(_V.keys(), row, strict=True))
    finished = kept["finished_at"]
    return Validation(
        id=ValidationId(kept["id"]),
        connection_id=ConnectionId(kept["connection_id"]),
        way=Way(kept["way"]),
        state=ValidationState(kept["state"]),
        key_id=kept["key_id"],
        reports=tuple(map(_report_from, orjson.loads(kept["reports"]))),
        created_at=from_microseconds(kept["created_at"]),
        finished_at=None if finished is None else from_microseconds(finished),
    )


def _report_from(kept: dict[str, Any]) -> StepReport:
    request = None if kept["request"] is None else Request(**kept["request"])
    return StepReport(**{**kept, "request": request, "answer": Answer(**kept["answer"])})
