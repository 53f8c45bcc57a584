"""What are users, groups, members, teams, roles and assignments?"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Generic, NewType, TypeAlias, TypeVar

from rolecall.authorization.actions import Action
from rolecall.authorization.roles import ROOT, RoleId
from rolecall.kernel.document import Document, Json
from rolecall.kernel.predicate import Path, Predicate

T = TypeVar("T")

UserId = NewType("UserId", str)
GroupId = NewType("GroupId", str)
ResourceId = NewType("ResourceId", str)
TeamId = NewType("TeamId", str)
ConnectionId = NewType("ConnectionId", str)
"""Of a SCIM connection: an identity provider that pushes users and groups, which then belong to it."""
MemberId: TypeAlias = UserId | GroupId

ROOT_TEAM = TeamId(ROOT)
"""The team that sees everything. It exists from the first migration on."""

DEFAULT_CONNECTION = ConnectionId("00000000-0000-7000-8000-000000000002")
"""The SCIM connection that is always there. What is pushed with a key of no connection belongs to it."""


class UserKind(Enum):
    """What stands behind a user."""

    PERSON = "person"
    SERVICE = "service"
    """A machine. It never signs in, and SCIM never sees it."""


class UserState(Enum):
    """Whether a user has access."""

    ACTIVE = "active"
    DEACTIVATED = "deactivated"
    """Keeps its row, its history and its assignments, which count for nothing."""
    DELETED = "deleted"
    """Only id, name and dates remain, for the audit log; the user name is free again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A person or service that uses Rolecall.

    `profile` is what is known of it, in the vocabulary of RFC 7643 §4.1 and in the schema's own
    spelling: `schemas`, `userName`, `name`, `emails`, `active`, extensions under their URN. It holds
    neither `id` nor `meta` nor `groups`, which the directory itself decides. Its `active` is true
    exactly when `state` is `ACTIVE`; it can be missing otherwise.
    """

    id: UserId
    kind: UserKind
    state: UserState
    profile: Document
    connection_id: ConnectionId | None
    """The SCIM connection that owns this user; None: none does, and the user is invisible to SCIM."""
    break_glass: bool
    """Whether this is the one user that SCIM can never touch."""
    version: int
    created_at: datetime
    changed_at: datetime

    @property
    def user_name(self) -> str:
        """The unique name, as it was given."""
        return str(self.profile["userName"])

    @property
    def provisioned(self) -> bool:
        """Whether SCIM owns this user."""
        return self.connection_id is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A set of users exactly as an identity provider pushed it; gives nothing by itself.

    `profile` is as for a user (RFC 7643 §4.2), without `members`, which are kept as rows.
    """

    id: GroupId
    connection_id: ConnectionId
    """The SCIM connection that pushed it."""
    profile: Document
    version: int
    created_at: datetime
    changed_at: datetime

    @property
    def display_name(self) -> str:
        """The name people know the group by."""
        return str(self.profile["displayName"])


class MemberKind(Enum):
    """What is a member of a group."""

    USER = "User"
    GROUP = "Group"


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One direct member of a group."""

    id: MemberId
    kind: MemberKind
    display: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """One group that a user belongs to; not `direct` when only through a nested group."""

    group_id: GroupId
    display: str
    direct: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredUser:
    """A user as it is kept, so that it can be shown without being parsed: `profile` is JSON text."""

    id: UserId
    profile: str
    version: int
    created_at: datetime
    changed_at: datetime
    memberships: tuple[Membership, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredGroup:
    """A group as it is kept; `profile` is JSON text. `members` is None when nobody asked for them."""

    id: GroupId
    profile: str
    version: int
    created_at: datetime
    changed_at: datetime
    members: tuple[Member, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UniqueAttribute:
    """An attribute of which no two resources of a kind have the same value."""

    path: Path
    name: str
    folded: bool | None
    """Whether the case of its texts does not count; None: its values are no texts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UniqueValue:
    """A value that only one resource of a kind can have: of which attribute, and the form in which it is compared."""

    attribute: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ResourceKind:
    """A kind of resource that an installation declared, as far as keeping it goes. Two are equal only if the same."""

    name: str
    unique: tuple[UniqueAttribute, ...] = ()
    unique_values: Callable[[Document], tuple[UniqueValue, ...]] = field(default=lambda _profile: ())
    """Returns, of a profile, the values of `unique`, each once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A resource of a declared kind. Nothing in Rolecall depends on it.

    `profile` is as for a user, in the words of the declared schemas.
    """

    id: ResourceId
    kind: str
    connection_id: ConnectionId
    """The SCIM connection that pushed it."""
    profile: Document
    version: int
    created_at: datetime
    changed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredResource:
    """A resource as it is kept; `profile` is JSON text."""

    id: ResourceId
    profile: str
    version: int
    created_at: datetime
    changed_at: datetime


class Outcome(Enum):
    """What became of one operation of a change."""

    APPLIED = "applied"
    NO_CHANGE = "no_change"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileChange:
    """What a change makes of a profile, and what became of each operation of the request.

    The keys of `outcomes` are the operations' positions, from 0.
    """

    profile: Document
    outcomes: Mapping[int, Outcome]


