"""What can have happened to credentials?"""

from dataclasses import dataclass
from typing import ClassVar

from rolecall.authentication.model import ApiKeyId
from rolecall.directory.model import UserId
from rolecall.kernel.event import Event, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class _ApiKeyEvent(Event):
    api_key_id: ApiKeyId
    name: str
    user_id: UserId | None
    """None for a key of a team."""

    def subject_id(self) -> str | None:
        """Return the key's id."""
        return self.api_key_id


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKeyCreated(_ApiKeyEvent):
    """An API key was made."""

    type: ClassVar[str] = "authentication.api-key.created"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKeyRevoked(_ApiKeyEvent):
    """An API key was ended: by hand, or because its user lost access (`because`)."""

    type: ClassVar[str] = "authentication.api-key.revoked"
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKeyRenamed(_ApiKeyEvent):
    """An API key has another name."""

    type: ClassVar[str] = "authentication.api-key.renamed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKeyExpirySet(_ApiKeyEvent):
    """An API key will end, since another took its place."""

    type: ClassVar[str] = "authentication.api-key.expiry-set"
    expires_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKeyReinstated(_ApiKeyEvent):
    """A revoked API key opens again what it opened."""

    type: ClassVar[str] = "authentication.api-key.reinstated"
    severity: ClassVar[Severity] = Severity.WARNING


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKeyDeleted(_ApiKeyEvent):
    """An API key is gone for good; audit and events still name it."""

    type: ClassVar[str] = "authentication.api-key.deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKeyExpiring(_ApiKeyEvent):
    """An API key ends by itself within two weeks; told once."""

    type: ClassVar[str] = "authentication.api-key.expiring"
    severity: ClassVar[Severity] = Severity.WARNING
    expires_at: str
    """RFC 3339."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupLinkCreated(Event):
    """A one-time set-up link was made; earlier ones ended."""

    type: ClassVar[str] = "authentication.setup-link.created"


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupCompleted(Event):
    """The first administrator was made by the set-up link."""

    type: ClassVar[str] = "authentication.setup.completed"
    user_id: UserId
    user_name: str

    def subject_id(self) -> str | None:
        """Return the administrator's id."""
        return self.user_id
