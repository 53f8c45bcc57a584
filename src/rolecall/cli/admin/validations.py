"""How is a SCIM connection validated from the command line?"""

import time
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from rolecall.authorization.actor import COMMAND_LINE
from rolecall.cli.admin.connections import ConnectionName
from rolecall.cli.admin.installation import opened
from rolecall.cli.changes import make_change
from rolecall.cli.exit_codes import ExitCode
from rolecall.cli.options import AsJson, DatabaseUrl, DataDir
from rolecall.cli.output import print_error, print_json
from rolecall.connections.validation.model import ValidationState, Way

if TYPE_CHECKING:
    from rolecall.connections.validation.model import StepReport, Validation
    from rolecall.main import Rolecall
    from rolecall.storage.transaction import ReadTx, WriteTx

_PAUSE_SECONDS: Final = 0.3


def validate(
    context: typer.Context,
    name: ConnectionName,
    *,
    address: Annotated[
        Way,
        typer.Option(
            "--address",
            help="Where Rolecall calls itself: PUBLIC, through the reverse proxy; LISTENING, past it.",
        ),
    ] = Way.PUBLIC,
    wait_seconds: Annotated[
        int, typer.Option("--wait-seconds", min=1, max=3600, help="Wait so long for the server to be through.")
    ] = 120,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Try a connection out: the served Rolecall calls itself with a user and a group that it removes again.

    Ends with 6 when a step failed, and with 5 when no server took it in time.
    """
    from rolecall.connections.connections import get_connection_by_name
    from rolecall.connections.validation.rendering import to_document
    from rolecall.connections.validation.validations import begin_validation

    def begin(tx: "WriteTx") -> "Validation":
        return begin_validation(tx, get_connection_by_name(tx, name).id, way=address)

    with opened(data_dir, database_url) as rolecall:
        run = _followed(rolecall, make_change(rolecall, context, begin), wait_seconds, shown=not as_json)
    if as_json:
        print_json(to_document(run))
    if not run.state.is_final:
        print_error("No server has come to the end of it. Is Rolecall served on this database? `admin jobs list`.")
        raise typer.Exit(ExitCode.UNREACHABLE)
    passed = run.state is ValidationState.PASSED
    if not as_json:
        print("\nThe connection works." if passed else f"\nThe validation ended: {run.state.value}.")
    if not passed:
        raise typer.Exit(ExitCode.PROBLEMS_FOUND)


def _followed(rolecall: "Rolecall", run: "Validation", wait_seconds: int, *, shown: bool) -> "Validation":
    """Return a run when it has ended, or the time is up; meanwhile print each step once."""
    from rolecall.connections.validation.validations import get_validation

    def ask(tx: "ReadTx") -> "Validation":
        return get_validation(tx, run.connection_id, run.id)

    deadline, told = time.monotonic() + wait_seconds, 0
    while True:
        current = rolecall.transactions.run_read(COMMAND_LINE, ask)
        if shown:
            for report in current.reports[told:]:
                _print_step(report)
        told = max(told, len(current.reports))
        if current.state.is_final or time.monotonic() > deadline:
            return current
        time.sleep(_PAUSE_SECONDS)


def _print_step(report: "StepReport") -> None:
    request: Any = report.request
    call = "" if request is None else f"  {request.method} {request.path}"
    status = "" if report.answer.status is None else f" {report.answer.status}"
    print(f"{'ok    ' if report.passed else 'FAILED'} {report.title}{call}{status}", flush=True)
    if not report.passed:
        print(f"       {report.means}")
        print(f"       {report.advice}")
