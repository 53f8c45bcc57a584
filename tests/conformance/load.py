"""Which writes do clients make while the server is killed under them, and what were they told of each?"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx2

from tests.conformance.scim_client import USER, Resource, ScimClient
from tests.make.served import Served


@dataclass(slots=True, kw_only=True)
class Told:
    """What the clients know: what was acknowledged, and what was asked for but never answered."""

    created: dict[str, str] = field(default_factory=dict)
    """User name → id."""
    maybe_created: set[str] = field(default_factory=set)
    first_versions: dict[str, int] = field(default_factory=dict)
    """Id of a user → its version when it was created."""
    numbers: dict[str, int] = field(default_factory=dict)
    """Id of a changing user → the last number that was acknowledged."""
    maybe_numbers: dict[str, int] = field(default_factory=dict)
    inside: set[str] = field(default_factory=set)
    """Ids of users that were made members and not removed since."""
    maybe_inside: set[str] = field(default_factory=set)
    membership_changes: int = 0
    request_ids: list[str] = field(default_factory=list)
    """Of every acknowledged write."""
    unanswered: int = 0
    """Writes that a kill left without an answer, in rounds that are over."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def acknowledge(self, response: httpx2.Response, status: int) -> None:
        """Note that a write was answered as a success; anything else is a fault."""
        assert response.status_code == status, response.text
        self.request_ids.append(response.headers["X-Request-Id"])


def version_of(resource: Resource) -> int:
    """Return the counter that is in the resource's ETag."""
    return int(resource["meta"]["version"].removeprefix('W/"').removesuffix('"'))


Worker = Callable[[ScimClient], None]


def create_user(scim: ScimClient, told: Told, name: str) -> str:
    """Create a user whose address is its name, and note what was told."""
    with told.lock:
        told.maybe_created.add(name)
    body = {"schemas": [USER], "userName": name, "emails": [{"value": name, "type": "work"}]}
    response = scim.send("POST", "/Users", body)
    with told.lock:
        told.acknowledge(response, 201)
        told.maybe_created.discard(name)
        user = response.json()
        told.created[name] = user["id"]
        told.first_versions[user["id"]] = version_of(user)
        return told.created[name]


def change_user(scim: ScimClient, told: Told, user_id: str, number: int) -> None:
    """Write one number into three attributes by one PATCH: they must never tell different numbers."""
    with told.lock:
        told.maybe_numbers[user_id] = number
    response = scim.patch(
        f"/Users/{user_id}",
        {"op": "replace", "path": "title", "value": str(number)},
        {"op": "Replace", "path": "active", "value": str(number % 2 == 0)},
        {"op": "replace", "path": "name.familyName", "value": str(number)},
    )
    with told.lock:
        told.acknowledge(response, 200)
        told.numbers[user_id] = told.maybe_numbers.pop(user_id)


def change_membership(scim: ScimClient, told: Told, group_id: str, user_id: str, *, inside: bool) -> None:
    """Make a user a member, or end that, and note what was told."""
    with told.lock:
        told.maybe_inside.add(user_id)
        told.inside.discard(user_id)
    operation: dict[str, object] = {"op": "remove", "path": f'members[value eq "{user_id}"]'}
    if inside:
        operation = {"op": "add", "path": "members", "value": [{"value": user_id}]}
    response = scim.patch(f"/Groups/{group_id}", operation)
    with told.lock:
        told.acknowledge(response, 204)
        told.membership_changes += 1
        told.maybe_inside.discard(user_id)
        if inside:
            told.inside.add(user_id)


def creator(told: Told, mark: str) -> Worker:
    """Create user after user."""

    def work(scim: ScimClient) -> None:
        number = 0
        while True:
            number += 1
            create_user(scim, told, f"{mark}-{number}@crash.example")

    return work


def changer(told: Told, user_id: str, start: int) -> Worker:
    """Change one user over and over."""

    def work(scim: ScimClient) -> None:
        number = start
        while True:
            number += 1
            change_user(scim, told, user_id, number)

    return work


def joiner(told: Told, mark: str, group_id: str) -> Worker:
    """Create users and make them members; every third leaves again."""

    def work(scim: ScimClient) -> None:
        number = 0
        while True:
            number += 1
            user_id = create_user(scim, told, f"{mark}-{number}@crash.example")
            change_membership(scim, told, group_id, user_id, inside=True)
            if number % 3 == 0:
                change_membership(scim, told, group_id, user_id, inside=False)

    return work


def run_until_killed(served: Served, workers: list[Worker], seconds: float) -> None:
    """Let the workers write, kill the server under them, and wait until each has noticed.

    Raises: the first failure of a worker that is not the broken connection.
    """
    failures: list[BaseException] = []
    # One client for all: each thread gets a connection of its own from it, and only one has to be set up.
    with served.client() as http:
        threads = [threading.Thread(target=_run, args=(http, worker, failures)) for worker in workers]
        for thread in threads:
            thread.start()
        threads[0].join(seconds)
        served.kill()
        for thread in threads:
            thread.join(60)
            assert not thread.is_alive(), "a client still waits for the killed server"
    if failures:
        raise failures[0]


def _run(http: httpx2.Client, worker: Worker, failures: list[BaseException]) -> None:
    try:
        worker(ScimClient(http))
    except httpx2.TransportError:
        return
    except BaseException as failure:  # noqa: BLE001  # raised again in the main thread
        failures.append(failure)
