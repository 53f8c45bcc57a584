"""Where does Rolecall answer otherwise than scim2-server, and who is right?

Both get the same random requests, drawn from fixed seeds. Every difference must be explained in
`tests/fixtures/differential/explained.json`, and every explanation must be needed: the file may only shrink.
"""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from urllib.parse import urlencode

import httpx2
import pytest
from scim2_models import ScimProvider
from scim2_server.applications.wsgi import WSGIApplication
from scim2_server.memory import InMemoryStorage
from scim2_server.utils import (
    load_default_resource_types,
    load_default_schemas,
    load_default_service_provider_config,
)

from tests.conformance import random_lists as lists
from tests.conformance import random_patches as patches
from tests.conformance import random_requests as requests
from tests.conformance.explanations import Explanations, read_explanations
from tests.conformance.oracle import Server, answer_differences, differences, order_difference
from tests.conformance.random_requests import Request, World
from tests.conformance.scim_client import USER
from tests.make.databases import fresh_sqlite
from tests.make.served import serve

EXPLAINED = Path(__file__).parents[1] / "fixtures" / "differential" / "explained.json"
ROUNDS = 60
REQUESTS_A_ROUND = 55
SHAPES: dict[Callable[[World], Request], int] = {
    requests.create_user: 4,
    requests.create_user_in_odd_spelling: 4,
    requests.create_wrong_user: 5,
    requests.send_no_resource: 3,
    requests.read_user: 6,
    requests.read_what_is_not_there: 2,
    requests.put_user: 5,
    requests.delete_user: 1,
    requests.conditional: 2,
    lists.filter_users: 10,
    lists.filter_users_by_one: 8,
    lists.filter_wrongly: 6,
    lists.filter_groups: 3,
    lists.page_of_users: 4,
    lists.sort_users: 3,
    lists.list_oddly: 3,
    lists.list_in_part: 2,
    patches.patch_user: 12,
    patches.patch_user_with_several: 3,
    patches.patch_user_oddly: 10,
    patches.patch_with_odd_envelope: 3,
    patches.create_group: 5,
    patches.read_group: 3,
    patches.patch_group: 8,
    patches.put_group: 3,
    patches.delete_group: 1,
}
"""How to draw a request, and how often."""
THEN_FILTERED = {
    "patch user: remove active": "active pr",
    "create user: schemas empty": f'schemas eq "{USER}"',
}
"""Which filter may see a user otherwise than its document says, after which requests; then the two part from it."""


