"""What are API keys?"""

from dataclasses import dataclass
from datetime import datetime
from typing import NewType

from rolecall.authorization.actor import Actor
from rolecall.authorization.roles import RoleId
from rolecall.directory.model import TeamId, UserId

ApiKeyId = NewType("ApiKeyId", str)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A credential for programs: it acts as its user, within one team."""

    id: ApiKeyId
    """12 characters; part of the key itself, so that it can be found."""
    secret_hash: str
    name: str
    user_id: UserId
    user_name: str
    user_is_active: bool
    team_id: TeamId
    role: RoleId | None
    """Narrows what the key may do to this one of the user's roles; None: all that the user may do in the team."""
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None

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
class Admitted:
    """Whom a credential stands for, and until when at most; None: until something changes."""

    actor: Actor
    until: datetime | None
