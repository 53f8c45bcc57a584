"""What would leaving do, and to whom? Played through on a rehearsal."""

from datetime import timedelta

from rolecall.connections.leaving import decide
from rolecall.connections.leaving.decommissioning import decommission_connection, get_report, leave_slice
from rolecall.connections.leaving.model import Holding, Plan, Preview
from rolecall.directory import owners
from rolecall.directory.events import ReconciliationStarted
from rolecall.directory.grounds import list_held_by
from rolecall.directory.model import ConnectionId, Target, UserId, UserState
from rolecall.storage.rehearsal import Rehearsing
from rolecall.storage.transaction import ReadTx


def play(rehearsing: Rehearsing, connection_id: str, plan: Plan, *, undo_within: timedelta) -> Preview:
    """Decommission a connection to the end, and return who would gain and lose what.

    Raises: Forbidden, NotFound, BadConnection, ConnectionFixed.
    """
    rehearsing.run(lambda tx: decommission_connection(tx, connection_id, plan, undo_within=undo_within))
    # Nobody has left by then: the job that was just asked for is never done.
    ids = rehearsing.run(lambda tx: [each.id for each in owners.list_users(tx, ConnectionId(connection_id))])
    before = rehearsing.run(lambda tx: _holdings(tx, ids))
    while rehearsing.run(lambda tx: leave_slice(tx, connection_id)) is not None:
        pass
    after = rehearsing.run(lambda tx: _holdings(tx, ids))
    effects = decide.effects_between(before, after)
    report = rehearsing.run(lambda tx: get_report(tx, connection_id))
    return Preview(
        report=report,
        effects=effects,
        people_losing=decide.count_losing(effects),
        goes_on=any(isinstance(event, ReconciliationStarted) for event in rehearsing.happened),
    )


def _holdings(tx: ReadTx, ids: list[UserId]) -> dict[UserId, Holding]:
    targets: dict[UserId, set[Target]] = {}
    for held in list_held_by(tx, ids):
        targets.setdefault(held.user_id, set()).add(Target(team_id=held.team_id, role=held.role))
    return {
        user.id: Holding(
            name=user.user_name, active=user.state is UserState.ACTIVE, targets=frozenset(targets.get(user.id, ()))
        )
        for user in owners.find_users(tx, ids)
    }
