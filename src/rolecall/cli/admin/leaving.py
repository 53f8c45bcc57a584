"""How does a SCIM connection leave, and come back, from the command line?"""

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from rolecall.authorization.actor import COMMAND_LINE
from rolecall.cli.admin.connections import ConnectionName
from rolecall.cli.admin.installation import opened
from rolecall.cli.admin.radius import print_radius
from rolecall.cli.changes import make_change
from rolecall.cli.options import AsJson, DatabaseUrl, DataDir
from rolecall.cli.output import print_fields, print_json, print_table

if TYPE_CHECKING:
    from datetime import timedelta

    from rolecall.connections.leaving.model import Plan, Report
    from rolecall.main import Rolecall
    from rolecall.storage.rehearsal import Rehearsing
    from rolecall.storage.transaction import ReadTx, WriteTx


def decommission(
    context: typer.Context,
    name: ConnectionName,
    *,
    users: Annotated[
        Literal["keep-as-local", "deactivate", "hand-over"],
        typer.Option("--users", help="What becomes of its users.", show_default=False),
    ],
    assignments: Annotated[
        Literal["keep", "remove"],
        typer.Option(
            "--assignments", help="What becomes of what groups and values of `roles` gave them.", show_default=False
        ),
    ],
    to: Annotated[
        str | None, typer.Option("--to", help="Who takes over, with `hand-over`: a connection's name or id.")
    ] = None,
    undo_within_hours: Annotated[
        int, typer.Option("--undo-within-hours", min=0, max=2160, help="So long `recommission` brings it back.")
    ] = 72,
    preview: Annotated[bool, typer.Option("--preview", help="Only show who would gain and lose what.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Neither show that first nor ask.")] = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """End a connection at once, and let what it owns become what is chosen; a running server does that."""
    from datetime import timedelta

    from rolecall.connections.leaving.decommissioning import decommission_connection

    within = timedelta(hours=undo_within_hours)

    def begin(tx: "WriteTx") -> "Report":
        connection_id, plan = _named(tx, name, users, assignments, to)
        return decommission_connection(tx, connection_id, plan, undo_within=within)

    with opened(data_dir, database_url) as rolecall:
        if preview or not yes:
            connection_id, plan = rolecall.transactions.run_read(
                COMMAND_LINE, lambda tx: _named(tx, name, users, assignments, to)
            )
            shown = _previewed(rolecall, connection_id, plan, within)
            if preview and as_json:
                print_json(shown)
                return
            _print_preview(shown, to_error=not preview)
        if preview:
            return
        if not yes:
            typer.confirm(f"Decommission the connection {name}?", abort=True, err=True)
        report = make_change(rolecall, context, begin)
    _print_begun(report, as_json=as_json)


def recommission(
    context: typer.Context,
    name: ConnectionName,
    *,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Bring a decommissioned connection back as it was; a running server does that."""
    from rolecall.connections.connections import get_connection_by_name
    from rolecall.connections.leaving.decommissioning import recommission_connection

    def begin(tx: "WriteTx") -> "Report":
        return recommission_connection(tx, get_connection_by_name(tx, name).id)

    with opened(data_dir, database_url) as rolecall:
        report = make_change(rolecall, context, begin)
    _print_begun(report, as_json=as_json)


def show(
    name: ConnectionName, *, data_dir: DataDir = None, database_url: DatabaseUrl = None, as_json: AsJson = False
) -> None:
    """Show how far a connection is with leaving or coming back, and what did not become what was chosen."""
    from rolecall.connections.connections import get_connection_by_name
    from rolecall.connections.leaving.decommissioning import get_report
    from rolecall.connections.leaving.rendering import report_document

    def ask(tx: "ReadTx") -> dict[str, Any]:
        return report_document(get_report(tx, get_connection_by_name(tx, name).id))

    with opened(data_dir, database_url) as rolecall:
        shown = rolecall.transactions.run_read(COMMAND_LINE, ask)
    if as_json:
        print_json(shown)
        return
    print_fields(
        {
            "Phase": shown["phase"],
            "Users": shown["users"],
            "Assignments": shown["assignments"],
            "To": shown["to_connection_id"] or "nobody",
            "Done": f"{shown['done_count']} of {shown['total_count']}",
            "Can be undone until": shown["undo_until"],
        }
    )
    _print_kept_back(shown)


def _named(tx: "ReadTx", name: str, users: str, assignments: str, to: str | None) -> "tuple[str, Plan]":
    from rolecall.connections.connections import get_connection_by_name
    from rolecall.connections.leaving.model import AssignmentsChoice, Plan, UsersChoice

    plan = Plan(
        users=UsersChoice(users.upper().replace("-", "_")),
        assignments=AssignmentsChoice(assignments.upper()),
        to_connection_id=None if to is None else get_connection_by_name(tx, to).id,
    )
    return get_connection_by_name(tx, name).id, plan


def _previewed(rolecall: "Rolecall", connection_id: str, plan: "Plan", within: "timedelta") -> dict[str, Any]:
    import asyncio

    from rolecall.connections.leaving.preview import play
    from rolecall.connections.leaving.rendering import preview_document

    def played(rehearsing: "Rehearsing") -> dict[str, Any]:
        return preview_document(play(rehearsing, connection_id, plan, undo_within=within))

    return asyncio.run(rolecall.transactions.rehearse_in_order(COMMAND_LINE, played)).value


def _print_preview(shown: dict[str, Any], *, to_error: bool) -> None:
    radius, done = shown["radius"], shown["done_count"]
    if to_error:
        # What a script reads is the answer, not the question.
        losing, ended = radius["losing_people_count"], radius["user_counts"]["deactivated"]
        typer.echo(
            f"Would become what is chosen: {done} users, groups and resources. People who would lose a role: {losing}."
            f" Users who would be deactivated: {ended}.",
            err=True,
        )
        return
    print_radius(radius)
    _print_kept_back(shown)
    print(f"Would become what is chosen: {done} users, groups and resources. Nothing was changed.")


def _print_kept_back(shown: dict[str, Any]) -> None:
    rows = [(each["kind"], each["name"], each["because"]) for each in shown["kept_back"]]
    print_table(("KEPT BACK", "NAME", "BECAUSE"), rows, empty="Nothing is kept back.")


def _print_begun(report: "Report", *, as_json: bool) -> None:
    from rolecall.connections.leaving.rendering import report_document

    shown = report_document(report)
    if as_json:
        print_json(shown)
        return
    print(f"It is {shown['phase']}: {shown['total_count']} users, groups and resources follow while a server runs.")
