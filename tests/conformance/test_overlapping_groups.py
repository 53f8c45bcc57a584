"""When 32 clients change overlapping groups at once, is the end what the order of the commits implies?"""

import json
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Barrier
from typing import Any

import httpx2
import pytest

from tests.conformance.audit_log import read_records
from tests.conformance.scim_client import GROUP, Resource, ScimClient, fresh, member_ids, values
from tests.make.databases import ask_database
from tests.make.served import Served

CLIENTS, CHANGES_EACH = 32, 8
GROUPS, PEOPLE, LEAVING = 4, 16, 3
"""The leaving are people whom clients delete while others add them to groups."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One step of a change of a group's members, in our own words."""

    kind: str
    people: frozenset[str]

    def after(self, members: frozenset[str]) -> frozenset[str]:
        """Return who is a member afterwards."""
        match self.kind:
            case "add":
                return members | self.people
            case "remove":
                return members - self.people
            case _:
                return self.people


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One request on one group: its operations are done all or none."""

    group_id: str
    operations: tuple[Operation, ...]
    by_put: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Deletion:
    """One request that deletes a user."""

    user_id: str


Asked = Change | Deletion


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Groups and people before the clients begin."""

    groups: dict[str, Resource]
    people: list[str]
    leaving: list[str]


@dataclass(slots=True)
class Model:
    """What the groups must be, if changes are carried out one after the other."""

    members: dict[str, frozenset[str]]
    versions: dict[str, int]
    gone: set[str] = field(default_factory=set)
    differences: dict[str, tuple[set[str], set[str]]] = field(default_factory=dict)
    """Request and group → who came and who went. Where nobody did, there is none."""

    def carry_out(self, request_id: str, asked: Asked) -> list[str]:
        """Carry out one request and return what became of each of its operations."""
        if isinstance(asked, Deletion):
            self.gone.add(asked.user_id)
            for group_id, members in self.members.items():
                self._become(request_id, group_id, members - {asked.user_id})
            return []
        outcomes = []
        now = self.members[asked.group_id]
        for operation in asked.operations:
            assert operation.kind == "remove" or not operation.people & self.gone, "a deleted user became a member"
            after = operation.after(now)
            outcomes.append("no_change" if after == now else "applied")
            now = after
        self._become(request_id, asked.group_id, now)
        return [] if asked.by_put else outcomes

    def _become(self, request_id: str, group_id: str, after: frozenset[str]) -> None:
        before = self.members[group_id]
        if after != before:
            self.members[group_id] = after
            self.versions[group_id] += 1
            self.differences[f"{request_id} {group_id}"] = (set(after - before), set(before - after))


@pytest.fixture
def scene(scim: ScimClient) -> Scene:
    people = [scim.create_user()["id"] for _ in range(PEOPLE)]
    leaving = [scim.create_user()["id"] for _ in range(LEAVING)]
    chance = random.Random(7)
    groups = [scim.create_group(fresh("overlapping"), chance.sample(people + leaving, 6)) for _ in range(GROUPS)]
    return Scene(groups={group["id"]: group for group in groups}, people=people, leaving=leaving)


def test_the_end_is_what_the_order_of_commits_implies(scim, served, scene):
    answers = ask_all_at_once(served, scene)
    model = Model(
        members={group_id: frozenset(member_ids(group)) for group_id, group in scene.groups.items()},
        versions={group_id: version_in(group["meta"]["version"]) for group_id, group in scene.groups.items()},
    )
    refused = [answer for answer, _ in answers.values() if answer.status_code == 400]
    for record in results_in_order_of_commits(served, answers):
        answer, asked = answers[record["request_id"]]
        assert list(record["operations"]) == model.carry_out(record["request_id"], asked)
        if isinstance(asked, Change):
            # Each answer tells the version that its own change led to, not one of a neighbour.
            assert version_in(answer.headers["ETag"]) == model.versions[asked.group_id]
    assert {answer.status_code for answer, _ in answers.values()} <= {200, 204, 400}
    assert len(refused) < len(answers) / 2, "hardly anything was done: this proves nothing"
    for answer in refused:
        _, asked = answers[answer.headers["X-Request-Id"]]
        assert people_brought_in(asked) & set(scene.leaving), answer.text
    assert model.gone == set(scene.leaving)
    check_groups(scim, model)
    check_people(scim, scene, model)
    check_events(served, model, set(answers))


