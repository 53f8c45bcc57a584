"""What can be done with SCIM connections from the command line?"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from rolecall.authorization.actor import COMMAND_LINE
from rolecall.cli.admin.guided import create_guided
from rolecall.cli.admin.installation import opened
from rolecall.cli.admin.previews import previewed, print_preview
from rolecall.cli.admin.report import parsed_instant
from rolecall.cli.changes import make_change
from rolecall.cli.options import AsJson, DatabaseUrl, DataDir
from rolecall.cli.output import print_fields, print_json, print_table
from rolecall.connections.guide.model import ProviderKind

if TYPE_CHECKING:
    from rolecall.authentication.model import Network
    from rolecall.connections.model import Connection, ConnectionDraft
    from rolecall.kernel.document import Json
    from rolecall.storage.transaction import ReadTx, WriteTx

app = typer.Typer(help="See and set up SCIM connections: one for each identity provider.", no_args_is_help=True)

ConnectionName = Annotated[
    str, typer.Argument(metavar="NAME", help="The connection's name, or its id.", show_default=False)
]

Networks = Annotated[
    list[str] | None,
    typer.Option("--network", help="From where alone it may call; may be repeated. `any`: from anywhere."),
]
UserScope = Annotated[
    list[str] | None,
    typer.Option("--user-scope", help="Whom it may push, as `*@example.com`; may be repeated. `any`: anybody."),
]
GroupScope = Annotated[
    list[str] | None,
    typer.Option("--group-scope", help="Which groups it may push, as `Rolecall *`; may be repeated. `any`: all."),
]
RateLimit = Annotated[int | None, typer.Option("--rate-limit", help="So many calls a minute; 0: as many as it likes.")]
Requirements = Annotated[
    Literal["rfc", "strict", "installation"] | None,
    typer.Option("--requirement-profile", help="What a user must have; `installation`: as its setting says."),
]
SilentAfter = Annotated[
    int | None,
    typer.Option("--silent-after-hours", help="After so many hours without a call an event warns; 0: never."),
]
GuardPeople = Annotated[
    int | None,
    typer.Option(
        "--guard-people", min=0, max=2**31, help="So many people may lose an assignment by it within an hour."
    ),
]
GuardPercent = Annotated[
    int | None,
    typer.Option(
        "--guard-percent",
        min=0,
        max=100,
        help="Or so many per cent of those who hold one, whichever is more; 100: no limit.",
    ),
]


@app.command("list")
def list_all(*, data_dir: DataDir = None, database_url: DatabaseUrl = None, as_json: AsJson = False) -> None:
    """List connections, the default one first."""
    from rolecall.connections.connections import list_connections

    def ask(tx: "ReadTx") -> list[dict[str, Any]]:
        return [_to_json(tx, each) for each in list_connections(tx)]

    with opened(data_dir, database_url) as rolecall:
        shown = rolecall.transactions.run_read(COMMAND_LINE, ask)
    if as_json:
        print_json({"connections": shown})
        return
    rows = [(each["id"], each["name"], each["state"], str(each["users"]), str(each["groups"])) for each in shown]
    print_table(("ID", "NAME", "STATE", "USERS", "GROUPS"), rows, empty="No connections yet.")


@app.command("show")
def show(
    name: ConnectionName, *, data_dir: DataDir = None, database_url: DatabaseUrl = None, as_json: AsJson = False
) -> None:
    """Show one connection with its credentials."""
    from rolecall.connections.connections import get_connection_by_name, list_credentials
    from rolecall.kernel.clock import to_rfc3339

    def ask(tx: "ReadTx") -> dict[str, Any]:
        connection = get_connection_by_name(tx, name)
        credentials = [
            {
                "id": key.id,
                "usable": key.is_usable(tx.now),
                "expires_at": None if key.expires_at is None else to_rfc3339(key.expires_at),
                "last_used_at": None if key.last_used_at is None else to_rfc3339(key.last_used_at),
            }
            for key in list_credentials(tx, connection.id)
        ]
        return {**_to_json(tx, connection), "credentials": credentials}

    with opened(data_dir, database_url) as rolecall:
        shown = rolecall.transactions.run_read(COMMAND_LINE, ask)
    if as_json:
        print_json(shown)
        return
    print_fields(_fields_of(shown))
    rows = [_credential_row(each) for each in shown["credentials"]]
    print_table(("CREDENTIAL", "STATE", "ENDS", "LAST USED"), rows, empty="No credentials yet.")


@app.command("create")
def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What to call it.", show_default=False)],
    *,
    on: Annotated[bool, typer.Option("--on", help="Listen to it at once.")] = False,
    guided: Annotated[
        bool,
        typer.Option("--guided", help="Switch it on, make its key, say what to enter where, wait for a first call."),
    ] = False,
    provider: Annotated[
        ProviderKind, typer.Option("--provider", help="In whose words the guide speaks.")
    ] = ProviderKind.OTHER,
    wait_seconds: Annotated[
        int, typer.Option("--wait-seconds", min=0, max=86_400, help="When guided, wait so long for a first call.")
    ] = 1800,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Make a connection; its first credential comes from `rotate`, or from being guided."""
    from rolecall.connections.connections import create_connection
    from rolecall.connections.model import ConnectionDraft, ConnectionState

    if guided and as_json:
        raise typer.BadParameter("A guide is for people: leave out --json.", param_hint="--guided")
    draft = ConnectionDraft(name=name, state=ConnectionState.ON if on else ConnectionState.OFF)
    with opened(data_dir, database_url) as rolecall:
        if guided:
            create_guided(rolecall, context, name, provider=provider, wait_seconds=wait_seconds)
            return
        made = make_change(rolecall, context, lambda tx: create_connection(tx, draft))
    if as_json:
        print_json({"id": made.id, "name": made.name, "state": made.draft.state.value})
        return
    print(f"The connection {made.name} is there; its id is {made.id}.")


