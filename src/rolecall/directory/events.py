"""What can have happened in the directory?"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from rolecall.authorization.roles import RoleId
from rolecall.directory.model import ConnectionId, GroupId, ResourceId, TeamId, UserId
from rolecall.kernel.event import Event, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class _UserEvent(Event):
    user_id: UserId
    user_name: str

    def subject_id(self) -> str | None:
        """Return the user's id."""
        return self.user_id


@dataclass(frozen=True, slots=True, kw_only=True)
class UserCreated(_UserEvent):
    """A user came to be."""

    type: ClassVar[str] = "directory.user.created"


@dataclass(frozen=True, slots=True, kw_only=True)
class UserChanged(_UserEvent):
    """What is known of a user changed; `attributes` names the top-level ones."""

    type: ClassVar[str] = "directory.user.changed"
    attributes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UserDeactivated(_UserEvent):
    """A user's access ended; its history and assignments stay."""

    type: ClassVar[str] = "directory.user.deactivated"
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UserReactivated(_UserEvent):
    """A deactivated user has access again, by its assignments; its keys and sessions stay ended."""

    type: ClassVar[str] = "directory.user.reactivated"


@dataclass(frozen=True, slots=True, kw_only=True)
class UserDeleted(_UserEvent):
    """A user is gone; only audit and events remember it."""

    type: ClassVar[str] = "directory.user.deleted"
    was_active: bool = True
    """Whether it had access until then by what it held."""
    lost: tuple[Mapping[str, str], ...] = ()
    """The sources of its assignments, which went with it: `team_id`, `role` and `source` of each, in no order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UserProtected(_UserEvent):
    """A change that would have locked everybody out was refused."""

    type: ClassVar[str] = "directory.user.protected"
    severity: ClassVar[Severity] = Severity.WARNING
    attempt: str
    """`deactivate`, `delete`, `rename` or `remove_role`."""
    because: str
    """`break_glass` or `last_administrator`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UserLinkedByPush(_UserEvent):
    """A local person was pushed by a SCIM connection, and belongs to it from now on."""

    type: ClassVar[str] = "directory.user.linked-by-push"
    severity: ClassVar[Severity] = Severity.WARNING
    connection_id: ConnectionId


@dataclass(frozen=True, slots=True, kw_only=True)
class UserLinkRefused(_UserEvent):
    """A SCIM connection pushed a local person whom only an administrator may link to it."""

    type: ClassVar[str] = "directory.user.link-refused"
    severity: ClassVar[Severity] = Severity.WARNING
    connection_id: ConnectionId
    because: str
    """`administrator`: it holds the role admin by hand; or `break_glass`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakGlassMoved(_UserEvent):
    """Another user became the break-glass user."""

    type: ClassVar[str] = "directory.user.break-glass-moved"
    severity: ClassVar[Severity] = Severity.WARNING


@dataclass(frozen=True, slots=True, kw_only=True)
class _GroupEvent(Event):
    group_id: GroupId
    display_name: str

    def subject_id(self) -> str | None:
        """Return the group's id."""
        return self.group_id


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupCreated(_GroupEvent):
    """A group was pushed for the first time."""

    type: ClassVar[str] = "directory.group.created"


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupChanged(_GroupEvent):
    """What is known of a group, besides its members, changed; `attributes` names the top-level ones."""

    type: ClassVar[str] = "directory.group.changed"
    attributes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupMembersChanged(_GroupEvent):
    """Direct members (users or groups, by id) were added or removed; each list in no order."""

    type: ClassVar[str] = "directory.group.members-changed"
    mentioning: ClassVar[tuple[str, ...]] = ("added", "removed")
    added: tuple[str, ...]
    removed: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupDeleted(_GroupEvent):
    """A group is gone, and with it its memberships."""

    type: ClassVar[str] = "directory.group.deleted"
    member_count: int = 0
    """Direct members that it had."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _ResourceEvent(Event):
    resource_id: ResourceId
    resource_type: str

    def subject_id(self) -> str | None:
        """Return the resource's id."""
        return self.resource_id


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceCreated(_ResourceEvent):
    """A resource of a declared type came to be."""

    type: ClassVar[str] = "directory.resource.created"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceChanged(_ResourceEvent):
    """What is known of a resource of a declared type changed; `attributes` names the top-level ones."""

    type: ClassVar[str] = "directory.resource.changed"
    attributes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceDeleted(_ResourceEvent):
    """A resource of a declared type is gone."""

    type: ClassVar[str] = "directory.resource.deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleAssigned(_UserEvent):
    """A user got a role in a team from a source."""

    type: ClassVar[str] = "directory.role.assigned"
    team_id: str
    role: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleRemoved(_UserEvent):
    """A source no longer gives a user a role in a team."""

    type: ClassVar[str] = "directory.role.removed"
    team_id: str
    role: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UserValuesChanged(_UserEvent):
    """Values that can be mapped, of `roles` or of a claim, came to a user or went."""

    type: ClassVar[str] = "directory.user.values-changed"
    kind: str
    """`scim-role`, `saml-claim` or `oidc-claim`."""
    added: tuple[str, ...]
    removed: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconciliationStarted(Event):
    """What a source gives changed for so many users that their assignments follow in slices."""

    type: ClassVar[str] = "directory.reconciliation.started"
    source: str
    users: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconciliationFinished(Event):
    """All assignments from a source are as they shall be."""

    type: ClassVar[str] = "directory.reconciliation.finished"
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _TeamEvent(Event):
    team_id: TeamId
    name: str

    def subject_id(self) -> str | None:
        """Return the team's id."""
        return self.team_id


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamCreated(_TeamEvent):
    """A team came to be."""

    type: ClassVar[str] = "directory.team.created"


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamChanged(_TeamEvent):
    """Something about a team changed; `attributes` names what."""

    type: ClassVar[str] = "directory.team.changed"
    attributes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamDeleted(_TeamEvent):
    """A team is gone, and with it every assignment in it."""

    type: ClassVar[str] = "directory.team.deleted"
    severity: ClassVar[Severity] = Severity.WARNING


@dataclass(frozen=True, slots=True, kw_only=True)
class _RoleEvent(Event):
    role_id: RoleId
    name: str

    def subject_id(self) -> str | None:
        """Return the role's id."""
        return self.role_id


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleCreated(_RoleEvent):
    """A custom role came to be; `actions` are what it may do."""

    type: ClassVar[str] = "directory.role.created"
    actions: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleChanged(_RoleEvent):
    """Something about a custom role changed; `gained` and `lost` are the actions that differ."""

    type: ClassVar[str] = "directory.role.changed"
    gained: tuple[str, ...]
    lost: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleDeleted(_RoleEvent):
    """A custom role is gone, and with it every assignment of it."""

    type: ClassVar[str] = "directory.role.deleted"
    severity: ClassVar[Severity] = Severity.WARNING


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicUrlSet(Event):
    """The address under which people and providers reach Rolecall changed."""

    type: ClassVar[str] = "directory.public-url.set"
    public_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScimEnabled(Event):
    """Rolecall began to take SCIM calls."""

    type: ClassVar[str] = "directory.scim.enabled"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScimSwitchedOff(Event):
    """Rolecall takes no SCIM calls any more: no connection is on."""

    type: ClassVar[str] = "directory.scim.switched-off"


@dataclass(frozen=True, slots=True, kw_only=True)
class UsersAtOnceSet(Event):
    """So many users at most have their assignments brought up to date in the change that concerns them."""

    type: ClassVar[str] = "directory.users-at-once.set"
    count: int
