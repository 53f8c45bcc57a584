"""How is a blast radius shown in a terminal?"""

from typing import Any

from rolecall.cli.output import print_table


def print_radius(radius: dict[str, Any]) -> None:
    """Print who and what would be touched, and who would gain and lose what, from what JSON has of it."""
    touched = [(each["user_name"], "user", each["change"], "") for each in radius["users"]]
    touched += [(each["display_name"], "group", each["change"], _members(each)) for each in radius["groups"]]
    if touched:
        print_table(("NAME", "IS A", "WOULD BE", "MEMBERS"), touched, empty="")
    rows = [
        (each["user_name"], verb, each["role_name"], each["team_name"])
        for verb, changes in (("lose", radius["lost"]), ("gain", radius["gained"]))
        for each in changes
    ]
    print_table(("USER", "WOULD", "ROLE", "TEAM"), rows, empty="Nobody would gain or lose a role.")
    if not radius["is_complete"]:
        print("The tables are not whole; the sums are.")
    print(
        f"Roles lost: {radius['lost_count']}, by {radius['losing_people_count']} people. "
        f"Roles gained: {radius['gained_count']}."
    )


def _members(group: dict[str, Any]) -> str:
    return f"{group['added_count']} come, {group['removed_count']} go, {group['member_count']} left"
