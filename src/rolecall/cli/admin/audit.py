"""How is the audit log read from the command line?"""

import json
import time
from collections.abc import Iterable
from dataclasses import fields
from datetime import datetime
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, Annotated, Final

import typer

from rolecall.authorization.actor import COMMAND_LINE
from rolecall.cli.admin.installation import opened
from rolecall.cli.options import AsJson, DatabaseUrl, DataDir

if TYPE_CHECKING:
    from rolecall.events.model import AuditRecord
    from rolecall.storage.transactions import Transactions

app = typer.Typer(help="Read the audit log.", no_args_is_help=True)

_PAUSE_SECONDS: Final = 1.0
_AT_ONCE: Final = 500


@app.command("tail")
def tail(
    *,
    lines: Annotated[
        int, typer.Option("--lines", "-n", min=0, max=1_000_000, help="Begin with so many of the newest records.")
    ] = 20,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on as records come in, until interrupted.")
    ] = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Print the newest audit records, the oldest of them first. With --json one object a line."""
    with opened(data_dir, database_url) as rolecall:
        newest = _newest(rolecall.transactions, max(lines, 1))
        _print(newest[-lines:] if lines else [], as_json=as_json)
        last = newest[-1].sequence if newest else 0
        try:
            while follow:
                time.sleep(_PAUSE_SECONDS)
                last = _print_after(rolecall.transactions, last, as_json=as_json)
        except KeyboardInterrupt:
            return


def _newest(transactions: "Transactions", wanted: int) -> "list[AuditRecord]":
    """Return the newest records, the oldest of them first."""
    from rolecall.events.audit import list_records

    records: list[AuditRecord] = []
    while len(records) < wanted:
        limit = min(_AT_ONCE, wanted - len(records))
        ask = partial(list_records, limit=limit, before=records[-1].sequence if records else None)
        found = transactions.run_read(COMMAND_LINE, ask)
        records.extend(found)
        if len(found) < limit:
            break
    return records[::-1]


def _print_after(transactions: "Transactions", last: int, *, as_json: bool) -> int:
    """Print what came after the record `last` and return the number of the last one then."""
    from rolecall.events.audit import list_records

    found = transactions.run_read(COMMAND_LINE, lambda tx: list_records(tx, limit=_AT_ONCE, after=last))
    _print(found[::-1], as_json=as_json)
    return found[0].sequence if found else last


def _print(records: "Iterable[AuditRecord]", *, as_json: bool) -> None:
    for record in records:
        print(_as_json_line(record) if as_json else _as_text_line(record), flush=True)


def _as_json_line(record: "AuditRecord") -> str:
    said = {field.name: _plain(getattr(record, field.name)) for field in fields(record)}
    return json.dumps(said, ensure_ascii=False)


def _as_text_line(record: "AuditRecord") -> str:
    result = "…" if record.outcome is None else record.outcome.value
    parts = [
        str(_plain(record.recorded_at)),
        record.user_name or record.actor_kind or "nobody",
        record.address or "-",
        f"{record.method} {record.target}",
        result if record.status is None else f"{result} {record.status}",
        *([record.detail] if record.detail else []),
        *([f"[{', '.join(record.operations)}]"] if record.operations else []),
        *([f"{record.repeated_count} times"] if record.repeated_count else []),
        record.request_id,
    ]
    return "  ".join(parts)


def _plain(value: object) -> object:
    from rolecall.kernel.clock import to_rfc3339

    if isinstance(value, datetime):
        return to_rfc3339(value)
    return value.value if isinstance(value, Enum) else value
