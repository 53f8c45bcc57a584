"""What does the guard of a SCIM connection cost one removal from a mapped group?

    python guard_cost.py http://127.0.0.1:8080 ADMINISTRATORS_KEY --users 640 --rounds 7

Everybody is removed from a group that gives a role, one PATCH each, over 32 connections, and put back in between: in turns
by a key of no connection, which is not guarded, and by one of the default connection, whose limit is set so high that
nothing is held. The server should start empty; afterwards the default connection keeps that limit and a new credential.
Standard library only; `scim_load.py` must stand beside this file.
"""

import argparse
import asyncio
import json
import statistics
import time
import uuid
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from scim_load import GROUP, PATCH, USER, Conn

DEFAULT_CONNECTION = "00000000-0000-7000-8000-000000000002"
ROOT_TEAM = "00000000-0000-7000-8000-000000000001"
CLIENTS = 32
NO_LIMIT = 2**31
MICROSECONDS = 1_000_000


def main() -> None:
    """Measure in turns, and print the medians."""
    options = _parse_options()
    without, guarded = asyncio.run(measure(options))
    differences = [there - here for here, there in zip(without, guarded, strict=True)]
    print(f"{options.users} removals a round, {options.rounds} rounds each, {CLIENTS} clients; microseconds a removal")
    for name, figures in (("without guard", without), ("with guard", guarded), ("difference", differences)):
        print(f"{name:14}  median {statistics.median(figures):8,.0f}  from {min(figures):8,.0f} to {max(figures):8,.0f}")


async def measure(options: argparse.Namespace) -> tuple[list[float], list[float]]:
    """Return, round by round, how many microseconds a removal took without the guard and with it."""
    key = await _prepare(options)
    users, group = await _push(options)
    figures: dict[str, list[float]] = {options.key: [], key: []}
    for number in range(options.rounds):
        # Whoever comes second finds other pages in memory, so they take turns in that too.
        for token in (options.key, key) if number % 2 == 0 else (key, options.key):
            figures[token].append(await _remove_all(options.base, token, group, users))
            await _patch(options, group, {"op": "add", "path": "members", "value": [{"value": each} for each in users]})
    return figures[options.key], figures[key]


async def _remove_all(base: str, token: str, group: str, users: list[str]) -> float:
    waiting = list(users)

    async def work() -> None:
        connection = Conn(f"{base}/scim/v2", token, 60)
        while waiting:
            operation = {"op": "remove", "path": f'members[value eq "{waiting.pop()}"]'}
            status, body = await connection.req("PATCH", group, {"schemas": [PATCH], "Operations": [operation]})
            if status != HTTPStatus.NO_CONTENT:
                raise SystemExit(f"A removal was answered {status}: {body!r}")
        connection.close()

    started = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(CLIENTS)))
    return (time.perf_counter() - started) / len(users) * MICROSECONDS


async def _prepare(options: argparse.Namespace) -> str:
    """Set the limit out of reach, map the group, and return a credential of the default connection."""
    path = f"/api/v1/scim_connections/{DEFAULT_CONNECTION}"
    await _ask(options, "PATCH", path, {"state": "ON", "guard_people": NO_LIMIT, "guard_percent": 0})
    mapping = {
        "source": "SCIM_GROUP",
        "match_kind": "NAME",
        "match_value": options.name,
        "assignments": [{"team_id": ROOT_TEAM, "role_id": "viewer"}],
    }
    await _ask(options, "POST", "/api/v1/mappings", mapping)
    made = await _ask(options, "POST", f"{path}:rotate", {})
    return str(made["value"]["access_key"])


async def _push(options: argparse.Namespace) -> tuple[list[str], str]:
    users = []
    for number in range(options.users):
        body = {"schemas": [USER], "userName": f"{options.name}-{number}"}
        users.append(str((await _ask(options, "POST", "/scim/v2/Users", body))["id"]))
    members = [{"value": each} for each in users]
    body = {"schemas": [GROUP], "displayName": options.name, "members": members}
    return users, f"/Groups/{(await _ask(options, 'POST', '/scim/v2/Groups', body))['id']}"


async def _patch(options: argparse.Namespace, group: str, operation: Mapping[str, Any]) -> None:
    await _ask(options, "PATCH", f"/scim/v2{group}", {"schemas": [PATCH], "Operations": [operation]})


async def _ask(options: argparse.Namespace, method: str, path: str, body: Mapping[str, Any]) -> Any:
    connection = Conn(options.base, options.key, 60, "application/json")
    try:
        status, answer = await connection.req(method, path, body)
    finally:
        connection.close()
    if status >= HTTPStatus.MULTIPLE_CHOICES:
        raise SystemExit(f"{method} {path} was answered {status}: {answer!r}")
    return json.loads(answer) if answer else None


def _parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("base", help="where the server answers, without a path")
    parser.add_argument("key", help="of an administrator, of no connection")
    parser.add_argument("--users", type=int, default=640, help="at most as many as are reconciled at once (1000)")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    options.base = options.base.rstrip("/")
    options.name = f"Guarded {uuid.uuid4().hex[:8]}"
    return options


if __name__ == "__main__":
    main()
