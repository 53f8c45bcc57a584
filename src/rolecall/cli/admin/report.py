"""What can be reported from the command line?"""

from datetime import timedelta
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Final

import typer

from rolecall.authorization.actor import COMMAND_LINE
from rolecall.cli.admin.installation import opened
from rolecall.cli.admin.tailing import plain
from rolecall.cli.options import DatabaseUrl, DataDir
from rolecall.cli.output import print_json, print_table
from rolecall.kernel.errors import DomainError, ErrorKind

if TYPE_CHECKING:
    from datetime import datetime

    from rolecall.directory.leavers import Loss
    from rolecall.main import Rolecall

app = typer.Typer(help="Report what auditors ask for.", no_args_is_help=True)

_AT_ONCE: Final = 1_000
_USUAL: Final = timedelta(days=30)


class Form(Enum):
    """How a report is printed."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


class BadInstant(DomainError):
    """Not a date, nor an instant as RFC 3339 writes it."""

    kind = ErrorKind.INVALID
    code = "bad_instant"


@app.callback()
def report() -> None:
    """Report what auditors ask for."""


@app.command("leavers")
def leavers(
    *,
    since: Annotated[
        str | None,
        typer.Option("--since", help="From this day or instant on, in UTC: 2026-11-01. Left out: 30 days ago."),
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", help="Up to, and without, this day or instant. Left out: now.")
    ] = None,
    form: Annotated[Form, typer.Option("--format", help="How to print it.")] = Form.TABLE,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Print who lost what, when, and by which change: access, roles, API keys.

    Reaches as far back as events are kept.
    """
    from rolecall.directory.leavers import render_csv, to_document

    begins, ends = parsed_instant(since, "--since"), parsed_instant(until, "--until")
    with opened(data_dir, database_url) as rolecall:
        now = rolecall.clock()
        # What happens in this very moment shall be in it.
        losses = _list_all(rolecall, begins or now - _USUAL, ends or now + timedelta(seconds=1))
    match form:
        case Form.CSV:
            print(render_csv(losses), end="")
        case Form.JSON:
            print_json({"losses": [to_document(loss) for loss in losses]})
        case Form.TABLE:
            print_table(
                ("AT", "USER", "LOST", "WHAT", "BECAUSE", "BY", "REQUEST"),
                [
                    (
                        plain(loss.at),
                        loss.user_name or loss.user_id,
                        loss.lost.value,
                        loss.what,
                        loss.because,
                        loss.by_user_name or loss.by_user_id or loss.by_kind,
                        loss.request_id,
                    )
                    for loss in losses
                ],
                empty="Nobody lost anything in that time.",
            )


def _list_all(rolecall: "Rolecall", since: "datetime", until: "datetime") -> "list[Loss]":
    from functools import partial

    from rolecall.directory.leavers import list_losses

    losses: list[Loss] = []
    after: int | None = 0
    while after is not None:
        ask = partial(list_losses, since=since, until=until, limit=_AT_ONCE, after=after)
        page = rolecall.transactions.run_read(COMMAND_LINE, ask)
        losses += page.losses
        after = page.next_after
    return losses


def parsed_instant(text: str | None, option: str) -> "datetime | None":
    """Return the instant that an option names, or the beginning of its day.

    Raises: BadInstant.
    """
    from rolecall.kernel.clock import parse_rfc3339

    if text is None:
        return None
    try:
        return parse_rfc3339(text if "T" in text.upper() else f"{text}T00:00:00Z")
    except ValueError as error:
        raise BadInstant(f"{option}: must be a day such as 2026-11-01, or 2026-11-01T08:00:00Z.") from error
