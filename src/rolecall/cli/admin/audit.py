"""How is the audit log read, and its wholeness proven, from the command line?"""

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Final

import typer

from rolecall.authorization.actor import COMMAND_LINE
from rolecall.cli.admin.installation import opened
from rolecall.cli.admin.tailing import Follow, Lines, as_json_line, as_text_line, plain
from rolecall.cli.admin.tailing import tail as tail_log
from rolecall.cli.exit_codes import ExitCode
from rolecall.cli.options import AsJson, DatabaseUrl, DataDir
from rolecall.cli.output import print_json

if TYPE_CHECKING:
    from rolecall.events.chain.model import Checkpoint, Finding
    from rolecall.events.chain.verifying import Verified
    from rolecall.events.model import AuditRecord
    from rolecall.main import Rolecall

_MOST_FINDINGS: Final = 1_000
"""As many are in the JSON; without that, all are printed as they are found."""

app = typer.Typer(
    help="Read the audit log (who called what, with which outcome), and prove that it is whole.", no_args_is_help=True
)


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
    from rolecall.events.search.logs import RECORDS

    with opened(data_dir, database_url) as rolecall:
        show = as_json_line if as_json else _as_line
        tail_log(rolecall.transactions, RECORDS, list_records, show, lines=lines, follow=follow)


@app.command("seal")
def seal(*, data_dir: DataDir = None, database_url: DatabaseUrl = None, as_json: AsJson = False) -> None:
    """Seal what waits for it, and print a checkpoint to be kept elsewhere. A server does the same once a second."""
    from rolecall.events.chain.decide import render_checkpoint, to_checkpoint
    from rolecall.events.chain.sealing import Sealer, find_last_seal, seal_waiting
    from rolecall.kernel.ids import new_id

    with opened(data_dir, database_url) as rolecall:
        sealer = Sealer(keys=rolecall.keys, name=new_id(rolecall.clock()), insists=True)
        count = 0
        while seals := seal_waiting(rolecall.transactions, COMMAND_LINE, sealer):
            count += len(seals)
        last = rolecall.transactions.run_read(COMMAND_LINE, find_last_seal)
    text = None if last is None else render_checkpoint(to_checkpoint(last))
    if as_json:
        print_json({"seals": count, "checkpoint": text})
    else:
        print(text or "There is nothing to seal yet.")


@app.command("verify")
def verify(
    *,
    since: Annotated[
        str | None,
        typer.Option(
            "--since",
            metavar="CHECKPOINT",
            help="Prove that the log still has this checkpoint, and verify only what is behind it.",
        ),
    ] = None,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Find out whether the audit log is whole. Ends with code 6 when it is not. Changes nothing."""
    from rolecall.events.chain.decide import parse_checkpoint, render_checkpoint, to_checkpoint

    noted = None if since is None else parse_checkpoint(since)
    with opened(data_dir, database_url) as rolecall:
        found: list[Finding] = []
        for step in _verified(rolecall, noted):
            found += step.findings[: _MOST_FINDINGS - len(found)]
            if not as_json:
                _print_findings(step)
        last = step.previous
    text = None if last is None else render_checkpoint(to_checkpoint(last))
    if as_json:
        findings = [{"kind": each.kind.value, "sequence": each.sequence, "detail": each.detail} for each in found]
        whole = not findings
        print_json(
            {
                "whole": whole,
                "records": step.records,
                "seals": step.seals,
                "unsealed": step.unsealed,
                "checkpoint": text,
                "findings": findings,
            }
        )
    else:
        said = "NOT whole" if found else "whole"
        print(f"The audit log is {said}: {step.records} records in {step.seals} seals; {step.unsealed} not sealed yet.")
        print(f"checkpoint: {text or 'none'}")
    if found:
        raise typer.Exit(ExitCode.PROBLEMS_FOUND)


def _verified(rolecall: "Rolecall", since: "Checkpoint | None") -> "Iterator[Verified]":
    """Yield each step of a verification, and show on a terminal how far it is."""
    from functools import partial

    from rolecall.events.chain import verifying

    run, keys = rolecall.transactions.run_read, rolecall.keys
    end = run(COMMAND_LINE, verifying.last_sequence)
    step = run(COMMAND_LINE, partial(verifying.begin, keys=keys, since=since))
    yield step
    while not step.done:
        step = run(COMMAND_LINE, partial(verifying.go_on, keys=keys, so_far=step))
        if _is_terminal():
            reached = 0 if step.previous is None else step.previous.last_sequence
            print(f"\r{reached} of {end}", end="\n" if step.done else "", file=sys.stderr, flush=True)
        yield step


def _is_terminal() -> bool:
    return sys.stderr.isatty()


def _print_findings(step: "Verified") -> None:
    for each in step.findings:
        print(as_text_line([each.kind.value, f"sequence {each.sequence}", each.detail]), flush=True)


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
