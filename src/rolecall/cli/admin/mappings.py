"""What can be done with mappings from the command line?"""

from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from rolecall.authorization.actor import COMMAND_LINE
from rolecall.cli.admin.installation import opened
from rolecall.cli.admin.mapping_options import Gives, Match, MatchBy, Source, draft_from, targets_from
from rolecall.cli.changes import make_change
from rolecall.cli.options import AsJson, DatabaseUrl, DataDir, Limit, Skip
from rolecall.cli.output import print_json, print_table

if TYPE_CHECKING:
    from collections.abc import Callable

    from rolecall.mapping.model import Effect, Mapping, MappingDraft, MappingId
    from rolecall.storage.transaction import ReadTx, WriteTx

_Named: TypeAlias = dict[str, str]
"""Who would come to hold what, or no more: ids and names."""

app = typer.Typer(help="See and change what pushed groups and roles give in teams.", no_args_is_help=True)

Id = Annotated[
    str, typer.Argument(metavar="ID", help="The mapping's id, as `mappings list` shows it.", show_default=False)
]


@app.command("list")
def list_all(*, data_dir: DataDir = None, database_url: DatabaseUrl = None, as_json: AsJson = False) -> None:
    """List all mappings, also those that wait or were refused."""
    from rolecall.mapping.mappings import list_mappings

    _print_mappings(list_mappings, data_dir, database_url, as_json=as_json, empty="No mappings yet.")


@app.command("waiting")
def waiting(*, data_dir: DataDir = None, database_url: DatabaseUrl = None, as_json: AsJson = False) -> None:
    """List the mappings that an administrator has to approve or refuse."""
    from rolecall.mapping.mappings import list_waiting

    _print_mappings(list_waiting, data_dir, database_url, as_json=as_json, empty="No mappings wait.")


