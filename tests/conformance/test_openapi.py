"""Is the OpenAPI document of SCIM true, whatever schemathesis makes up from it?

It sends what the document allows and what it does not, and holds status, headers, media type and body of every
answer against it. Its checks of what must be accepted and what must be refused are left out: what providers send
otherwise than the standard has it is accepted here too, and not every rule of SCIM can be said in JSON Schema.
"""

from collections.abc import Iterator
from zlib import crc32

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import checks
from schemathesis.checks import FailureGroup

from tests.conformance.scim_client import GROUP, USER
from tests.conformance.scim_strategies import FILTERS, PATHS
from tests.make.databases import SQLITE, fresh_sqlite
from tests.make.served import serve
from tools.scim_openapi import FILTER_FORMAT, PATH_FORMAT, scim_openapi

CHECKS = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.unsupported_method,
    checks.allow_header_conformance,
]
EXAMPLES = settings(max_examples=15, suppress_health_check=list(HealthCheck))
WORDS = scim_openapi()
ENDPOINTS = {f"{method.upper()} {path}" for path, methods in WORDS["paths"].items() for method in methods}
SHOWN = [example for schema in WORDS["components"]["schemas"].values() for example in schema.get("examples", ())]
STATE = ("/Users?attributes=meta.version&count=200", "/Groups?attributes=meta.version&count=200")

# What these formats allow, schemathesis would find only by chance.
schemathesis.openapi.format(FILTER_FORMAT, FILTERS)
schemathesis.openapi.format(PATH_FORMAT, PATHS)
document = schemathesis.openapi.from_dict(WORDS)


class World:
    """The served product with one user and one group, who come back whenever a request has taken them away."""

    def __init__(self, base_url: str, api_key: str) -> None:
        self.base_url = base_url
        self.http = requests.Session()
        self.http.trust_env = False
        self.http.headers["Authorization"] = f"Bearer {api_key}"
        self.ids: dict[str, str] = {}
        self.answered: set[tuple[str, int]] = set()
        self.mend()

    def aim(self, case: schemathesis.Case) -> None:
        """Make most requests to a resource meet one that is there, without a condition that it has a version."""
        kind = case.path.split("/")[1]
        drawn = crc32(repr((case.path_parameters, case.query)).encode())
        if kind in self.ids and "id" in case.path_parameters and (case.body in SHOWN or drawn % 4):
            case.path_parameters["id"] = self.ids[kind]
            case.headers.pop("If-Match", None)
            case.query.pop("excludedAttributes", None)

    def state(self) -> list[bytes]:
        """Return which users and groups there are, each with its version."""
        return [self.http.get(f"{self.base_url}{path}").content for path in STATE]

    def mend(self) -> None:
        """Leave one user, and one group of which it is a member."""
        for kind in ("Groups", "Users"):
            listed = self.http.get(f"{self.base_url}/{kind}?attributes=id&count=200").json()["Resources"]
            for identifier in {resource["id"] for resource in listed} - {self.ids.get(kind)}:
                self.http.delete(f"{self.base_url}/{kind}/{identifier}").raise_for_status()
            if self.ids.get(kind) not in {resource["id"] for resource in listed}:
                self.ids.pop(kind, None)
        if "Users" not in self.ids:
            self.ids["Users"] = self._create("Users", {"schemas": [USER], "userName": "openapi@work.example"})
        if "Groups" not in self.ids:
            members = [{"value": self.ids["Users"]}]
            self.ids["Groups"] = self._create("Groups", {"schemas": [GROUP], "displayName": "o", "members": members})
        self.before = self.state()

    def _create(self, kind: str, body: object) -> str:
        response = self.http.post(f"{self.base_url}/{kind}", json=body)
        response.raise_for_status()
        return str(response.json()["id"])


# Only with a parameter has each test of schemathesis a name of its own; of those that share one, xdist runs the first.
@pytest.fixture(scope="module", params=[SQLITE])
def world() -> Iterator[World]:
    # What differs between databases is the business of `test_fuzzing.py`; this is about the words on the wire.
    with fresh_sqlite() as database, serve(database) as served:
        world = World(served.base_url, served.api_key)
        yield world
        world.http.close()


@document.parametrize()
@EXAMPLES
def test_every_answer_is_as_the_document_says_and_an_error_changes_nothing(case, world):
    world.aim(case)
    response = case.call_and_validate(base_url=world.base_url, session=world.http, checks=CHECKS)
    world.answered.add((case.operation.label, response.status_code))
    after = world.state()
    if case.method in {"GET", "HEAD"} or response.status_code >= 400:
        assert after == world.before, f"changed by a request that was answered {response.status_code}"
    if after != world.before:
        world.mend()


def test_the_requests_made_up_were_answered_with_success_too(world):
    # Looks back on the tests above: refusals alone would prove little.
    assert {label for label, status in world.answered if status < 300} == ENDPOINTS


def test_a_document_that_is_not_true_is_noticed(world):
    untrue = scim_openapi()
    del untrue["components"]["schemas"]["User"]["properties"]["meta"]
    for words, faults in ((WORDS, 0), (untrue, 1)):
        case = schemathesis.openapi.from_dict(words)["/Me"]["GET"].Case()
        try:
            case.call_and_validate(base_url=world.base_url, session=world.http, checks=CHECKS)
            found = 0
        except FailureGroup as group:
            found = len(group.exceptions)
        assert found == faults
