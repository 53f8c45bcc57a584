"""What are API keys and access tokens?"""

from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Network, IPv6Network
from typing import NewType, TypeAlias

from rolecall.authorization.actions import Action
from rolecall.authorization.actor import Actor
from rolecall.authorization.roles import RoleId
from rolecall.directory.model import ConnectionId, TeamId, UserId

ApiKeyId = NewType("ApiKeyId", str)


Network: TypeAlias = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyLimits:
    """What narrows a key beyond what its user, or its role, may do."""

    actions: frozenset[Action] | None = None
    """At most these; None: all that user and role give."""
    networks: tuple[Network, ...] = ()
    """Only from one of these; empty: from anywhere."""
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A credential for programs: it acts as its user, or for nobody in particular, within one team."""

    id: ApiKeyId
    """12 characters; part of the key itself, so that it can be found."""
    secret_hash: str
    name: str
    user_id: UserId | None
    """None for a key of a team, which has a role of its own."""
    user_name: str | None
    user_is_active: bool
    """Of a team's key true: there is nobody who could lose access."""
    team_id: TeamId
    role: RoleId | None
    """Narrows what the key may do to this one of the user's roles; None: all that the user may do in the team.

    Of a team's key it is what the key may do.
    """
    limits: KeyLimits
    connection_id: ConnectionId | None = None
    """The SCIM connection that pushes with it; None: it belongs to none."""
    created_at: datetime
    revoked_at: datetime | None
    last_used_at: datetime | None

    @property
    def expires_at(self) -> datetime | None:
        """When the key ends by itself."""
        return self.limits.expires_at

    def is_usable(self, now: datetime) -> bool:
        """Return whether the key opens anything now."""
        return self.user_is_active and self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewApiKey:
    """A key that was just made, with the text that is shown only now."""

    key: ApiKey
    secret: str
    """The whole key: what goes behind `Bearer`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAccessToken:
    """An access token that was just made: it stands for a key for a short while, with the text that is shown now."""

    secret: str
    actor: Actor
    issued_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """Whom a credential stands for, from where, and until when at most; None: until something changes."""

    actor: Actor
    until: datetime | None
    networks: tuple[Network, ...] = ()
    """Empty: from anywhere."""
