"""How is it found out, and repaired, from the command line in what we differ from an identity provider?"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rolecall.authorization.actor import COMMAND_LINE
from rolecall.cli.admin.installation import opened
from rolecall.cli.admin.radius import print_radius
from rolecall.cli.changes import make_change
from rolecall.cli.options import AsJson, DatabaseUrl, DataDir
from rolecall.cli.output import print_json, print_table

if TYPE_CHECKING:
    from rolecall.authorization.actor import Actor
    from rolecall.connections.drift.model import DriftKind, Repaired
    from rolecall.kernel.document import Json
    from rolecall.storage.transaction import ReadTx, WriteTx

app = typer.Typer(
    help="Find and repair differences between what is here and what an identity provider says.", no_args_is_help=True
)

ConnectionOption = Annotated[
    str, typer.Option("--connection", help="The SCIM connection: its name or id.", show_default="Default")
]
KindOption = Annotated[
    str | None, typer.Option("--kind", help="Only of this kind, such as USER_EXTRA or MEMBER_MISSING.")
]


@app.command("compare")
def compare(
    context: typer.Context,
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...",
            exists=True,
            dir_okay=False,
            help="What together is all that the provider has: JSON with `users` and `groups`, or a SCIM ListResponse "
            "of either; or tables of users, groups and memberships that end in .csv.",
            show_default=False,
        ),
    ],
    *,
    connection: ConnectionOption = "Default",
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Compare what a connection owns with a whole export of its provider; only the differences are kept."""
    from rolecall.connections.connections import get_connection_by_name
    from rolecall.connections.drift.csv_exports import parse_tables
    from rolecall.connections.drift.differences import compare_export, keep_comparison
    from rolecall.connections.drift.exports import joined, parse_export
    from rolecall.connections.drift.model import Comparison
    from rolecall.connections.drift.rendering import comparison_document

    tables = [each for each in files if each.suffix.lower() == ".csv"]
    bodies = [_read(each) for each in files if each not in tables]
    if tables:
        bodies.append(parse_tables(map(_read_text, tables)))
    export = joined(map(parse_export, bodies))

    def ask(tx: "ReadTx") -> tuple[str, Comparison]:
        connection_id = get_connection_by_name(tx, connection).id
        return connection_id, compare_export(tx, connection_id, export)

    with opened(data_dir, database_url) as rolecall:
        connection_id, found = rolecall.transactions.run_read(COMMAND_LINE, ask)
        make_change(rolecall, context, lambda tx: keep_comparison(tx, connection_id, found))
    shown = comparison_document(found)
    if as_json:
        print_json(shown)
        return
    rows = [(kind, count) for kind, count in shown["counts"].items() if count]
    print_table(("KIND", "DIFFERENCES"), rows, empty=f"Nothing differs from the export of {connection}.")
    if found.unknown_members:
        print(f"Members of the export who are known to nobody here, and were passed over: {found.unknown_members}.")


@app.command("list")
def list_all(
    *,
    connection: Annotated[
        str | None, typer.Option("--connection", help="Only of this SCIM connection: its name or id.")
    ] = None,
    kind: KindOption = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1_000_000, help="So many at most.")] = 100,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """List differences that were found and not repaired, each with the last change that can have caused it."""
    from rolecall.connections.connections import get_connection_by_name
    from rolecall.connections.drift.differences import list_differences
    from rolecall.connections.drift.model import DriftSearch, ExplainedDifference
    from rolecall.connections.drift.rendering import to_document

    wanted_kind = _parsed_kind(kind)

    def ask(tx: "ReadTx") -> tuple[ExplainedDifference, ...]:
        owner = None if connection is None else get_connection_by_name(tx, connection).id
        return list_differences(tx, DriftSearch(connection_id=owner, kind=wanted_kind, limit=limit))

    with opened(data_dir, database_url) as rolecall:
        shown = [to_document(each) for each in rolecall.transactions.run_read(COMMAND_LINE, ask)]
    if as_json:
        print_json({"differences": shown})
        return
    rows = [
        (
            each["id"],
            each["kind"],
            each["name"],
            each["member_name"] or ", ".join(each["attributes"]),
            each["cause_type"],
            each["cause_at"],
            each["cause_request_id"],
        )
        for each in shown
    ]
    print_table(("ID", "KIND", "NAME", "WHAT", "CAUSED BY", "AT", "REQUEST"), rows, empty="No difference is known.")


