"""What is a validation of a SCIM connection, and what does one of its steps report?"""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Final, NewType

from rolecall.directory.model import ConnectionId
from rolecall.kernel.document import Json

ValidationId = NewType("ValidationId", str)

OWN_NAME: Final = "Rolecall-Validation"
"""The `User-Agent` of these calls, which are not the provider's."""
KEPT: Final = 10
"""So many validations of a connection are kept."""


class Way(Enum):
    """At which address Rolecall calls itself (wire values)."""

    PUBLIC = "PUBLIC"
    """The public URL: through the reverse proxy and its certificate, as the identity provider does."""
    LISTENING = "LISTENING"
    """The address that this process listens on: past every proxy."""


class ValidationState(Enum):
    """How far a validation is (wire values)."""

    WAITING = "WAITING"
    RUNNING = "RUNNING"
    PASSED = "PASSED"
    FAILED = "FAILED"
    """A step came out otherwise than it has to; the later ones were not made."""
    BROKEN_OFF = "BROKEN_OFF"
    """Somebody ended it, or its server died; what it had made is gone all the same."""

    @property
    def is_final(self) -> bool:
        """Whether nothing more happens."""
        return self not in {ValidationState.WAITING, ValidationState.RUNNING}


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is sent in a step."""

    method: str
    path: str
    """Behind the base URL, with the query."""
    body: Json = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back."""

    status: int | None
    """None: nothing did, or the step is no call."""
    body: Json
    """The JSON that was answered, else its text; of a step that is no call, what was found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepReport:
    """One step: what was sent, what came back, and what that means."""

    name: str
    title: str
    request: Request | None
    """None: the step looks at what is kept, or changes it, without a call."""
    answer: Answer
    passed: bool
    means: str
    advice: str | None
    """What to do, after a failure."""
    milliseconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """One run through the life of a user and a group, by calls to ourselves."""

    id: ValidationId
    connection_id: ConnectionId
    way: Way
    state: ValidationState
    key_id: str | None
    """Of the credential that lives as long as the run."""
    reports: tuple[StepReport, ...]
    created_at: datetime
    finished_at: datetime | None

    @property
    def user_name(self) -> str:
        """The name of the user that is made, and that nobody else can have."""
        return f"rolecall-validation-{self.id}@validation.invalid"

    @property
    def group_name(self) -> str:
        """The name of the group that is made."""
        return f"rolecall-validation-{self.id}"
