"""What can have happened to mappings?"""

from dataclasses import dataclass
from typing import ClassVar

from rolecall.kernel.event import Event, Severity
from rolecall.mapping.model import MappingId


@dataclass(frozen=True, slots=True, kw_only=True)
class _MappingEvent(Event):
    mapping_id: MappingId
    source: str
    match_kind: str
    match_value: str

    def subject_id(self) -> str | None:
        """Return the mapping's id."""
        return self.mapping_id


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingCreated(_MappingEvent):
    """A mapping came to be."""

    type: ClassVar[str] = "mapping.mapping.created"
    made_by: str
    """`hand`, `convention` or `group_team`."""
    targets: tuple[str, ...]
    """Each a team's id, a colon and a role's id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingWaiting(_MappingEvent):
    """A group's name asks for a role by which access can be raised; an administrator has to decide."""

    type: ClassVar[str] = "mapping.mapping.waiting"
    severity: ClassVar[Severity] = Severity.WARNING
    targets: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingChanged(_MappingEvent):
    """A mapping matches or gives something else; the fields tell how it is now."""

    type: ClassVar[str] = "mapping.mapping.changed"
    targets: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingApproved(_MappingEvent):
    """An administrator let a waiting mapping give what it asks for."""

    type: ClassVar[str] = "mapping.mapping.approved"


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingRefused(_MappingEvent):
    """An administrator refused a waiting mapping."""

    type: ClassVar[str] = "mapping.mapping.refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingDeleted(_MappingEvent):
    """A mapping is gone."""

    type: ClassVar[str] = "mapping.mapping.deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConventionChosen(Event):
    """The convention by which a group's name makes a mapping was switched on or off."""

    type: ClassVar[str] = "mapping.convention.chosen"
    on: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupTeamsChosen(Event):
    """Pushed groups become teams, with this role for their members; or, without a role, no longer do."""

    type: ClassVar[str] = "mapping.group-teams.chosen"
    role: str | None
