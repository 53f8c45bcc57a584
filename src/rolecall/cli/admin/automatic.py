"""How do groups map by themselves, and who goes on with what was only begun? From the command line."""

from typing import TYPE_CHECKING, Annotated

import typer

from rolecall.authorization.actor import COMMAND_LINE
from rolecall.cli.admin.installation import opened
from rolecall.cli.changes import make_change
from rolecall.cli.options import AsJson, DatabaseUrl, DataDir
from rolecall.cli.output import print_fields, print_json

if TYPE_CHECKING:
    from rolecall.mapping.model import Choices
    from rolecall.storage.transaction import ReadTx, WriteTx


def show_choices(*, data_dir: DataDir = None, database_url: DatabaseUrl = None, as_json: AsJson = False) -> None:
    """Show how groups map by themselves, and how many users a change brings up to date at once."""
    from rolecall.directory.installation import users_at_once
    from rolecall.mapping.choices import get_choices

    def ask(tx: "ReadTx") -> "tuple[Choices, int]":
        return get_choices(tx), users_at_once(tx)

    with opened(data_dir, database_url) as rolecall:
        choices, at_once = rolecall.transactions.run_read(COMMAND_LINE, ask)
    if as_json:
        print_json(
            {
                "convention": choices.convention,
                "group_team_role": choices.group_team_role,
                "users_at_once": at_once,
            }
        )
        return
    print_fields(
        {
            "Groups named alias:role map by themselves": "yes" if choices.convention else "no",
            "Groups that nothing maps become teams": choices.group_team_role or "no",
            "Users brought up to date at once": at_once,
        }
    )


def choose(
    context: typer.Context,
    *,
    convention: Annotated[
        bool | None,
        typer.Option("--convention/--no-convention", help="Whether a group named alias:role maps to that."),
    ] = None,
    group_teams: Annotated[
        str | None,
        typer.Option("--group-teams", help="Let groups that nothing maps become teams; members get this role there."),
    ] = None,
    no_group_teams: Annotated[bool, typer.Option("--no-group-teams", help="Let groups become no teams.")] = False,
    users_at_once: Annotated[
        int | None,
        typer.Option("--users-at-once", help="Bring so many users up to date in the change that concerns them."),
    ] = None,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Choose how groups map by themselves; what is not named stays."""
    from rolecall.directory.installation import set_users_at_once
    from rolecall.directory.roles import get_role_by_name
    from rolecall.mapping.choices import choose_convention, choose_group_teams

    def change(tx: "WriteTx") -> None:
        if convention is not None:
            choose_convention(tx, on=convention)
        if group_teams is not None:
            choose_group_teams(tx, get_role_by_name(tx, group_teams).id)
        elif no_group_teams:
            choose_group_teams(tx, None)
        if users_at_once is not None:
            set_users_at_once(tx, users_at_once)

    with opened(data_dir, database_url) as rolecall:
        make_change(rolecall, context, change)
    print("Chosen. `rolecall admin mappings choices` shows how it is now.")


def reconcile(context: typer.Context, *, data_dir: DataDir = None, database_url: DatabaseUrl = None) -> None:
    """Bring all assignments up to date that were left for slices. May be broken off, and started again."""
    from functools import partial

    from rolecall.directory.reconcile import list_reconciling, reconcile_slice

    slices = 0
    with opened(data_dir, database_url) as rolecall:
        while waiting := rolecall.transactions.run_read(COMMAND_LINE, list_reconciling):
            make_change(rolecall, context, partial(reconcile_slice, ground=waiting[0].ground))
            slices += 1
    print(f"Everything is up to date, after {slices} slices.")
