"""What does the first synchronisation of a whole organisation cost when every group is mapped, and a day of changes?

    python mapped_sync.py http://127.0.0.1:8080/scim/v2 KEY --users 100000 --groups 5000 --memberships 1000000

The same push as that of `first_sync.py`, with a key of an administrator, who first makes a team for every hundred
groups and mappings for all of them: a third of the groups is mapped by id, a third by name, and a third by patterns, one
for each team. So each membership gives a role in a team, and most users come to hold many, some of them from several
groups.

Then follows a day on which one percent changes: of the users some join, some leave (deactivated or deleted) and some
are renamed, and of the memberships as many are removed as added, one by one, in a random order over all connections.

Afterwards it compares the roles of some thousand users with what the groups must have given them by a model of its own,
and counts those of each team. The server must start empty. Standard library only; `first_sync.py` and `scim_load.py`
must stand beside this file.
"""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from first_sync import Sync, parse_options, report
from scim_load import PATCH, USER, Conn

GROUPS_OF_A_TEAM = 100
ROLES = ("operator", "viewer", "watcher")
PATTERN_ROLE = "viewer"
DAY = 0.01
"""Which part changes in one day."""
COMPARED_USERS = 2_000
KINDS = ("ID", "NAME", "PATTERN")

Change = Callable[[Conn], Awaitable[int]]
"""Makes one change, and returns the status."""


