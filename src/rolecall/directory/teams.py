"""What can be done with teams?"""

from collections.abc import Callable
from dataclasses import replace

from rolecall.authorization.actions import Action
from rolecall.authorization.check import require
from rolecall.directory import decide
from rolecall.directory.errors import BadTeam, RootTeam
from rolecall.directory.events import RoleRemoved, TeamChanged, TeamCreated, TeamDeleted
from rolecall.directory.model import ROOT_TEAM, Expected, Team, TeamDraft, TeamId
from rolecall.directory.store import assignments as assignment_store
from rolecall.directory.store import teams as store
from rolecall.directory.store.sources import lock_grounds
from rolecall.graph.data_sources import require_providers
from rolecall.kernel.errors import NotFound
from rolecall.kernel.ids import new_id
from rolecall.kernel.names import check_name, check_text
from rolecall.storage.transaction import ReadTx, WriteTx


def create_team(tx: WriteTx, draft: TeamDraft) -> Team:
    """Create a team in which nobody holds a role yet.

    Raises: Forbidden, BadTeam, TeamNameTaken, NoSuchProvider.
    """
    require(tx.actor, Action.TEAM_CHANGE)
    team = make_team(tx, draft)
    tx.record(TeamCreated(team_id=team.id, name=team.name))
    return team


def make_team(tx: WriteTx, draft: TeamDraft) -> Team:
    """Make a team and leave it to the caller, who has decided so, to record that. Needs no action.

    Raises: BadTeam, TeamNameTaken, NoSuchProvider.
    """
    _check(draft)
    require_providers(tx, draft.provider_ids or ())
    team = Team(
        id=TeamId(new_id(tx.now)),
        name=draft.name,
        alias=draft.alias,
        description=draft.description,
        provider_ids=draft.provider_ids,
        version=1,
        created_at=tx.now,
        changed_at=tx.now,
    )
    store.insert_team(tx, team)
    return team


def get_team(tx: ReadTx, team_id: TeamId) -> Team:
    """Return a team.

    Raises: Forbidden, NotFound.
    """
    require(tx.actor, Action.TEAM_LIST)
    team = store.find_team(tx, team_id)
    if team is None:
        raise _not_found(team_id)
    return team


def get_team_by_name(tx: ReadTx, name: str) -> Team:
    """Return the team that has this name in any spelling.

    Raises: Forbidden, NotFound.
    """
    require(tx.actor, Action.TEAM_LIST)
    team = store.find_team_by_name(tx, name)
    if team is None:
        raise NotFound(f"There is no team named {name!r}.", team=name)
    return team


def list_teams(tx: ReadTx) -> tuple[Team, ...]:
    """Return every team, Root first, then in the order in which they were made.

    Raises: Forbidden.
    """
    require(tx.actor, Action.TEAM_LIST)
    return store.list_teams(tx)


def count_users_by_team(tx: ReadTx) -> dict[TeamId, int]:
    """Return how many users hold a role in each team, deactivated ones too; teams without any are left out.

    Raises: Forbidden.
    """
    require(tx.actor, Action.TEAM_LIST)
    return assignment_store.count_users_by_team(tx)


def change_team(tx: WriteTx, team_id: TeamId, change: Callable[[TeamDraft], TeamDraft], expected: Expected) -> Team:
    """Change what is said of a team. A change that changes nothing writes nothing.

    Raises: Forbidden, NotFound, VersionConflict, BadTeam, TeamNameTaken, NoSuchProvider, RootTeam, and
    whatever `change` raises.
    """
    require(tx.actor, Action.TEAM_CHANGE)
    before = store.find_team_to_change(tx, team_id)
    if before is None:
        raise _not_found(team_id)
    decide.check_version(before.version, expected)
    old = draft_of(before)
    new = change(old)
    if new == old:
        return before
    _check(new)
    require_providers(tx, (new.provider_ids or frozenset()) - (old.provider_ids or frozenset()))
    differing = decide.differing_fields(old, new)
    if team_id == ROOT_TEAM and set(differing) - {"alias", "description"}:
        raise RootTeam(f"Root keeps its {differing[0]}.", attribute=differing[0])
    after = replace(
        before,
        name=new.name,
        alias=new.alias,
        description=new.description,
        provider_ids=new.provider_ids,
        version=before.version + 1,
        changed_at=tx.now,
    )
    store.save_team(tx, after)
    tx.record(TeamChanged(team_id=team_id, name=after.name, attributes=differing))
    return after


def delete_team(tx: WriteTx, team_id: TeamId, expected: Expected) -> None:
    """Delete a team and every assignment in it, each told by an event of its own.

    Reactions end the team's keys in the same transaction.

    Raises: Forbidden, NotFound, VersionConflict, RootTeam.
    """
    require(tx.actor, Action.TEAM_CHANGE)
    lock_grounds(tx)
    team = store.find_team_to_change(tx, team_id)
    if team is None:
        raise _not_found(team_id)
    decide.check_version(team.version, expected)
    if team_id == ROOT_TEAM:
        raise RootTeam("The team Root is always there.")
    ending = assignment_store.list_in_team(tx, team_id)
    assignment_store.delete_assignments(tx, (held for held, _ in ending))
    store.delete_team(tx, team_id)
    for held, user_name in ending:
        tx.record(
            RoleRemoved(user_id=held.user_id, user_name=user_name, team_id=team_id, role=held.role, source=held.source)
        )
    tx.record(TeamDeleted(team_id=team_id, name=team.name))


def find_team_by_name(tx: ReadTx, name: str) -> Team | None:
    """Return the team that has this name in any spelling, or None. Needs no action."""
    return store.find_team_by_name(tx, name)


def find_team_by_alias(tx: ReadTx, alias: str) -> Team | None:
    """Return the team that has this alias in any spelling, or None. Needs no action."""
    return store.find_team_by_alias(tx, alias)


def find_team_name(tx: ReadTx, team_id: TeamId) -> str:
    """Return a team's name; its id when it is gone. Needs no action."""
    team = store.find_team(tx, team_id)
    return team_id if team is None else team.name


def keep_team(tx: WriteTx, team_id: TeamId) -> Team:
    """Return a team that something is about to name, and keep it from being deleted meanwhile. Needs no action.

    Raises: NotFound.
    """
    team = store.find_team_to_name(tx, team_id)
    if team is None:
        raise _not_found(team_id)
    return team


def find_scope(tx: ReadTx, team_id: TeamId) -> frozenset[str] | None:
    """Return the providers that a team may see, None for all. For authentication: needs no action."""
    if team_id == ROOT_TEAM:
        return None
    team = store.find_team(tx, team_id)
    return frozenset() if team is None else team.provider_ids


def draft_of(team: Team) -> TeamDraft:
    """Return what somebody could have said to make the team as it is."""
    return TeamDraft(name=team.name, alias=team.alias, description=team.description, provider_ids=team.provider_ids)


def _check(draft: TeamDraft) -> None:
    check_name(BadTeam, "name", draft.name)
    check_text(BadTeam, "description", draft.description)
    if draft.alias is not None:
        check_name(BadTeam, "alias", draft.alias)
        if ":" in draft.alias:
            raise BadTeam("An alias must not contain a colon: it stands before one.", attribute="alias")


def _not_found(team_id: str) -> NotFound:
    return NotFound(f"There is no team with the id {team_id}.", team_id=team_id)
