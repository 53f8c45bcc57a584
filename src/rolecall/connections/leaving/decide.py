"""What becomes of each user when a SCIM connection leaves, and what may be asked for when?"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from rolecall.connections.errors import BadConnection, ConnectionFixed
from rolecall.connections.leaving.model import (
    AssignmentsChoice,
    Because,
    Leaving,
    Phase,
    Plan,
    Stage,
    Treatment,
    UsersChoice,
)
from rolecall.connections.model import Connection, ConnectionState
from rolecall.directory.belongings import Belongings
from rolecall.directory.model import ConnectionId, User, UserId, UserKind, UserState

MOST_HOURS: Final = 24 * 90
"""The longest time to undo."""
_ORDER: Final[Mapping[Phase, tuple[Stage, ...]]] = {
    Phase.LEAVING: (Stage.USERS, Stage.GROUPS, Stage.RESOURCES),
    # What users come back to has to be there before them.
    Phase.RETURNING: (Stage.RESOURCES, Stage.GROUPS, Stage.NESTING, Stage.USERS),
}


def check_plan(plan: Plan, connection: Connection, other: Connection | None) -> None:
    """Return when this can become of what the connection owns; `other` is the one that is named, if it is there.

    Raises: BadConnection.
    """
    if (plan.users is UsersChoice.HAND_OVER) is not (plan.to_connection_id is not None):
        raise BadConnection(
            "Name the connection that takes over when users are handed over, and only then.",
            attribute="to_connection_id",
        )
    if plan.to_connection_id is None:
        return
    if other is None or other.id == connection.id or other.draft.state is ConnectionState.DECOMMISSIONED:
        raise BadConnection("There is no other connection in use with this id.", attribute="to_connection_id")


def begun(
    connection: Connection, plan: Plan, *, undo_within: timedelta, total: int, before: Leaving | None, now: datetime
) -> Leaving:
    """Return the beginning of a connection's leaving; `before` is what is known of an earlier one.

    Raises: BadConnection, ConnectionFixed.
    """
    if not timedelta() <= undo_within <= timedelta(hours=MOST_HOURS):
        raise BadConnection(f"This must be from 0 to {MOST_HOURS}.", attribute="undo_within_hours")
    if connection.draft.state is ConnectionState.DECOMMISSIONED:
        raise ConnectionFixed("This connection is decommissioned already.")
    if before is not None:
        raise ConnectionFixed("This connection is about to come back; wait until that is done.")
    return Leaving(
        connection_id=connection.id,
        plan=plan,
        phase=Phase.LEAVING,
        stage=Stage.USERS,
        after="",
        done=0,
        total=total,
        state_before=connection.draft.state,
        started_at=now,
        undo_until=now + undo_within,
        finished_at=None,
    )


def returning(leaving: Leaving, *, now: datetime) -> Leaving:
    """Return the beginning of the way back; one that is on it goes on.

    Raises: ConnectionFixed.
    """
    if leaving.phase is Phase.RETURNING:
        return leaving
    if leaving.phase is Phase.SETTLED or now >= leaving.undo_until:
        raise ConnectionFixed("The time in which this could be undone is over.")
    return replace(leaving, phase=Phase.RETURNING, stage=Stage.RESOURCES, after="", done=0, finished_at=None)


def advanced(leaving: Leaving, seen: Iterable[str], *, limit: int, now: datetime) -> Leaving:
    """Return how far it is after these of its stage; with the last stage done it has left, or `finished_at` is set."""
    done = list(seen)
    after = replace(leaving, done=leaving.done + (0 if leaving.stage is Stage.NESTING else len(done)))
    if len(done) == limit:
        return replace(after, after=done[-1])
    order = _ORDER[leaving.phase]
    position = order.index(leaving.stage) + 1
    if position < len(order):
        return replace(after, stage=order[position], after="")
    if leaving.phase is Phase.LEAVING:
        return replace(after, phase=Phase.LEFT, stage=Stage.GROUPS, after="", finished_at=now)
    return replace(after, finished_at=now)


def last_administrators(
    plan: Plan, users: Iterable[User], belongings: Mapping[UserId, Belongings], *, others: int
) -> frozenset[UserId]:
    """Return who has to stay an administrator: the oldest of those who would cease, when no one else is left.

    `others` administer and are none of these users.
    """
    administrators = [each for each in users if _administers(each, belongings[each.id])]
    ceasing = [each for each in administrators if not each.break_glass and _would_cease(plan, belongings[each.id])]
    if not ceasing or others > 0 or len(ceasing) < len(administrators):
        return frozenset()
    return frozenset({ceasing[0].id})


def count_administrators(users: Iterable[User], belongings: Mapping[UserId, Belongings]) -> int:
    """Return how many of the users count as administrators of Root."""
    return sum(_administers(each, belongings[each.id]) for each in users)


def treatment_of(plan: Plan, user: User, *, is_last_administrator: bool, is_taken: bool) -> Treatment:
    """Return what becomes of a user; `is_taken` says that the connection which takes over knows its external id."""
    active = user.state is UserState.ACTIVE
    keeps = plan.assignments is AssignmentsChoice.KEEP
    if user.break_glass:
        # No connection may touch it, and it must be able to let others in.
        return Treatment(owner=None, active=active, keeps=True, with_groups=False, because=Because.BREAK_GLASS)
    if plan.users is UsersChoice.HAND_OVER:
        if is_taken:
            return Treatment(
                owner=user.connection_id,
                active=active,
                keeps=keeps or is_last_administrator,
                with_groups=False,
                because=Because.EXTERNAL_ID_TAKEN,
            )
        return Treatment(
            owner=plan.to_connection_id,
            active=active,
            keeps=keeps or is_last_administrator,
            with_groups=plan.takes_groups_along,
            because=Because.LAST_ADMINISTRATOR if is_last_administrator else None,
        )
    if is_last_administrator:
        return Treatment(owner=None, active=active, keeps=True, with_groups=False, because=Because.LAST_ADMINISTRATOR)
    if plan.users is UsersChoice.DEACTIVATE:
        return Treatment(owner=user.connection_id, active=False, keeps=keeps, with_groups=False)
    return Treatment(owner=None, active=active, keeps=keeps, with_groups=False)


def is_as_it_was_left(user: User, owner: ConnectionId | None, *, was_break_glass: bool) -> bool:
    """Return whether nobody has decided otherwise about a user since it left, so that it can come back."""
    return user.connection_id == owner and (was_break_glass or not user.break_glass)


def _administers(user: User, belongings: Belongings) -> bool:
    counted = user.kind is UserKind.PERSON and user.state is UserState.ACTIVE
    return counted and bool(belongings.administers_by)


def _would_cease(plan: Plan, belongings: Belongings) -> bool:
    if plan.users is UsersChoice.DEACTIVATE:
        return True
    only_pushed = all(each.is_pushed for each in belongings.administers_by)
    return plan.assignments is AssignmentsChoice.REMOVE and only_pushed