@dataclass(slots=True, kw_only=True)
class Comparison:
    """One run of requests against both servers, and what came of it."""

    us: Server
    them: Server
    explanations: Explanations
    sent: Counter[str] = field(default_factory=Counter)
    unexplained: dict[tuple[str, str], str] = field(default_factory=dict)
    """An example for each difference that has no explanation."""

    def play(self, seed: int) -> None:
        """Send one round of requests, and leave both servers empty."""
        world = World(random=Random(seed))
        for _ in range(5):
            self._send(world, requests.create_user(world))
        for _ in range(REQUESTS_A_ROUND):
            if len(world.users) < 4:
                self._send(world, requests.create_user(world))
            elif len(world.groups) < 2:
                self._send(world, patches.create_group(world))
            draw = world.random.choices(list(SHAPES), list(SHAPES.values()))[0]
            self._send(world, draw(world))
        for kind, names in (("Groups", world.groups), ("Users", world.users)):
            for name in list(names):
                self._drop(world, kind, name)

    def _send(self, world: World, request: Request) -> None:
        self.sent[request.shape] += 1
        ours, theirs = self.us.send(request), self.them.send(request)
        found = answer_differences(ours, theirs, self.us, self.them)
        if request.method == "GET":
            found += order_difference(ours, theirs, self.us, self.them, request.sorted_by)
            self._explain(request, found, ours, theirs)
            return
        strange = self._explain(request, found, ours, theirs)
        if request.creates:
            self._meet(world, request, ours, theirs, strange=strange)
        for kind, name in _targets(request, world):
            self._look_at(world, request, kind, name, strange=strange)

    def _explain(self, request: Request, found: list[str], ours: httpx2.Response, theirs: httpx2.Response) -> bool:
        """Return whether anything differs that does not always differ."""
        strange = False
        for difference in found:
            general = self.explanations.always(difference)
            strange = strange or not general
            if not general and not self.explanations.explain(request.shape, difference):
                example = f"{request.method} {request.path} {json.dumps(request.body, ensure_ascii=False)}"
                answers = f"ours   {ours.status_code} {ours.text}\ntheirs {theirs.status_code} {theirs.text}"
                self.unexplained.setdefault((request.shape, difference), f"{example}\n{answers}")
        return strange

    def _meet(
        self, world: World, request: Request, ours: httpx2.Response, theirs: httpx2.Response, *, strange: bool
    ) -> None:
        created = [response.status_code == httpx2.codes.CREATED for response in (ours, theirs)]
        if not any(created):
            return
        kind = request.path.strip("/")
        (world.users if kind == "Users" else world.groups).append(request.creates)
        if not all(created) or strange:
            self._drop(world, kind, request.creates)

    def _look_at(self, world: World, request: Request, kind: str, name: str, *, strange: bool) -> None:
        """See that a resource is the same on both servers after a change; part from one that is not."""
        read = Request(shape=f"{request.shape}, afterwards", method="GET", path=f"/{kind}/{{{name}}}")
        ours, theirs = self.us.send(read), self.them.send(read)
        found = answer_differences(ours, theirs, self.us, self.them)
        if strange:
            # The answer has been explained; that the resource is another one now follows from it.
            found = [difference for difference in found if self.explanations.always(difference)]
        strange = self._explain(read, found, ours, theirs) or strange
        condition = THEN_FILTERED.get(request.shape)
        if condition is not None:
            self._find(request, name, condition)
            strange = True
        gone = ours.status_code == theirs.status_code == httpx2.codes.NOT_FOUND
        if strange or gone:
            self._drop(world, kind, name)

    def _find(self, request: Request, name: str, condition: str) -> None:
        query = urlencode({"filter": f'id eq "{{{name}}}" and {condition}', "count": 0}, safe="{}")
        read = Request(shape=f"{request.shape}, then filtered", method="GET", path=f"/Users?{query}")
        ours, theirs = self.us.send(read), self.them.send(read)
        self._explain(read, answer_differences(ours, theirs, self.us, self.them), ours, theirs)

    def _drop(self, world: World, kind: str, name: str) -> None:
        delete = Request(shape="", method="DELETE", path=f"/{kind}/{{{name}}}")
        for server in (self.us, self.them):
            assert server.send(delete).status_code in {httpx2.codes.NO_CONTENT, httpx2.codes.NOT_FOUND}
        names = world.users if kind == "Users" else world.groups
        names.remove(name)
        leave = patches.patch_body({"op": "remove", "path": f'members[value eq "{{{name}}}"]'})
        for group in world.groups:
            # scim2-server keeps members that are no more; RFC 7643 §4.2 says nothing of it.
            self.them.send(Request(shape="", method="PATCH", path=f"/Groups/{{{group}}}", body=leave))
        for server in (self.us, self.them):
            server.ids.pop(name, None)


def _targets(request: Request, world: World) -> Iterator[tuple[str, str]]:
    kind, _, name = request.path.partition("?")[0].strip("/").partition("/")
    name = name.strip("{}")
    if request.creates in world.users or request.creates in world.groups:
        yield kind, request.creates
    elif (name in world.users and kind == "Users") or (name in world.groups and kind == "Groups"):
        yield kind, name


@pytest.fixture(scope="module")
def comparison() -> Iterator[Comparison]:
    provider = ScimProvider.from_discovery(
        load_default_schemas().values(),
        load_default_resource_types().values(),
        config=load_default_service_provider_config(),
    )
    peer = httpx2.Client(
        transport=httpx2.WSGITransport(app=WSGIApplication(InMemoryStorage(), provider), raise_app_exceptions=False),
        base_url="http://127.0.0.1/v2",
    )
    with fresh_sqlite() as database, serve(database) as served, served.client() as http, peer:
        compared = Comparison(us=Server(http=http), them=Server(http=peer), explanations=read_explanations(EXPLAINED))
        started = time.monotonic()
        for seed in range(ROUNDS):
            compared.play(seed)
        print(f"{compared.sent.total()} requests of {len(compared.sent)} forms in {time.monotonic() - started:.0f} s")
        yield compared


def test_thousands_of_requests_of_hundreds_of_forms_were_compared(comparison):
    assert comparison.sent.total() > 3000
    assert len(comparison.sent) > 250


def test_every_difference_from_scim2_server_is_explained(comparison):
    report = [f"{shape} | {what}\n{example}" for (shape, what), example in sorted(comparison.unexplained.items())]
    assert not report, "\n\n".join([f"{len(report)} unexplained", *report])


def test_every_explanation_is_needed(comparison):
    unused = comparison.explanations.unused()
    assert not unused, "\n".join(["no request needed these:", *unused])


def test_the_comparison_sees_what_differs():
    ours = {"id": 1, "list": [{"value": "a", "x": 1}, {"value": "b"}], "only": True}
    theirs = {"id": "1", "list": [{"value": "b"}, {"value": "a", "x": 2}], "more": []}
    assert list(differences(ours, ours)) == []
    assert list(differences(ours, theirs)) == [
        "id: other value",
        "list[].x: other value",
        "more: only theirs",
        "only: only ours",
    ]
    assert list(differences({"l": [1]}, {"l": [1, 2]})) == ["l: fewer values"]