ChangeProfile: TypeAlias = Callable[[Document], ProfileChange]
"""Computes the profile that shall be from the one that is. Pure; raises DomainError to refuse."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EditProfile:
    """Part of a group change: everything but the members."""

    change: ChangeProfile


@dataclass(frozen=True, slots=True, kw_only=True)
class AddMembers:
    """Part of a group change: these become members. Those that are already stay, once."""

    operation: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveMembers:
    """Part of a group change: these are no longer members. Absent ones are no error."""

    operation: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveMatchingMembers:
    """Part of a group change: members that fulfil a condition on `value`, `type`, `display` leave."""

    operation: int
    where: Predicate


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplaceMembers:
    """Part of a group change: exactly these are members afterwards."""

    operation: int
    members: tuple[str, ...]


GroupStep: TypeAlias = EditProfile | AddMembers | RemoveMembers | RemoveMatchingMembers | ReplaceMembers
"""`operation` is the position, from 0, of the request's operation that the step carries out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRequest:
    """Which part of a list is wanted.

    `skip` items are left out, then at most `limit` returned (0: only the total).
    """

    where: Predicate | None
    sort_by: Path | None
    descending: bool
    skip: int
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Where an item stands in an order: by what it is sorted (None: it has no such value), then by its id."""

    key: Json
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Seek:
    """From which position, itself left out, a list is read on, and which way.

    Without a start it is read from its beginning; backwards, from its end.
    """

    start: Position | None = None
    backwards: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch(Generic[T]):
    """Some items of a list, in its order, how many there are in all, and how to read on from both ends.

    `before` and `after` are None where nothing more comes.
    """

    items: tuple[T, ...]
    total: int
    before: Seek | None = None
    after: Seek | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """Which versions the caller would change or is content with; None: any (RFC 7232 If-Match)."""

    versions: frozenset[int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed(Generic[T]):
    """A thing after a change, and what became of each operation of the request, by position."""

    thing: T
    outcomes: Mapping[int, Outcome]


class TeamPolicy(Enum):
    """How much of the data a team may see (wire values of the teams API)."""

    UNBOUND = "UNBOUND"
    """Everything, as Root does."""
    PROVIDER_ID_SET = "PROVIDER_ID_SET"
    """What comes from chosen providers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """Users who work on one part of the data."""

    id: TeamId
    name: str
    alias: str | None
    """What stands for the team in names that identity providers give, such as `sales` in `sales:viewer`."""
    description: str
    provider_ids: frozenset[str] | None
    """What its members may see; None: everything."""
    version: int
    created_at: datetime
    changed_at: datetime

    @property
    def policy(self) -> TeamPolicy:
        """By what the team is limited."""
        return TeamPolicy.UNBOUND if self.provider_ids is None else TeamPolicy.PROVIDER_ID_SET


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamDraft:
    """What somebody can say of a team."""

    name: str
    alias: str | None = None
    description: str = ""
    provider_ids: frozenset[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleDraft:
    """What somebody can say of a custom role."""

    name: str
    description: str = ""
    actions: frozenset[Action] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """A named set of actions: a built-in one, or one that was made of listed actions."""

    id: RoleId
    name: str
    description: str
    actions: frozenset[Action]
    built_in: bool
    version: int
    created_at: datetime | None
    """None for a built-in role, which was always there."""
    changed_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Held:
    """One source of one assignment: as long as it is there, the user has the role in the team."""

    user_id: UserId
    team_id: TeamId
    role: RoleId
    source: str


class SourceKind(Enum):
    """Why an assignment can be there; the value stands before the colon in the name of a source."""

    MANUAL = "manual"
    """By hand."""
    SCIM_GROUP = "scim-group"
    """Membership, direct or nested, in a pushed group."""
    SCIM_ROLE = "scim-role"
    """A value of the user's own `roles`, as an identity provider pushed it."""
    SAML_CLAIM = "saml-claim"
    """A value that was asserted at the last sign-in by SAML."""
    OIDC_CLAIM = "oidc-claim"
    """A value that was asserted at the last sign-in by OpenID Connect."""
    DEFAULT = "default"
    """What everybody gets who signs in."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Ground:
    """What mapped assignments stand on: a group, by its id, or a value that users carry."""

    kind: SourceKind
    value: str

    @property
    def source(self) -> str:
        """The name of the source that the ground is."""
        return f"{self.kind.value}:{self.value}"


def ground_of(source: str) -> Ground:
    """Return the ground that a source's name stands for; of `manual`, one without a value."""
    kind, _, value = source.partition(":")
    return Ground(kind=SourceKind(kind), value=value)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Target:
    """A role in a team: what somebody can be given."""

    team_id: TeamId
    role: RoleId


class ReconcilePhase(Enum):
    """How far a reconciliation in slices has come. Losses come first, so that nobody keeps what ended."""

    LOSSES = "losses"
    GAINS = "gains"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciling:
    """A ground whose assignments are being brought up to date in slices."""

    ground: Ground
    phase: ReconcilePhase
    after: str
    """The last user of this phase that is done; empty at its beginning."""
    done: int
    total: int
    """Users to be looked at in both phases, as counted when it began."""
    started_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Why an assignment is there, and since when: `manual`, or `scim-group:` and the group's id, and so on."""

    name: str
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """A role in a team, held by a user, for as long as one source is left."""

    user_id: UserId
    team_id: TeamId
    role: RoleId
    sources: tuple[Source, ...]
