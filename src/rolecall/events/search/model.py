"""What is asked of a log, and what comes of it?"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from rolecall.kernel.predicate import Predicate

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class LogPlace:
    """Where an entry stands in a log that is read by time: at that instant, then by its sequence number."""

    at: datetime
    sequence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CallNarrowing:
    """Of all audit records only results, and of these some."""

    below: str
    """This stands in the path of the call, not merely behind its question mark."""
    key_ids: Collection[str] | None = None
    """Made with one of these API keys; None: in whatever way."""
    about: tuple[str, ...] = ()
    """Ids of things, all of which the call was about, changed, or mentioned in what it changed. Found by index."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSearch:
    """Which entries are wanted, from which place on, itself left out."""

    where: Predicate | None
    since: datetime | None = None
    """Nothing before this instant; `where` may say more, this is what an index serves."""
    after: LogPlace | None = None
    newest_first: bool = False
    limit: int
    narrowed: "CallNarrowing | None" = None
    """Only of the audit log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogPage(Generic[T]):
    """Some entries, and where to read on: None at the end. A page may be empty although more follows."""

    items: tuple[T, ...]
    after: LogPlace | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed(Generic[T]):
    """The next entries in the order in which they were written."""

    items: tuple[T, ...]
    after: int
    """The sequence number to go on from, also when nothing is left now."""
    has_more: bool
