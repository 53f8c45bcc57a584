"""How is a block of records sealed, and what does a seal prove?

The code of a seal (HMAC-SHA-256) is over the SHA-256 of each record's canonical bytes, over what the seal
says, and over the code of the seal before. So whoever lacks the key can make none of them.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, TypeAlias

import orjson

from rolecall.events.chain.model import BadCheckpoint, Checkpoint, Finding, FindingKind, RecordRow, Seal
from rolecall.kernel.clock import from_microseconds, to_microseconds

MOST_RECORDS: Final = 1_000
"""In one block."""
CHECKPOINT_RECORDS: Final = 10_000
CHECKPOINT_TIME: Final = timedelta(minutes=10)
BEFORE_ALL: Final = -(2**63)
"""Behind this sequence number lie all there can be."""
QUIET: Final = timedelta(seconds=10)
"""How long a sealer is silent before another takes over."""

FindKey: TypeAlias = Callable[[str], bytes | None]
"""Returns the key of the codes for a key of the key ring, or None."""

# The number is that of the form: another set of columns gets another.
_RECORD: Final = b"rolecall audit record 1\n"
_SEAL: Final = b"rolecall audit seal 1\n"
_CUT: Final = b"rolecall audit cut 1\n"
_MARK_BYTES: Final = 9
_CHECKPOINT: Final = re.compile(r"rlc1:([0-9]{1,18}):([0-9]{1,18}):([0-9]{1,17}):([a-z0-9-]{1,64}):([0-9a-f]{64})")


def canonical(row: RecordRow) -> bytes:
    """Return the bytes that stand for a record: no other has the same, on either database.

    Unlike JSON, Python's own ASCII form tells apart whatever somebody can put into a column of SQLite.
    """
    return _RECORD + ascii(row).encode()


def made_seal(
    rows: Sequence[RecordRow],
    *,
    after: Seal | None,
    key: bytes,
    key_id: str,
    now: datetime,
    by: str,
    checkpoint: bool,
) -> Seal:
    """Return the seal of these records, which are the next behind the seal `after`."""
    digests = _digests(rows)
    unsigned = Seal(
        number=1 if after is None else after.number + 1,
        first_sequence=rows[0][0],
        last_sequence=rows[-1][0],
        marks=_marks(rows, digests),
        previous="" if after is None else after.hmac,
        hmac="",
        key_id=key_id,
        sealed_at=now,
        sealed_by=by,
        checkpoint=checkpoint,
    )
    return replace(unsigned, hmac=_seal_code(unsigned, digests, key))


def is_checkpoint_due(last: Checkpoint | None, *, sequence: int, now: datetime) -> bool:
    """Return whether a block that ends at this sequence number is to be told to the log."""
    if last is None:
        return True
    return sequence - last.last_sequence >= CHECKPOINT_RECORDS or now - last.sealed_at >= CHECKPOINT_TIME


def may_seal(last: Seal | None, *, by: str, now: datetime) -> bool:
    """Return whether it is this sealer's turn: while one seals, others keep off.

    Should two think that it is theirs, the number of the seal lets one of them through.
    """
    return last is None or last.sealed_by == by or now - last.sealed_at >= QUIET


def is_rewound(known: Seal | None, *, number: int, code: str) -> bool:
    """Return whether a chain that ends with this number and code has lost what was its end a moment ago."""
    if known is None:
        return False
    return number < known.number or (number == known.number and code != known.hmac)


def cut_at(seal: Seal, *, now: datetime, key: bytes) -> Seal:
    """Return the seal as the stub from which the chain goes on, before anything is forgotten."""
    begun = replace(seal, cut_at=now, cut_done=False)
    return replace(begun, cut_hmac=_cut_code(begun, key))


def cut_done(stub: Seal, *, key: bytes) -> Seal:
    """Return the stub when its records and all before are gone."""
    done = replace(stub, cut_done=True, marks="")
    return replace(done, cut_hmac=_cut_code(done, key))


def check_stub(stub: Seal, find_key: FindKey) -> tuple[Finding, ...]:
    """Return what is wrong with a stub."""
    key = find_key(stub.key_id)
    if key is None:
        return (_key_missing(stub),)
    if hmac.compare_digest(_cut_code(stub, key), stub.cut_hmac or ""):
        return ()
    detail = f"Everything up to {stub.last_sequence} is gone, but not because Rolecall has forgotten it."
    return (Finding(kind=FindingKind.CUT_FORGED, sequence=stub.last_sequence, detail=detail),)


def lower_bound(seal: Seal, previous: Seal | None) -> int:
    """Return the number behind which the records of a seal's block begin."""
    before = (0, BEFORE_ALL) if previous is None else (previous.number, previous.last_sequence)
    return before[1] if seal.number == before[0] + 1 else seal.first_sequence - 1


def check_block(seal: Seal, previous: Seal | None, rows: Sequence[RecordRow], find_key: FindKey) -> tuple[Finding, ...]:
    """Return what is wrong with a seal and with its records: all behind `lower_bound` up to its last."""
    key = find_key(seal.key_id)
    if key is None:
        return (*_check_place(seal, previous), _key_missing(seal))
    digests = _digests(rows)
    marks = _marks(rows, digests)
    ends = (rows[0][0], rows[-1][0]) if rows else None
    sealed = ends == (seal.first_sequence, seal.last_sequence) and marks == seal.marks
    if sealed and hmac.compare_digest(_seal_code(seal, digests, key), seal.hmac):
        return _check_place(seal, previous)
    return (*_check_place(seal, previous), *_compare(seal, marks))


