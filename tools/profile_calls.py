"""Where does the time of a SCIM call go?

`python -m tools.profile_calls` sends calls to Rolecall within one process, on SQLite and on PostgreSQL, watches them by
Python's profiler, and writes docs/reference/where-the-time-goes.md. What the profiler itself costs falls on the many
small functions more than on the few large ones; the time of each call is taken without it.
"""

import argparse
import asyncio
import cProfile
import itertools
import json
import pstats
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from starlette.types import ASGIApp, Message

from rolecall.main import build, close
from rolecall.settings import load_settings
from rolecall.telemetry.logging import configure_logging
from tests.make.databases import Database, fresh_postgresql, fresh_sqlite, postgresql_server
from tests.make.served import environment, rolecall_command

PAGE: Final = Path(__file__).resolve().parent.parent / "docs" / "reference" / "where-the-time-goes.md"
GROUP: Final = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH: Final = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
USER: Final = "urn:ietf:params:scim:schemas:core:2.0:User"
AT_ONCE: Final = 32
PARTS: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("waiting for the database", ("'select.epoll'",)),
    ("SQLite", ("sqlite3.",)),
    ("psycopg", ("/psycopg", "psycopg_")),
    ("the event loop", ("/asyncio/", "/selectors.py", "/rolecall/storage/turn", "greenlet")),
    ("storage", ("/rolecall/storage/",)),
    ("SCIM: parsing and rendering", ("/rolecall/scim/", "/rolecall/kernel/", "orjson")),
    (
        "SCIM over HTTP, admission, audit",
        ("/rolecall/api/", "/rolecall/http/", "/rolecall/events/", "/rolecall/telemetry"),
    ),
    ("rules", ("/rolecall/directory/", "/rolecall/mapping/", "/rolecall/authentication/", "/rolecall/")),
)
"""What a function counts to, by what its place or name contains; the first that fits. All else is Python's own."""
REST: Final = "Python's own"

