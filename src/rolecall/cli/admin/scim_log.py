"""How is it found out from the command line what an identity provider sent, and who gained or lost what?"""

import json
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from rolecall.authorization.actor import COMMAND_LINE
from rolecall.cli.admin.installation import opened
from rolecall.cli.admin.previews import previewed, print_preview
from rolecall.cli.admin.report import parsed_instant
from rolecall.cli.admin.tailing import as_text_line
from rolecall.cli.options import AsJson, DatabaseUrl, DataDir
from rolecall.cli.output import print_fields, print_json, print_table

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from rolecall.connections.log.model import CallSearch, LoggedCall
    from rolecall.directory.model import Group, User
    from rolecall.kernel.predicate import Predicate
    from rolecall.main import Rolecall
    from rolecall.storage.transaction import ReadTx

app = typer.Typer(
    help="See what identity providers sent, what was done with it, and who gained or lost what.", no_args_is_help=True
)

_AT_ONCE: Final = 500


@app.command("list")
def list_all(
    *,
    user: Annotated[
        str | None,
        typer.Option(
            "--user",
            help="Only what was about this user, changed it, or moved it in or out of a group: its "
            "userName, or its id if it is gone.",
        ),
    ] = None,
    group: Annotated[
        str | None, typer.Option("--group", help="Only what concerned this group: its name, or its id if it is gone.")
    ] = None,
    connection: Annotated[
        str | None, typer.Option("--connection", help="Only what this SCIM connection sent: its name or id.")
    ] = None,
    outcome: Annotated[
        str | None, typer.Option("--outcome", help="Only with this outcome: ok, refused or failed.")
    ] = None,
    containing: Annotated[
        str | None, typer.Option("--containing", help="Only with this in the body, letter for letter.")
    ] = None,
    writes: Annotated[bool, typer.Option("--writes", help="Leave out what only read.")] = False,
    since: Annotated[
        str | None, typer.Option("--since", help="From this day or instant on, in UTC: 2026-11-01.")
    ] = None,
    until: Annotated[str | None, typer.Option("--until", help="Up to, and without, this day or instant.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1_000_000, help="So many of the newest.")] = 50,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """List SCIM calls, the newest first."""
    from rolecall.connections.log.model import CallSearch
    from rolecall.connections.log.rendering import to_document

    begins, ends = parsed_instant(since, "--since"), parsed_instant(until, "--until")
    where = _condition(outcome=outcome, containing=containing, writes=writes, since=begins, until=ends)
    with opened(data_dir, database_url) as rolecall:
        wanted = rolecall.transactions.run_read(
            COMMAND_LINE,
            lambda tx: _about(tx, CallSearch(limit=limit, where=where, since=begins), user, group, connection),
        )
        found = _list_some(rolecall, wanted, limit)
    if as_json:
        print_json({"calls": [to_document(each) for each in found]})
        return
    rows = [_row_of(to_document(each)) for each in found]
    columns = ("ID", "ENDED", "CONNECTION", "CALL", "OUTCOME", "OPERATIONS", "EFFECT")
    print_table(columns, rows, empty="No such calls.")


@app.command("show")
def show(
    call_id: Annotated[str, typer.Argument(metavar="ID", help="The call's id, as `list` has it.", show_default=False)],
    *,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Show one SCIM call: its body, what was done with it, and who gained or lost what because of it."""
    from rolecall.connections.log.calls import get_call
    from rolecall.connections.log.rendering import explained_document

    def ask(tx: "ReadTx") -> dict[str, Any]:
        return explained_document(get_call(tx, call_id))

    with opened(data_dir, database_url) as rolecall:
        shown = rolecall.transactions.run_read(COMMAND_LINE, ask)
    if as_json:
        print_json(shown)
        return
    _, ended, connection, call, outcome, operations, _ = _row_of(shown)
    print_fields(
        {
            "Call": call,
            "Ended": ended,
            "Took": f"{(shown['duration_microseconds'] or 0) / 1000:.1f} ms",
            "Connection": connection,
            "From": as_text_line([shown["ip_address"] or "?", shown["user_agent"] or ""]),
            "Outcome": as_text_line([outcome, shown["detail"] or ""]),
            "Operations": operations,
            "Request id": shown["request_id"],
        }
    )
    if shown["request"] is not None:
        print(as_text_line([json.dumps(shown["request"], ensure_ascii=False)]))
    _print_effects(shown)


@app.command("preview")
def preview(
    context: typer.Context,
    call_id: Annotated[str, typer.Argument(metavar="ID", help="The call's id, as `list` has it.", show_default=False)],
    *,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Show what the same request would do now: who would gain and lose what. Changes nothing."""
    from rolecall.api.scim.previews import check_playable, preview_document, recorded_request
    from rolecall.connections.connections import find_connection_of
    from rolecall.connections.preview.recorded import get_recorded
    from rolecall.directory.model import DEFAULT_CONNECTION

    with opened(data_dir, database_url) as rolecall:
        played = recorded_request(rolecall.transactions.run_read(COMMAND_LINE, lambda tx: get_recorded(tx, call_id)))
        check_playable(played)
        owner = None if played.actor is None else played.actor.connection_id
        connection = rolecall.transactions.run_read(
            COMMAND_LINE, lambda tx: find_connection_of(tx, owner or DEFAULT_CONNECTION)
        )
        found = previewed(rolecall, context, [played], connection)
    print_preview(preview_document(found), as_json=as_json)


def _print_effects(shown: dict[str, Any]) -> None:
    if not shown["effects"]:
        print("Nobody gained or lost anything." if shown["effects_complete"] else "A job goes on with it.")
        return
    print_table(
        ("USER", "WHAT", "ROLE", "TEAM", "SOURCE", "BY"),
        [
            (
                each["user_name"],
                each["kind"],
                each["role"],
                each["team_id"],
                each["source"],
                "a job" if each["by_job"] else "the call",
            )
            for each in shown["effects"]
        ],
        empty="Nobody gained or lost anything so far.",
    )
    if not shown["effects_complete"]:
        print("These are not all: a job goes on with it, or there are too many to be shown.")


def _row_of(call: dict[str, Any]) -> tuple[str, ...]:
    counts = (("gained", call["gained_count"]), ("lost", call["lost_count"]), ("ended", call["ended_count"]))
    effects = [f"{count} {name}" for name, count in counts if count]
    return (
        call["id"],
        call["ended_at"],
        as_text_line([call["connection_name"] or "-"]),
        as_text_line([f"{call['method']} {call['url']}"]),
        " ".join(str(each) for each in (call["outcome"], call["http_status"], call["error_reason"]) if each),
        ", ".join(call["operations"]),
        ", ".join([*effects, *(["a job goes on"] if call["goes_on"] else [])]),
    )


def _about(
    tx: "ReadTx", wanted: "CallSearch", user: str | None, group: str | None, connection: str | None
) -> "CallSearch":
    """Return the search narrowed to what was named."""
    from dataclasses import replace

    from rolecall.connections.connections import get_connection_by_name
    from rolecall.directory.groups import get_group_by_name
    from rolecall.directory.users import get_user_by_name

    return replace(
        wanted,
        user_id=None if user is None else _id_of(tx, user, get_user_by_name),
        group_id=None if group is None else _id_of(tx, group, get_group_by_name),
        connection_id=None if connection is None else get_connection_by_name(tx, connection).id,
    )


def _id_of(tx: "ReadTx", name: str, get: "Callable[[ReadTx, str], User | Group]") -> str:
    """Return the id of what is named so; an id of what is gone stands for itself.

    Raises: NotFound.
    """
    from rolecall.kernel.errors import NotFound

    try:
        return get(tx, name).id
    except NotFound:
        if not _looks_like_id(name):
            raise
        return name


def _looks_like_id(text: str) -> bool:
    from uuid import UUID

    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _condition(
    *, outcome: str | None, containing: str | None, writes: bool, since: "datetime | None", until: "datetime | None"
) -> "Predicate":
    from rolecall.kernel.predicate import And, Compare, Operator

    said = [
        ("recorded_at", Operator.GE, since),
        ("recorded_at", Operator.LT, until),
        ("outcome", Operator.EQ, outcome),
        ("request", Operator.CO, containing),
        ("method", Operator.NE, "GET" if writes else None),
        ("method", Operator.NE, "HEAD" if writes else None),
    ]
    return And(
        parts=tuple(
            Compare(path=(name,), operator=operator, value=value) for name, operator, value in said if value is not None
        )
    )


def _list_some(rolecall: "Rolecall", wanted: "CallSearch", limit: int) -> "list[LoggedCall]":
    from dataclasses import replace
    from functools import partial

    from rolecall.connections.log.calls import list_calls

    found: list[LoggedCall] = []
    while len(found) < limit:
        asked = replace(wanted, limit=min(_AT_ONCE, limit - len(found)))
        page = rolecall.transactions.run_read(COMMAND_LINE, partial(list_calls, wanted=asked))
        found += page.items
        if page.after is None:
            break
        wanted = replace(wanted, after=page.after)
    return found
