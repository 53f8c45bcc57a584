"""How does a refusal travel from a rule to whoever asked?"""

from collections.abc import Sequence
from enum import Enum
from typing import ClassVar

from rolecall.kernel.event import Event


class ErrorKind(Enum):
    """What the caller can do about it. Edges turn a kind into a status or an exit code."""

    INVALID = "invalid"
    """Correct the request."""
    UNAUTHENTICATED = "unauthenticated"
    """Present a valid credential."""
    FORBIDDEN = "forbidden"
    """Ask somebody who may."""
    NOT_FOUND = "not_found"
    """Name something that exists."""
    CONFLICT = "conflict"
    """Something else holds that name or state; change one of the two."""
    STALE = "stale"
    """Read again, then repeat the change."""
    TOO_LARGE = "too_large"
    """Send less."""
    TOO_MANY = "too_many"
    """Wait, then repeat."""
    UNSUPPORTED = "unsupported"
    """Use another method or media type."""
    UNAVAILABLE = "unavailable"
    """Repeat later; nothing was changed."""


class DomainError(Exception):
    """A refusal that the caller can understand. Raising it inside a transaction rolls it back.

    Subclasses fix `kind` and `code`; `code` is stable and documented, `detail` is a sentence for
    a person, `about` names the things concerned (for example `attribute="userName"`).
    `events` are written after the rollback, in a transaction of their own.
    """

    kind: ClassVar[ErrorKind]
    code: ClassVar[str]

    def __init__(self, detail: str, *, events: Sequence[Event] = (), **about: str) -> None:
        super().__init__(detail)
        self.detail = detail
        self.events = tuple(events)
        self.about = about


class NotFound(DomainError):
    """There is no such thing, or the caller may not know that there is."""

    kind = ErrorKind.NOT_FOUND
    code = "not_found"


class Forbidden(DomainError):
    """The caller is known and may not do this."""

    kind = ErrorKind.FORBIDDEN
    code = "forbidden"


class VersionConflict(DomainError):
    """The thing changed since the caller read it."""

    kind = ErrorKind.STALE
    code = "version_conflict"


class Unavailable(DomainError):
    """The database cannot be reached or written to now; nothing was changed."""

    kind = ErrorKind.UNAVAILABLE
    code = "unavailable"
