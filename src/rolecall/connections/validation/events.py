"""What can have happened when a SCIM connection was validated?"""

from dataclasses import dataclass
from typing import ClassVar

from rolecall.directory.model import ConnectionId
from rolecall.kernel.event import Event, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class _ValidationEvent(Event):
    connection_id: ConnectionId
    name: str
    validation_id: str

    def subject_id(self) -> str | None:
        """Return the connection's id."""
        return self.connection_id


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionValidated(_ValidationEvent):
    """Every step of a validation came out as it has to."""

    type: ClassVar[str] = "connections.connection.validated"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionNotValidated(_ValidationEvent):
    """A validation failed at a step, or was broken off."""

    type: ClassVar[str] = "connections.connection.not-validated"
    severity: ClassVar[Severity] = Severity.WARNING
    step: str | None
    """None: it was broken off."""