@app.command("change")
def change_one(
    context: typer.Context,
    name: ConnectionName,
    *,
    new_name: Annotated[str | None, typer.Option("--name", help="Its new name.")] = None,
    on: Annotated[bool | None, typer.Option("--on/--off", help="Listen to it, or do not.")] = None,
    networks: Networks = None,
    user_scope: UserScope = None,
    group_scope: GroupScope = None,
    rate_limit: RateLimit = None,
    requirements: Requirements = None,
    silent_after: SilentAfter = None,
    guard_people: GuardPeople = None,
    guard_percent: GuardPercent = None,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Rename a connection, switch it on or off, or narrow what it may do; what it owns stays."""
    from dataclasses import replace

    from rolecall.connections.connections import change_connection, get_connection_by_name
    from rolecall.connections.model import ConnectionState, RequirementProfile
    from rolecall.directory.model import Expected

    said: dict[str, Any] = {"name": new_name, "rate_limit": rate_limit, "silent_after_hours": silent_after}
    said |= {"guard_people": guard_people, "guard_percent": guard_percent}
    said["state"] = None if on is None else ConnectionState.ON if on else ConnectionState.OFF
    said["networks"] = _networks_in(networks) if networks else None
    changes = {name: value for name, value in said.items() if value is not None}
    if requirements is not None:
        changes["requirement_profile"] = None if requirements == "installation" else RequirementProfile(requirements)

    scope = {name: _patterns_in(each) for name, each in (("users", user_scope), ("groups", group_scope)) if each}

    def edit(draft: "ConnectionDraft") -> "ConnectionDraft":
        return replace(draft, push_scope=replace(draft.push_scope, **scope), **changes)

    def change(tx: "WriteTx") -> "Connection":
        return change_connection(tx, get_connection_by_name(tx, name).id, edit, Expected())

    with opened(data_dir, database_url) as rolecall:
        changed = make_change(rolecall, context, change)
    print(f"The connection {changed.name} is {changed.draft.state.value}.")


@app.command("rotate")
def rotate(
    context: typer.Context,
    name: ConnectionName,
    *,
    overlap_hours: Annotated[
        int, typer.Option("--overlap-hours", min=0, max=2160, help="So long the older credentials go on.")
    ] = 24,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Make a credential and print it once; those that were there end after the overlap."""
    from datetime import timedelta

    from rolecall.authentication.model import NewApiKey
    from rolecall.connections.connections import get_connection_by_name, rotate_credential

    def change(tx: "WriteTx") -> NewApiKey:
        connection_id = get_connection_by_name(tx, name).id
        return rotate_credential(tx, connection_id, overlap=timedelta(hours=overlap_hours))

    with opened(data_dir, database_url) as rolecall:
        made = make_change(rolecall, context, change)
    if as_json:
        print_json({"api_key": made.secret, "key_id": made.key.id})
        return
    print_fields({"API key": made.secret, "Key id": made.key.id})


@app.command("link")
def link(
    context: typer.Context,
    name: ConnectionName,
    user_name: Annotated[str, typer.Argument(metavar="USER", help="The user's name.", show_default=False)],
    *,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Let a connection own a user that is there: a local one, or one of another connection."""
    from rolecall.connections.connections import get_connection_by_name, link_user
    from rolecall.directory.users import get_user_by_name

    def change(tx: "WriteTx") -> None:
        link_user(tx, get_connection_by_name(tx, name).id, get_user_by_name(tx, user_name).id)

    with opened(data_dir, database_url) as rolecall:
        make_change(rolecall, context, change)
    print(f"{user_name} belongs to the connection {name}.")


@app.command("preview")
def preview(
    context: typer.Context,
    name: ConnectionName,
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help="JSON: a request with `method`, `path`, perhaps `headers` and `body`, or a list of such. Left out: "
            "standard input.",
            show_default=False,
        ),
    ] = None,
    *,
    since: Annotated[
        str | None,
        typer.Option(
            "--since", help="In place of a file: what the connection sent from this day or instant on, in UTC."
        ),
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", help="Up to, and without, this day or instant. Left out: now.")
    ] = None,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Show what SCIM requests of a connection would do now: who would gain and lose what. Changes nothing."""
    from rolecall.api.scim.previews import Played, parse_requests, preview_document, recorded_request
    from rolecall.connections.connections import get_connection_by_name
    from rolecall.connections.decide import acting_within
    from rolecall.connections.preview.recorded import list_recorded
    from rolecall.connections.preview.rendering import MOST_LISTED

    begins, ends = parsed_instant(since, "--since"), parsed_instant(until, "--until")
    if begins is not None and file is not None:
        raise typer.BadParameter("Name a file or a time, not both.", param_hint="--since")
    if begins is None and ends is not None:
        raise typer.BadParameter("From when on? Give --since as well.", param_hint="--until")
    requests = parse_requests(_json_in(file)) if begins is None else ()
    with opened(data_dir, database_url) as rolecall:
        is_complete = True
        connection = rolecall.transactions.run_read(COMMAND_LINE, lambda tx: get_connection_by_name(tx, name))
        actor = acting_within(COMMAND_LINE, connection.id)
        played = [Played(request=each, actor=actor) for each in requests]
        if begins is not None:
            first, last = begins, ends or rolecall.clock()
            recording = rolecall.transactions.run_read(
                COMMAND_LINE, lambda tx: list_recorded(tx, connection.id, since=first, until=last)
            )
            played, is_complete = [recorded_request(each) for each in recording.calls], recording.is_complete
        found = previewed(rolecall, context, played, connection)
    most = MOST_LISTED if begins is None else 0
    print_preview(preview_document(found, is_complete=is_complete, most=most), as_json=as_json)


@app.command("delete")
def delete(
    context: typer.Context,
    name: ConnectionName,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Delete a connection that owns nothing and has no credential left."""
    from rolecall.connections.connections import delete_connection, get_connection_by_name
    from rolecall.directory.model import Expected

    if not yes:
        typer.confirm(f"Delete the connection {name}? This cannot be undone", abort=True, err=True)
    with opened(data_dir, database_url) as rolecall:
        make_change(
            rolecall, context, lambda tx: delete_connection(tx, get_connection_by_name(tx, name).id, Expected())
        )
    print(f"The connection {name} is deleted.")


def _json_in(file: Path | None) -> "Json":
    import sys

    import orjson

    from rolecall.scim.errors import InvalidSyntax

    content = sys.stdin.buffer.read() if file is None else file.read_bytes()
    try:
        value: Json = orjson.loads(content)
    except ValueError as error:
        raise InvalidSyntax(f"This is not JSON: {error}") from error
    return value


def _networks_in(texts: list[str]) -> tuple["Network", ...]:
    from ipaddress import ip_network

    if texts == ["any"]:
        return ()
    try:
        return tuple(ip_network(text) for text in texts)
    except ValueError as error:
        raise typer.BadParameter(f"{error}.", param_hint="--network") from error


def _patterns_in(texts: list[str]) -> tuple[str, ...]:
    return () if texts == ["any"] else tuple(texts)


def _fields_of(shown: dict[str, Any]) -> dict[str, object]:
    return {
        "Name": shown["name"],
        "Id": shown["id"],
        "State": shown["state"],
        "Owns": f"{shown['users']} users, {shown['groups']} groups",
        "May take from": _limits(shown["guard_people"], shown["guard_percent"]),
        "May call from": ", ".join(shown["networks"]) or "anywhere",
        "May push": f"users {_shown_scope(shown['user_scope'])}, groups {_shown_scope(shown['group_scope'])}",
        "Calls a minute": shown["rate_limit"] or "as many as it likes",
        "Requirements": shown["requirement_profile"] or "as the installation's setting",
        "Told when silent for": f"{shown['silent_after_hours']} hours" if shown["silent_after_hours"] else "never",
        "Speaks like": shown["dialect"] or "has not called yet",
        "Last call": shown["last_call_at"] or "never",
        "Calls in 24 hours": f"{shown['calls_24h']}, {shown['errors_24h']} of them refused or failed",
    }


def _to_json(tx: "ReadTx", connection: "Connection") -> dict[str, Any]:
    from rolecall.connections.traffic import traffic_of
    from rolecall.directory.owners import count_owned
    from rolecall.kernel.clock import to_rfc3339

    users, groups = count_owned(tx, connection.id)
    profile, traffic = connection.draft.requirement_profile, traffic_of(tx, connection.id)
    return {
        "id": connection.id,
        "name": connection.name,
        "state": connection.draft.state.value,
        "networks": [str(each) for each in connection.draft.networks],
        "user_scope": list(connection.draft.push_scope.users),
        "group_scope": list(connection.draft.push_scope.groups),
        "rate_limit": connection.draft.rate_limit,
        "requirement_profile": None if profile is None else profile.value,
        "silent_after_hours": connection.draft.silent_after_hours,
        "dialect": None if connection.dialect is None else connection.dialect.value,
        "last_call_at": None if connection.last_call_at is None else to_rfc3339(connection.last_call_at),
        "calls_24h": traffic.call_count,
        "errors_24h": traffic.error_count,
        "guard_people": connection.draft.guard_people,
        "guard_percent": connection.draft.guard_percent,
        "users": users,
        "groups": groups,
        "version": connection.version,
    }


def _credential_row(shown: dict[str, Any]) -> tuple[str, str, str, str]:
    state = "usable" if shown["usable"] else "ended"
    return shown["id"], state, shown["expires_at"] or "never", shown["last_used_at"] or "never"


def _shown_scope(patterns: list[str]) -> str:
    return " or ".join(patterns) or "of any name"


def _limits(people: int, percent: int) -> str:
    if percent == 100:  # noqa: PLR2004  # per cent
        return "anybody"
    return f"{people} people an hour, or {percent} % of those who hold something"
