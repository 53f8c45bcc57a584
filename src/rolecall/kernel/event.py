"""What is an event?"""

from dataclasses import dataclass, fields
from enum import Enum
from typing import ClassVar


class Severity(Enum):
    """How much attention an event wants."""

    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"


class Category(Enum):
    """Which part of Rolecall an event is about (wire values of the events API)."""

    SYSTEM = "SYSTEM"
    INTEGRATIONS = "INTEGRATIONS"
    RULE = "RULE"
    TAG = "TAG"
    NOTIFICATION = "NOTIFICATION"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A fact in the past. Subclasses name it (`type`) and add its data as fields."""

    type: ClassVar[str]
    """`room.noun.verb-past`, for example `directory.user.deactivated`."""
    category: ClassVar[Category] = Category.SYSTEM
    severity: ClassVar[Severity] = Severity.INFO
    mentioning: ClassVar[tuple[str, ...]] = ()
    """Names of the fields that hold ids of things by which the event shall be found, besides its subject."""

    def subject_id(self) -> str | None:
        """Return the id of the thing the event is about, when it has one."""
        return None

    def data(self) -> dict[str, object]:
        """Return the event's own fields, in order of declaration."""
        return {field.name: getattr(self, field.name) for field in fields(self)}
