"""The rows of seals, and the audit records as they are sealed."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from sqlalchemy import bindparam, delete, func, insert, select, update

from rolecall.events.chain.events import SUBJECT, AuditCheckpointMade
from rolecall.events.chain.model import RecordRow, Seal
from rolecall.events.tables import audit_record, audit_seal, event
from rolecall.kernel.clock import from_microseconds, to_microseconds
from rolecall.storage.settled import settled_number
from rolecall.storage.statement import Row, Statement
from rolecall.storage.transaction import ReadTx, WriteTx

COLUMNS: Final = (
    "sequence",
    "phase",
    "request_id",
    "recorded_at",
    "actor_kind",
    "user_id",
    "user_name",
    "api_key_id",
    "address",
    "user_agent",
    "method",
    "target",
    "request",
    "outcome",
    "code",
    "status",
    "detail",
    "operations",
    "subject_id",
    "repeated_count",
    "duration_microseconds",
)
"""What a record's code is over, in this order for ever: one more column needs another form of canonical bytes."""

_R: Final = audit_record.c
_S: Final = audit_seal.c

_LIST_RECORDS: Final = Statement(
    select(*(_R[name] for name in COLUMNS))
    .where(_R.sequence > bindparam("after"), _R.sequence <= bindparam("until"))
    .order_by(_R.sequence)
    .limit(bindparam("limit"))
)
_DELETE_RECORDS: Final = Statement(
    delete(audit_record).where(
        _R.sequence.in_(
            select(_R.sequence)
            .where(_R.sequence <= bindparam("until"))
            .order_by(_R.sequence)
            .limit(bindparam("limit"))
            .scalar_subquery()
        )
    )
)
_LAST_RECORD: Final = Statement(select(func.max(_R.sequence)))
_COUNT_RECORDS: Final = Statement(
    select(func.count()).select_from(audit_record).where(_R.sequence > bindparam("after"))
)

_INSERT_SEAL: Final = Statement(insert(audit_seal).values({column.name: bindparam(column.name) for column in _S}))
_SAVE_STUB: Final = Statement(
    update(audit_seal)
    .where(_S.number == bindparam("which"))
    .values({name: bindparam(f"new_{name}") for name in ("marks", "cut_at", "cut_done", "cut_hmac")})
)
_FIND_SEAL: Final = Statement(select(audit_seal).where(_S.number == bindparam("number")))
_LAST_SEAL: Final = Statement(select(audit_seal).order_by(_S.number.desc()).limit(1))
_LIST_SEALS: Final = Statement(
    select(audit_seal).where(_S.number > bindparam("after")).order_by(_S.number).limit(bindparam("limit"))
)
_CHECKPOINTS: Final = select(audit_seal).where(_S.checkpoint == bindparam("yes"))
_LAST_CHECKPOINT: Final = Statement(_CHECKPOINTS.order_by(_S.number.desc()).limit(1))
_CHECKPOINT_BEFORE: Final = Statement(
    _CHECKPOINTS.where(_S.sealed_at < bindparam("before")).order_by(_S.number.desc()).limit(1)
)
_STUB: Final = Statement(_CHECKPOINTS.where(_S.cut_at.is_not(None)).order_by(_S.number.desc()).limit(1))
_DELETE_SEALS: Final = Statement(
    delete(audit_seal).where(
        _S.number.in_(
            select(_S.number)
            .where(_S.number < bindparam("before"))
            .order_by(_S.number)
            .limit(bindparam("limit"))
            .scalar_subquery()
        )
    )
)
_LIST_TOLD: Final = Statement(
    select(event.c.data)
    .where(event.c.subject_id == SUBJECT, event.c.type == AuditCheckpointMade.type)
    .order_by(event.c.sequence.desc())
    .limit(bindparam("limit"))
)


def settled(tx: ReadTx) -> int:
    """Return up to which sequence number all records are there, for a transaction that begins after this."""
    return settled_number(tx, audit_record.name)


def list_records(tx: ReadTx, *, after: int, until: int, limit: int) -> list[RecordRow]:
    """Return records between two sequence numbers, the first left out, in their order."""
    return _LIST_RECORDS.rows(tx, after=after, until=until, limit=limit)


