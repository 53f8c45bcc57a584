"""How long does the first synchronisation of a whole organisation take, and is it as fast at its end as at its start?

    python first_sync.py http://127.0.0.1:8080/scim/v2 TOKEN --users 100000 --groups 5000 --memberships 1000000

An identity provider that is switched on pushes everybody: POST /Users, POST /Groups without members, then PATCHes that
add members, at most 500 at a time, over 32 connections. A few groups are very large and most are small, as in real
organisations: the n-th largest has a share of n^-0.7. PATCHes come in a random order with a fixed seed, so that the
first tenth of each phase asks for the same kind of work as the last.

Afterwards it counts users and groups, and compares the members of the largest group and of some others with what was
sent. The server must start empty. Standard library only; `scim_load.py` must stand beside this file.
"""

import argparse
import asyncio
import json
import random
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

from scim_load import GROUP, PATCH, USER, Conn, rss_mib

SKEW = 0.7
COMPARED_GROUPS = 20
SEED = 7

Step = Callable[[Conn, int], Awaitable[tuple[int, int]]]
"""Does the work of one index over a connection. Returns the status, and for how many items that stands."""


@dataclass
class Phase:
    """What one phase did: when how many items were done, and which requests failed."""

    name: str
    done: list[tuple[float, int]] = field(default_factory=list)
    took: list[float] = field(default_factory=list)
    """Seconds that each request which succeeded has taken."""
    failed: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0

    def summary(self, memory: float | None) -> dict[str, Any]:
        """Return the figures of the phase. Rates are items a second."""
        items = sum(count for _, count in self.done)
        return {
            "phase": self.name,
            "requests": len(self.done),
            "items": items,
            "seconds": round(self.seconds, 3),
            "rate": round(items / self.seconds, 1),
            "first_tenth_rate": self._rate(0.0, 0.1, items),
            "last_tenth_rate": self._rate(0.9, 1.0, items),
            "failed": self.failed or None,
            "rss_mib": memory,
            "p50_ms": _percentile(self.took, 50),
            "p99_ms": _percentile(self.took, 99),
        }

    def _rate(self, start: float, end: float, items: int) -> float | None:
        """Return the rate between two parts of the items, each counted when its request was answered."""
        began, counted, first = 0.0, 0, None
        for at, count in sorted(self.done):
            counted += count
            if counted <= items * start:
                began = at
                first = counted
            elif counted >= items * end:
                within = counted - (first or 0)
                return round(within / (at - began), 1) if at > began else None
        return None


def _percentile(seconds: Sequence[float], percent: int) -> float | None:
    """Return a percentile in milliseconds, or None of nothing."""
    ordered = sorted(seconds)
    return round(ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] * 1000, 2) if ordered else None


