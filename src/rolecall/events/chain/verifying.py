"""Is the audit log whole?

A long log is read in many short transactions, a few blocks each, so that neither memory nor the database
minds; what is written or forgotten meanwhile does no harm.
"""

from dataclasses import dataclass
from typing import Final

from rolecall.authorization.actions import Action
from rolecall.authorization.check import require
from rolecall.events.chain import decide, store
from rolecall.events.chain.model import Checkpoint, Finding, FindingKind, Seal
from rolecall.events.chain.sealing import PURPOSE
from rolecall.storage.secrets import KeyRing, SecretKeyMissing
from rolecall.storage.transaction import ReadTx

_BLOCKS_AT_ONCE: Final = 5
_MOST_STRAYS: Final = 100
_MOST_TOLD: Final = 1_000
"""Checkpoints in the event log that are looked at: at least those of a week."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """How far a verification is."""

    previous: Seal | None
    """The seal behind which it goes on; None at the beginning of the log."""
    findings: tuple[Finding, ...]
    """Of this step alone."""
    records: int = 0
    """Looked at so far."""
    seals: int = 0
    done: bool = False
    unsealed: int = 0
    """At the end: records behind the last seal, of which nothing can be said yet."""


def begin(tx: ReadTx, keys: KeyRing, *, since: Checkpoint | None = None) -> Verified:
    """Look at the ends of the log: where it begins, and whether it has the checkpoints that were noted of it.

    With `since` everything up to that is taken as proven, if the log still has it.

    Raises: Forbidden, BadKeyRing, UnsafeKeyFile.
    """
    require(tx.actor, Action.AUDIT_READ)
    stub = store.find_stub(tx)
    findings = [] if stub is None else [*decide.check_stub(stub, _finder(keys)), *_check_forgotten(tx, stub)]
    start, forgotten = stub, 0 if stub is None else stub.number
    findings += _check_told(tx, forgotten)
    if since is not None and since.number >= forgotten:
        seal = store.find_seal(tx, since.number)
        wrong = decide.check_checkpoint(since, seal)
        findings += wrong
        start = start if wrong else seal
    return Verified(previous=start, findings=tuple(findings))


def go_on(tx: ReadTx, keys: KeyRing, so_far: Verified) -> Verified:
    """Verify the next few blocks.

    Raises: Forbidden, BadKeyRing, UnsafeKeyFile.
    """
    require(tx.actor, Action.AUDIT_READ)
    previous, findings, records = _behind_stub(tx, so_far.previous), list[Finding](), so_far.records
    seals = store.list_seals(tx, after=0 if previous is None else previous.number, limit=_BLOCKS_AT_ONCE)
    for seal in seals:
        bound = decide.lower_bound(seal, previous)
        # One more than there can be: whatever a seal has been made to say, no more is read than that.
        rows = store.list_records(tx, after=bound, until=seal.last_sequence, limit=decide.MOST_RECORDS + 1)
        findings += decide.check_block(seal, previous, rows, _finder(keys))
        records += len(rows)
        previous = seal
    done = len(seals) < _BLOCKS_AT_ONCE
    return Verified(
        previous=previous,
        findings=tuple(findings),
        records=records,
        seals=so_far.seals + len(seals),
        done=done,
        unsealed=store.count_records(tx, after=0 if previous is None else previous.last_sequence) if done else 0,
    )


def last_sequence(tx: ReadTx) -> int:
    """Return the sequence number of the newest record, 0 when there is none.

    Raises: Forbidden.
    """
    require(tx.actor, Action.AUDIT_READ)
    return store.last_sequence(tx)


def _behind_stub(tx: ReadTx, previous: Seal | None) -> Seal | None:
    """Return where to go on when records were forgotten while others were verified."""
    stub = store.find_stub(tx)
    return stub if stub is not None and (previous is None or stub.number > previous.number) else previous


def _check_forgotten(tx: ReadTx, stub: Seal) -> tuple[Finding, ...]:
    """Return what is there although it was forgotten. While it is being forgotten, that is no wonder."""
    if not stub.cut_done:
        return ()
    rows = store.list_records(tx, after=decide.BEFORE_ALL, until=stub.last_sequence, limit=_MOST_STRAYS)
    detail = "It is there, though everything up to it was forgotten."
    return tuple(Finding(kind=FindingKind.INSERTED, sequence=row[0], detail=detail) for row in rows)


def _check_told(tx: ReadTx, forgotten: int) -> tuple[Finding, ...]:
    """Return where the log first differs from what the event log has told of it."""
    for data in store.list_told(tx, limit=_MOST_TOLD):
        told = decide.check_told(data)
        if isinstance(told, Finding):
            return (told,)
        if told.number >= forgotten and (wrong := decide.check_checkpoint(told, store.find_seal(tx, told.number))):
            return wrong
    return ()


def _finder(keys: KeyRing) -> decide.FindKey:
    def find(key_id: str) -> bytes | None:
        try:
            return keys.derive(key_id, PURPOSE)
        except SecretKeyMissing:
            return None

    return find