@app.command("repair")
def repair(
    context: typer.Context,
    ids: Annotated[
        list[str] | None,
        typer.Argument(metavar="[ID...]", help="Differences, as `list` has them.", show_default=False),
    ] = None,
    *,
    everything: Annotated[bool, typer.Option("--all", help="All of the connection, in place of single ones.")] = False,
    connection: ConnectionOption = "Default",
    kind: KindOption = None,
    preview: Annotated[bool, typer.Option("--preview", help="Only show who would gain and lose what.")] = False,
    as_job: Annotated[
        bool,
        typer.Option("--as-job", help="With --all: let a running server repair any number, past what is refused."),
    ] = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Make users, groups and memberships as the provider says, a thousand in one transaction at most."""
    import asyncio

    from rolecall.connections.connections import get_connection_by_name
    from rolecall.connections.drift import differences
    from rolecall.connections.drift.model import DriftSearch, Repaired
    from rolecall.connections.preview.foreseeing import foresee
    from rolecall.connections.preview.rendering import radius_document

    if bool(ids) == everything:
        raise typer.BadParameter("Name differences, or say --all.", param_hint="ID")
    if as_job and (preview or not everything):
        raise typer.BadParameter("A job repairs all, without a preview.", param_hint="--as-job")
    wanted_kind = _parsed_kind(kind)

    with opened(data_dir, database_url) as rolecall:
        owner = rolecall.transactions.run_read(COMMAND_LINE, lambda tx: get_connection_by_name(tx, connection).id)
        wanted = DriftSearch(connection_id=owner, kind=wanted_kind, limit=differences.MOST_AT_ONCE)

        def change(tx: "WriteTx") -> Repaired:
            if as_job:
                return differences.begin_repair(tx, wanted)
            if everything:
                return differences.repair_differences(tx, wanted)
            done = [differences.repair_difference(tx, each) for each in ids or ()]
            return Repaired(repaired=len(done), remaining=done[-1].remaining)

        def within(actor: "Actor") -> "Actor":
            return differences.as_provider(actor, owner)

        if preview:
            rehearsal = asyncio.run(
                rolecall.transactions.rehearse_in_order(
                    within(COMMAND_LINE), lambda rehearsing: foresee(rehearsing, change)
                )
            )
            foreseen = rehearsal.value
            _show_preview(foreseen.value, radius_document(foreseen.radius), as_json=as_json)
            return
        done = make_change(rolecall, context, change, within=within)
    _show_done(done, as_json=as_json)


def _show_done(done: "Repaired", *, as_json: bool) -> None:
    if as_json:
        begun = {} if done.job_id is None else {"job_id": done.job_id}
        print_json({"repaired": done.repaired, "remaining": done.remaining, **begun})
    elif done.job_id is not None:
        print(f"The job {done.job_id} repairs {done.remaining} while a server runs.")
    else:
        print(f"Repaired: {done.repaired}. Left: {done.remaining}.")


def _show_preview(repaired: "Repaired", radius: "dict[str, Any]", *, as_json: bool) -> None:
    if as_json:
        print_json({"would_repair": repaired.repaired, "would_leave": repaired.remaining, "radius": radius})
        return
    print_radius(radius)
    print(f"Would be repaired: {repaired.repaired}. Would be left: {repaired.remaining}. Nothing was changed.")


def _parsed_kind(text: str | None) -> "DriftKind | None":
    from rolecall.connections.drift.errors import BadExport
    from rolecall.connections.drift.model import DriftKind

    if text is None:
        return None
    try:
        return DriftKind(text.upper())
    except ValueError as error:
        kinds = ", ".join(kind.value for kind in DriftKind)
        raise BadExport(f"There is no kind {text}; there are {kinds}.", attribute="--kind") from error


def _read(path: Path) -> "Json":
    from rolecall.connections.drift.errors import BadExport

    try:
        value: Json = json.loads(path.read_bytes())
    except ValueError as error:
        raise BadExport(f"{path} is not JSON: {error}", attribute="FILE") from error
    return value


def _read_text(path: Path) -> str:
    from rolecall.connections.drift.errors import BadExport

    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise BadExport(f"{path} is not UTF-8: {error}", attribute="FILE") from error
