"""Does a provider's mistake pass the guard of the served product, and can an administrator undo and allow it?"""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest

from tests.conformance.scim_client import GROUP, USER, ScimClient, accepted, fresh, member_ids

HELD = "/api/v1/held_changes"
BULK_REQUEST = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
PATIENCE_SECONDS = 60.0
AT_ONCE = 200
CLIENTS = 32


@pytest.fixture(scope="module")
def served(served_alone):
    """Alone: some thousand users are pushed here."""
    return served_alone


@pytest.fixture(scope="module")
def rest(served):
    """The REST API, asked by an administrator."""
    answer = served.run_json(
        "admin", "create-key", "--user-name", fresh("root"), "--role", "admin", "--create-user", "--json"
    )
    headers = {"Authorization": f"Bearer {answer['api_key']}"}
    with httpx2.Client(base_url=served.url, headers=headers, trust_env=False, timeout=60) as http:
        yield http


@dataclass(frozen=True)
class Provider:
    """A SCIM connection of one test's own, with a client that pushes by it."""

    scim: ScimClient
    key: str
    id: str
    name: str


@pytest.fixture
def provider(served, rest):
    """Fifty people may lose something by it in an hour, however many there are."""
    name = fresh("Provider")
    made = asked(rest.post("/api/v1/scim_connections", json={"name": name, "state": "ON", "guard_percent": 0}))
    key = asked(rest.post(f"/api/v1/scim_connections/{made['id']}:rotate", json={}))["access_key"]
    with served.client(key) as http:
        yield Provider(scim=ScimClient(http), key=key, id=made["id"], name=name)


def asked(response):
    assert response.status_code == 200, response.text
    return response.json()["value"]


def department(served, provider, count):
    """Push users and a group that gives them a role; return the group's path and its members' ids by name."""
    name = fresh("Department")
    served.run_text("admin", "mappings", "create", name, "--gives", "Root:viewer")
    people: dict[str, str] = {}
    while len(people) < count:
        names = [fresh("person") for _ in range(min(AT_ONCE, count - len(people)))]
        operations = [
            {"method": "POST", "path": "/Users", "bulkId": each, "data": {"schemas": [USER], "userName": each}}
            for each in names
        ]
        body = accepted(provider.scim.send("POST", "/Bulk", {"schemas": [BULK_REQUEST], "Operations": operations}), 200)
        people |= {each["bulkId"]: each["location"].rpartition("/")[2] for each in body["Operations"]}
    members = [{"value": each} for each in people.values()]
    made = accepted(
        provider.scim.send("POST", "/Groups", {"schemas": [GROUP], "displayName": name, "members": members}), 201
    )
    wait_for_jobs(served)
    return name, f"/Groups/{made['id']}", people


