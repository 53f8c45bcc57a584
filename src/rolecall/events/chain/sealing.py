"""How are audit records sealed, and forgotten when they are old?

Whoever seals first reads what is settled, then seals it, then writes the seals: three transactions, so that
the writer has little to do. If two seal at a time, the number of the seal lets one of them through.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

from rolecall.authorization.actions import Action
from rolecall.authorization.actor import Actor
from rolecall.authorization.check import require
from rolecall.events.chain import decide, store
from rolecall.events.chain.events import AuditCheckpointMade, AuditLogRewound, AuditRecordsForgotten
from rolecall.events.chain.model import Checkpoint, Seal
from rolecall.storage.errors import UniqueViolation
from rolecall.storage.secrets import KeyRing
from rolecall.storage.transaction import ReadTx, WriteTx
from rolecall.storage.transactions import Transactions
from rolecall.telemetry.logging import get_logger

_log = get_logger(__name__)

PURPOSE: Final = "rolecall audit chain"
"""What the key of the codes is derived for."""
_BLOCKS_AT_ONCE: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealer:
    """Who seals, with which keys."""

    keys: KeyRing
    name: str
    insists: bool = False
    """Whether it seals although another does, and ends with a checkpoint."""


def seal_waiting(transactions: Transactions, actor: Actor, sealer: Sealer) -> tuple[Seal, ...]:
    """Seal at most five thousand of the records that wait for it; return the seals, none when it is another's turn.

    Raises: Forbidden, Unavailable, SecretKeyMissing, BadKeyRing, UnsafeKeyFile.
    """
    until = transactions.run_read(actor, _settled)
    seals = transactions.run_read(actor, partial(_made_seals, sealer=sealer, until=until))
    if not seals:
        return ()
    try:
        transactions.run_write(actor, lambda tx: _save_seals(tx, seals))
    except UniqueViolation:
        return ()  # somebody else was faster
    for seal in seals:
        if seal.checkpoint:
            tell(decide.to_checkpoint(seal))
    return seals


def find_last_seal(tx: ReadTx) -> Seal | None:
    """Return the newest seal.

    Raises: Forbidden.
    """
    require(tx.actor, Action.AUDIT_READ)
    return store.find_last_seal(tx)


def tell(noted: Checkpoint) -> None:
    """Write a checkpoint to the log, where whoever has only the database cannot reach it."""
    _log.info(
        "The audit log has a checkpoint.", checkpoint=decide.render_checkpoint(noted), sequence=noted.last_sequence
    )


def tell_rewound(tx: WriteTx, known: Seal) -> None:
    """Record that the chain has lost its end, which was this seal.

    Raises: Forbidden.
    """
    require(tx.actor, Action.AUDIT_SEAL)
    text = decide.render_checkpoint(decide.to_checkpoint(known))
    _log.error("The audit log was rewound: its newest seals are gone.", checkpoint=text, sequence=known.last_sequence)
    tx.record(AuditLogRewound(sequence=known.last_sequence, checkpoint=text))


def begin_to_forget(tx: WriteTx, keys: KeyRing, *, before: datetime) -> bool:
    """Mark the newest checkpoint from before an instant as the one up to which records are to be forgotten.

    Returns whether there is one that is newer than the last time.

    Raises: Forbidden, SecretKeyMissing, BadKeyRing, UnsafeKeyFile.
    """
    require(tx.actor, Action.AUDIT_DELETE)
    wanted, stub = store.find_checkpoint_before(tx, before), store.find_stub(tx)
    if wanted is None or (stub is not None and stub.number >= wanted.number):
        return False
    store.save_stub(tx, decide.cut_at(wanted, now=tx.now, key=keys.derive(wanted.key_id, PURPOSE)))
    text = decide.render_checkpoint(decide.to_checkpoint(wanted))
    tx.record(AuditRecordsForgotten(sequence=wanted.last_sequence, checkpoint=text))
    return True


def forget_slice(tx: WriteTx, keys: KeyRing, *, limit: int) -> int:
    """Delete at most `limit` of the records, then seals, that are to be forgotten; return how many, 0 at the end.

    Raises: Forbidden, SecretKeyMissing, BadKeyRing, UnsafeKeyFile.
    """
    require(tx.actor, Action.AUDIT_DELETE)
    stub = store.find_stub(tx)
    if stub is None or stub.cut_done:
        return 0
    deleted = store.delete_records(tx, until=stub.last_sequence, limit=limit)
    if not deleted:
        deleted = store.delete_seals(tx, before=stub.number, limit=limit)
    if not deleted:
        store.save_stub(tx, decide.cut_done(stub, key=keys.derive(stub.key_id, PURPOSE)))
    return deleted


def _settled(tx: ReadTx) -> int:
    require(tx.actor, Action.AUDIT_SEAL)
    return store.settled(tx)


def _made_seals(tx: ReadTx, *, sealer: Sealer, until: int) -> tuple[Seal, ...]:
    """Return the next seals, for the records up to `until`."""
    last = store.find_last_seal(tx)
    if not (sealer.insists or decide.may_seal(last, by=sealer.name, now=tx.now)):
        return ()
    kept = store.find_last_checkpoint(tx)
    told = None if kept is None else decide.to_checkpoint(kept)
    seals: list[Seal] = []
    while len(seals) < _BLOCKS_AT_ONCE:
        after = 0 if last is None else last.last_sequence
        rows = store.list_records(tx, after=after, until=until, limit=decide.MOST_RECORDS)
        if not rows:
            break
        key_id = sealer.keys.primary
        last = decide.made_seal(
            rows,
            after=last,
            key=sealer.keys.derive(key_id, PURPOSE),
            key_id=key_id,
            now=tx.now,
            by=sealer.name,
            checkpoint=(sealer.insists and len(rows) < decide.MOST_RECORDS)
            or decide.is_checkpoint_due(told, sequence=rows[-1][0], now=tx.now),
        )
        told = decide.to_checkpoint(last) if last.checkpoint else told
        seals.append(last)
    return tuple(seals)


def _save_seals(tx: WriteTx, seals: tuple[Seal, ...]) -> None:
    require(tx.actor, Action.AUDIT_SEAL)
    store.add_seals(tx, seals)
    for seal in seals:
        if seal.checkpoint:
            text = decide.render_checkpoint(decide.to_checkpoint(seal))
            tx.record(AuditCheckpointMade(sequence=seal.last_sequence, checkpoint=text))
