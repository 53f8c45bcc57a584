"""What do users hold, by the names that people know?"""

from collections.abc import Iterable
from dataclasses import dataclass

from rolecall.authorization.roles import BUILT_IN_ROLES
from rolecall.directory.model import Assignment, TeamId
from rolecall.directory.store import assignments as assignment_store
from rolecall.directory.store import roles as role_store
from rolecall.directory.store import teams as team_store
from rolecall.storage.transaction import ReadTx


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamRole:
    """An assignment with the names of its team and its role."""

    assignment: Assignment
    team_name: str
    role_name: str


def named(tx: ReadTx, assignments: tuple[Assignment, ...]) -> tuple[TeamRole, ...]:
    """Return assignments with names, in their order. Needs no action: whoever may see an assignment may read it."""
    wanted = frozenset(each.role for each in assignments)
    roles = {role.id: role.name for role in BUILT_IN_ROLES.values()}
    custom = wanted - roles.keys()
    if custom:
        roles |= {role.id: role.name for role in role_store.find_roles(tx, custom)}
    teams = team_names(tx, {each.team_id for each in assignments})
    return tuple(
        TeamRole(assignment=each, team_name=teams[each.team_id], role_name=roles[each.role])
        for each in assignments
        # What was deleted a moment ago is not shown any more.
        if each.team_id in teams and each.role in roles
    )


def team_names(tx: ReadTx, team_ids: Iterable[TeamId]) -> dict[TeamId, str]:
    """Return the names of teams, by id, without those that are gone. Needs no action, as above."""
    found = (team_store.find_team(tx, team_id) for team_id in team_ids)
    return {team.id: team.name for team in found if team is not None}


def user_counts(tx: ReadTx) -> dict[TeamId, int]:
    """Return how many users hold a role in each team; teams without any are left out. Needs no action, as above."""
    return assignment_store.count_users_by_team(tx)
