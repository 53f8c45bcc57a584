"""What is wrong with this installation?"""

import os
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from rolecall.authorization.actor import COMMAND_LINE
from rolecall.cli.admin.installation import load, opened, revision_of
from rolecall.cli.exit_codes import ExitCode
from rolecall.cli.options import AsJson, DatabaseUrl, DataDir
from rolecall.cli.output import print_json
from rolecall.kernel.errors import Unavailable

if TYPE_CHECKING:
    from rolecall.cli.admin.checks import Check, State
    from rolecall.storage.transaction import ReadTx


def doctor(*, data_dir: DataDir = None, database_url: DatabaseUrl = None, as_json: AsJson = False) -> None:
    """Look for what is wrong with this installation and say what to do about it. Changes nothing.

    Ends with code 6 when there are problems; warnings alone are no failure.
    """
    from rolecall.cli.admin.checks import Verdict

    checks = list(_examine(data_dir, database_url))
    counts = {verdict: sum(check.verdict is verdict for check in checks) for verdict in Verdict}
    if as_json:
        print_json(
            {
                "problems": counts[Verdict.PROBLEM],
                "warnings": counts[Verdict.WARNING],
                "checks": [{**asdict(check), "verdict": check.verdict.value} for check in checks],
            }
        )
    else:
        for check in checks:
            print(f"{check.verdict.value:8} {check.subject}: {check.found}")
            if check.advice:
                print(f"{'':8} {check.advice}")
        print(f"\nProblems: {counts[Verdict.PROBLEM]}, warnings: {counts[Verdict.WARNING]}.")
    if counts[Verdict.PROBLEM]:
        raise typer.Exit(ExitCode.PROBLEMS_FOUND)


def _examine(data_dir: DataDir, database_url: DatabaseUrl) -> "Iterator[Check]":
    from rolecall.cli.admin import checks
    from rolecall.migrations import migrate
    from rolecall.storage.resealing import count_by_key

    settings = load(data_dir, database_url)
    yield from checks.check_variables(os.environ)
    yield from checks.check_files(settings)
    path = settings.sqlite_path
    if path is not None and path.exists():
        yield from checks.check_sqlite(path)
    try:
        revision = revision_of(settings)
    except Unavailable as error:
        yield checks.problem("database", error.detail, "See that it runs, and that --database-url is right.")
        return
    yield checks.check_revision(revision, migrate.head())
    if revision == migrate.head():
        with opened(data_dir, database_url) as rolecall:
            state = rolecall.transactions.run_read(COMMAND_LINE, _read_state)
            yield from checks.check_state(state, rolecall.clock())
            yield checks.check_keys(rolecall.keys, rolecall.transactions.run_read(COMMAND_LINE, count_by_key))


def _read_state(tx: "ReadTx") -> "State":
    from rolecall.authentication.api_keys import list_api_keys
    from rolecall.cli.admin.checks import State
    from rolecall.directory.assignments import count_administrators
    from rolecall.directory.installation import get_installation
    from rolecall.directory.users import find_break_glass_user
    from rolecall.events.audit import list_records

    newest = list_records(tx, limit=1)
    return State(
        installation=get_installation(tx),
        administrators=count_administrators(tx),
        break_glass=find_break_glass_user(tx),
        keys=list_api_keys(tx),
        newest_record_at=newest[0].recorded_at if newest else None,
    )
