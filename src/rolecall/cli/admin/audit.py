"""How is the audit log read from the command line?"""

from typing import TYPE_CHECKING

import typer

from rolecall.cli.admin.installation import opened
from rolecall.cli.admin.tailing import Follow, Lines, as_json_line, as_text_line, plain
from rolecall.cli.admin.tailing import tail as tail_log
from rolecall.cli.options import AsJson, DatabaseUrl, DataDir

if TYPE_CHECKING:
    from rolecall.events.model import AuditRecord

app = typer.Typer(help="Read the audit log: who called what, with which outcome.", no_args_is_help=True)


@app.command("tail")
def tail(
    *,
    lines: Lines = 20,
    follow: Follow = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Print the newest audit records, the oldest of them first. With --json one object a line."""
    from rolecall.events.audit import list_records

    with opened(data_dir, database_url) as rolecall:
        show = as_json_line if as_json else _as_line
        tail_log(rolecall.transactions, list_records, show, lines=lines, follow=follow)


def _as_line(record: "AuditRecord") -> str:
    result = "…" if record.outcome is None else record.outcome.value
    return as_text_line(
        [
            str(plain(record.recorded_at)),
            record.user_name or record.actor_kind or "nobody",
            record.address or "-",
            f"{record.method} {record.target}",
            result if record.status is None else f"{result} {record.status}",
            *([record.detail] if record.detail else []),
            *([f"[{', '.join(record.operations)}]"] if record.operations else []),
            *([f"{record.repeated_count} times"] if record.repeated_count else []),
            record.request_id,
        ]
    )
