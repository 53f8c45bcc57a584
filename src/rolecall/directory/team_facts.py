"""What is said of a team wherever it is named?"""

from collections.abc import Iterable

from rolecall.directory.model import TeamId
from rolecall.directory.store import assignments as assignment_store
from rolecall.directory.store import teams as store
from rolecall.storage.transaction import ReadTx


def team_names(tx: ReadTx, team_ids: Iterable[TeamId]) -> dict[TeamId, str]:
    """Return the names of teams, by id, without those that are gone. Needs no action: whoever names them knows them."""
    found = (store.find_team(tx, team_id) for team_id in team_ids)
    return {team.id: team.name for team in found if team is not None}


def user_counts(tx: ReadTx) -> dict[TeamId, int]:
    """Return how many users hold a role in each team; teams without any are left out. Needs no action, as above."""
    return assignment_store.count_users_by_team(tx)
