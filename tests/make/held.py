"""How does a test push as a SCIM connection does, past its guard?"""

import base64
import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from rolecall.connections import connections
from rolecall.connections.guard.losses import Guard
from rolecall.connections.held.model import Sent
from rolecall.directory import groups
from rolecall.directory.model import DEFAULT_CONNECTION, Expected, GroupId, RemoveMembers, UserId
from rolecall.storage.secrets import KeyRing
from tests.make.actors import PROVISIONER
from tests.make.directory import ANY_VERSION, pushed_group, pushed_user
from tests.make.mapping import mapping
from tests.make.transactions import Installed

PROVIDER = replace(PROVISIONER, connection_id=DEFAULT_CONNECTION)
KEYS = KeyRing(
    Path("nowhere"),
    json.dumps(
        {
            "format": 1,
            "primary": "k1",
            "keys": {
                "k1": {"created_at": "2026-11-24T10:00:00Z", "secret": base64.b64encode(b"0" * 32).decode()},
            },
        }
    ),
)
_numbers = itertools.count()


def limited(installed: Installed, people: int, percent: int = 0) -> None:
    """Let the default connection take something from so many."""
    installed.change(
        connections.change_connection,
        DEFAULT_CONNECTION,
        lambda draft: replace(draft, guard_people=people, guard_percent=percent),
        Expected(),
    )


def push(installed: Installed, use_case: Callable[..., Any], *arguments: Any, sent: Sent | None = None) -> Any:
    """Make a change as a call of the default connection makes it; unless told otherwise, it was sent never before."""
    once = sent or Sent(method="PATCH", path="/scim/v2/Groups/g", body=b"%d" % next(_numbers))
    change = Guard(keys=KEYS).over(lambda tx: use_case(tx, *arguments), lambda: once)
    return installed.change(change, actor=PROVIDER)


def move(installed: Installed, group: GroupId, *steps: Any, sent: Sent | None = None) -> Any:
    """Change a group as a connection does."""
    return push(installed, partial(groups.change_group, with_members=False), group, steps, ANY_VERSION, sent=sent)


def remove(installed: Installed, group: GroupId, *members: UserId, sent: Sent | None = None) -> Any:
    """Remove members as a connection does."""
    return move(installed, group, RemoveMembers(operation=0, members=members), sent=sent)


def staffed(installed: Installed, count: int, name: str = "Staff") -> tuple[GroupId, list[UserId]]:
    """Push users and a group that gives them a role."""
    mapping(installed, name)
    members = [pushed_user(installed, f"{name}{number}") for number in range(count)]
    return pushed_group(installed, name, *members), members
