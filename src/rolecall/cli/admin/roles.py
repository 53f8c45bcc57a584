"""What can be done with roles from the command line?"""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from rolecall.authorization.actions import Action
from rolecall.authorization.actor import COMMAND_LINE
from rolecall.cli.admin.installation import opened
from rolecall.cli.changes import make_change
from rolecall.cli.options import AsJson, DatabaseUrl, DataDir
from rolecall.cli.output import print_fields, print_json, print_table

if TYPE_CHECKING:
    from rolecall.directory.model import Role, RoleDraft
    from rolecall.storage.transaction import WriteTx

app = typer.Typer(help="See roles, and make custom ones of listed actions.", no_args_is_help=True)

RoleName = Annotated[str, typer.Argument(metavar="NAME", help="The role's name, or its id.", show_default=False)]
Actions = Annotated[
    list[Action] | None,
    typer.Option("--action", help="An action that the role may do; repeatable.", show_default=False),
]
Description = Annotated[str | None, typer.Option("--description", help="What the role is for.")]


@app.command("list")
def list_all(*, data_dir: DataDir = None, database_url: DatabaseUrl = None, as_json: AsJson = False) -> None:
    """List roles, the built-in ones first."""
    from rolecall.directory.roles import list_roles

    with opened(data_dir, database_url) as rolecall:
        roles = rolecall.transactions.run_read(COMMAND_LINE, list_roles)
    if as_json:
        print_json({"roles": [_to_json(role) for role in roles]})
        return
    rows = [(role.id, role.name, "built in" if role.built_in else "custom", role.description) for role in roles]
    print_table(("ID", "NAME", "KIND", "IS FOR"), rows, empty="No roles.")


@app.command("show")
def show(
    name: RoleName, *, data_dir: DataDir = None, database_url: DatabaseUrl = None, as_json: AsJson = False
) -> None:
    """Show one role with its actions."""
    from rolecall.directory.roles import get_role_by_name

    with opened(data_dir, database_url) as rolecall:
        role = rolecall.transactions.run_read(COMMAND_LINE, lambda tx: get_role_by_name(tx, name))
    if as_json:
        print_json(_to_json(role))
        return
    print_fields(
        {
            "Name": role.name,
            "Id": role.id,
            "Kind": "built in" if role.built_in else "custom",
            "Description": role.description,
            "Actions": ", ".join(_to_json(role)["actions"]) or "none yet",
        }
    )


@app.command("create")
def create(
    context: typer.Context,
    name: RoleName,
    *,
    action: Actions = None,
    description: Description = None,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Create a custom role."""
    from rolecall.directory.model import RoleDraft
    from rolecall.directory.roles import create_role

    draft = RoleDraft(name=name, description=description or "", actions=frozenset(action or ()))
    with opened(data_dir, database_url) as rolecall:
        role = make_change(rolecall, context, lambda tx: create_role(tx, draft))
    print(f"The role {role.name} is there; its id is {role.id}.")


@app.command("change")
def change_one(
    context: typer.Context,
    name: RoleName,
    *,
    new_name: Annotated[str | None, typer.Option("--name", help="Its new name.")] = None,
    action: Actions = None,
    description: Description = None,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Change a custom role; with --action, those are all that it may do. What is not named stays."""
    from dataclasses import replace

    from rolecall.directory.model import Expected
    from rolecall.directory.roles import change_role, get_role_by_name

    def edit(draft: "RoleDraft") -> "RoleDraft":
        return replace(
            draft,
            name=draft.name if new_name is None else new_name,
            description=draft.description if description is None else description,
            actions=frozenset(action) if action else draft.actions,
        )

    def change(tx: "WriteTx") -> "Role":
        return change_role(tx, get_role_by_name(tx, name).id, edit, Expected())

    with opened(data_dir, database_url) as rolecall:
        role = make_change(rolecall, context, change)
    print(f"The role {role.name} has version {role.version}.")


@app.command("delete")
def delete(
    context: typer.Context,
    name: RoleName,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Delete a custom role; whoever holds it holds it no more."""
    from rolecall.directory.model import Expected
    from rolecall.directory.roles import delete_role, get_role_by_name

    if not yes:
        typer.confirm(f"Delete the role {name}? This cannot be undone", abort=True, err=True)
    with opened(data_dir, database_url) as rolecall:
        make_change(rolecall, context, lambda tx: delete_role(tx, get_role_by_name(tx, name).id, Expected()))
    print(f"The role {name} is deleted.")


def _to_json(role: "Role") -> dict[str, Any]:
    return {
        "id": role.id,
        "name": role.name,
        "description": role.description,
        "built_in": role.built_in,
        "actions": sorted(action.value for action in role.actions),
        "version": role.version,
    }
