"""What may a user do, in which team?"""

from dataclasses import dataclass

from rolecall.authorization.roles import RoleId
from rolecall.directory.model import TeamId, User, UserId, UserState
from rolecall.directory.store import users as store
from rolecall.directory.store.assignments import list_assignments
from rolecall.storage.transaction import ReadTx, WriteTx


@dataclass(frozen=True, slots=True, kw_only=True)
class UserAccess:
    """A user's name, whether it has access at all, and its roles by team."""

    user_name: str
    is_active: bool
    roles: tuple[tuple[TeamId, RoleId], ...]

    def roles_in(self, team_id: TeamId) -> frozenset[RoleId]:
        """Return the roles that count in a team: none for a user without access."""
        if not self.is_active:
            return frozenset()
        return frozenset(role for held_in, role in self.roles if held_in == team_id)


def find_access(tx: ReadTx, user_id: UserId) -> UserAccess | None:
    """Return what a user may do, or None when it is deleted. For authentication: needs no action."""
    return _access_of(tx, store.find_user(tx, user_id))


def find_access_to_keep(tx: WriteTx, user_id: UserId) -> UserAccess | None:
    """Return the same, and let nobody change it until the transaction ends."""
    return _access_of(tx, store.find_user_to_change(tx, user_id))


def _access_of(tx: ReadTx, user: User | None) -> UserAccess | None:
    if user is None:
        return None
    return UserAccess(
        user_name=user.user_name,
        is_active=user.state is UserState.ACTIVE,
        roles=tuple((each.team_id, each.role) for each in list_assignments(tx, user.id)),
    )