def check_checkpoint(noted: Checkpoint, seal: Seal | None) -> tuple[Finding, ...]:
    """Return what is wrong when the log has this seal at the number of a checkpoint."""
    if seal is not None and to_checkpoint(seal) == noted:
        return ()
    detail = f"The log had a seal {noted.number} up to {noted.last_sequence}; " + (
        "it ends before that." if seal is None else "now it has another."
    )
    return (Finding(kind=FindingKind.CUT_OFF, sequence=noted.last_sequence, detail=detail),)


def check_told(data: str) -> Checkpoint | Finding:
    """Return the checkpoint in the data of an event; a finding when somebody has changed those."""
    try:
        return parse_checkpoint(str(orjson.loads(data)["checkpoint"]))
    except (ValueError, LookupError, TypeError, BadCheckpoint):
        detail = "The event that tells of the last checkpoint is not what was written."
        return Finding(kind=FindingKind.CUT_OFF, sequence=0, detail=detail)


def to_checkpoint(seal: Seal) -> Checkpoint:
    """Return what is noted of a seal."""
    return Checkpoint(
        number=seal.number,
        last_sequence=seal.last_sequence,
        sealed_at=seal.sealed_at,
        key_id=seal.key_id,
        hmac=seal.hmac,
    )


def render_checkpoint(noted: Checkpoint) -> str:
    """Return a checkpoint as text without spaces."""
    at = to_microseconds(noted.sealed_at)
    return f"rlc1:{noted.number}:{noted.last_sequence}:{at}:{noted.key_id}:{noted.hmac}"


def parse_checkpoint(text: str) -> Checkpoint:
    """Return the checkpoint that a text names.

    Raises: BadCheckpoint.
    """
    found = _CHECKPOINT.fullmatch(text.strip())
    if found is None:
        raise BadCheckpoint("A checkpoint begins with rlc1: and is copied whole from the log or from `audit verify`.")
    number, last_sequence, at = (int(part) for part in found.groups()[:3])
    return Checkpoint(
        number=number,
        last_sequence=last_sequence,
        sealed_at=from_microseconds(at),
        key_id=found[4],
        hmac=found[5],
    )


def _digests(rows: Sequence[RecordRow]) -> list[bytes]:
    return [hashlib.sha256(canonical(row)).digest() for row in rows]


def _marks(rows: Sequence[RecordRow], digests: Sequence[bytes]) -> str:
    marks = {
        str(row[0]): base64.b64encode(digest[:_MARK_BYTES]).decode() for row, digest in zip(rows, digests, strict=True)
    }
    return orjson.dumps(marks).decode()


def _seal_code(seal: Seal, digests: Sequence[bytes], key: bytes) -> str:
    says = [
        seal.number,
        seal.first_sequence,
        seal.last_sequence,
        seal.previous,
        seal.key_id,
        to_microseconds(seal.sealed_at),
        seal.sealed_by,
        seal.checkpoint,
    ]
    return hmac.digest(key, _SEAL + orjson.dumps(says) + b"".join(digests), hashlib.sha256).hex()


def _cut_code(stub: Seal, key: bytes) -> str:
    at = None if stub.cut_at is None else to_microseconds(stub.cut_at)
    says = [stub.number, stub.last_sequence, stub.hmac, stub.sealed_by, at, stub.cut_done]
    return hmac.digest(key, _CUT + orjson.dumps(says), hashlib.sha256).hex()


def _key_missing(seal: Seal) -> Finding:
    detail = f"The key ring lacks the key {seal.key_id}, which seal {seal.number} names."
    return Finding(kind=FindingKind.KEY_MISSING, sequence=seal.first_sequence, detail=detail)


def _check_place(seal: Seal, previous: Seal | None) -> tuple[Finding, ...]:
    """Return what is wrong between a seal and the one before."""
    number, code = (0, "") if previous is None else (previous.number, previous.hmac)
    if seal.number > number + 1:
        detail = f"Seals {number + 1} to {seal.number - 1} are gone."
        return (Finding(kind=FindingKind.SEAL_REMOVED, sequence=seal.first_sequence, detail=detail),)
    if seal.previous != code:
        detail = f"Seal {seal.number} does not follow seal {number}."
        return (Finding(kind=FindingKind.SEAL_CHANGED, sequence=seal.first_sequence, detail=detail),)
    return ()


def _compare(seal: Seal, marks: str) -> tuple[Finding, ...]:
    """Return how the records differ from those that were sealed."""
    then, now = _read_marks(seal.marks), _read_marks(marks)
    findings = []
    for sequence in sorted({*then, *now}) if then else ():
        if sequence not in now:
            findings.append((FindingKind.REMOVED, sequence, "It was sealed, and is gone."))
        elif sequence not in then:
            findings.append((FindingKind.INSERTED, sequence, "It was not there when its block was sealed."))
        elif then[sequence] != now[sequence]:
            findings.append((FindingKind.CHANGED, sequence, "It is not what was sealed."))
    if not findings:
        detail = f"Seal {seal.number} is not what was made."
        return (Finding(kind=FindingKind.SEAL_CHANGED, sequence=seal.first_sequence, detail=detail),)
    return tuple(Finding(kind=kind, sequence=sequence, detail=detail) for kind, sequence, detail in findings)


def _read_marks(text: str) -> dict[int, object]:
    """Return marks by sequence number; none when they are not what was made."""
    try:
        return {int(sequence): mark for sequence, mark in orjson.loads(text).items()}
    except (ValueError, AttributeError):
        return {}