@app.command("unmapped")
def unmapped(
    *,
    limit: Limit = 100,
    skip: Skip = 0,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """List the groups that give nothing."""
    from rolecall.mapping.mappings import list_unmapped_groups

    with opened(data_dir, database_url) as rolecall:
        page = rolecall.transactions.run_read(COMMAND_LINE, lambda tx: list_unmapped_groups(tx, skip=skip, limit=limit))
    if as_json:
        groups = [{"id": group.id, "display_name": group.display_name} for group in page.items]
        print_json({"total": page.total, "groups": groups})
        return
    rows = [(group.display_name, group.id) for group in page.items]
    print_table(("NAME", "ID"), rows, empty="No such groups to show.")
    print(f"{len(page.items)} of {page.total} groups.")


@app.command("show")
def show(
    mapping_id: Id, *, data_dir: DataDir = None, database_url: DatabaseUrl = None, as_json: AsJson = False
) -> None:
    """Show one mapping."""
    from rolecall.mapping.mappings import get_mapping
    from rolecall.mapping.model import MappingId

    def ask(tx: "ReadTx") -> "tuple[Mapping, ...]":
        return (get_mapping(tx, MappingId(mapping_id)),)

    _print_mappings(ask, data_dir, database_url, as_json=as_json, alone=True)


@app.command("create")
def create(
    context: typer.Context,
    match: Match,
    *,
    gives: Gives,
    by: MatchBy = None,
    source: Source = None,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Let whatever matches give roles in teams to whoever is in it, or carries it."""
    from rolecall.mapping.mappings import create_mapping

    with opened(data_dir, database_url) as rolecall:
        mapping = make_change(
            rolecall, context, lambda tx: create_mapping(tx, draft_from(tx, match, gives, by, source))
        )
    print(f"The mapping is there; its id is {mapping.id}.")


@app.command("change")
def change_one(
    context: typer.Context,
    mapping_id: Id,
    *,
    match: Annotated[str | None, typer.Option("--match", help="What it matches from now on.")] = None,
    gives: Annotated[
        list[str] | None, typer.Option("--gives", help="All that it gives from now on, as team:role; repeatable.")
    ] = None,
    by: MatchBy = None,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Change a mapping; what is not named stays."""
    from rolecall.directory.model import Expected
    from rolecall.mapping.mappings import change_mapping
    from rolecall.mapping.model import MappingId

    def change(tx: "WriteTx") -> "Mapping":
        return change_mapping(tx, MappingId(mapping_id), _edit(tx, match, gives, by), Expected())

    with opened(data_dir, database_url) as rolecall:
        mapping = make_change(rolecall, context, change)
    print(f"The mapping has version {mapping.version}.")


@app.command("delete")
def delete(
    context: typer.Context, mapping_id: Id, *, data_dir: DataDir = None, database_url: DatabaseUrl = None
) -> None:
    """Delete a mapping, and take back what nothing else gives."""
    from rolecall.directory.model import Expected
    from rolecall.mapping.mappings import delete_mapping
    from rolecall.mapping.model import MappingId

    with opened(data_dir, database_url) as rolecall:
        make_change(rolecall, context, lambda tx: delete_mapping(tx, MappingId(mapping_id), Expected()))
    print("The mapping is deleted.")


@app.command("preview")
def preview(
    match: Match,
    *,
    gives: Gives,
    by: MatchBy = None,
    source: Source = None,
    instead_of: Annotated[
        str | None, typer.Option("--instead-of", help="The id of the mapping that it would replace.")
    ] = None,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Say who would come to hold what, and who no more, if there were such a mapping. Changes nothing."""
    from rolecall.mapping.model import MappingId
    from rolecall.mapping.preview import preview_mapping

    replaced = None if instead_of is None else MappingId(instead_of)

    def ask(tx: "ReadTx") -> "tuple[list[_Named], list[_Named]]":
        foreseen = preview_mapping(tx, draft_from(tx, match, gives, by, source), mapping_id=replaced)
        return _named(tx, foreseen.gains), _named(tx, foreseen.losses)

    with opened(data_dir, database_url) as rolecall:
        gains, losses = rolecall.transactions.run_read(COMMAND_LINE, ask)
    if as_json:
        print_json({"gains": gains, "losses": losses})
        return
    signed = [*(("-", each) for each in losses), *(("+", each) for each in gains)]
    rows = [(sign, each["user_name"], each["team_name"], each["role_name"]) for sign, each in signed]
    print_table(("", "USER", "TEAM", "ROLE"), rows, empty="Nobody would gain or lose anything.")
    print(f"{len(losses)} losses, {len(gains)} gains.")


@app.command("approve")
def approve(
    context: typer.Context, mapping_id: Id, *, data_dir: DataDir = None, database_url: DatabaseUrl = None
) -> None:
    """Let a waiting mapping give what its group's name asks for."""
    from rolecall.mapping.mappings import approve_mapping

    _decide(context, mapping_id, (data_dir, database_url), approve_mapping)
    print("The mapping is approved.")


@app.command("refuse")
def refuse(
    context: typer.Context, mapping_id: Id, *, data_dir: DataDir = None, database_url: DatabaseUrl = None
) -> None:
    """Refuse what a group's name asks for."""
    from rolecall.mapping.mappings import refuse_mapping

    _decide(context, mapping_id, (data_dir, database_url), refuse_mapping)
    print("The mapping is refused.")


def _decide(
    context: typer.Context,
    mapping_id: str,
    place: tuple[DataDir, DatabaseUrl],
    decision: "Callable[[WriteTx, MappingId], Mapping]",
) -> None:
    from rolecall.mapping.model import MappingId

    with opened(*place) as rolecall:
        make_change(rolecall, context, lambda tx: decision(tx, MappingId(mapping_id)))


def _edit(
    tx: "ReadTx", match: str | None, gives: list[str] | None, by: "MatchBy"
) -> "Callable[[MappingDraft], MappingDraft]":
    from dataclasses import replace

    def edit(draft: "MappingDraft") -> "MappingDraft":
        return replace(
            draft,
            match_value=draft.match_value if match is None else match,
            match_kind=draft.match_kind if by is None else by,
            targets=targets_from(tx, gives) if gives else draft.targets,
        )

    return edit


def _print_mappings(
    ask: "Callable[[ReadTx], tuple[Mapping, ...]]",
    data_dir: DataDir,
    database_url: DatabaseUrl,
    *,
    as_json: bool,
    alone: bool = False,
    empty: str = "",
) -> None:
    from rolecall.directory.roles import find_role_name
    from rolecall.directory.teams import find_team_name

    def named(tx: "ReadTx") -> "list[tuple[Mapping, str]]":
        return [
            (
                mapping,
                ", ".join(
                    f"{find_team_name(tx, each.team_id)}:{find_role_name(tx, each.role)}"
                    for each in sorted(mapping.targets)
                ),
            )
            for mapping in ask(tx)
        ]

    with opened(data_dir, database_url) as rolecall:
        found = rolecall.transactions.run_read(COMMAND_LINE, named)
    if as_json:
        shown = [_to_json(mapping) for mapping, _ in found]
        print_json(shown[0] if alone else {"mappings": shown})
        return
    rows = [
        (
            each.source.name,
            each.match_kind.value,
            each.match_value,
            gives,
            each.state.value,
            each.made_by.value,
            each.id,
        )
        for each, gives in found
    ]
    print_table(("SOURCE", "BY", "MATCHES", "GIVES", "STATE", "MADE BY", "ID"), rows, empty=empty)


def _to_json(mapping: "Mapping") -> dict[str, Any]:
    from rolecall.kernel.clock import to_rfc3339

    return {
        "id": mapping.id,
        "source": mapping.source.name,
        "match_kind": mapping.match_kind.value,
        "match_value": mapping.match_value,
        "assignments": [{"team_id": each.team_id, "role_id": each.role} for each in sorted(mapping.targets)],
        "made_by": mapping.made_by.value,
        "state": mapping.state.value,
        "version": mapping.version,
        "created_at": to_rfc3339(mapping.created_at),
        "changed_at": to_rfc3339(mapping.changed_at),
    }


def _named(tx: "ReadTx", effects: "tuple[Effect, ...]") -> "list[_Named]":
    """Return effects as programs get them."""
    from rolecall.directory.roles import find_role_name
    from rolecall.directory.teams import find_team_name
    from rolecall.directory.users import find_user_names

    users = find_user_names(tx, {each.user_id for each in effects})
    targets = {each.target for each in effects}
    teams = {team_id: find_team_name(tx, team_id) for team_id in {each.team_id for each in targets}}
    roles = {role: find_role_name(tx, role) for role in {each.role for each in targets}}
    return [
        {
            "user_id": each.user_id,
            "user_name": users[each.user_id],
            "team_id": each.target.team_id,
            "team_name": teams[each.target.team_id],
            "role_id": each.target.role,
            "role_name": roles[each.target.role],
        }
        for each in effects
    ]