Call = Callable[[str, str, bytes, object], Awaitable[dict[str, Any]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What one kind of call costs."""

    microseconds: float
    """Wall time of a call among others, without the profiler."""
    shares: Mapping[str, float]
    """Of the time that the profiler saw, by part."""


def main() -> int:
    """Measure on both databases, and write the page."""
    options = _parse_options()
    configure_logging(form="text", level="error")
    found = {}
    with fresh_sqlite() as database:
        found["SQLite"] = _measure(database, options.users, options.calls)
    with postgresql_server() as server, fresh_postgresql(server) as database:
        found["PostgreSQL"] = _measure(database, options.users, options.calls)
    PAGE.write_text(_render(found, options), "utf-8")
    print(f"Wrote {PAGE.name}.")
    return 0


def _measure(database: Database, users: int, calls: int) -> dict[str, Profile]:
    with tempfile.TemporaryDirectory() as directory:
        where = ("--data-dir", directory, "--database-url", database.plain_url)
        command = [*rolecall_command(), "admin", "scim-setup", *where, "--json"]
        answer = subprocess.run(command, env=environment(), check=True, capture_output=True)
        rolecall = build(load_settings({"data_dir": directory, "database_url": database.plain_url}))
        try:
            return asyncio.run(_profile_all(rolecall.app, json.loads(answer.stdout)["api_key"], users, calls))
        finally:
            close(rolecall)


async def _profile_all(app: ASGIApp, key: str, users: int, calls: int) -> dict[str, Profile]:
    call = _caller(app, key)
    ids: list[str] = []
    joiners = itertools.count(users)

    async def create(number: int) -> None:
        name = f"load-{number}@example.com"
        body = {"schemas": [USER], "userName": name, "name": {"givenName": "Given", "familyName": f"Family {number}"}}
        ids.append((await call("POST", "/Users", b"", body))["id"])

    await _at_once(create, users)
    group = (await call("POST", "/Groups", b"", {"schemas": [GROUP], "displayName": "all"}))["id"]

    async def patch(where: str, **operation: object) -> None:
        await call("PATCH", where, b"", {"schemas": [PATCH], "Operations": [operation]})

    async def switch(number: int) -> None:
        active = bool(number // len(ids) % 2)
        await patch(f"/Users/{ids[number % len(ids)]}", op="replace", path="active", value=active)

    async def move(number: int) -> None:
        member = ids[number % len(ids)]
        if number // len(ids) % 2:
            await patch(f"/Groups/{group}", op="remove", path=f'members[value eq "{member}"]')
        else:
            await patch(f"/Groups/{group}", op="add", path="members", value=[{"value": member}])

    def name_filter(number: int) -> bytes:
        return urlencode({"filter": f'userName eq "load-{number}@example.com"'}).encode()

    kinds: dict[str, Callable[[int], Awaitable[Any]]] = {
        "GET by id": lambda number: call("GET", f"/Users/{ids[number % len(ids)]}", b"", None),
        "Filter": lambda number: call("GET", "/Users", name_filter(number % len(ids)), None),
        "Page of 100": lambda number: call("GET", "/Users", b"startIndex=%d&count=100" % (number % len(ids)), None),
        "Create user": lambda _number: create(next(joiners)),
        "PATCH `active`": switch,
        "Add or remove a member": move,
    }
    return {name: await _profile(one, calls) for name, one in kinds.items()}


async def _profile(one: Callable[[int], Awaitable[Any]], calls: int) -> Profile:
    await _at_once(one, calls // 10)
    started = time.perf_counter()
    await _at_once(one, calls)
    microseconds = (time.perf_counter() - started) / calls * 1e6
    profiler = cProfile.Profile()
    profiler.enable()
    await _at_once(one, calls)
    profiler.disable()
    seconds = dict.fromkeys([*(name for name, _ in PARTS), REST], 0.0)
    for (file, _line, name), row in pstats.Stats(profiler).stats.items():  # type: ignore[attr-defined]  # not in its types
        seconds[_part_of(f"{file} {name}")] += row[2]
    total = sum(seconds.values())
    return Profile(microseconds=microseconds, shares={name: spent / total for name, spent in seconds.items()})


def _part_of(place: str) -> str:
    return next((name for name, signs in PARTS if any(sign in place for sign in signs)), REST)


async def _at_once(one: Callable[[int], Awaitable[Any]], calls: int) -> None:
    numbers = iter(range(calls))

    async def work() -> None:
        for number in numbers:
            await one(number)

    await asyncio.gather(*(work() for _ in range(AT_ONCE)))


def _caller(app: ASGIApp, key: str) -> Call:
    """Return what sends a call to the application as a server would, and returns the document of the answer."""

    async def call(method: str, path: str, query: bytes, document: object) -> dict[str, Any]:
        body = b"" if document is None else json.dumps(document).encode()
        said: list[Message] = []
        left = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> Message:
            return left.pop() if left else await asyncio.Future()

        async def send(message: Message) -> None:
            said.append(message)

        headers = [
            (b"host", b"localhost"),
            (b"authorization", b"Bearer " + key.encode()),
            (b"content-type", b"application/scim+json"),
            (b"content-length", str(len(body)).encode()),
        ]
        whole = f"/scim/v2{path}"
        scope: dict[str, Any] = {"type": "http", "method": method, "path": whole, "raw_path": whole.encode()}
        scope |= {"query_string": query}
        scope |= {"root_path": "", "headers": headers, "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80)}
        scope |= {"scheme": "http", "http_version": "1.1", "asgi": {"version": "3.0"}}
        await app(scope, receive, send)
        answered = b"".join(message.get("body", b"") for message in said[1:])
        if said[0]["status"] >= 300:  # noqa: PLR2004  # whatever is no success
            raise SystemExit(f"{method} {path}: {said[0]['status']} {answered.decode()}")
        return dict(json.loads(answered)) if answered else {}

    return call


def _render(found: Mapping[str, Mapping[str, Profile]], options: argparse.Namespace) -> str:
    about = (
        f"{options.calls:,} calls of each kind, {AT_ONCE} at once, among {options.users:,} users, within one process: "
        "without sockets and HTTP parsing. Shares of the time that Python's profiler saw in the event loop's thread; "
        "the microseconds of a call are taken without the profiler."
    )
    note = "<!-- Written by `python -m tools.profile_calls` from what it measured. Do not edit. -->"
    lines = ["# Where the time of a SCIM call goes", "", note, "", about]
    for database, profiles in found.items():
        parts: Sequence[str] = [*(name for name, _ in PARTS), REST]
        lines += ["", f"## {database}", "", f"| Part | {' | '.join(profiles)} |", f"| --- |{' --: |' * len(profiles)}"]
        for part in parts:
            shares = [profile.shares[part] for profile in profiles.values()]
            if any(shares):
                lines.append(f"| {part} | {' | '.join(f'{share:.0%}' for share in shares)} |")
        costs = " | ".join(f"{profile.microseconds:,.0f} µs" for profile in profiles.values())
        lines.append(f"| **a call takes** | {costs} |")
    return "\n".join([*lines, ""])


def _parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=2_000)
    parser.add_argument("--calls", type=int, default=4_000, help="calls of each kind")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
