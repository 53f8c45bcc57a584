"""What can have happened to SCIM connections?"""

from dataclasses import dataclass
from typing import ClassVar

from rolecall.directory.model import ConnectionId, UserId
from rolecall.kernel.event import Event, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class _ConnectionEvent(Event):
    connection_id: ConnectionId
    name: str

    def subject_id(self) -> str | None:
        """Return the connection's id."""
        return self.connection_id


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionCreated(_ConnectionEvent):
    """A SCIM connection was made."""

    type: ClassVar[str] = "connections.connection.created"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionChanged(_ConnectionEvent):
    """A SCIM connection changed in what `attributes` names; `state` is what it is in now."""

    type: ClassVar[str] = "connections.connection.changed"
    attributes: tuple[str, ...]
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionDeleted(_ConnectionEvent):
    """A SCIM connection that owned nothing is gone."""

    type: ClassVar[str] = "connections.connection.deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionSilent(_ConnectionEvent):
    """A SCIM connection that is on has not called for as many hours as it may be silent."""

    type: ClassVar[str] = "connections.connection.silent"
    severity: ClassVar[Severity] = Severity.WARNING
    hours: int
    last_call_at: str | None
    """None: it has never called."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionHeardAgain(_ConnectionEvent):
    """A SCIM connection whose silence was told has called again."""

    type: ClassVar[str] = "connections.connection.heard-again"


@dataclass(frozen=True, slots=True, kw_only=True)
class UserLinked(_ConnectionEvent):
    """A user belongs to a SCIM connection from now on."""

    type: ClassVar[str] = "connections.user.linked"
    severity: ClassVar[Severity] = Severity.WARNING
    user_id: UserId
    user_name: str
    before: ConnectionId | None
    """The connection that it belonged to; None: it was a local user."""

    def subject_id(self) -> str | None:
        """Return the user's id."""
        return self.user_id


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeHeld(_ConnectionEvent):
    """A change by a SCIM connection is held, since too many people would have lost an assignment within an hour."""

    type: ClassVar[str] = "connections.change.held"
    severity: ClassVar[Severity] = Severity.WARNING
    held_change_id: str
    method: str
    path: str
    losing: int
    """How many would lose something by this change."""
    lost: int
    """How many within the hour, by this change and those before."""
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldChangeReleased(_ConnectionEvent):
    """Somebody let a held change through, and it was made."""

    type: ClassVar[str] = "connections.change.released"
    held_change_id: str
    status: int
    """What the provider would have been answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldChangeDropped(_ConnectionEvent):
    """Somebody decided that a held change will not be made."""

    type: ClassVar[str] = "connections.change.dropped"
    held_change_id: str
