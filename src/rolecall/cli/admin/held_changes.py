"""How are changes that a guard held looked at and decided from the command line?"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from rolecall.authorization.actor import COMMAND_LINE
from rolecall.cli.admin.installation import opened
from rolecall.cli.admin.radius import print_radius
from rolecall.cli.changes import make_change
from rolecall.cli.exit_codes import exit_code_of
from rolecall.cli.options import AsJson, DatabaseUrl, DataDir, Limit
from rolecall.cli.output import print_error, print_fields, print_json, print_table
from rolecall.connections.held.model import HeldState
from rolecall.kernel.errors import DomainError

if TYPE_CHECKING:
    from rolecall.api.scim.replay import ScimFront
    from rolecall.connections.held.model import HeldChange
    from rolecall.main import Rolecall
    from rolecall.storage.transaction import ReadTx

_MOST: Final = 100_000
"""Held changes that `--all` decides at once."""

app = typer.Typer(
    help="Look at what identity providers sent and a guard held, and release or drop it.", no_args_is_help=True
)

Ids = Annotated[
    list[str] | None, typer.Argument(metavar="[ID...]", help="Held changes, as `list` has them.", show_default=False)
]
Everything = Annotated[bool, typer.Option("--all", help="All that are held of a connection, in place of single ones.")]
ConnectionOption = Annotated[
    str, typer.Option("--connection", help="With --all, the SCIM connection: its name or id.", show_default="Default")
]


@app.command("list")
def list_all(
    *,
    connection: Annotated[
        str | None, typer.Option("--connection", help="Only of this SCIM connection: its name or id.")
    ] = None,
    state: Annotated[
        HeldState | None, typer.Option("--state", help="Only in this state.", case_sensitive=False)
    ] = None,
    limit: Limit = 100,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """List held changes, the newest first, decided ones too."""
    from rolecall.connections.connections import get_connection_by_name
    from rolecall.connections.held.changes import list_held_changes
    from rolecall.connections.held.model import HeldSearch
    from rolecall.connections.held.rendering import to_document

    def ask(tx: "ReadTx") -> "list[HeldChange]":
        owner = None if connection is None else get_connection_by_name(tx, connection).id
        return list_held_changes(tx, HeldSearch(connection_id=owner, state=state, limit=limit))

    with opened(data_dir, database_url) as rolecall:
        shown = [to_document(each) for each in rolecall.transactions.run_read(COMMAND_LINE, ask)]
    if as_json:
        print_json({"held_changes": shown})
        return
    rows = [
        (
            each["id"],
            each["state"],
            each["connection_name"],
            f"{each['method']} {each['url']}",
            each["losing_people_count"],
            each["try_count"],
            each["held_at"],
        )
        for each in shown
    ]
    print_table(("ID", "STATE", "CONNECTION", "CHANGE", "LOSING", "SENT", "SINCE"), rows, empty="Nothing was held.")


@app.command("show")
def show(
    held_id: Annotated[str, typer.Argument(metavar="ID", help="The held change's id.", show_default=False)],
    *,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Show one held change, and who would gain and lose what if it were released now. Changes nothing."""
    import asyncio

    from rolecall.api.scim.held import find_releasable
    from rolecall.connections.held.changes import get_held_change
    from rolecall.connections.held.rendering import to_document
    from rolecall.connections.preview.rendering import radius_document

    with opened(data_dir, database_url) as rolecall:
        held = rolecall.transactions.run_read(COMMAND_LINE, lambda tx: get_held_change(tx, held_id))
        shown = {**to_document(held), "http_status": None, "error_reason": None, "detail": None, "radius": None}
        if held.state is HeldState.HELD:
            front = _front_of(rolecall)
            releasable = rolecall.transactions.run_read(
                COMMAND_LINE, lambda tx: find_releasable(tx, rolecall.keys, held_id, front)
            )
            rehearsal = asyncio.run(
                rolecall.transactions.rehearse_in_order(COMMAND_LINE, releasable.foresee(COMMAND_LINE))
            )
            shown |= {
                "http_status": rehearsal.value.status,
                "error_reason": rehearsal.value.code,
                "detail": rehearsal.value.detail,
                "radius": radius_document(rehearsal.value.radius),
            }
    if as_json:
        print_json(shown)
        return
    _print_shown(shown)


