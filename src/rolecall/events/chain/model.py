"""What are seals, checkpoints and findings of the audit log?"""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, TypeAlias

from rolecall.kernel.errors import DomainError, ErrorKind

RecordRow: TypeAlias = tuple[Any, ...]
"""All columns of one audit record, the sequence number first."""


class BadCheckpoint(DomainError):
    """The text is no checkpoint of an audit log."""

    kind = ErrorKind.INVALID
    code = "bad_checkpoint"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """What proves a block of audit records, and that it follows the block before."""

    number: int
    """Counts from 1 without a gap."""
    first_sequence: int
    last_sequence: int
    marks: str
    """By sequence number, the beginning of each record's SHA-256, as JSON: tells which of them was touched."""
    previous: str
    """The code of the seal before; empty in the first."""
    hmac: str
    """The code over all of this and over every record, in hexadecimal."""
    key_id: str
    """Which key of the key ring the key of the codes was derived from."""
    sealed_at: datetime
    sealed_by: str
    """Which sealer made it; it goes on until it falls silent."""
    checkpoint: bool
    """Whether it was told to the log; records are forgotten up to such a seal only."""
    cut_at: datetime | None = None
    """When it was decided to forget its records and all before. It stays, as the stub from which the chain goes on."""
    cut_done: bool = False
    """Whether they are gone."""
    cut_hmac: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """What was noted of one seal outside the database."""

    number: int
    last_sequence: int
    sealed_at: datetime
    key_id: str
    hmac: str


class FindingKind(Enum):
    """What is wrong with an audit log."""

    CHANGED = "changed"
    """A record is not what was sealed, or stands in another's place."""
    REMOVED = "removed"
    """A sealed record is gone."""
    INSERTED = "inserted"
    """There is a record that was not there when its block was sealed."""
    SEAL_CHANGED = "seal_changed"
    """A seal itself is not what was made, or does not follow the one before."""
    SEAL_REMOVED = "seal_removed"
    """Seals are gone, and with them the proof of their records."""
    CUT_OFF = "cut_off"
    """The log ends before, or differs at, a checkpoint that it has had."""
    CUT_FORGED = "cut_forged"
    """Records were removed as if they had been forgotten by `--audit-days`."""
    KEY_MISSING = "key_missing"
    """The key ring lacks the key that a seal names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong, and where."""

    kind: FindingKind
    sequence: int
    """Of the record; of the first one concerned, where a seal is wrong."""
    detail: str
