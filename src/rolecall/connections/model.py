"""What is a SCIM connection?"""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Final

from rolecall.authentication.model import Network
from rolecall.authorization.actor import PushScope
from rolecall.directory.model import ConnectionId

GUARD_PEOPLE: Final = 50
GUARD_PERCENT: Final = 10
MOST_CALLS: Final = 1_000_000
"""The highest rate limit."""
MOST_PATTERNS: Final = 50
LONGEST_PATTERN: Final = 200
"""Characters of one pattern of a scope."""
MOST_HOURS: Final = 24 * 365
"""The longest silence that can be allowed."""
_ANYTHING: Final = PushScope()


class ConnectionState(Enum):
    """Whether an identity provider is listened to."""

    OFF = "OFF"
    ON = "ON"
    DECOMMISSIONED = "DECOMMISSIONED"
    """Was in use, and will not be again."""


class RequirementProfile(Enum):
    """What a provider must send of a user."""

    RFC = "rfc"
    STRICT = "strict"


class Dialect(Enum):
    """Whose way of speaking SCIM it is. Shown only: it changes nothing in how calls are understood."""

    OKTA = "okta"
    ENTRA = "entra"
    ENTRA_2020 = "entra_2020_flag"
    """Entra ID with `aadOptscim062020` in the URL that it was given."""
    ONELOGIN = "onelogin"
    PING = "ping"
    JUMPCLOUD = "jumpcloud"
    KEYCLOAK = "keycloak"
    AUTHENTIK = "authentik"
    SAILPOINT = "sailpoint"
    GOOGLE = "google"
    RIPPLING = "rippling"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionDraft:
    """What somebody can say of a connection."""

    name: str
    state: ConnectionState = ConnectionState.OFF
    requirement_profile: RequirementProfile | None = None
    """None: as the installation's setting has it."""
    networks: tuple[Network, ...] = ()
    """From where it may call; empty: from anywhere."""
    push_scope: PushScope = _ANYTHING
    """Whom and what it may push."""
    rate_limit: int = 0
    """Calls a minute; 0: as many as it likes."""
    silent_after_hours: int = 0
    """After so many hours without a call somebody is told; 0: never."""
    dialect_pinned: Dialect | None = None
    """Shown in place of the one that was recognised."""
    guard_people: int = GUARD_PEOPLE
    guard_percent: int = GUARD_PERCENT


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """An identity provider that pushes to us, with its limits."""

    id: ConnectionId
    draft: ConnectionDraft
    version: int
    created_at: datetime
    changed_at: datetime
    dialect_seen: Dialect | None = None
    last_call_at: datetime | None = None
    silence_told_at: datetime | None = None

    @property
    def dialect(self) -> Dialect | None:
        """The one that is shown; None: it has not called yet."""
        return self.draft.dialect_pinned or self.dialect_seen

    @property
    def name(self) -> str:
        """What people call it."""
        return self.draft.name

    @property
    def is_on(self) -> bool:
        """Whether it is listened to."""
        return self.draft.state is ConnectionState.ON


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficNote:
    """Some calls of one connection within one hour."""

    connection_id: ConnectionId
    hour_at: datetime
    """When that hour began."""
    call_count: int
    error_count: int
    """Those that were answered with 400 or more."""
    last_call_at: datetime
    dialect: Dialect | None
    """None: these calls do not tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """How many calls there were, and how many of them were answered with 400 or more."""

    call_count: int
    error_count: int
