"""What is noticed of the calls of SCIM connections, and when is one silent?

Needs no action: Rolecall itself does this, and whoever shows a connection has asked for one.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from rolecall.connections import decide, store
from rolecall.connections.events import ConnectionHeardAgain, ConnectionSilent
from rolecall.connections.model import Connection, Traffic, TrafficNote
from rolecall.directory.model import ConnectionId
from rolecall.kernel.clock import to_rfc3339
from rolecall.storage.transaction import ReadTx, WriteTx

_SHOWN = timedelta(hours=24)
_KEPT = timedelta(days=7)


def note_traffic(tx: WriteTx, notes: Sequence[TrafficNote]) -> None:
    """Write down what was noticed. Of a connection that has been deleted meanwhile nothing is written."""
    # In the order of their ids, so that two processes do not wait for each other.
    for note in sorted(notes, key=lambda note: note.connection_id):
        before = store.find_connection_to_change(tx, note.connection_id)
        if before is None:
            continue
        after = decide.noticed(before, note)
        store.save_noticed(tx, after)
        store.count_calls(tx, note)
        if before.silence_told_at is not None and after.silence_told_at is None:
            tx.record(ConnectionHeardAgain(connection_id=before.id, name=before.name))


def traffic_of(tx: ReadTx, connection_id: ConnectionId) -> Traffic:
    """Return how many calls there were in the hour that runs and the 23 before it."""
    return store.sum_calls(tx, connection_id, since=tx.now - _SHOWN)


def watch_silence(tx: WriteTx) -> None:
    """Tell, once for each silence, which connections have not called for longer than they may."""
    for each in store.list_connections(tx):
        connection = store.find_connection_to_change(tx, each.id) if decide.is_silent(each, now=tx.now) else None
        if connection is not None and decide.is_silent(connection, now=tx.now):
            store.save_noticed(tx, replace(connection, silence_told_at=tx.now))
            tx.record(_silent(connection))


def forget_traffic(tx: WriteTx) -> None:
    """Delete the counts of hours that are a week old."""
    store.delete_counts(tx, before=tx.now - _KEPT)


def _silent(connection: Connection) -> ConnectionSilent:
    last = connection.last_call_at
    return ConnectionSilent(
        connection_id=connection.id,
        name=connection.name,
        hours=connection.draft.silent_after_hours,
        last_call_at=None if last is None else to_rfc3339(last),
    )