@app.command("release")
def release(
    context: typer.Context,
    ids: Ids = None,
    *,
    everything: Everything = False,
    connection: ConnectionOption = "Default",
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Make held changes after all, one after the other, whatever their connection may take away."""
    from rolecall.api.scim.held import find_releasable
    from rolecall.connections.held.changes import ReleaseJournal, as_connection

    with opened(data_dir, database_url) as rolecall:
        front = _front_of(rolecall)

        def decide(held_id: str) -> None:
            releasable = rolecall.transactions.run_read(
                COMMAND_LINE, lambda tx: find_releasable(tx, rolecall.keys, held_id, front)
            )
            make_change(
                rolecall,
                context,
                releasable.release,
                within=lambda actor: as_connection(actor, releasable.held),
                noting=lambda journal: ReleaseJournal(journal, held_id),
            )

        _decide_each(_chosen(rolecall, ids, connection, everything=everything), decide, done="Released")


@app.command("drop")
def drop(
    context: typer.Context,
    ids: Ids = None,
    *,
    everything: Everything = False,
    connection: ConnectionOption = "Default",
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Decide that held changes will not be made. Those that are sent again are looked at anew."""
    from rolecall.connections.held.changes import drop_held_change

    with opened(data_dir, database_url) as rolecall:

        def decide(held_id: str) -> None:
            make_change(rolecall, context, lambda tx: drop_held_change(tx, held_id))

        _decide_each(_chosen(rolecall, ids, connection, everything=everything), decide, done="Dropped")


def _chosen(rolecall: "Rolecall", ids: list[str] | None, connection: str, *, everything: bool) -> list[str]:
    from rolecall.connections.connections import get_connection_by_name
    from rolecall.connections.held.changes import list_held_changes
    from rolecall.connections.held.model import HeldSearch

    if bool(ids) == everything:
        raise typer.BadParameter("Name held changes, or say --all.", param_hint="ID")
    if ids:
        return ids

    def ask(tx: "ReadTx") -> list[str]:
        owner = get_connection_by_name(tx, connection).id
        wanted = HeldSearch(connection_id=owner, state=HeldState.HELD, newest_first=False, limit=_MOST)
        return [each.id for each in list_held_changes(tx, wanted)]

    return rolecall.transactions.run_read(COMMAND_LINE, ask)


def _decide_each(ids: list[str], decide: Callable[[str], None], *, done: str) -> None:
    failed: DomainError | None = None
    count = 0
    for held_id in ids:
        try:
            decide(held_id)
        except DomainError as error:
            print_error(f"{held_id}: {error.detail}")
            failed = error
        else:
            count += 1
    print(f"{done}: {count}. Refused: {len(ids) - count}.")
    if failed is not None:
        raise typer.Exit(int(exit_code_of(failed)))


def _front_of(rolecall: "Rolecall") -> "ScimFront":
    from rolecall.api.scim.declaration_files import load_registry
    from rolecall.main import scim_front

    return scim_front(rolecall.settings, load_registry(rolecall.settings.scim_declarations))


def _print_shown(shown: dict[str, Any]) -> None:
    print_fields(
        {
            "Id": shown["id"],
            "State": shown["state"],
            "Connection": shown["connection_name"],
            "Change": f"{shown['method']} {shown['url']}",
            "Why": f"{shown['losing_people_count']} people by it, {shown['lost_in_hour_count']} within the hour, "
            f"{shown['limit_count']} may",
            "Sent": f"{shown['try_count']} times, first {shown['held_at']}, last {shown['last_tried_at']}",
            "Request": shown["request_id"],
            "Decided": shown["decided_at"],
            "By": shown["decided_by_name"],
            "Answer": shown["result_status"],
            "Refused because": shown["refusal"],
        }
    )
    if shown["radius"] is None:
        return
    print(f"\nReleased now, it would be answered {shown['http_status']}. {shown['detail'] or ''}".rstrip())
    print_radius(shown["radius"])
