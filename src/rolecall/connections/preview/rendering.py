"""How does a blast radius stand in JSON?"""

from collections.abc import Iterable
from itertools import islice
from typing import Any, Final

from rolecall.connections.preview.model import AccessChange, GroupChange, Radius, UserChange

MOST_LISTED: Final = 10_000
"""So many users, groups, gains and losses are listed at most; they are counted all."""


def radius_document(radius: Radius, *, most: int = MOST_LISTED) -> dict[str, Any]:
    """Return a radius as JSON has it, with at most so many entries in each list."""
    users = [each.change for each in radius.users]
    groups = [each.change for each in radius.groups]
    lists = (radius.users, radius.groups, radius.gained, radius.lost)
    return {
        "user_counts": {change.value: users.count(change) for change in UserChange},
        "group_counts": {change.value: groups.count(change) for change in GroupChange},
        "gained_count": len(radius.gained),
        "lost_count": len(radius.lost),
        "losing_people_count": len(radius.losing),
        "users": [
            {"user_id": each.user_id, "user_name": each.user_name, "change": each.change.value}
            for each in radius.users[:most]
        ],
        "groups": [
            {
                "group_id": each.group_id,
                "display_name": each.display_name,
                "change": each.change.value,
                "added_count": each.added,
                "removed_count": each.removed,
                "member_count": each.members,
            }
            for each in radius.groups[:most]
        ],
        "gained": _access_documents(radius.gained, most),
        "lost": _access_documents(radius.lost, most),
        "is_complete": all(len(each) <= most for each in lists),
    }


def _access_documents(changes: Iterable[AccessChange], most: int) -> list[dict[str, Any]]:
    return [
        {
            "user_id": each.user_id,
            "user_name": each.user_name,
            "team_id": each.team_id,
            "team_name": each.team_name,
            "role_id": each.role,
            "role_name": each.role_name,
        }
        for each in islice(changes, most)
    ]
