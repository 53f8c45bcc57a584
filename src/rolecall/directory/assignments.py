"""Who holds which role in which team, and from which source?"""

from collections.abc import Iterable, Mapping
from typing import Final

from rolecall.authorization.actions import Action
from rolecall.authorization.check import require, require_may_grant
from rolecall.authorization.roles import RoleId, given_in
from rolecall.directory import decide
from rolecall.directory.events import RoleAssigned, RoleRemoved
from rolecall.directory.model import ROOT_TEAM, Assignment, Held, TeamId, User, UserId, UserKind
from rolecall.directory.roles import keep_role
from rolecall.directory.store import assignments as store
from rolecall.directory.store import users as user_store
from rolecall.directory.teams import keep_team
from rolecall.kernel.errors import NotFound
from rolecall.storage.transaction import ReadTx, WriteTx

MANUAL: Final = "manual"
"""The source of an assignment that an administrator made by hand."""


def assign_role(tx: WriteTx, user_id: UserId, *, role: RoleId, team_id: TeamId = ROOT_TEAM) -> None:
    """Give a user a role in a team by hand. Having it already is no error.

    Raises: Forbidden, NotFound, ActionNotHeld.
    """
    require(tx.actor, Action.ASSIGNMENT_CHANGE)
    user = _get_to_change(tx, user_id)
    team = keep_team(tx, team_id)
    require_may_grant(tx.actor, given_in(team.id, keep_role(tx, role).actions), team_id=team.id)
    held = Held(user_id=user_id, team_id=team_id, role=role, source=MANUAL)
    if not store.has_assignment(tx, held):
        apply(tx, {user_id: user}, gains=(held,), losses=())


def remove_role(tx: WriteTx, user_id: UserId, *, role: RoleId, team_id: TeamId = ROOT_TEAM) -> None:
    """Take back a role that was given by hand; another source may still give it. Not having it is no error.

    Raises: Forbidden, NotFound, ActionNotHeld, LastAdministrator, BreakGlassUser.
    """
    require(tx.actor, Action.ASSIGNMENT_CHANGE)
    require_may_grant(tx.actor, frozenset(), team_id=team_id)
    user = _get_to_change(tx, user_id)
    held = Held(user_id=user_id, team_id=team_id, role=role, source=MANUAL)
    if store.has_assignment(tx, held):
        apply(tx, {user_id: user}, gains=(), losses=(held,))


def apply(tx: WriteTx, users: Mapping[UserId, User], *, gains: Iterable[Held], losses: Iterable[Held]) -> None:
    """Write which sources came and which went, for users whose rows are locked. For whoever has decided that.

    `gains` are there not yet, `losses` are. Afterwards somebody must still be able to administer.

    Raises: LastAdministrator, BreakGlassUser.
    """
    gains, losses = sorted(gains), sorted(losses)
    threatened = decide.threatened_by(losses)
    if threatened:
        store.lock_root_team(tx)
    store.delete_assignments(tx, losses)
    store.insert_assignments(tx, gains)
    if threatened:
        no_longer = [users[each] for each in sorted(threatened) if not store.is_administrator(tx, each)]
        decide.protect_administrators(no_longer, administrators_left=count_administrators(tx))
    for event, changes in ((RoleRemoved, losses), (RoleAssigned, gains)):
        for each in changes:
            tx.record(
                event(
                    user_id=each.user_id,
                    user_name=users[each.user_id].user_name,
                    team_id=each.team_id,
                    role=each.role,
                    source=each.source,
                )
            )


def list_assignments(tx: ReadTx, user_id: UserId) -> tuple[Assignment, ...]:
    """Return a user's assignments by team and role. For a deactivated user they count for nothing.

    Raises: Forbidden.
    """
    require(tx.actor, Action.USER_LIST)
    return store.list_assignments(tx, user_id)


def list_own_assignments(tx: ReadTx) -> tuple[Assignment, ...]:
    """Return the assignments of whoever asks. Needs no action: everybody may know what they may do."""
    return () if tx.actor.user_id is None else store.list_assignments(tx, UserId(tx.actor.user_id))


def count_administrators(tx: ReadTx) -> int:
    """Return how many active persons hold `admin` on Root."""
    return store.count_active_administrators(tx, besides="")


def protect_from(tx: WriteTx, before: User, after: User) -> None:
    """Refuse a change of a user that could lock everybody out.

    Raises: BreakGlassUser, LastAdministrator.
    """
    attempt = decide.threat_of(before, after)
    if attempt is None:
        return
    is_administrator = before.kind is UserKind.PERSON and store.is_administrator(tx, before.id)
    if is_administrator:
        store.lock_root_team(tx)
    decide.protect(
        before,
        attempt,
        is_administrator=is_administrator,
        other_administrators=store.count_active_administrators(tx, besides=before.id) if is_administrator else 0,
    )


def _get_to_change(tx: WriteTx, user_id: UserId) -> User:
    user = user_store.find_user_to_change(tx, user_id)
    if user is None:
        raise NotFound(f"There is no user with the id {user_id}.", user_id=user_id)
    return user
