"""When 32 clients change groups, users, mappings and roles at once, does everybody hold the union of their sources?

On SQLite one writer runs one change after the other; on PostgreSQL they run at the same time. Jobs go
through slices of reconciliations meanwhile.
"""

import asyncio
import json
import random
import re
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from rolecall.authorization.actions import Action
from rolecall.authorization.roles import RoleId
from rolecall.directory import assignments, groups, installation, provisioned_users, reconcile, roles, teams, users
from rolecall.directory.errors import GroupNameTaken, NoSuchMember
from rolecall.directory.model import (
    ROOT_TEAM,
    AddMembers,
    EditProfile,
    Expected,
    GroupId,
    Held,
    RemoveMembers,
    RoleDraft,
    SourceKind,
    Target,
    TeamId,
    UserId,
)
from rolecall.kernel.errors import DomainError, NotFound, VersionConflict
from rolecall.mapping import mappings
from rolecall.mapping.model import Mapping, MappingDraft, MappingId, MatchKind
from tests.make.actors import ADMINISTRATOR
from tests.make.directory import ANY_VERSION, administrator, group_profile, pushed_group, pushed_user, setting
from tests.make.mapping import draft, finish_reconciling, mapping, team
from tests.make.transactions import Installed

CLIENTS, STEPS_EACH = 32, 12
PEOPLE, ROLES, JOBS = 10, 8, 2
USERS_AT_ONCE, SLICE = 20, 6
"""Few enough that some changes are gone through in slices, and each of those in several."""
NAMES = ("north 1", "north 2", "north 3", "south 1", "south 2", "south 3")
PATTERNS = ("north .*", "south .*", ".* 1")
VALUES = ("x", "y", "z")
REFUSALS = (NotFound, NoSuchMember, GroupNameTaken, VersionConflict)
STEPS = {
    "add": 6,
    "remove": 5,
    "nest": 2,
    "part": 2,
    "rename": 2,
    "create_group": 1,
    "carry": 2,
    "switch": 2,
    "map": 2,
    "widen": 3,
    "unmap": 1,
    "assign": 1,
    "unassign": 1,
}
DELETIONS = (
    "delete_person",
    "delete_person",
    "delete_person",
    "delete_group",
    "delete_group",
    "delete_role",
    "delete_role",
    "delete_team",
)
"""What the first clients do in the midst of it, one each."""


