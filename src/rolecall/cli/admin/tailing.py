"""How is the end of a log printed, and followed?"""

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import fields
from datetime import datetime
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias, TypeVar

import typer

from rolecall.authorization.actor import COMMAND_LINE
from rolecall.cli.output import print_error
from rolecall.kernel.errors import Unavailable

if TYPE_CHECKING:
    from rolecall.events.model import AuditRecord, LoggedEvent
    from rolecall.events.search.logs import Log
    from rolecall.storage.transactions import Transactions

_PAUSE_SECONDS: Final = 1.0
_AT_ONCE: Final = 500

Lines: TypeAlias = Annotated[
    int, typer.Option("--lines", "-n", min=0, max=1_000_000, help="Begin with so many of the newest.")
]
Follow: TypeAlias = Annotated[bool, typer.Option("--follow", "-f", help="Go on as they come in, until interrupted.")]


T = TypeVar("T", "AuditRecord", "LoggedEvent")

ListNewest: TypeAlias = Callable[..., tuple[T, ...]]
"""A use case `(tx, *, limit, before)` that returns the newest first."""


def tail(
    transactions: "Transactions",
    log: "Log[T]",
    list_newest: "ListNewest[T]",
    show: Callable[[T], str],
    *,
    lines: int,
    follow: bool,
    is_wanted: Callable[[T], bool] = lambda _entry: True,
) -> None:
    """Print the newest of a log, the oldest of them first; with `follow` go on until interrupted, without a gap.

    What `list_newest` finds `is_wanted`; the same is asked of what comes in.
    """
    reached = _reached(transactions, log) if follow else None
    _print(_newest(transactions, list_newest, lines, until=reached), show)
    try:
        while reached is not None:
            time.sleep(_PAUSE_SECONDS)
            reached = _go_on(transactions, log, reached, lambda entry: show(entry) if is_wanted(entry) else None)
    except KeyboardInterrupt:
        return


def as_json_line(thing: "AuditRecord | LoggedEvent") -> str:
    """Return a record as JSON on one line."""
    said = {field.name: plain(getattr(thing, field.name)) for field in fields(thing)}
    return json.dumps(said, ensure_ascii=False)


def as_text_line(parts: Iterable[str]) -> str:
    """Return parts on one line, whatever is in them; what could speak to the terminal is spelled out."""
    line = "  ".join(" ".join(part.split()) for part in parts)
    return line if line.isprintable() else "".join(_spelled(character) for character in line)


def _spelled(character: str) -> str:
    return character if character.isprintable() else repr(character)[1:-1]


def plain(value: object) -> object:
    """Return a value as it is printed: instants as RFC 3339, enums as their wire value."""
    from rolecall.kernel.clock import to_rfc3339

    if isinstance(value, datetime):
        return to_rfc3339(value)
    return value.value if isinstance(value, Enum) else value


def _reached(transactions: "Transactions", log: "Log[T]") -> int:
    """Return up to which number everything is there that ever will be."""
    from rolecall.events.search import logs

    until = transactions.run_read(COMMAND_LINE, partial(logs.settled, log=log))
    return min(until, transactions.run_read(COMMAND_LINE, partial(logs.newest, log=log)))


def _newest(transactions: "Transactions", list_newest: "ListNewest[T]", wanted: int, *, until: int | None) -> list[T]:
    found: list[T] = []
    before = None if until is None else until + 1
    while len(found) < wanted:
        limit = min(_AT_ONCE, wanted - len(found))
        page = transactions.run_read(COMMAND_LINE, partial(list_newest, limit=limit, before=before))
        found.extend(page)
        if len(page) < limit:
            break
        before = page[-1].sequence
    return found[::-1]


def _go_on(transactions: "Transactions", log: "Log[T]", reached: int, show: Callable[[T], str | None]) -> int:
    """Print what has come in since, and return the number that is reached now."""
    from rolecall.events.search import logs

    try:
        until = transactions.run_read(COMMAND_LINE, partial(logs.settled, log=log))
        has_more = True
        while has_more:
            ask = partial(logs.follow, log=log, after=reached, since=None, until=until, limit=_AT_ONCE)
            feed = transactions.run_read(COMMAND_LINE, ask)
            _print(feed.items, show)
            reached, has_more = feed.after, feed.has_more
    except Unavailable as error:
        # Somebody writes for long, or the database is away for a while: nothing is lost by asking again.
        print_error(error.detail)
    return reached


def _print(found: Iterable[T], show: Callable[[T], str | None]) -> None:
    for each in found:
        line = show(each)
        if line is not None:
            print(line, flush=True)
