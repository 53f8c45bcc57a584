"""What is a guide to a SCIM connection, and what is seen of a provider's first calls?"""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from rolecall.connections.model import Dialect


class ProviderKind(Enum):
    """Whose words a guide uses."""

    OKTA = "okta"
    ENTRA = "entra"
    OTHER = "other"


class SightingKind(Enum):
    """What a provider did for the first time."""

    TESTED = "tested"
    """Looked whether somebody answers, and what is spoken."""
    LOOKED_FOR_USER = "looked_for_user"
    USER_CREATED = "user_created"
    USER_CHANGED = "user_changed"
    GROUP_CREATED = "group_created"
    MEMBERS_CHANGED = "members_changed"
    REFUSED = "refused"
    """Was refused, other than by not finding something."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """The first call of one kind."""

    kind: SightingKind
    at: datetime
    method: str
    path: str
    """With the query, if it had one."""
    status: int | None
    means: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstCalls:
    """What a connection's provider has called first."""

    dialect: Dialect | None
    """None: it has not called yet, or some seconds ago."""
    sightings: tuple[Sighting, ...]
    """In the order in which they were seen, each kind once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of how far a connection is."""

    base_url: str
    has_key: bool
    is_on: bool
    has_called: bool
    has_groups: bool
    is_validated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What has to be entered at the provider."""

    label: str
    """As the provider calls it."""
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GuideStep:
    """One of the six steps."""

    name: str
    title: str
    instructions: tuple[str, ...]
    entries: tuple[Entry, ...] = ()
    done: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Guide:
    """The six steps, in their order."""

    provider: ProviderKind
    base_url: str
    document: str
    """Where more stands, below the documentation's own address."""
    steps: tuple[GuideStep, ...]
