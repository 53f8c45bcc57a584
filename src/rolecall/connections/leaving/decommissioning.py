"""How is a SCIM connection decommissioned, and how is that undone?"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final, TypeAlias

from rolecall.authentication import connection_keys
from rolecall.authorization.actions import Action
from rolecall.authorization.check import require
from rolecall.connections import store as connection_store
from rolecall.connections.connections import set_state
from rolecall.connections.errors import ConnectionFixed
from rolecall.connections.leaving import decide, slices, store
from rolecall.connections.leaving.events import (
    DecommissioningFinished,
    DecommissioningSettled,
    DecommissioningStarted,
    ReturnFinished,
    ReturnStarted,
)
from rolecall.connections.leaving.model import Leaving, Phase, Plan, Report, Stage
from rolecall.connections.model import Connection, ConnectionState
from rolecall.directory import departures, groups, owners
from rolecall.directory.model import Expected
from rolecall.jobs.queue import enqueue
from rolecall.kernel.clock import to_microseconds, to_rfc3339
from rolecall.kernel.errors import NotFound
from rolecall.storage.transaction import ReadTx, WriteTx

LEAVE: Final = "connections.decommission"
"""The kind of job that goes through the slices of a connection that leaves."""
RETURN: Final = "connections.recommission"
"""The kind of job that goes through the slices of one that comes back."""
SETTLE: Final = "connections.settle-decommissioning"
"""The kind of job that ends the time to undo."""
SLICE: Final = 200
"""Users, or groups, of one transaction."""
_LEASE: Final = timedelta(seconds=20)
"""Longer than a slice takes: one that comes too late is rolled back, so a crash need not hold up for long."""
MOST_KEPT_BACK: Final = 1_000
"""So many are named in a report."""

_Step: TypeAlias = Callable[[WriteTx, Leaving, int], Sequence[str]]
_LEAVING: Final[Mapping[Stage, _Step]] = {
    Stage.USERS: slices.users_leave,
    Stage.GROUPS: slices.groups_leave,
    Stage.RESOURCES: slices.resources_leave,
}
_RETURNING: Final[Mapping[Stage, _Step]] = {
    Stage.RESOURCES: slices.resources_return,
    Stage.GROUPS: slices.groups_return,
    Stage.NESTING: slices.nestings_return,
    Stage.USERS: slices.users_return,
}


def decommission_connection(tx: WriteTx, connection_id: str, plan: Plan, *, undo_within: timedelta) -> Report:
    """Let a connection be heard no more, at once, and have all that it owns become what is wanted, by a job.

    Asked for again while it is under way, with the same plan, the job goes on if it had ended.

    Raises: Forbidden, NotFound, BadConnection, ConnectionFixed.
    """
    require(tx.actor, Action.CONNECTION_CHANGE)
    connection = _get_to_change(tx, connection_id)
    before = store.find_leaving_to_change(tx, connection_id)
    if before is not None and (before.phase, before.plan) == (Phase.LEAVING, plan):
        _enqueue(tx, LEAVE, connection)
        return _report(tx, before)
    other = None
    if plan.to_connection_id is not None:
        other = connection_store.find_connection_to_change(tx, plan.to_connection_id)
    decide.check_plan(plan, connection, other)
    if store.is_taking_over(tx, connection.id):
        raise ConnectionFixed("Another connection is just handing over to this one; wait until that is done.")
    total = sum(owners.count_owned(tx, connection.id)) + (
        0 if other is None else departures.count_resources(tx, connection.id)
    )
    leaving = decide.begun(connection, plan, undo_within=undo_within, total=total, before=before, now=tx.now)
    store.insert_leaving(tx, leaving)
    set_state(tx, connection, ConnectionState.DECOMMISSIONED)
    tx.record(
        DecommissioningStarted(
            connection_id=connection.id,
            name=connection.name,
            users=plan.users.value,
            assignments=plan.assignments.value,
            to_connection_id=plan.to_connection_id,
            undo_until=to_rfc3339(leaving.undo_until),
        )
    )
    _enqueue(tx, LEAVE, connection)
    return _report(tx, leaving)


def recommission_connection(tx: WriteTx, connection_id: str) -> Report:
    """Have all that a decommissioned connection left brought back by a job; then it is heard as before.

    Raises: Forbidden, NotFound, ConnectionFixed.
    """
    require(tx.actor, Action.CONNECTION_CHANGE)
    connection = _get_to_change(tx, connection_id)
    before = store.find_leaving_to_change(tx, connection_id)
    if before is None:
        raise ConnectionFixed("This connection is not decommissioned, or for good.")
    after = decide.returning(before, now=tx.now)
    if after is not before:
        total = store.count_left(tx, connection.id)
        after = replace(after, total=total)
        store.save_leaving(tx, after)
        tx.record(ReturnStarted(connection_id=connection.id, name=connection.name))
    _enqueue(tx, RETURN, connection)
    return _report(tx, after)


def get_report(tx: ReadTx, connection_id: str) -> Report:
    """Return how far a connection has come with leaving or returning, and what did not become what was chosen.

    Raises: Forbidden, NotFound.
    """
    require(tx.actor, Action.CONNECTION_LIST)
    report = find_report(tx, connection_id)
    if report is None:
        raise NotFound(f"The SCIM connection {connection_id} is not decommissioned.", connection_id=connection_id)
    return report


def find_report(tx: ReadTx, connection_id: str) -> Report | None:
    """Return the same, or None. Needs no action: whoever previews has asked for one."""
    leaving = store.find_leaving(tx, connection_id)
    return None if leaving is None else _report(tx, leaving)


def leave_slice(tx: WriteTx, connection_id: str, *, limit: int = SLICE) -> Leaving | None:
    """Let a few more things of a connection become what was chosen; None when nothing is left to do.

    May be repeated and broken off at will: what is remembered commits with what is changed.

    Raises: Forbidden, LastAdministrator, BreakGlassUser.
    """
    require(tx.actor, Action.CONNECTION_CHANGE)
    found = _find_in_phase(tx, connection_id, Phase.LEAVING)
    if found is None:
        return None
    connection, leaving = found
    seen = _LEAVING[leaving.stage](tx, leaving, limit)
    after = decide.advanced(leaving, seen, limit=limit, now=tx.now)
    store.save_leaving(tx, after)
    if after.phase is Phase.LEFT:
        kept_back = store.count_kept_back(tx, connection.id)
        tx.record(
            DecommissioningFinished(
                connection_id=connection.id, name=connection.name, done=after.done, kept_back=kept_back
            )
        )
        # Each leaving has an end of its own: that of an earlier one, which was undone, must not stand for it.
        key = f"{connection.id}:{to_microseconds(after.undo_until)}"
        payload = {"connection_id": connection.id}
        enqueue(tx, kind=SETTLE, payload=payload, dedup_key=key, run_at=max(after.undo_until, tx.now))
    return after


def return_slice(tx: WriteTx, connection_id: str, *, limit: int = SLICE) -> Leaving | None:
    """Bring a few more things of a connection back; with the last of them it is heard again. None: nothing is left.

    May be repeated and broken off at will, as `leave_slice`.

    Raises: Forbidden, LastAdministrator, BreakGlassUser.
    """
    require(tx.actor, Action.CONNECTION_CHANGE)
    found = _find_in_phase(tx, connection_id, Phase.RETURNING)
    if found is None:
        return None
    connection, leaving = found
    seen = _RETURNING[leaving.stage](tx, leaving, limit)
    after = decide.advanced(leaving, seen, limit=limit, now=tx.now)
    if after.finished_at is None:
        store.save_leaving(tx, after)
        return after
    connection = set_state(tx, connection, leaving.state_before)
    store.forget_left(tx, connection.id, also_kept_back=True)
    store.delete_leaving(tx, connection.id)
    tx.record(ReturnFinished(connection_id=connection.id, name=connection.name, state=connection.draft.state.value))
    return after


def settle_slice(tx: WriteTx, connection_id: str, *, limit: int = SLICE) -> int:
    """Delete a few groups of a connection whose time to undo is over, at last its credentials; return how many groups.

    0: nothing is left to do, or it is not yet time.

    Raises: Forbidden.
    """
    require(tx.actor, Action.CONNECTION_CHANGE)
    found = _find_in_phase(tx, connection_id, Phase.LEFT)
    if found is None or tx.now < found[1].undo_until:
        return 0
    connection, leaving = found
    left_behind = departures.list_group_ids(tx, connection.id, after="", limit=limit)
    for group_id in left_behind:
        groups.delete_group(tx, group_id, Expected())
    if left_behind:
        return len(left_behind)
    connection_keys.end_keys_of(tx, connection.id, because="its SCIM connection was decommissioned")
    store.forget_left(tx, connection.id, also_kept_back=False)
    store.save_leaving(tx, replace(leaving, phase=Phase.SETTLED))
    tx.record(DecommissioningSettled(connection_id=connection.id, name=connection.name))
    return 0


def _find_in_phase(tx: WriteTx, connection_id: str, phase: Phase) -> tuple[Connection, Leaving] | None:
    """Return a connection and how far it is, if it is in this phase; locked, the connection first as everywhere."""
    connection = connection_store.find_connection_to_change(tx, connection_id)
    leaving = store.find_leaving_to_change(tx, connection_id)
    if connection is None or leaving is None or leaving.phase is not phase:
        return None
    return connection, leaving


def _enqueue(tx: WriteTx, kind: str, connection: Connection) -> None:
    enqueue(tx, kind=kind, payload={"connection_id": connection.id}, dedup_key=connection.id, lease=_LEASE)


def _report(tx: ReadTx, leaving: Leaving) -> Report:
    return Report(leaving=leaving, kept_back=store.list_kept_back(tx, leaving.connection_id, limit=MOST_KEPT_BACK))


def _get_to_change(tx: WriteTx, connection_id: str) -> Connection:
    connection = connection_store.find_connection_to_change(tx, connection_id)
    if connection is None:
        raise NotFound(f"There is no SCIM connection with the id {connection_id}.", connection_id=connection_id)
    return connection
