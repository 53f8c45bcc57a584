"""What can have happened when a SCIM connection left, or came back?"""

from dataclasses import dataclass
from typing import ClassVar

from rolecall.directory.model import ConnectionId, UserId
from rolecall.kernel.event import Event, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class _LeavingEvent(Event):
    connection_id: ConnectionId
    name: str

    def subject_id(self) -> str | None:
        """Return the connection's id."""
        return self.connection_id


@dataclass(frozen=True, slots=True, kw_only=True)
class DecommissioningStarted(_LeavingEvent):
    """A SCIM connection is heard no more; what it owns follows in slices, and can come back until `undo_until`."""

    type: ClassVar[str] = "connections.decommissioning.started"
    severity: ClassVar[Severity] = Severity.WARNING
    users: str
    assignments: str
    to_connection_id: str | None
    undo_until: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DecommissioningFinished(_LeavingEvent):
    """All that a SCIM connection owned became what was chosen, but for `kept_back` users and groups."""

    type: ClassVar[str] = "connections.decommissioning.finished"
    done: int
    kept_back: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DecommissioningSettled(_LeavingEvent):
    """The time to undo is over: the groups that stayed behind are deleted, the credentials ended for good."""

    type: ClassVar[str] = "connections.decommissioning.settled"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnStarted(_LeavingEvent):
    """A decommissioned SCIM connection is to come back as it was."""

    type: ClassVar[str] = "connections.return.started"
    severity: ClassVar[Severity] = Severity.WARNING


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnFinished(_LeavingEvent):
    """A SCIM connection is back, in the state `state`, with all that had not gone on elsewhere meanwhile."""

    type: ClassVar[str] = "connections.return.finished"
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _UserMoved(Event):
    connection_id: ConnectionId
    user_id: UserId
    user_name: str

    def subject_id(self) -> str | None:
        """Return the user's id."""
        return self.user_id


@dataclass(frozen=True, slots=True, kw_only=True)
class UserLeft(_UserMoved):
    """A user has left a SCIM connection with it; `owner` is the connection it belongs to now, null for none."""

    type: ClassVar[str] = "connections.user.left"
    owner: ConnectionId | None
    because: str | None
    """Why that is not what was chosen; null: it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UserReturned(_UserMoved):
    """A user is back with its SCIM connection, as it was."""

    type: ClassVar[str] = "connections.user.returned"


@dataclass(frozen=True, slots=True, kw_only=True)
class UserNotReturned(_UserMoved):
    """A user did not come back with its SCIM connection: somebody has decided otherwise about it meanwhile."""

    type: ClassVar[str] = "connections.user.not-returned"
    severity: ClassVar[Severity] = Severity.WARNING
