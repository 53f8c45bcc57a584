"""How is the end of a log printed, and followed?"""

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import fields
from datetime import datetime
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, Annotated, Final, Protocol, TypeAlias, TypeVar

import typer

from rolecall.authorization.actor import COMMAND_LINE

if TYPE_CHECKING:
    from rolecall.events.model import AuditRecord, LoggedEvent
    from rolecall.storage.transactions import Transactions

_PAUSE_SECONDS: Final = 1.0
_AT_ONCE: Final = 500

Lines: TypeAlias = Annotated[
    int, typer.Option("--lines", "-n", min=0, max=1_000_000, help="Begin with so many of the newest.")
]
Follow: TypeAlias = Annotated[bool, typer.Option("--follow", "-f", help="Go on as they come in, until interrupted.")]


class Numbered(Protocol):
    """What a log consists of."""

    @property
    def sequence(self) -> int:
        """Its place in the log."""


T = TypeVar("T", bound=Numbered)

ListNewest: TypeAlias = Callable[..., tuple[T, ...]]
"""A use case `(tx, *, limit, before=None, after=None)` that returns the newest first."""


def tail(
    transactions: "Transactions", list_newest: "ListNewest[T]", show: Callable[[T], str], *, lines: int, follow: bool
) -> None:
    """Print the newest of a log, the oldest of them first; with `follow` go on until interrupted."""
    newest = _newest(transactions, list_newest, max(lines, 1))
    _print(newest[-lines:] if lines else [], show)
    last = newest[-1].sequence if newest else 0
    try:
        while follow:
            time.sleep(_PAUSE_SECONDS)
            found = transactions.run_read(COMMAND_LINE, partial(list_newest, limit=_AT_ONCE, after=last))
            _print(found[::-1], show)
            last = found[0].sequence if found else last
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


def _newest(transactions: "Transactions", list_newest: "ListNewest[T]", wanted: int) -> list[T]:
    found: list[T] = []
    while len(found) < wanted:
        limit = min(_AT_ONCE, wanted - len(found))
        before = found[-1].sequence if found else None
        page = transactions.run_read(COMMAND_LINE, partial(list_newest, limit=limit, before=before))
        found.extend(page)
        if len(page) < limit:
            break
    return found[::-1]


def _print(found: Iterable[T], show: Callable[[T], str]) -> None:
    for each in found:
        print(show(each), flush=True)