class Sync:
    """One first synchronisation."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.random = random.Random(SEED)
        self.user_ids: list[str] = [""] * options.users
        self.group_ids: list[str] = [""] * options.groups
        self.phases: list[dict[str, Any]] = []
        self.members: list[list[str]] = []

    async def run(self) -> dict[str, Any]:
        """Push everything, look at what has arrived, and return the figures."""
        sizes = group_sizes(self.options.groups, self.options.memberships, self.options.users)
        started = time.perf_counter()
        start_memory = rss_mib(self.options.pid)
        await self.phase("users", self.options.users, self.create_user)
        await self.push_groups()
        members = self.members = [self.random.sample(self.user_ids, size) for size in sizes]
        chunks = [
            (group, group_members[start : start + self.options.chunk])
            for group, group_members in enumerate(members)
            for start in range(0, len(group_members), self.options.chunk)
        ]
        self.random.shuffle(chunks)

        async def add(connection: Conn, index: int) -> tuple[int, int]:
            return await self.add_members(connection, *chunks[index])

        await self.phase("memberships", len(chunks), add)
        seconds = time.perf_counter() - started
        return {
            "users": self.options.users,
            "groups": self.options.groups,
            "memberships": sum(sizes),
            "largest_group": max(sizes),
            "connections": self.options.connections,
            "chunk": self.options.chunk,
            "seconds": round(seconds, 2),
            "phases": self.phases,
            "rss_mib_at_start": start_memory,
            "rss_mib_peak": peak_mib(self.options.pid),
            "wrong": await self.what_is_wrong(members),
        }

    async def push_groups(self) -> None:
        """Create the groups, without members."""
        await self.phase("groups", self.options.groups, self.create_group)

    async def phase(self, name: str, count: int, step: Step) -> None:
        """Do a step for each index below `count`, in order, over all connections."""
        phase = Phase(name)
        indexes = iter(range(count))
        started = time.perf_counter()

        async def work() -> None:
            connection = Conn(self.options.base, self.options.token, self.options.timeout)
            try:
                for index in indexes:
                    begun = time.perf_counter()
                    try:
                        status, items = await step(connection, index)
                    except (OSError, asyncio.IncompleteReadError) as error:
                        phase.failed[type(error).__name__] = phase.failed.get(type(error).__name__, 0) + 1
                        continue
                    if 200 <= status < 300:
                        ended = time.perf_counter()
                        phase.done.append((ended - started, items))
                        phase.took.append(ended - begun)
                    else:
                        phase.failed[str(status)] = phase.failed.get(str(status), 0) + 1
            finally:
                connection.close()

        await asyncio.gather(*(work() for _ in range(self.options.connections)))
        phase.seconds = time.perf_counter() - started
        if not phase.done:
            sys.exit(f"{name}: no request succeeded: {phase.failed}")
        summary = phase.summary(rss_mib(self.options.pid))
        self.phases.append(summary)
        print(
            f"{name:12} {summary['items']:>9,} in {phase.seconds:8.1f} s  {summary['rate']:>10,.0f}/s  first tenth "
            f"{summary['first_tenth_rate']}/s  last tenth {summary['last_tenth_rate']}/s  rss {summary['rss_mib']} MiB"
            f"{'  FAILED ' + json.dumps(phase.failed) if phase.failed else ''}",
            flush=True,
        )

    async def create_user(self, connection: Conn, index: int) -> tuple[int, int]:
        """Create a user with what Okta sends of one."""
        name = f"user{index}@example.com"
        user = {
            "schemas": [USER],
            "userName": name,
            "name": {"givenName": f"Given{index}", "familyName": f"Family{index}"},
            "emails": [{"primary": True, "value": name, "type": "work"}],
            "displayName": f"Given{index} Family{index}",
            "locale": "en-US",
            "externalId": f"00u{index:017}",
            "groups": [],
            "active": True,
        }
        status, body = await connection.req("POST", "/Users", user)
        if status == HTTPStatus.CREATED:
            self.user_ids[index] = json.loads(body)["id"]
        return status, 1

    def group_name(self, index: int) -> str:
        """Return what a group is called."""
        return f"Group {index}"

    async def create_group(self, connection: Conn, index: int) -> tuple[int, int]:
        """Create an empty group."""
        body = {"schemas": [GROUP], "displayName": self.group_name(index), "members": []}
        status, answer = await connection.req("POST", "/Groups", body)
        if status == HTTPStatus.CREATED:
            self.group_ids[index] = json.loads(answer)["id"]
        return status, 1

    async def add_members(self, connection: Conn, group: int, members: Sequence[str]) -> tuple[int, int]:
        """Add members to a group."""
        operation = {"op": "add", "path": "members", "value": [{"value": member} for member in members]}
        path = f"/Groups/{self.group_ids[group]}"
        status, _ = await connection.req("PATCH", path, {"schemas": [PATCH], "Operations": [operation]})
        return status, len(members)

    async def what_is_wrong(self, members: Sequence[Sequence[str]]) -> list[str]:
        """Return what the server has kept otherwise than it was sent, in sentences."""
        connection = Conn(self.options.base, self.options.token, self.options.timeout)
        wrong = []
        try:
            for kind, sent in (("Users", self.options.users), ("Groups", self.options.groups)):
                _, body = await connection.req("GET", f"/{kind}?count=0")
                if (kept := json.loads(body).get("totalResults")) != sent:
                    wrong.append(f"{kind}: {sent} sent, {kept} kept.")
            groups = range(len(members))
            for group in {0, *self.random.sample(groups, min(COMPARED_GROUPS, len(groups)))}:
                _, body = await connection.req("GET", f"/Groups/{self.group_ids[group]}")
                kept_members = {member["value"] for member in json.loads(body).get("members", [])}
                if kept_members != set(members[group]):
                    wrong.append(f"Group {group}: {len(members[group])} members sent, {len(kept_members)} kept.")
        finally:
            connection.close()
        return wrong


def group_sizes(groups: int, memberships: int, users: int) -> list[int]:
    """Return how many members each group gets, largest first: `memberships` in all, unless that is not possible."""
    shares = [(number + 1) ** -SKEW for number in range(groups)]
    scale = memberships / sum(shares)
    sizes = [min(users, int(share * scale)) for share in shares]
    missing = memberships - sum(sizes)
    while missing > 0 and min(sizes) < users:
        for number, size in enumerate(sizes):
            if missing > 0 and size < users:
                sizes[number] += 1
                missing -= 1
    return sizes


def peak_mib(pid: str | None) -> float | None:
    """Return the most memory that a process had resident so far, in MiB."""
    if pid is None:
        return None
    for line in Path(f"/proc/{pid}/status").read_text("utf-8").splitlines():
        if line.startswith("VmHWM:"):
            return round(int(line.split()[1]) / 1024, 1)
    return None


def parse_options(description: str | None) -> argparse.Namespace:
    """Return what was asked for on the command line."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("base", help="where SCIM is, with its path")
    parser.add_argument("token", help="bearer token")
    parser.add_argument("--users", type=int, default=100_000)
    parser.add_argument("--groups", type=int, default=5_000)
    parser.add_argument("--memberships", type=int, default=1_000_000)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--chunk", type=int, default=500, help="members added in one PATCH, at most")
    parser.add_argument("--timeout", type=float, default=60, help="seconds that one request may take")
    parser.add_argument("--pid", help="the server's process, for its memory")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    return parser.parse_args()


def report(options: argparse.Namespace, result: dict[str, Any]) -> int:
    """Write the figures down, print what they come to, and return 1 when something was not kept."""
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    print(f"in all {result['seconds']} s, {result['rss_mib_peak']} MiB at most")
    for sentence in result["wrong"]:
        print(sentence, file=sys.stderr)
    return 1 if result["wrong"] or any(phase["failed"] for phase in result["phases"]) else 0


def main() -> int:
    """Run it, print the figures, and fail when something was not kept."""
    options = parse_options(__doc__)
    return report(options, asyncio.run(Sync(options).run()))


if __name__ == "__main__":
    sys.exit(main())