@dataclass(slots=True, kw_only=True)
class Scene:
    """What the clients share, and what the answers that they got imply."""

    installed: Installed
    people: list[UserId]
    teams: list[TeamId]
    groups: list[GroupId]
    roles: list[RoleId]
    targets: dict[MappingId, frozenset[Target]]
    """What each mapping gives, that of deleted roles and teams as well."""
    members: dict[tuple[str, str], bool] = field(default_factory=dict)
    """Group and a client's own user → whether it is a member. Nobody but that client says so."""
    values: dict[UserId, frozenset[str]] = field(default_factory=dict)
    by_hand: dict[tuple[UserId, RoleId], bool] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)
    done: Counter[str] = field(default_factory=Counter)
    refusals: list[DomainError] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Client:
    """Asks for one thing after the other, and knows of the end only what it was answered."""

    scene: Scene
    number: int
    own: UserId
    chance: random.Random
    asked: int = 0

    async def work(self) -> None:
        plan = self.chance.choices(list(STEPS), list(STEPS.values()), k=STEPS_EACH)
        if self.number < len(DELETIONS):
            plan[STEPS_EACH // 2] = DELETIONS[self.number]
        for kind in plan:
            try:
                await getattr(self, kind)()
            except REFUSALS as error:
                self.scene.refusals.append(error)
            else:
                self.scene.done[kind] += 1

    async def add(self):
        group = self._one_of(self.scene.groups)
        await self._change_group(group, AddMembers(operation=0, members=(self.own, self._one_of(self.scene.people))))
        self.scene.members[group, self.own] = True

    async def remove(self):
        group = self._one_of(self.scene.groups)
        await self._change_group(group, RemoveMembers(operation=0, members=(self.own, self._one_of(self.scene.people))))
        self.scene.members[group, self.own] = False

    async def nest(self):
        outer, inner = self._one_of(self.scene.groups), self._one_of(self.scene.groups)
        await self._change_group(outer, AddMembers(operation=0, members=(inner,)))

    async def part(self):
        outer, inner = self._one_of(self.scene.groups), self._one_of(self.scene.groups)
        await self._change_group(outer, RemoveMembers(operation=0, members=(inner,)))

    async def rename(self):
        change = setting(displayName=self._one_of(NAMES))
        await self._change_group(self._one_of(self.scene.groups), EditProfile(change=change))

    async def create_group(self):
        profile = group_profile(f"north {self.number}.{self.asked}")
        created = await self._write(groups.create_group, profile, (self.own,), brief=True)
        self.scene.groups.append(created.id)
        self.scene.members[created.id, self.own] = True

    async def carry(self):
        values = frozenset(self.chance.sample(VALUES, self.chance.randint(0, 2)))
        change = setting(roles=[{"value": value} for value in sorted(values)])
        await self._write(provisioned_users.change_user, self.own, change, ANY_VERSION, brief=True)
        self.scene.values[self.own] = values

    async def switch(self):
        person = self._one_of(self.scene.people)
        if self.chance.random() < 0.5:
            await self._write(users.deactivate_user, person, reason="x")
        else:
            await self._write(users.reactivate_user, person)

    async def map(self):
        said = self._draft()
        made = await self._write(mappings.create_mapping, said)
        self.scene.targets[made.id] = said.targets

    async def widen(self):
        mapping_id, more = self._one_of(list(self.scene.targets)), self._targets()
        expected = ANY_VERSION
        if self.chance.random() < 0.5:
            seen = await self.scene.installed.transactions.read(
                ADMINISTRATOR, lambda tx: mappings.get_mapping(tx, mapping_id)
            )
            expected = Expected(versions=frozenset({seen.version}))
        await self._write(
            mappings.change_mapping, mapping_id, lambda old: replace(old, targets=old.targets | more), expected
        )
        self.scene.targets[mapping_id] |= more

    async def unmap(self):
        await self._delete(mappings.delete_mapping, self._one_of(list(self.scene.targets)), ANY_VERSION)

    async def assign(self):
        role = self._one_of(self.scene.roles)
        await self._write(assignments.assign_role, self.own, role=role)
        self.scene.by_hand[self.own, role] = True

    async def unassign(self):
        role = self._one_of(self.scene.roles)
        await self._write(assignments.remove_role, self.own, role=role)
        self.scene.by_hand[self.own, role] = False

    async def delete_person(self):
        await self._delete(provisioned_users.delete_user, self._one_of(self.scene.people), ANY_VERSION)

    async def delete_group(self):
        await self._delete(groups.delete_group, self._one_of(self.scene.groups), ANY_VERSION)

    async def delete_role(self):
        await self._delete(roles.delete_role, self._one_of(self.scene.roles), ANY_VERSION)

    async def delete_team(self):
        await self._delete(teams.delete_team, self.scene.teams[-1], ANY_VERSION)

    def _draft(self) -> MappingDraft:
        by = self._one_of(list(MatchKind))
        if self.chance.random() < 0.3:
            return draft(self._one_of(VALUES), *self._targets(), source=SourceKind.SCIM_ROLE)
        among = {MatchKind.ID: self.scene.groups, MatchKind.NAME: NAMES, MatchKind.PATTERN: PATTERNS}
        return draft(self._one_of(among[by]), *self._targets(), by=by)

    def _targets(self) -> frozenset[Target]:
        return frozenset(
            Target(team_id=self._one_of(self.scene.teams), role=self._one_of(self.scene.roles)) for _ in range(2)
        )

    def _one_of(self, things):
        return self.chance.choice(things)

    async def _change_group(self, group, step):
        # Brief, as a push of few members is.
        await self._write(groups.change_group, group, (step,), ANY_VERSION, with_members=False, brief=True)

    async def _delete(self, use_case, thing, *arguments):
        await self._write(use_case, thing, *arguments)
        self.scene.deleted.add(thing)

    async def _write(self, use_case, *arguments, brief=False, **named):
        self.asked += 1
        actor = replace(ADMINISTRATOR, request_id=f"client {self.number}.{self.asked}")
        return await self.scene.installed.transactions.write(
            actor, lambda tx: use_case(tx, *arguments, **named), brief=brief
        )


@pytest.fixture
def scene(installed: Installed) -> Scene:
    administrator(installed)
    installed.change(installation.set_users_at_once, USERS_AT_ONCE)
    people = [pushed_user(installed, f"person {number}") for number in range(PEOPLE)]
    chance = random.Random(11)
    pushed: list[GroupId] = []
    for name in NAMES:
        pushed.append(pushed_group(installed, name, *chance.sample(people, 3), *pushed[-1:]))
    may_list = frozenset({Action.USER_LIST})
    made_roles = [
        installed.change(roles.create_role, RoleDraft(name=f"role {number}", actions=may_list)).id
        for number in range(ROLES)
    ]
    standing = [
        mapping(installed, value, Target(team_id=ROOT_TEAM, role=made_roles[number]), by=by, source=source)
        for number, (value, by, source) in enumerate(
            (
                (NAMES[0], MatchKind.NAME, SourceKind.SCIM_GROUP),
                (pushed[-1], MatchKind.ID, SourceKind.SCIM_GROUP),
                (PATTERNS[1], MatchKind.PATTERN, SourceKind.SCIM_GROUP),
                (VALUES[0], MatchKind.NAME, SourceKind.SCIM_ROLE),
            )
        )
    ]
    return Scene(
        installed=installed,
        people=people,
        teams=[ROOT_TEAM, team(installed, "stays").id, team(installed, "goes").id],
        groups=pushed,
        roles=made_roles,
        targets={each.id: each.targets for each in standing},
    )


def test_after_32_clients_at_once_everybody_holds_the_union_of_their_sources(scene):
    installed = scene.installed
    own = [pushed_user(installed, f"own {number}") for number in range(CLIENTS)]
    versions = dict(ask(installed, "SELECT id, version FROM directory_group"))
    members = set(ask(installed, "SELECT group_id, member_id FROM group_member"))
    clients = [
        Client(scene=scene, number=number, own=user_id, chance=random.Random(number))
        for number, user_id in enumerate(own)
    ]
    asyncio.run(all_at_once(installed, clients))
    finish_reconciling(installed)
    check_that_enough_was_done(scene)
    check_refusals(scene)
    check_what_was_answered(scene)
    check_group_log(installed, versions, members)
    wanted = what_ought_to_be_held(scene)
    assert len({each.source for each in wanted}) > len(NAMES)
    rows = ask(installed, "SELECT user_id, team_id, role_id, source FROM assignment WHERE role_id <> 'admin'")
    assert {Held(user_id=row[0], team_id=row[1], role=row[2], source=row[3]) for row in rows} == wanted


async def all_at_once(installed: Installed, clients: list[Client]) -> None:
    """Let the clients work, and jobs beside them for as long as they do."""
    working = True

    async def job() -> None:
        while working:
            waiting = await installed.transactions.read(ADMINISTRATOR, reconcile.list_reconciling)
            for each in waiting:
                await installed.transactions.write(
                    ADMINISTRATOR, lambda tx, ground=each.ground: reconcile.reconcile_slice(tx, ground, limit=SLICE)
                )
            await asyncio.sleep(0.01)

    jobs = [asyncio.create_task(job()) for _ in range(JOBS)]
    await asyncio.gather(*(client.work() for client in clients))
    working = False
    await asyncio.gather(*jobs)


def check_that_enough_was_done(scene: Scene) -> None:
    """See that hardly any kind of change was left out: else the rest proves nothing."""
    assert len(scene.refusals) < scene.done.total() / 2
    assert set(STEPS) | set(DELETIONS) == set(scene.done)
    types = {row[0] for row in ask(scene.installed, "SELECT DISTINCT type FROM event")}
    assert "directory.reconciliation.finished" in types


def check_refusals(scene: Scene) -> None:
    """See that what was said not to be there was deleted; names that are taken and old versions come and go."""
    for error in scene.refusals:
        if isinstance(error, NotFound):
            assert set(error.about.values()) <= scene.deleted, error.detail
        if isinstance(error, NoSuchMember):
            assert error.about["member_id"] in scene.deleted, error.detail


def check_what_was_answered(scene: Scene) -> None:
    """See that the last success of whoever alone changes something is what is there now."""
    installed, gone = scene.installed, scene.deleted
    members = set(ask(installed, "SELECT group_id, member_id FROM group_member"))
    for (group, user_id), is_member in scene.members.items():
        assert ((group, user_id) in members) == (is_member and group not in gone)
    for user_id, values in scene.values.items():
        assert values_of(installed, user_id) == values
    there = {each.id: each.targets for each in installed.ask(mappings.list_mappings)}
    assert there == {
        mapping_id: frozenset(each for each in targets if not {each.team_id, each.role} & gone)
        for mapping_id, targets in scene.targets.items()
        if mapping_id not in gone
    }


def check_group_log(installed: Installed, versions: dict[str, int], members: set[tuple[str, str]]) -> None:
    """See that the log tells every change of every group once, in an order in which each was possible."""
    told: dict[str, set[str]] = {}
    rows = ask(
        installed,
        "SELECT request_id, subject_id, type, data FROM event"
        " WHERE request_id LIKE 'client %' AND type LIKE 'directory.group.%' ORDER BY sequence",
    )
    for request_id, group, kind, text in rows:
        if kind == "directory.group.created":
            versions[group] = 0
        told.setdefault(group, set()).add(request_id)
        if kind == "directory.group.members-changed":
            data = json.loads(text)
            came, went = ({(group, each) for each in data[name]} for name in ("added", "removed"))
            assert not came & members
            assert went <= members
            members = (members | came) - went
    now = dict(ask(installed, "SELECT id, version FROM directory_group"))
    assert now == {group: versions[group] + len(told.get(group, ())) for group in now}
    assert {each for each in members if each[0] in now} == set(
        ask(installed, "SELECT group_id, member_id FROM group_member")
    )


def what_ought_to_be_held(scene: Scene) -> set[Held]:
    """Work out anew who ought to hold what, from users, memberships, names, values and mappings as they are now."""
    installed, gone = scene.installed, scene.deleted
    there = {row[0] for row in ask(installed, "SELECT id FROM directory_user WHERE state <> 'deleted'")}
    found = {
        Held(user_id=user_id, team_id=ROOT_TEAM, role=role, source="manual")
        for (user_id, role), is_held in scene.by_hand.items()
        if is_held and role not in gone
    }
    names = dict(ask(installed, "SELECT id, display FROM directory_group"))
    members = ask(installed, "SELECT group_id, member_id FROM group_member")
    standing = {f"scim-group:{group}": reached_from(group, members) & there for group in names}
    for value in VALUES:
        standing[f"scim-role:{value}"] = {each for each in there if value in values_of(installed, each)}
    for each in installed.ask(mappings.list_mappings):
        found |= {
            Held(user_id=user_id, team_id=target.team_id, role=target.role, source=source)
            for source in matched(each, names)
            for user_id in standing[source]
            for target in each.targets
        }
    return found


def reached_from(group: str, members: list[tuple[Any, ...]]) -> set[str]:
    found: set[str] = set()
    waiting = {group}
    while waiting:
        waiting = {member for outer, member in members if outer in waiting} - found
        found |= waiting
    return found


def matched(each: Mapping, names: dict[str, str]) -> list[str]:
    if each.source is SourceKind.SCIM_ROLE:
        return [f"scim-role:{each.match_value}"]
    fits = {
        MatchKind.ID: lambda group: group == each.match_value,
        MatchKind.NAME: lambda group: names[group] == each.match_value,
        MatchKind.PATTERN: lambda group: re.fullmatch(each.match_value, names[group]) is not None,
    }[each.match_kind]
    return [f"scim-group:{group}" for group in names if fits(group)]


def values_of(installed: Installed, user_id: str) -> frozenset[str]:
    ((text,),) = ask(installed, f"SELECT profile FROM directory_user WHERE id = '{user_id}'")
    return frozenset(role["value"] for role in json.loads(text).get("roles", []))


def ask(installed: Installed, query: str) -> list[tuple[Any, ...]]:
    return installed.ask(lambda tx: [tuple(row) for row in tx.connection.execute(query).fetchall()])