def last_sequence(tx: ReadTx) -> int:
    """Return the highest sequence number; 0 when there is none."""
    return int(_LAST_RECORD.value(tx) or 0)


def count_records(tx: ReadTx, *, after: int) -> int:
    """Return how many records there are behind a sequence number."""
    return int(_COUNT_RECORDS.value(tx, after=after))


def delete_records(tx: WriteTx, *, until: int, limit: int) -> int:
    """Delete records up to a sequence number, the lowest first; return how many."""
    return _DELETE_RECORDS.run(tx, until=until, limit=limit).rowcount


def add_seals(tx: WriteTx, seals: Iterable[Seal]) -> None:
    """Write seals.

    Raises: UniqueViolation when somebody else has sealed meanwhile.
    """
    for seal in seals:
        _INSERT_SEAL.run(
            tx,
            number=seal.number,
            first_sequence=seal.first_sequence,
            last_sequence=seal.last_sequence,
            marks=seal.marks,
            previous=seal.previous,
            hmac=seal.hmac,
            key_id=seal.key_id,
            sealed_at=to_microseconds(seal.sealed_at),
            sealed_by=seal.sealed_by,
            checkpoint=int(seal.checkpoint),
            cut_at=None,
            cut_done=0,
            cut_hmac=None,
        )


def save_stub(tx: WriteTx, stub: Seal) -> None:
    """Write what a seal says as a stub."""
    _SAVE_STUB.run(
        tx,
        which=stub.number,
        new_marks=stub.marks,
        new_cut_at=None if stub.cut_at is None else to_microseconds(stub.cut_at),
        new_cut_done=int(stub.cut_done),
        new_cut_hmac=stub.cut_hmac,
    )


def delete_seals(tx: WriteTx, *, before: int, limit: int) -> int:
    """Delete seals below a number, the lowest first; return how many."""
    return _DELETE_SEALS.run(tx, before=before, limit=limit).rowcount


def find_seal(tx: ReadTx, number: int) -> Seal | None:
    """Return one seal."""
    return _found(_FIND_SEAL.row(tx, number=number))


def find_last_seal(tx: ReadTx) -> Seal | None:
    """Return the newest seal."""
    return _found(_LAST_SEAL.row(tx))


def list_seals(tx: ReadTx, *, after: int, limit: int) -> list[Seal]:
    """Return seals behind a number, in their order."""
    return [_seal_from(row) for row in _LIST_SEALS.rows(tx, after=after, limit=limit)]


def find_last_checkpoint(tx: ReadTx) -> Seal | None:
    """Return the newest seal that is a checkpoint."""
    return _found(_LAST_CHECKPOINT.row(tx, yes=1))


def find_checkpoint_before(tx: ReadTx, before: datetime) -> Seal | None:
    """Return the newest checkpoint that was made before an instant."""
    return _found(_CHECKPOINT_BEFORE.row(tx, yes=1, before=to_microseconds(before)))


def find_stub(tx: ReadTx) -> Seal | None:
    """Return the seal up to which records were forgotten, or are being forgotten."""
    return _found(_STUB.row(tx, yes=1))


def list_told(tx: ReadTx, *, limit: int) -> list[str]:
    """Return the data, as JSON, of the newest events that have told of checkpoints; the oldest of them first."""
    return [str(row[0]) for row in reversed(_LIST_TOLD.rows(tx, limit=limit))]


def _found(row: Row | None) -> Seal | None:
    return None if row is None else _seal_from(row)


def _seal_from(row: Row) -> Seal:
    return Seal(
        number=row[0],
        first_sequence=row[1],
        last_sequence=row[2],
        marks=row[3],
        previous=row[4],
        hmac=row[5],
        key_id=row[6],
        sealed_at=from_microseconds(row[7]),
        sealed_by=row[8],
        checkpoint=bool(row[9]),
        cut_at=None if row[10] is None else from_microseconds(row[10]),
        cut_done=bool(row[11]),
        cut_hmac=row[12],
    )
