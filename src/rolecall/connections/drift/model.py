"""What does an identity provider say in an export, and in what can we differ from it?"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from rolecall.directory.model import ConnectionId, Group, GroupId, User
from rolecall.events.model import LoggedEvent
from rolecall.jobs.model import JobId
from rolecall.kernel.document import Document


class DriftKind(Enum):
    """In what way something differs. In the order in which it is repaired: who is added last must be there first."""

    USER_MISSING = "USER_MISSING"
    USER_DIFFERENT = "USER_DIFFERENT"
    GROUP_MISSING = "GROUP_MISSING"
    GROUP_DIFFERENT = "GROUP_DIFFERENT"
    MEMBER_MISSING = "MEMBER_MISSING"
    MEMBER_EXTRA = "MEMBER_EXTRA"
    GROUP_EXTRA = "GROUP_EXTRA"
    USER_EXTRA = "USER_EXTRA"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedUser:
    """A user as the provider has it."""

    known_as: tuple[str, ...]
    """Its `id` and `externalId`, as far as it has them: by these, members name it."""
    profile: Document


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedGroup:
    """A group as the provider has it."""

    known_as: tuple[str, ...]
    profile: Document
    members: tuple[str, ...] | None
    """As the export names them; None: it does not speak of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """All that a provider has. None: the export does not speak of users, or of groups, at all."""

    users: tuple[ExportedUser, ...] | None
    groups: tuple[ExportedGroup, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Holdings:
    """All that a connection owns."""

    users: tuple[User, ...]
    groups: tuple[Group, ...]
    members: Mapping[GroupId, frozenset[str]]
    """Ids of direct members; groups without any may be left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One difference, before it is kept."""

    kind: DriftKind
    name: str
    """Of the user or group."""
    resource_id: str | None = None
    """Of the user or group; None: it is missing."""
    member_id: str | None = None
    member_name: str | None = None
    attributes: tuple[str, ...] = ()
    """Those that differ, by their names, in alphabetical order."""
    said: "Document | None" = None
    """What the provider says, as far as a repair needs it."""
    members: tuple[str, ...] = ()
    """Ids of those who belong into a group that is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What came of a comparison."""

    findings: tuple[Finding, ...]
    """In the order in which they can be repaired."""
    users: int
    groups: int
    """So many the export has."""
    unknown_members: int
    """Members that the export names and nobody is known by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One difference that was found and is not repaired."""

    id: str
    connection_id: ConnectionId
    position: int
    """Among those of its connection, from 0."""
    found_at: datetime
    finding: Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedDifference:
    """One difference, with the last change that can have caused it."""

    difference: Difference
    cause: LoggedEvent | None
    """None: the log has no such change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftSearch:
    """Which differences are wanted, behind which place: the connection and position of the last one seen."""

    connection_id: str | None = None
    kind: DriftKind | None = None
    about: str | None = None
    """The id of a user or group that is concerned, as a member or by itself."""
    after: tuple[str, int] = ("", -1)
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Repaired:
    """What came of a repair."""

    repaired: int
    remaining: int
    """Differences of the same choice that are left."""
    job_id: JobId | None = None
    """Of the job that goes on with them, if one does."""
