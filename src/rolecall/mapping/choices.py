"""How do groups map by themselves? What an administrator can choose, and what follows from it."""

from dataclasses import replace
from typing import Final

from rolecall.authorization.actions import IN_ANY_TEAM, RAISING, Action
from rolecall.authorization.check import require, require_may_grant
from rolecall.authorization.roles import RoleId
from rolecall.directory import grounds
from rolecall.directory.events import RoleChanged, RoleCreated, RoleDeleted, TeamChanged, TeamCreated
from rolecall.directory.roles import keep_role
from rolecall.mapping import store
from rolecall.mapping.decide import needs_consent
from rolecall.mapping.errors import RoleNeedsConsent
from rolecall.mapping.events import ConventionChosen, GroupTeamsChosen
from rolecall.mapping.matching import rematch
from rolecall.mapping.model import Choices
from rolecall.storage.transaction import ReadTx, WriteTx

_WITHOUT_CONSENT: Final = frozenset(Action) - RAISING


def get_choices(tx: ReadTx) -> Choices:
    """Return how groups map by themselves.

    Raises: Forbidden.
    """
    require(tx.actor, Action.MAPPING_LIST)
    return store.read_choices(tx)


def choose_convention(tx: WriteTx, *, on: bool) -> Choices:
    """Let groups named `alias:role` map to that team and role, or no longer; those that are there too.

    A role by which access can be raised, `admin` first of all, waits until an administrator approves it.

    Raises: Forbidden, ActionNotHeld, LastAdministrator, BreakGlassUser.
    """
    require(tx.actor, Action.MAPPING_CHANGE)
    if on:
        require_may_grant(tx.actor, _WITHOUT_CONSENT)
    grounds.lock_grounds(tx)
    before = store.read_choices(tx)
    after = replace(before, convention=on)
    if after == before:
        return before
    store.save_choices(tx, after)
    tx.record(ConventionChosen(on=on))
    # Groups that are there already do not become teams by this.
    rematch(tx, grounds.list_groups(tx, with_colon=True), founding=False, locked=True)
    return after


def choose_group_teams(tx: WriteTx, role_id: RoleId | None) -> Choices:
    """Let groups that nothing maps, from the next push of them on, become teams; their members get this role there.

    Without a role, they no longer do; the teams that they became stay.

    Raises: Forbidden, NotFound, ActionNotHeld, RoleNeedsConsent.
    """
    require(tx.actor, Action.MAPPING_CHANGE)
    if role_id is not None:
        actions = keep_role(tx, role_id).actions & IN_ANY_TEAM
        require_may_grant(tx.actor, actions)
        if needs_consent(role_id, actions):
            raise RoleNeedsConsent(f"The role {role_id} can raise access, so no name alone gives it.", role_id=role_id)
    grounds.lock_grounds(tx)
    before = store.read_choices(tx)
    after = replace(before, group_team_role=role_id)
    if after == before:
        return before
    store.save_choices(tx, after)
    tx.record(GroupTeamsChosen(role=role_id))
    return after


def follow_names(tx: WriteTx, event: TeamCreated | TeamChanged | RoleCreated | RoleChanged) -> None:
    """Map groups whose name asks for a team or role that has this name now. A reaction.

    Raises: LastAdministrator, BreakGlassUser.
    """
    if isinstance(event, TeamChanged) and "alias" not in event.attributes:
        return
    if store.read_choices(tx).convention:
        grounds.lock_grounds(tx)
        rematch(tx, grounds.list_groups(tx, with_colon=True), founding=False, locked=True)


def forget_role(tx: WriteTx, event: RoleDeleted) -> None:
    """Let no group become a team whose members would get a role that is gone. A reaction."""
    choices = store.read_choices(tx)
    if choices.group_team_role == event.role_id:
        store.save_choices(tx, replace(choices, group_team_role=None))
        tx.record(GroupTeamsChosen(role=None))
