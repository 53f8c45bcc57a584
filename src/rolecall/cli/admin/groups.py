"""What can be seen of groups from the command line?"""

from typing import TYPE_CHECKING, Annotated

import typer

from rolecall.authorization.actor import COMMAND_LINE
from rolecall.cli.admin.installation import opened
from rolecall.cli.options import AsJson, DatabaseUrl, DataDir, Limit, Skip
from rolecall.cli.output import print_fields, print_json, print_table

if TYPE_CHECKING:
    from rolecall.directory.model import Group, Member
    from rolecall.kernel.page import Page
    from rolecall.storage.transaction import ReadTx

app = typer.Typer(help="See the groups that identity providers have pushed.", no_args_is_help=True)


@app.command("list")
def list_groups(
    *,
    limit: Limit = 100,
    skip: Skip = 0,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """List groups, in the order in which they were made."""
    from rolecall.directory.groups import list_all_groups
    from rolecall.directory.model import ListRequest
    from rolecall.kernel.clock import to_rfc3339

    request = ListRequest(where=None, sort_by=None, descending=False, skip=skip, limit=limit)
    with opened(data_dir, database_url) as rolecall:
        page = rolecall.transactions.run_read(COMMAND_LINE, lambda tx: list_all_groups(tx, request))
    if as_json:
        groups = [
            {"id": group.id, "display_name": group.display_name, "changed_at": to_rfc3339(group.changed_at)}
            for group in page.items
        ]
        print_json({"total": page.total, "groups": groups})
        return
    rows = [(group.display_name, to_rfc3339(group.changed_at), group.id) for group in page.items]
    print_table(("NAME", "CHANGED", "ID"), rows, empty="No groups to show.")
    print(f"{len(page.items)} of {page.total} groups.")


@app.command("show")
def show_group(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The group's display name.", show_default=False)],
    *,
    limit: Limit = 100,
    skip: Skip = 0,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Show one group with its direct members."""
    from rolecall.directory.groups import get_group_by_name, list_members
    from rolecall.kernel.clock import to_rfc3339

    def ask(tx: "ReadTx") -> "tuple[Group, Page[Member]]":
        group = get_group_by_name(tx, name)
        return group, list_members(tx, group.id, skip=skip, limit=limit)

    with opened(data_dir, database_url) as rolecall:
        group, members = rolecall.transactions.run_read(COMMAND_LINE, ask)
    if as_json:
        print_json(
            {
                "id": group.id,
                "display_name": group.display_name,
                "created_at": to_rfc3339(group.created_at),
                "changed_at": to_rfc3339(group.changed_at),
                "profile": group.profile,
                "total_members": members.total,
                "members": [
                    {"id": each.id, "kind": each.kind.value, "display": each.display} for each in members.items
                ],
            }
        )
        return
    print_fields({"Name": group.display_name, "Id": group.id, "Changed": to_rfc3339(group.changed_at)})
    rows = [(each.display, each.kind.value, each.id) for each in members.items]
    print_table(("MEMBER", "KIND", "ID"), rows, empty="No members to show.")
    print(f"{len(members.items)} of {members.total} direct members.")
