"""What would leaving do, and to whom? Played through on a rehearsal."""

from datetime import timedelta

from rolecall.connections.leaving.decommissioning import decommission_connection, find_report, leave_slice
from rolecall.connections.leaving.model import Plan, Preview, Report
from rolecall.connections.preview.foreseeing import Foreseer
from rolecall.storage.rehearsal import Rehearsing


def play(rehearsing: Rehearsing, connection_id: str, plan: Plan, *, undo_within: timedelta) -> Preview:
    """Decommission a connection to the end, and return its blast radius.

    Raises: Forbidden, NotFound, BadConnection, ConnectionFixed.
    """

    def leave(within: Rehearsing) -> Report:
        report = within.run(lambda tx: decommission_connection(tx, connection_id, plan, undo_within=undo_within))
        # The job that was just asked for is never done: here is what it would do.
        while within.run(lambda tx: leave_slice(tx, connection_id)) is not None:
            pass
        return within.run(lambda tx: find_report(tx, connection_id)) or report

    foreseen = Foreseer(rehearsing).foresee(leave)
    return Preview(report=foreseen.value, radius=foreseen.radius)
