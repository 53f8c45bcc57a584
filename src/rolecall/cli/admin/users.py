"""What can be done with users from the command line?"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from rolecall.authorization.actor import COMMAND_LINE
from rolecall.cli.admin.installation import opened
from rolecall.cli.changes import make_change
from rolecall.cli.options import AsJson, DatabaseUrl, DataDir, Limit, Role, Skip, Team, UserName
from rolecall.cli.output import print_fields, print_json, print_table

if TYPE_CHECKING:
    from rolecall.directory.model import Assignment, User
    from rolecall.mapping.explain import TeamRole
    from rolecall.storage.transaction import ReadTx, WriteTx

T = TypeVar("T")

app = typer.Typer(help="See and change users of every kind.", no_args_is_help=True)


@app.command("list")
def list_users(
    *,
    limit: Limit = 100,
    skip: Skip = 0,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """List users, in the order in which they were made."""
    from rolecall.directory.model import ListRequest
    from rolecall.directory.users import list_all_users

    request = ListRequest(where=None, sort_by=None, descending=False, skip=skip, limit=limit)
    with opened(data_dir, database_url) as rolecall:
        page = rolecall.transactions.run_read(COMMAND_LINE, lambda tx: list_all_users(tx, request))
    if as_json:
        print_json({"total": page.total, "users": [to_json(user) for user in page.items]})
        return
    rows = [(user.user_name, user.kind.value, user.state.value, _marks(user), user.id) for user in page.items]
    print_table(("NAME", "KIND", "STATE", "MARKS", "ID"), rows, empty="No users to show.")
    print(f"{len(page.items)} of {page.total} users.")


@app.command("show")
def show_user(
    name: UserName,
    *,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say for each role by which groups and mappings it is there, since when.")
    ] = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Show one user with its roles. For a deactivated user they are what would be restored."""
    from rolecall.cli.admin.team_roles import lines_of, team_role_to_json
    from rolecall.directory.users import get_user_by_name
    from rolecall.kernel.clock import to_rfc3339
    from rolecall.mapping.explain import explain_user, list_team_roles

    def ask(tx: "ReadTx") -> "tuple[User, tuple[TeamRole, ...]]":
        user = get_user_by_name(tx, name)
        return user, (explain_user if explain else list_team_roles)(tx, user.id)

    with opened(data_dir, database_url) as rolecall:
        user, held = rolecall.transactions.run_read(COMMAND_LINE, ask)
    if as_json:
        roles = [team_role_to_json(each, explain=explain) for each in held]
        print_json({**to_json(user), "is_active": user.state.value == "active", "team_roles": roles})
        return
    print_fields(
        {
            "Name": user.user_name,
            "Display name": user.profile.get("displayName"),
            "Id": user.id,
            "Kind": user.kind.value,
            "State": user.state.value,
            "Marks": _marks(user),
            "Roles": ", ".join(lines_of(each)[0] for each in held) or "none",
            "Made": to_rfc3339(user.created_at),
            "Changed": to_rfc3339(user.changed_at),
        }
    )
    if explain:
        for each in held:
            print("\n".join(("", *lines_of(each))))


@app.command("deactivate")
def deactivate(
    context: typer.Context,
    name: UserName,
    *,
    reason: Annotated[str, typer.Option("--reason", help="Why; kept in the event log.")] = "command line",
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """End all access of a user and its keys, keeping its history."""
    from rolecall.directory.users import deactivate_user

    _change(context, (data_dir, database_url), name, lambda tx, user: deactivate_user(tx, user.id, reason=reason))
    print(f"{name} is deactivated; its keys have ended.")


@app.command("reactivate")
def reactivate(
    context: typer.Context, name: UserName, *, data_dir: DataDir = None, database_url: DatabaseUrl = None
) -> None:
    """Restore a user's access by its roles; its keys stay ended."""
    from rolecall.directory.users import reactivate_user

    _change(context, (data_dir, database_url), name, lambda tx, user: reactivate_user(tx, user.id))
    print(f"{name} is active.")


@app.command("delete")
def delete(
    context: typer.Context,
    name: UserName,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Delete a user. What it did stays in the audit log; its name is free again."""
    from rolecall.directory.users import delete_user

    if not yes:
        typer.confirm(f"Delete {name}? This cannot be undone", abort=True, err=True)
    _change(context, (data_dir, database_url), name, lambda tx, user: delete_user(tx, user.id))
    print(f"{name} is deleted.")


@app.command("assign")
def assign(
    context: typer.Context,
    name: UserName,
    *,
    role: Role,
    team: Team = "Root",
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Give a user a role in a team."""
    from rolecall.directory.assignments import assign_role
    from rolecall.directory.roles import get_role_by_name
    from rolecall.directory.teams import get_team_by_name

    def change(tx: "WriteTx", user: "User") -> None:
        assign_role(tx, user.id, role=get_role_by_name(tx, role).id, team_id=get_team_by_name(tx, team).id)

    _change(context, (data_dir, database_url), name, change)
    print(f"{name} has the role {role} in {team}.")


@app.command("unassign")
def unassign(
    context: typer.Context,
    name: UserName,
    *,
    role: Role,
    team: Team = "Root",
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Take back a role that was given by hand."""
    from rolecall.directory.assignments import list_assignments, remove_role
    from rolecall.directory.roles import get_role_by_name
    from rolecall.directory.teams import get_team_by_name

    def change(tx: "WriteTx", user: "User") -> "list[Assignment]":
        team_id, role_id = get_team_by_name(tx, team).id, get_role_by_name(tx, role).id
        remove_role(tx, user.id, role=role_id, team_id=team_id)
        return [each for each in list_assignments(tx, user.id) if (each.team_id, each.role) == (team_id, role_id)]

    left = _change(context, (data_dir, database_url), name, change)
    if left:
        print(f"{name} keeps the role {role} in {team}, from: {', '.join(source.name for source in left[0].sources)}.")
    else:
        print(f"{name} does not have the role {role} in {team}.")


@app.command("set-break-glass")
def set_break_glass(
    context: typer.Context, name: UserName, *, data_dir: DataDir = None, database_url: DatabaseUrl = None
) -> None:
    """Make this the one user that no identity provider can touch. It must be an administrator."""
    from rolecall.directory import users

    _change(context, (data_dir, database_url), name, lambda tx, user: users.set_break_glass(tx, user.id))
    print(f"{name} is the break-glass user.")


def to_json(user: "User") -> dict[str, Any]:
    """Return a user as programs get it."""
    from rolecall.kernel.clock import to_rfc3339

    return {
        "id": user.id,
        "user_name": user.user_name,
        "kind": user.kind.value,
        "state": user.state.value,
        "provisioned": user.provisioned,
        "break_glass": user.break_glass,
        "version": user.version,
        "created_at": to_rfc3339(user.created_at),
        "changed_at": to_rfc3339(user.changed_at),
        "profile": user.profile,
    }


def _change(
    context: typer.Context, place: tuple[DataDir, DatabaseUrl], name: str, change: "Callable[[WriteTx, User], T]"
) -> T:
    """Look the user up and change it, in one transaction."""
    from rolecall.directory.users import get_user_by_name

    with opened(*place) as rolecall:
        return make_change(rolecall, context, lambda tx: change(tx, get_user_by_name(tx, name)))


def _marks(user: "User") -> str:
    marks = {"SCIM": user.provisioned, "break-glass": user.break_glass}
    return ", ".join(mark for mark, holds in marks.items() if holds)
