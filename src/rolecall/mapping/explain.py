"""Why does a user hold a role in a team?"""

from dataclasses import dataclass
from datetime import datetime

from rolecall.authorization.actions import Action
from rolecall.authorization.check import require
from rolecall.authorization.roles import RoleId
from rolecall.directory import grounds
from rolecall.directory.assignments import list_assignments, list_own_assignments
from rolecall.directory.grounds import Step
from rolecall.directory.model import Assignment, Source, SourceKind, Target, TeamId, UserId, ground_of
from rolecall.directory.roles import find_role_name
from rolecall.directory.teams import find_team_name
from rolecall.mapping import store
from rolecall.mapping.model import Mapping, MappingState
from rolecall.storage.transaction import ReadTx


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedSource:
    """One source of an assignment, with the way from the user to it."""

    kind: SourceKind
    id: str | None
    """The group's id, or the value; None when it was given by hand."""
    name: str | None
    since: datetime
    path: tuple[Step, ...] = ()
    """Into one group after the other, the mapped one last; or to the value."""
    mappings: tuple[Mapping, ...] = ()
    """The mappings that give this role in this team to whoever stands there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamRole:
    """A role that a user holds in a team, with its sources, oldest first."""

    team_id: TeamId
    team_name: str
    role_id: RoleId
    role_name: str
    sources: tuple[ExplainedSource, ...]


def list_team_roles(tx: ReadTx, user_id: UserId) -> tuple[TeamRole, ...]:
    """Return what a user holds and from which sources, without the way to each.

    For a deactivated user it is what would be restored, and counts for nothing.

    Raises: Forbidden.
    """
    return _team_roles(tx, list_assignments(tx, user_id), with_paths=False)


def list_own_team_roles(tx: ReadTx) -> tuple[TeamRole, ...]:
    """Return the same of the user that asks. Needs no action: everybody may know what they may do."""
    return _team_roles(tx, list_own_assignments(tx), with_paths=False)


def explain_user(tx: ReadTx, user_id: UserId) -> tuple[TeamRole, ...]:
    """Return the same with the dated chain behind each source: user, group after group, mapping, assignment.

    Raises: Forbidden.
    """
    require(tx.actor, Action.MAPPING_LIST)
    return _team_roles(tx, list_assignments(tx, user_id), with_paths=True)


def _team_roles(tx: ReadTx, assignments: tuple[Assignment, ...], *, with_paths: bool) -> tuple[TeamRole, ...]:
    return tuple(
        TeamRole(
            team_id=each.team_id,
            team_name=find_team_name(tx, each.team_id),
            role_id=each.role,
            role_name=find_role_name(tx, each.role),
            sources=tuple(_explained(tx, each, source, with_paths=with_paths) for source in each.sources),
        )
        for each in assignments
    )


def _explained(tx: ReadTx, assignment: Assignment, source: Source, *, with_paths: bool) -> ExplainedSource:
    ground = ground_of(source.name)
    if ground.kind in {SourceKind.MANUAL, SourceKind.DEFAULT}:
        return ExplainedSource(kind=ground.kind, id=None, name=None, since=source.since)
    group = grounds.find_group(tx, ground.value) if ground.kind is SourceKind.SCIM_GROUP else None
    target = Target(team_id=assignment.team_id, role=assignment.role)
    return ExplainedSource(
        kind=ground.kind,
        id=ground.value,
        name=ground.value if group is None else group.display_name,
        since=source.since,
        path=grounds.path_to(tx, assignment.user_id, ground) if with_paths else (),
        mappings=tuple(
            each
            for each in (store.list_mappings_of(tx, ground) if with_paths else ())
            if each.state is MappingState.ACTIVE and target in each.targets
        ),
    )
