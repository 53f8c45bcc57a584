"""Where do tests get mappings from, and how do they look at what these give?"""

from rolecall.authorization.roles import RoleId
from rolecall.directory import assignments, reconcile, teams
from rolecall.directory.model import ROOT_TEAM, SourceKind, Target, Team, TeamDraft, TeamId, UserId
from rolecall.mapping import mappings
from rolecall.mapping.model import Mapping, MappingDraft, MatchKind
from tests.make.transactions import Installed

VIEWER = RoleId("viewer")
OPERATOR = RoleId("operator")


def team(installed: Installed, name: str = "Sales", alias: str | None = None) -> Team:
    """Create a team."""
    made: Team = installed.change(teams.create_team, TeamDraft(name=name, alias=alias))
    return made


def target(role: RoleId = VIEWER, team_id: TeamId = ROOT_TEAM) -> Target:
    return Target(team_id=team_id, role=role)


def draft(
    value: str,
    *targets: Target,
    by: MatchKind = MatchKind.NAME,
    source: SourceKind = SourceKind.SCIM_GROUP,
) -> MappingDraft:
    """Say that whatever matches gives these, else to view everything."""
    return MappingDraft(source=source, match_kind=by, match_value=value, targets=frozenset(targets or {target()}))


def mapping(
    installed: Installed,
    value: str,
    *targets: Target,
    by: MatchKind = MatchKind.NAME,
    source: SourceKind = SourceKind.SCIM_GROUP,
) -> Mapping:
    """Create a mapping."""
    made: Mapping = installed.change(mappings.create_mapping, draft(value, *targets, by=by, source=source))
    return made


def roles_of(installed: Installed, user_id: UserId) -> dict[tuple[str, str], set[str]]:
    """Return the sources of what a user holds, by team and role."""
    held = installed.ask(assignments.list_assignments, user_id)
    return {(each.team_id, each.role): {source.name for source in each.sources} for each in held}


def finish_reconciling(installed: Installed, limit: int = 500) -> int:
    """Drive everything that is being reconciled to its end; return how many slices that took."""
    slices = 0
    while waiting := installed.ask(reconcile.list_reconciling):
        installed.change(reconcile.reconcile_slice, waiting[0].ground, limit=limit)
        slices += 1
    return slices
