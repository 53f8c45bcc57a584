"""What can be done with teams from the command line?"""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from rolecall.authorization.actor import COMMAND_LINE
from rolecall.cli.admin.installation import opened
from rolecall.cli.changes import make_change
from rolecall.cli.options import AsJson, DatabaseUrl, DataDir
from rolecall.cli.output import print_fields, print_json, print_table

if TYPE_CHECKING:
    from rolecall.directory.model import Team, TeamDraft, TeamId
    from rolecall.graph.model import Provider
    from rolecall.storage.transaction import ReadTx, WriteTx

app = typer.Typer(help="See and change teams: users who work on one part of the data.", no_args_is_help=True)

TeamName = Annotated[str, typer.Argument(metavar="NAME", help="The team's name.", show_default=False)]
Alias = Annotated[
    str | None,
    typer.Option("--alias", help='What stands for the team in group names, as in "alias:role"; "" for none.'),
]
Description = Annotated[str | None, typer.Option("--description", help="What the team is for.")]
Providers = Annotated[
    list[str] | None,
    typer.Option("--provider", help="Let the team see this provider and no other but those named too; repeatable."),
]
SeesAll = Annotated[bool, typer.Option("--unbound", help="Let the team see every provider.")]
SeesNone = Annotated[bool, typer.Option("--no-provider", help="Let the team see no provider.")]


@app.command("list")
def list_all(*, data_dir: DataDir = None, database_url: DatabaseUrl = None, as_json: AsJson = False) -> None:
    """List teams, Root first."""
    from rolecall.directory.teams import count_users_by_team, list_teams

    def ask(tx: "ReadTx") -> "tuple[tuple[Team, ...], dict[TeamId, int]]":
        return list_teams(tx), count_users_by_team(tx)

    with opened(data_dir, database_url) as rolecall:
        teams, counts = rolecall.transactions.run_read(COMMAND_LINE, ask)
    if as_json:
        print_json({"teams": [_to_json(team) | {"user_count": counts.get(team.id, 0)} for team in teams]})
        return
    rows = [(team.name, team.alias, _scope(team), counts.get(team.id, 0), team.id) for team in teams]
    print_table(("NAME", "ALIAS", "SEES", "USERS", "ID"), rows, empty="No teams.")


@app.command("show")
def show(
    name: TeamName, *, data_dir: DataDir = None, database_url: DatabaseUrl = None, as_json: AsJson = False
) -> None:
    """Show one team."""
    from rolecall.directory.teams import get_team_by_name
    from rolecall.kernel.clock import to_rfc3339

    with opened(data_dir, database_url) as rolecall:
        team = rolecall.transactions.run_read(COMMAND_LINE, lambda tx: get_team_by_name(tx, name))
    if as_json:
        print_json(_to_json(team))
        return
    print_fields(
        {
            "Name": team.name,
            "Alias": team.alias,
            "Description": team.description,
            "Sees": _scope(team),
            "Id": team.id,
            "Changed": to_rfc3339(team.changed_at),
        }
    )


@app.command("create")
def create(
    context: typer.Context,
    name: TeamName,
    *,
    alias: Alias = None,
    description: Description = None,
    provider: Providers = None,
    no_provider: SeesNone = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Create a team. Without --provider and --no-provider it sees everything."""
    from rolecall.directory.model import TeamDraft
    from rolecall.directory.teams import create_team

    def change(tx: "WriteTx") -> "Team":
        sees = None if not provider and not no_provider else _ids_of(tx, provider or [])
        return create_team(
            tx, TeamDraft(name=name, alias=alias or None, description=description or "", provider_ids=sees)
        )

    with opened(data_dir, database_url) as rolecall:
        team = make_change(rolecall, context, change)
    print(f"The team {team.name} is there; its id is {team.id}.")


@app.command("change")
def change_one(
    context: typer.Context,
    name: TeamName,
    *,
    new_name: Annotated[str | None, typer.Option("--name", help="Its new name.")] = None,
    alias: Alias = None,
    description: Description = None,
    provider: Providers = None,
    no_provider: SeesNone = False,
    unbound: SeesAll = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Change what is said of a team; what is not named stays."""
    from dataclasses import replace

    from rolecall.directory.model import Expected
    from rolecall.directory.teams import change_team, get_team_by_name

    def change(tx: "WriteTx") -> "Team":
        def edit(draft: "TeamDraft") -> "TeamDraft":
            sees = None if unbound else draft.provider_ids
            return replace(
                draft,
                name=draft.name if new_name is None else new_name,
                alias=draft.alias if alias is None else alias or None,
                description=draft.description if description is None else description,
                provider_ids=_ids_of(tx, provider or []) if provider or no_provider else sees,
            )

        return change_team(tx, get_team_by_name(tx, name).id, edit, Expected())

    with opened(data_dir, database_url) as rolecall:
        team = make_change(rolecall, context, change)
    print(f"The team {team.name} has version {team.version}.")


@app.command("delete")
def delete(
    context: typer.Context,
    name: TeamName,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Delete a team, every role that anybody holds in it, and its keys."""
    from rolecall.directory.model import Expected
    from rolecall.directory.teams import delete_team, get_team_by_name

    if not yes:
        typer.confirm(f"Delete the team {name}? This cannot be undone", abort=True, err=True)
    with opened(data_dir, database_url) as rolecall:
        make_change(rolecall, context, lambda tx: delete_team(tx, get_team_by_name(tx, name).id, Expected()))
    print(f"The team {name} is deleted.")


def _ids_of(tx: "ReadTx", named: list[str]) -> frozenset[str]:
    from rolecall.graph.data_sources import list_providers

    known: dict[str, Provider] = {each.name: each for each in list_providers(tx)}
    return frozenset(known[name].id if name in known else name for name in named)


def _scope(team: "Team") -> str:
    return "everything" if team.provider_ids is None else ", ".join(sorted(team.provider_ids)) or "nothing"


def _to_json(team: "Team") -> dict[str, Any]:
    from rolecall.kernel.clock import to_rfc3339

    return {
        "id": team.id,
        "name": team.name,
        "alias": team.alias,
        "description": team.description,
        "policy_type": team.policy.value,
        "provider_ids": sorted(team.provider_ids or ()),
        "version": team.version,
        "created_at": to_rfc3339(team.created_at),
        "changed_at": to_rfc3339(team.changed_at),
    }
