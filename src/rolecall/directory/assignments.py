"""Who holds which role in which team, and from which source?"""

from rolecall.authorization.actions import Action, RoleName
from rolecall.authorization.check import require
from rolecall.directory import decide
from rolecall.directory.errors import BreakGlassUser, LastAdministrator
from rolecall.directory.events import RoleAssigned, RoleRemoved
from rolecall.directory.model import ROOT_TEAM, Assignment, TeamId, User, UserId, UserKind
from rolecall.directory.store import assignments as store
from rolecall.directory.store import users as user_store
from rolecall.kernel.errors import NotFound
from rolecall.storage.transaction import ReadTx, WriteTx

MANUAL = "manual"
"""The source of an assignment that an administrator made by hand."""


def assign_role(tx: WriteTx, user_id: UserId, *, role: RoleName, team_id: TeamId = ROOT_TEAM) -> None:
    """Give a user a role in a team by hand. Having it already is no error.

    Raises: Forbidden, NotFound.
    """
    require(tx.actor, Action.ASSIGNMENT_CHANGE)
    user = _get_to_change(tx, user_id)
    if store.insert_assignment(tx, user_id, team_id, role, MANUAL):
        tx.record(
            RoleAssigned(user_id=user_id, user_name=user.user_name, team_id=team_id, role=role.value, source=MANUAL)
        )


def remove_role(tx: WriteTx, user_id: UserId, *, role: RoleName, team_id: TeamId = ROOT_TEAM) -> None:
    """Take back a role that was given by hand. Not having it is no error.

    Raises: Forbidden, NotFound, LastAdministrator, BreakGlassUser.
    """
    require(tx.actor, Action.ASSIGNMENT_CHANGE)
    user = _get_to_change(tx, user_id)
    if role is RoleName.ADMIN and team_id == ROOT_TEAM:
        store.lock_root_team(tx)
        if user.break_glass:
            raise BreakGlassUser(
                f"{user.user_name} is the break-glass user and keeps the role admin on Root."
                " Move the break-glass mark to another user first.",
                user_id=user_id,
            )
        is_administrator = user.kind is UserKind.PERSON and store.is_administrator(tx, user_id)
        if is_administrator and store.count_active_administrators(tx, besides=user_id) == 0:
            raise LastAdministrator(
                f"{user.user_name} is the last active administrator of Root and keeps that role."
                " Make another user an administrator first.",
                user_id=user_id,
            )
    if store.delete_assignment(tx, user_id, team_id, role, MANUAL):
        tx.record(
            RoleRemoved(user_id=user_id, user_name=user.user_name, team_id=team_id, role=role.value, source=MANUAL)
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


def get_team_by_name(tx: ReadTx, name: str) -> TeamId:
    """Return the id of the team with this name.

    Raises: NotFound.
    """
    team_id = store.find_team_by_name(tx, name)
    if team_id is None:
        raise NotFound(f"There is no team named {name!r}.", team=name)
    return team_id


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
