"""What can be done with differences from what an identity provider says?"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from rolecall.authorization.actions import Action
from rolecall.authorization.actor import Actor
from rolecall.authorization.check import require
from rolecall.connections import store as connection_store
from rolecall.connections.connections import get_connection
from rolecall.connections.decide import acting_within
from rolecall.connections.drift import decide, repairs, store
from rolecall.connections.drift.events import DriftRepaired, ExportCompared
from rolecall.connections.drift.model import (
    Comparison,
    Difference,
    DriftSearch,
    ExplainedDifference,
    Export,
    Holdings,
    Repaired,
)
from rolecall.directory import owners
from rolecall.directory.model import ConnectionId
from rolecall.events.causes import find_last_about
from rolecall.jobs.queue import enqueue
from rolecall.kernel.errors import NotFound
from rolecall.kernel.ids import new_id
from rolecall.storage.transaction import ReadTx, WriteTx

REPAIR: Final = "connections.repair-drift"
"""The kind of job that repairs any number of differences."""
MOST_AT_ONCE: Final = 1_000
"""So many differences are repaired in one transaction at most."""


def compare_export(tx: ReadTx, connection_id: str, export: Export) -> Comparison:
    """Compare all that a connection owns with an export of its provider. Writes nothing: `keep_comparison` does.

    Raises: Forbidden, NotFound.
    """
    require(tx.actor, Action.CONNECTION_CHANGE)
    connection = get_connection(tx, connection_id)
    users, groups, members = owners.list_owned(tx, connection.id)
    return decide.compare(export, Holdings(users=users, groups=groups, members=members))


def keep_comparison(tx: WriteTx, connection_id: str, comparison: Comparison) -> None:
    """Keep the differences that were found in place of those of the comparison before.

    Raises: Forbidden, NotFound.
    """
    require(tx.actor, Action.CONNECTION_CHANGE)
    # Locked: two who compare at once would both write the same positions.
    connection = connection_store.find_connection_to_change(tx, connection_id)
    if connection is None:
        raise NotFound(f"There is no SCIM connection with the id {connection_id}.", connection_id=connection_id)
    found = [
        Difference(id=new_id(tx.now), connection_id=connection.id, position=position, found_at=tx.now, finding=finding)
        for position, finding in enumerate(comparison.findings)
    ]
    store.replace_differences(tx, connection.id, found)
    tx.record(ExportCompared(connection_id=connection.id, name=connection.name, differences=len(found)))


def list_differences(tx: ReadTx, wanted: DriftSearch) -> tuple[ExplainedDifference, ...]:
    """Return differences by connection, in the order in which they can be repaired, each with what caused it.

    Raises: Forbidden.
    """
    require(tx.actor, Action.CONNECTION_LIST)
    return _explained(tx, store.list_differences(tx, wanted))


def get_difference(tx: ReadTx, difference_id: str) -> ExplainedDifference:
    """Return one difference with what caused it.

    Raises: Forbidden, NotFound.
    """
    require(tx.actor, Action.CONNECTION_LIST)
    return _explained(tx, (_get(tx, difference_id),))[0]


def as_provider(actor: Actor, connection_id: str) -> Actor:
    """Return who repairs: the same person, within the limits of what the connection may touch.

    Raises: Forbidden.
    """
    require(actor, Action.CONNECTION_CHANGE)
    return acting_within(actor, connection_id)


def repair_difference(tx: WriteTx, difference_id: str) -> Repaired:
    """Make one thing as the provider says. To be called `as_provider`. What is so already is no error.

    Raises: Forbidden, NotFound, UserNameTaken, GroupNameTaken, BreakGlassUser, LastAdministrator.
    """
    require(tx.actor, Action.CONNECTION_CHANGE)
    difference = _get(tx, difference_id)
    _repair(tx, difference)
    return Repaired(repaired=1, remaining=store.count_differences(tx, _all_of(difference.connection_id)))


def repair_differences(tx: WriteTx, wanted: DriftSearch) -> Repaired:
    """Make all chosen things as the provider says, in their order, all or none. To be called `as_provider`.

    At most `wanted.limit`, and `MOST_AT_ONCE`.

    Raises: Forbidden, and what the repair of one raises.
    """
    require(tx.actor, Action.CONNECTION_CHANGE)
    chosen = store.list_differences(tx, replace(wanted, limit=min(wanted.limit, MOST_AT_ONCE)))
    for difference in chosen:
        _repair(tx, difference)
    return Repaired(repaired=len(chosen), remaining=store.count_differences(tx, wanted))


def begin_repair(tx: WriteTx, wanted: DriftSearch) -> Repaired:
    """Have all chosen things made as the provider says by a job, however many they are; return how many that is.

    Unlike `repair_differences`, the job passes over what is refused, and leaves it in the list.

    Raises: Forbidden, NotFound.
    """
    require(tx.actor, Action.CONNECTION_CHANGE)
    connection = get_connection(tx, wanted.connection_id or "")
    payload = {
        "connection_id": connection.id,
        "kind": None if wanted.kind is None else wanted.kind.value,
        "about": wanted.about,
    }
    remaining = store.count_differences(tx, wanted)
    return Repaired(repaired=0, remaining=remaining, job_id=enqueue(tx, kind=REPAIR, payload=payload))


def list_next(tx: ReadTx, wanted: DriftSearch) -> tuple[Difference, ...]:
    """Return differences in the order in which they can be repaired, without their causes.

    Raises: Forbidden.
    """
    require(tx.actor, Action.CONNECTION_LIST)
    return store.list_differences(tx, wanted)


def repair_listed(tx: WriteTx, difference_ids: Iterable[str]) -> int:
    """Make these things as the provider says, all or none; return how many. To be called `as_provider`.

    Those that somebody has repaired meanwhile are passed over.

    Raises: Forbidden, and what the repair of one raises.
    """
    require(tx.actor, Action.CONNECTION_CHANGE)
    found = [each for each in (store.find_difference(tx, each) for each in difference_ids) if each is not None]
    for difference in found:
        _repair(tx, difference)
    return len(found)


def _repair(tx: WriteTx, difference: Difference) -> None:
    finding = difference.finding
    if tx.actor.connection_id != difference.connection_id:
        raise _not_found(difference.id)
    repairs.carry_out(tx, finding)
    store.delete_difference(tx, difference.id)
    tx.record(
        DriftRepaired(
            connection_id=difference.connection_id,
            difference_id=difference.id,
            kind=finding.kind.value,
            name=finding.name,
            resource_id=finding.resource_id,
        )
    )


def _all_of(connection_id: ConnectionId) -> DriftSearch:
    return DriftSearch(connection_id=connection_id, limit=0)


def _explained(tx: ReadTx, differences: Sequence[Difference]) -> tuple[ExplainedDifference, ...]:
    explained = []
    for each in differences:
        finding = each.finding
        types = decide.causes_of(finding.kind)
        cause = None
        if types and finding.resource_id is not None:
            cause = find_last_about(tx, finding.resource_id, types, mentioning=finding.member_id)
        explained.append(ExplainedDifference(difference=each, cause=cause))
    return tuple(explained)


def _get(tx: ReadTx, difference_id: str) -> Difference:
    difference = store.find_difference(tx, difference_id)
    if difference is None:
        raise _not_found(difference_id)
    return difference


def _not_found(difference_id: str) -> NotFound:
    return NotFound(f"There is no difference with the id {difference_id}.", difference_id=difference_id)