class MappedSync(Sync):
    """One first synchronisation with everything mapped, and the day after it."""

    async def run(self) -> dict[str, Any]:
        """Push everything, then a day of changes; look at who holds what, and return the figures."""
        parts = urlsplit(self.options.base)
        self.api = urlunsplit((parts.scheme, parts.netloc, "/api/v1", "", ""))
        self.team_ids = [""] * (-(-self.options.groups // GROUPS_OF_A_TEAM))
        self.gone: set[str] = set()
        result = await super().run()
        for kind, changes in self.plan_day().items():

            async def make(connection: Conn, index: int, changes: list[Change] = changes) -> tuple[int, int]:
                return await changes[index](connection), 1

            await self.phase(f"day: {kind}", len(changes), make)
        wrong, held = await self.compare()
        result["wrong"] += wrong
        return result | {"assignments_of_compared": held}

    async def push_groups(self) -> None:
        """Make teams and mappings, and the groups between them: an id can be mapped when the group is there."""
        await self.phase("teams", len(self.team_ids), self.create_team)
        by_name = [index for index in range(self.options.groups) if self.kind_of(index) == "NAME"]
        by_id = [index for index in range(self.options.groups) if self.kind_of(index) == "ID"]
        await self.phase("mappings by pattern", len(self.team_ids), self.map_team)
        await self.phase("mappings by name", len(by_name), lambda conn, at: self.map_group(conn, by_name[at]))
        await super().push_groups()
        await self.phase("mappings by id", len(by_id), lambda conn, at: self.map_group(conn, by_id[at]))

    def kind_of(self, index: int) -> str:
        """Return by what a group is mapped: each kind in each team, among large and small groups."""
        return KINDS[(index + index // len(self.team_ids)) % len(KINDS)]

    def team_of(self, index: int) -> int:
        """Return the number of the team that a group gives a role in: large and small groups share each."""
        return index % len(self.team_ids)

    def role_of(self, index: int) -> str:
        """Return the role that a group gives."""
        return PATTERN_ROLE if self.kind_of(index) == "PATTERN" else ROLES[index // len(self.team_ids) % len(ROLES)]

    def group_name(self, index: int) -> str:
        """Return what a group is called: those that a pattern maps bear the name of their team."""
        return f"Team {self.team_of(index)} {self.kind_of(index).lower()} {index}"

    async def create_team(self, _connection: Conn, index: int) -> tuple[int, int]:
        """Make a team that sees everything."""
        status, body = await self.ask("POST", "/teams", {"name": f"Team {index}", "policy_type": "UNBOUND"})
        if status < HTTPStatus.MULTIPLE_CHOICES:
            self.team_ids[index] = json.loads(body)["value"]["id"]
        return status, 1

    async def map_team(self, _connection: Conn, index: int) -> tuple[int, int]:
        """Map all groups whose name begins with that of the team and is of the third kind."""
        return await self.map("PATTERN", f"Team {index} pattern .*", index, PATTERN_ROLE)

    async def map_group(self, _connection: Conn, index: int) -> tuple[int, int]:
        """Map one group."""
        kind = self.kind_of(index)
        value = self.group_ids[index] if kind == "ID" else self.group_name(index)
        return await self.map(kind, value, self.team_of(index), self.role_of(index))

    async def map(self, kind: str, value: str, team: int, role: str) -> tuple[int, int]:
        """Make a mapping."""
        target = {"team_id": self.team_ids[team], "role_id": role}
        body = {"source": "SCIM_GROUP", "match_kind": kind, "match_value": value, "assignments": [target]}
        status, _ = await self.ask("POST", "/mappings", body)
        return status, 1

    async def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> tuple[int, bytes]:
        """Call the REST API over a connection of its own."""
        connection = Conn(self.api, self.options.token, self.options.timeout, "application/json")
        try:
            status, answer = await connection.req(method, path, body)
        finally:
            connection.close()
        return int(status), answer

    def plan_day(self) -> dict[str, list[Change]]:
        """Return what changes, by kind, and note in the model what will come of it.

        No two changes of one kind concern the same membership or user, so their order does not matter.
        """
        count = max(4, int(self.options.users * DAY))
        chosen = self.random.sample(self.user_ids, count)
        fourth = count // 4
        deactivated, deleted, renamed = (chosen[at * fourth : (at + 1) * fourth] for at in range(3))
        moves = max(1, int(self.options.memberships * DAY / 2))
        staying = sorted(set(self.user_ids) - set(deleted))
        added, removed = self.plan_moves(moves, staying)
        joined = [f"joiner{at}@example.com" for at in range(fourth)]
        changes = {
            "join": [self.create_joiner(name) for name in joined],
            "rename": [self.patch_user(user, "displayName", f"Renamed {user}") for user in renamed],
            "deactivate": [self.patch_user(user, "active", value=False) for user in deactivated],
            "add and remove members": [*added, *removed],
            "delete": [self.delete_user(user) for user in deleted],
        }
        self.random.shuffle(changes["add and remove members"])
        self.gone = set(deleted)
        return changes

    def plan_moves(self, count: int, staying: list[str]) -> tuple[list[Change], list[Change]]:
        """Choose memberships that come and others that go, and let the model have them so."""
        held = [set(members) for members in self.members]
        stays = set(staying)
        filled = [group for group, members in enumerate(held) if members]
        coming: set[tuple[int, str]] = set()
        going: set[tuple[int, str]] = set()
        while len(coming) < count:
            group, user = self.random.randrange(len(held)), self.random.choice(staying)
            if user not in held[group]:
                coming.add((group, user))
        while len(going) < count:
            group = self.random.choice(filled)
            user = self.random.choice(self.members[group])
            if user in stays:
                going.add((group, user))
        for group, user in coming:
            held[group].add(user)
        for group, user in going:
            held[group].discard(user)
        self.members = [sorted(members) for members in held]
        adds = [self.patch_member(*each, op="add") for each in sorted(coming)]
        removals = [self.patch_member(*each, op="remove") for each in sorted(going)]
        return adds, removals

    def create_joiner(self, name: str) -> Change:
        """Return what creates a user."""
        user = {"schemas": [USER], "userName": name, "displayName": name, "active": True}

        async def change(connection: Conn) -> int:
            return int((await connection.req("POST", "/Users", user))[0])

        return change

    def patch_user(self, user: str, attribute: str, value: object) -> Change:
        """Return what changes one attribute of a user."""
        operation = {"op": "replace", "path": attribute, "value": value}

        async def change(connection: Conn) -> int:
            body = {"schemas": [PATCH], "Operations": [operation]}
            return int((await connection.req("PATCH", f"/Users/{user}", body))[0])

        return change

    def patch_member(self, group: int, user: str, *, op: str) -> Change:
        """Return what makes a user a member, or ends that."""
        path = "members" if op == "add" else f'members[value eq "{user}"]'
        operation: dict[str, Any] = {"op": op, "path": path}
        if op == "add":
            operation["value"] = [{"value": user}]

        async def change(connection: Conn) -> int:
            body = {"schemas": [PATCH], "Operations": [operation]}
            return int((await connection.req("PATCH", f"/Groups/{self.group_ids[group]}", body))[0])

        return change

    def delete_user(self, user: str) -> Change:
        """Return what deletes a user."""

        async def change(connection: Conn) -> int:
            return int((await connection.req("DELETE", f"/Users/{user}"))[0])

        return change

    async def compare(self) -> tuple[list[str], int]:
        """Return, in sentences, who holds something else than its groups give; and how much was compared."""
        wanted: dict[str, set[tuple[str, str]]] = {user: set() for user in self.user_ids}
        for index, members in enumerate(self.members):
            given = (self.team_ids[self.team_of(index)], self.role_of(index))
            for user in members:
                wanted[user].add(given)
        compared = self.random.sample(self.user_ids, min(COMPARED_USERS, len(self.user_ids)))
        wrong, held = [], 0
        connection = Conn(self.api, self.options.token, self.options.timeout, "application/json")
        try:
            for user in {*compared, *self.gone}:  # whoever has gone is always looked at
                status, body = await connection.req("GET", f"/users/{user}")
                if user in self.gone:
                    if status != HTTPStatus.NOT_FOUND:
                        wrong.append(f"User {user} was deleted, and is answered with {status}.")
                    continue
                roles = {(each["team_id"], each["role_id"]) for each in json.loads(body)["value"]["team_roles"]}
                held += len(roles)
                if roles != wanted[user]:
                    wrong.append(f"User {user}: {len(wanted[user])} roles wanted, {len(roles)} held.")
            wrong += await self.compare_teams(connection, wanted)
        finally:
            connection.close()
        return wrong, held

    async def compare_teams(self, connection: Conn, wanted: Mapping[str, set[tuple[str, str]]]) -> list[str]:
        """Return which teams have another number of users than the groups give them."""
        users: dict[str, set[str]] = {}
        for user, roles in wanted.items():
            if user not in self.gone:
                for team, _role in roles:
                    users.setdefault(team, set()).add(user)
        wrong = []
        for team in self.team_ids:
            _, body = await connection.req("GET", f"/teams/{team}")
            count = json.loads(body)["value"]["user_count"]
            if count != len(users.get(team, ())):
                wrong.append(f"Team {team}: {len(users.get(team, ()))} users wanted, {count} held.")
        return wrong


def main() -> int:
    """Run it, print the figures, and fail when something was not kept, or not given."""
    options = parse_options(__doc__)
    return report(options, asyncio.run(MappedSync(options).run()))


if __name__ == "__main__":
    sys.exit(main())
