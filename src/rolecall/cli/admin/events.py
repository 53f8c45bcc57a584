"""How is the event log read from the command line?"""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from rolecall.cli.admin.installation import opened
from rolecall.cli.admin.tailing import Follow, Lines, as_json_line, as_text_line, plain
from rolecall.cli.admin.tailing import tail as tail_log
from rolecall.cli.options import AsJson, DatabaseUrl, DataDir

if TYPE_CHECKING:
    from rolecall.events.model import LoggedEvent

app = typer.Typer(help="Read the event log: what happened, and what needs attention.", no_args_is_help=True)


@app.command("tail")
def tail(
    *,
    lines: Lines = 20,
    follow: Follow = False,
    warnings: Annotated[bool, typer.Option("--warnings", help="Only warnings and errors.")] = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Print the newest events, the oldest of them first. With --json one object a line."""
    from functools import partial

    from rolecall.events.log import list_events
    from rolecall.events.search.logs import EVENTS
    from rolecall.kernel.event import Severity

    def is_wanted(event: "LoggedEvent") -> bool:
        return not warnings or event.severity != Severity.INFO.value

    with opened(data_dir, database_url) as rolecall:
        show = as_json_line if as_json else _as_line
        list_newest = partial(list_events, warnings=warnings)
        tail_log(rolecall.transactions, EVENTS, list_newest, show, lines=lines, follow=follow, is_wanted=is_wanted)


def _as_line(event: "LoggedEvent") -> str:
    return as_text_line(
        [
            str(plain(event.happened_at)),
            event.severity,
            event.type,
            json.dumps(event.data, ensure_ascii=False),
            event.request_id or "",
        ]
    )
