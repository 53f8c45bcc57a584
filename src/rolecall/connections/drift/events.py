"""What can have happened when we were compared with an identity provider?"""

from dataclasses import dataclass
from typing import ClassVar

from rolecall.directory.model import ConnectionId
from rolecall.kernel.event import Event, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportCompared(Event):
    """What a SCIM connection owns was compared with an export of its provider."""

    type: ClassVar[str] = "connections.export.compared"
    connection_id: ConnectionId
    name: str
    differences: int

    def subject_id(self) -> str | None:
        """Return the connection's id."""
        return self.connection_id


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftRepaired(Event):
    """One difference from what a provider says was repaired; the events beside it tell what changed."""

    type: ClassVar[str] = "connections.drift.repaired"
    severity: ClassVar[Severity] = Severity.WARNING
    connection_id: ConnectionId
    difference_id: str
    kind: str
    name: str
    resource_id: str | None

    def subject_id(self) -> str | None:
        """Return the id of the user or group, if it was there before."""
        return self.resource_id