def ask_all_at_once(served: Served, scene: Scene) -> dict[str, tuple[httpx2.Response, Asked]]:
    """Let every client send its requests, one after the other; return request id → answer and what was asked."""
    start = Barrier(CLIENTS)

    def work(number: int) -> list[tuple[httpx2.Response, Asked]]:
        plan = list(planned(random.Random(number), scene, number))
        with served.client() as http:
            client = ScimClient(http)
            client.get("/ServiceProviderConfig")  # opens the connection before the start
            start.wait()
            return [(send(client, asked, scene), asked) for asked in plan]

    with ThreadPoolExecutor(CLIENTS) as pool:
        done = [pair for pairs in pool.map(work, range(CLIENTS)) for pair in pairs]
    return {answer.headers["X-Request-Id"]: (answer, asked) for answer, asked in done}


def planned(chance: random.Random, scene: Scene, number: int) -> Iterator[Asked]:
    """Yield what one client asks for; the first few delete a user on their way."""
    for turn in range(CHANGES_EACH):
        if turn == CHANGES_EACH // 2 and number < LEAVING:
            yield Deletion(user_id=scene.leaving[number])
        group_id = chance.choice(list(scene.groups))
        by_put = chance.random() < 0.15
        kinds = (
            ["put"] if by_put else chance.choices(["add", "remove", "replace"], [5, 4, 1], k=chance.choice([1, 1, 2]))
        )
        everybody = scene.people + scene.leaving
        yield Change(
            group_id=group_id,
            operations=tuple(
                Operation(kind=kind, people=frozenset(chance.sample(everybody, chance.randint(1, 3)))) for kind in kinds
            ),
            by_put=by_put,
        )


def send(client: ScimClient, asked: Asked, scene: Scene) -> httpx2.Response:
    if isinstance(asked, Deletion):
        return client.send("DELETE", f"/Users/{asked.user_id}")
    path = f"/Groups/{asked.group_id}"
    if asked.by_put:
        (operation,) = asked.operations
        name = scene.groups[asked.group_id]["displayName"]
        return client.send("PUT", path, {"schemas": [GROUP], "displayName": name, "members": listed(operation)})
    return client.patch(path, *(as_scim(operation) for operation in asked.operations))


def as_scim(operation: Operation) -> Resource:
    if operation.kind == "remove" and len(operation.people) == 1:
        return {"op": "remove", "path": f'members[value eq "{next(iter(operation.people))}"]'}
    return {"op": operation.kind, "path": "members", "value": listed(operation)}


def listed(operation: Operation) -> list[Resource]:
    return [{"value": person} for person in sorted(operation.people)]


def people_brought_in(asked: Asked) -> set[str]:
    assert isinstance(asked, Change), "a deletion was refused"
    return {person for each in asked.operations if each.kind != "remove" for person in each.people}


def results_in_order_of_commits(served: Served, answers: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the audit record of each request that was carried out.

    A record is written with the group locked, so for each group the records stand in the order of the commits.
    """
    records = [record for record in read_records(served) if record["request_id"] in answers]
    done = [record for record in records if (record["phase"], record["outcome"]) == ("result", "ok")]
    successes = {request_id for request_id, (answer, _) in answers.items() if answer.is_success}
    assert len(done) == len(successes)
    assert {record["request_id"] for record in done} == successes
    return done


def check_groups(scim: ScimClient, model: Model) -> None:
    for group_id, members in model.members.items():
        group = scim.read(f"/Groups/{group_id}")
        assert member_ids(group) == members
        assert version_in(group["meta"]["version"]) == model.versions[group_id]


def check_people(scim: ScimClient, scene: Scene, model: Model) -> None:
    for person in scene.people:
        inside = {group_id for group_id, members in model.members.items() if person in members}
        assert values(scim.read(f"/Users/{person}").get("groups", [])) == inside
    for person in scene.leaving:
        assert scim.get(f"/Users/{person}").status_code == 404


def check_events(served: Served, model: Model, request_ids: set[str]) -> None:
    """See that the event log tells who came and went by each request, and nothing else."""
    logged = ask_database(
        served.database,
        "SELECT request_id, subject_id, data FROM event WHERE type = 'directory.group.members-changed'",
    )
    told: dict[str, tuple[set[str], set[str]]] = {}
    for request_id, group_id, text in logged:
        if request_id in request_ids:
            data = json.loads(text)
            assert f"{request_id} {group_id}" not in told
            told[f"{request_id} {group_id}"] = (set(data["added"]), set(data["removed"]))
    assert told == model.differences


def version_in(tag: str) -> int:
    return int(tag.removeprefix('W/"').removesuffix('"'))