def wait_for_jobs(served):
    """Wait until nothing is being reconciled."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        jobs: Any = served.run_json("admin", "jobs", "list", "--kind", "directory.reconcile", "--json")["jobs"]
        if all(each["state"] == "done" for each in jobs):
            return
        assert time.monotonic() < deadline, "reconciling does not come to its end"
        time.sleep(0.1)


def roles_of(served, name):
    return served.run_json("admin", "users", "show", name, "--json")["team_roles"]


def remove(member):
    return {"op": "remove", "path": f'members[value eq "{member}"]'}


def held_id_in(response):
    """Return the id under which something was held, as the provider hears it."""
    assert response.status_code == 409, response.text
    return response.json()["detail"].partition("Held as ")[2].partition(":")[0]


def listed(rest, provider, **wanted):
    """Return all held changes of the connection, oldest first."""
    values: list[Any] = []
    wanted |= {"connection_id": provider.id, "order_by": "held_at"}
    while True:
        page = rest.get(HELD, params=wanted).json()
        values += page["values"]
        if not page["has_more"]:
            return values
        wanted["page_token"] = page["next_page_token"]


def test_of_a_department_that_is_unassigned_one_by_one_the_first_fifty_lose_something(served, rest, provider):
    _name, path, people = department(served, provider, 200)
    members = list(people.values())
    answers = [provider.scim.patch(path, remove(each)) for each in members]
    assert [each.status_code for each in answers] == [204] * 50 + [409] * 150
    held = [held_id_in(each) for each in answers[50:]]
    assert [each["id"] for each in listed(rest, provider, state="HELD")] == held
    assert member_ids(provider.scim.read(path)) == set(members[50:])
    # A provider that tries again hears the same, and nothing is held twice.
    assert [held_id_in(provider.scim.patch(path, remove(each))) for each in members[50:60]] == held[:10]
    assert [each["try_count"] for each in listed(rest, provider)] == [2] * 10 + [1] * 140
    shown = asked(rest.get(f"{HELD}/{held[0]}"))
    assert (shown["losing_people_count"], shown["lost_in_hour_count"], shown["limit_count"]) == (1, 51, 50)
    assert [each["user_id"] for each in shown["radius"]["lost"]] == members[50:51]
    asked(rest.post(f"{HELD}/{held[0]}:release"))
    assert "Dropped: 1." in served.run_text("admin", "held-changes", "drop", held[1])
    done = asked(rest.post(f"{HELD}:release", json={"connection_id": provider.id}))
    assert (done["decided_count"], done["refused"], done["remaining_count"]) == (148, [], 0)
    assert member_ids(provider.scim.read(path)) == {members[51]}
    # What was released does not use up the hour, which is full as it was.
    assert provider.scim.patch(path, remove(members[51])).status_code == 409
    warned = rest.get("/api/preview/events", params={"filter": 'event_type eq "connections.change.held"'})
    assert {each["severity"] for each in warned.json()["events"]} == {"WARNING"}


def test_a_group_that_is_emptied_is_held_and_one_that_is_refilled_at_once_is_not(served, rest, provider):
    name, path, people = department(served, provider, 60)
    members = [{"value": each} for each in people.values()]
    empty, refill = {"op": "remove", "path": "members"}, {"op": "add", "path": "members", "value": members}
    held = held_id_in(provider.scim.patch(path, empty))
    assert provider.scim.patch(path, refill).status_code == 204
    assert provider.scim.patch(path, empty, refill).status_code == 204
    body = {"schemas": [GROUP], "displayName": name, "members": members}
    assert provider.scim.send("PUT", path, body).status_code == 200
    assert member_ids(provider.scim.read(path)) == set(people.values())
    assert [each["id"] for each in listed(rest, provider)] == [held]
    assert asked(rest.post(f"{HELD}/{held}:drop"))["state"] == "DROPPED"
    assert roles_of(served, next(iter(people)))


def test_an_empty_list_of_members_for_three_thousand_is_held_as_a_whole(served, rest, provider):
    name, path, people = department(served, provider, 3_000)
    body = {"schemas": [GROUP], "displayName": name, "members": []}
    held = held_id_in(provider.scim.send("PUT", path, body))
    assert held_id_in(provider.scim.send("PUT", path, body)) == held
    (shown,) = listed(rest, provider)
    assert (shown["losing_people_count"], shown["try_count"]) == (3_000, 2)
    assert asked(rest.get(f"{HELD}/{held}"))["radius"]["losing_people_count"] == 3_000
    last = list(people)[-1]
    assert roles_of(served, last)
    table = served.run_text("admin", "held-changes", "list", "--connection", provider.name)
    assert held in table
    assert "Released: 1. Refused: 0." in served.run_text("admin", "held-changes", "release", held)
    wait_for_jobs(served)
    assert not roles_of(served, last)
    assert not roles_of(served, next(iter(people)))


def test_thirty_two_clients_do_not_slip_over_the_limit_together(served, rest, provider):
    _name, path, people = department(served, provider, CLIENTS)
    served.run_text("admin", "connections", "change", provider.name, "--guard-people", "10")

    def ask(member):
        with served.client(provider.key) as http:
            return ScimClient(http).patch(path, remove(member)).status_code

    with ThreadPoolExecutor(CLIENTS) as pool:
        answers = list(pool.map(ask, people.values()))
    assert sorted(answers) == [204] * 10 + [409] * 22
    assert len(listed(rest, provider, state="HELD")) == 22
    assert len(member_ids(provider.scim.read(path))) == 22
