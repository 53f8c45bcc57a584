"""Does anything that a client may send break the server, or change something although it was refused?"""

import json
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conformance.random_patches import ODD_OPERATIONS
from tests.conformance.raw_http import RawAnswer, RawConnection, assert_is_scim_document
from tests.conformance.scim_client import ENTERPRISE, GROUP, PATCH_OP, SEARCH_REQUEST, USER, ScimClient
from tests.conformance.scim_strategies import FILTERS, LITERALS, PATHS, TEXTS, VALUES

EXAMPLES = settings(
    max_examples=150,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)

OPERATIONS = st.one_of(
    st.fixed_dictionaries(
        {"op": st.one_of(st.sampled_from(["add", "replace", "remove", "Add", "Replace", "Remove", "move"]), VALUES)},
        optional={"path": st.one_of(PATHS, VALUES), "value": VALUES},
    ),
    st.sampled_from(list(ODD_OPERATIONS.values())),
    VALUES,
)
RESOURCES = st.one_of(
    st.fixed_dictionaries(
        {},
        optional={
            "schemas": st.one_of(st.sampled_from([[USER], [GROUP], [USER, ENTERPRISE], USER, []]), VALUES),
            **{name: st.one_of(TEXTS, VALUES) for name in ("userName", "displayName", "externalId", "title")},
            **dict.fromkeys(("name", "emails", "active", "members", "roles", "id", "meta", ENTERPRISE), VALUES),
            "urn:example:stranger:2.0:User": VALUES,
        },
    ),
    VALUES,
)
REFERENCES = st.sampled_from(["bulkId:a", "bulkId:b", "bulkId:c", "bulkId:", "bulkId:nobody", "a"])
BULK_DATA = st.one_of(
    st.fixed_dictionaries(
        {"userName": st.sampled_from(["bulk-1", "bulk-2", ""]), "displayName": st.sampled_from(["bulk-1", "bulk-2"])},
        optional={
            "members": st.lists(st.fixed_dictionaries({"value": REFERENCES}), max_size=3),
            ENTERPRISE: st.fixed_dictionaries({"manager": st.fixed_dictionaries({"value": REFERENCES})}),
            "nothing": REFERENCES,
        },
    ),
    st.fixed_dictionaries({"Operations": st.lists(OPERATIONS, max_size=2)}),
    RESOURCES,
)
BULK_OPERATIONS = st.one_of(
    st.fixed_dictionaries(
        {
            "method": st.sampled_from(["POST", "POST", "post", "PUT", "PATCH", "DELETE"]),
            "path": st.sampled_from(["/Users", "/Groups", "/Users/bulkId:a", "/Groups/bulkId:b", "/Users/nobody"]),
            "bulkId": st.sampled_from(["a", "b", "c"]),
            "data": BULK_DATA,
        },
        optional={"version": st.one_of(TEXTS, VALUES)},
    ),
    st.fixed_dictionaries(
        {},
        optional={
            "method": st.one_of(st.sampled_from(["GET", "POST", "HEAD"]), VALUES),
            "path": st.one_of(
                st.sampled_from(["/Users/", "Groups", "/Me", "/Bulk", "/", "/Users?x=1", "/a/b"]), VALUES
            ),
            "bulkId": st.one_of(REFERENCES, VALUES),
            "data": BULK_DATA,
        },
    ),
    VALUES,
)
SEARCHES = st.fixed_dictionaries(
    {},
    optional={
        "schemas": st.one_of(st.just([SEARCH_REQUEST]), VALUES),
        "filter": st.one_of(FILTERS, VALUES),
        "sortBy": st.one_of(PATHS, VALUES),
        "sortOrder": st.one_of(st.sampled_from(["ascending", "Descending"]), VALUES),
        "startIndex": st.one_of(st.integers(), VALUES),
        "count": st.one_of(st.integers(), VALUES),
        "attributes": st.one_of(st.lists(PATHS, max_size=4), VALUES),
        "excludedAttributes": st.one_of(st.lists(PATHS, max_size=4), VALUES),
        "cursor": st.one_of(st.just(""), TEXTS, VALUES),
    },
)
# What HTTP allows in the value of a header: visible ASCII, spaces within, and bytes beyond ASCII.
HEADER_VALUES = st.one_of(
    st.sampled_from([b"*", b'W/"1"', b'"1"', b"W/", b',,"', b"application/json", b"text/html", b"gzip", b"0", b"-1"]),
    st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_categories=["Cc"])).map(
        lambda text: text.strip().encode("latin-1")
    ),
)
HEADERS = st.dictionaries(
    st.sampled_from(
        ["If-Match", "If-None-Match", "Content-Type", "Accept", "Accept-Encoding", "Content-Encoding", "User-Agent",
         "X-Forwarded-For", "X-Forwarded-Proto", "X-Request-Id", "Authorization", "Origin", "Cookie", "Range",
         "X-Forwarded-Host", "Host", "Prefer", "Accept-Language", "If-Modified-Since", "Forwarded"]
    ),
    HEADER_VALUES,
    min_size=1,
    max_size=4,
)  # fmt: skip
PARAMETERS = st.sampled_from(
    ["filter", "attributes", "excludedAttributes", "sortBy", "sortOrder", "startIndex", "count", "Filter", "x", ""]
)
# Anything that may stand in a target, well encoded or not.
TARGETS = st.text(
    st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters="#"), max_size=40
).map(lambda text: f"/{text}")  # fmt: skip


class Target:
    """The served product with one user and one group, which a refused request must leave as they are."""

    def __init__(self, raw: RawConnection, user_id: str, group_id: str) -> None:
        self.raw = raw
        self.user = f"/Users/{user_id}"
        self.group = f"/Groups/{group_id}"
        self._before = self.state()

    def state(self) -> list[bytes]:
        """Return the user and the group with their versions, and how many of each there are."""
        paths = (self.user, self.group, "/Users?count=0", "/Groups?count=0")
        answers = [self.raw.send("GET", path) for path in paths]
        assert {answer.status for answer in answers} == {200}, answers
        return [answer.content for answer in answers]

    def send(self, method: str, target: str, body: object = None, headers: dict[str, bytes] | None = None) -> RawAnswer:
        """Send a request and hold the answer and what it left behind against what must always be so."""
        content = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        answer = self.raw.send(method, target, content, headers)
        assert_is_scim_document(answer)
        after = self.state()
        if answer.status >= 400 or method == "GET":
            assert after == self._before, f"changed by a request that was answered by {answer}"
        if answer.status == 201:
            place = f"{target.partition('?')[0].rstrip('/')}/{answer.json()['id']}"
            assert self.raw.send("DELETE", place).status == 204
            after = self.state()
        self._before = after
        return answer


@pytest.fixture(scope="module")
def target(served) -> Iterator[Target]:
    with served.client() as http:
        scim = ScimClient(http)
        user = scim.create_user(
            "fuzz@work.example",
            name={"familyName": "Novak", "givenName": "Ada"},
            title="Weaver",
            emails=[{"value": "a@work.example", "type": "work", "primary": True}, {"value": "b@c.example"}],
            **{ENTERPRISE: {"department": "Looms"}},
        )
        group = scim.create_group("fuzz", members=[user["id"]])
        raw = RawConnection(served.base_url, served.api_key)
        yield Target(raw, user["id"], group["id"])
        raw.close()
        for path in (f"/Users/{user['id']}", f"/Groups/{group['id']}"):
            http.delete(path)


@EXAMPLES
@given(kind=st.sampled_from(["Users", "Groups"]), text=FILTERS)
def test_any_filter_is_answered_or_refused_as_one(target, kind, text):
    answer = target.send("GET", f"/{kind}?count=1&filter={quote(text, safe='', errors='replace')}")
    assert answer.status in {200, 400}
    assert answer.status == 200 or answer.json()["scimType"] in {"invalidFilter", "invalidValue"}


@EXAMPLES
@given(on_group=st.booleans(), operations=st.lists(OPERATIONS, min_size=1, max_size=3))
def test_any_patch_is_applied_or_refused_as_a_whole(target, on_group, operations):
    body = {"schemas": [PATCH_OP], "Operations": operations}
    answer = target.send("PATCH", target.group if on_group else target.user, body)
    assert answer.status in {200, 204, 400, 409}


@EXAMPLES
@given(on_group=st.booleans(), path=PATHS, value=VALUES, op=st.sampled_from(["add", "replace", "remove"]))
def test_any_path_of_a_patch_is_applied_or_refused(target, on_group, path, value, op):
    body = {"schemas": [PATCH_OP], "Operations": [{"op": op, "path": path, "value": value}]}
    answer = target.send("PATCH", target.group if on_group else target.user, body)
    assert answer.status in {200, 204, 400, 409}


@EXAMPLES
@given(method=st.sampled_from(["POST", "PUT"]), kind=st.sampled_from(["Users", "Groups"]), body=RESOURCES)
def test_any_json_is_a_resource_or_refused(target, method, kind, body):
    place = f"/{kind}" if method == "POST" else target.user if kind == "Users" else target.group
    answer = target.send(method, place, body)
    assert answer.status in {200, 201, 400, 409}


@EXAMPLES
@given(
    method=st.sampled_from(["POST", "PUT", "PATCH"]),
    body=st.one_of(st.binary(), st.text().map(lambda text: text.encode("utf-8", "surrogatepass"))),
    cut=st.integers(min_value=0, max_value=200),
)
def test_any_bytes_are_no_resource(target, method, body, cut):
    whole = json.dumps({"schemas": [USER], "userName": "bytes"}).encode()
    place = "/Users" if method == "POST" else target.user
    answer = target.send(method, place, whole[:cut] + body if cut < len(whole) else body)
    assert answer.status in {400, 200, 201}


@EXAMPLES
@given(method=st.sampled_from(["GET", "PATCH", "PUT", "DELETE", "POST"]), headers=HEADERS)
def test_any_header_is_understood_or_ignored_or_refused(target, method, headers):
    body: object = {"schemas": [PATCH_OP], "Operations": [{"op": "add", "path": "title", "value": "Weaver"}]}
    place = "/Users" if method == "POST" else target.user
    if method in {"PUT", "POST"}:
        body = {"schemas": [USER], "userName": "fuzz@work.example" if method == "PUT" else "fuzz-header@work.example"}
    if method in {"GET", "DELETE"}:
        body = None
    if method == "DELETE":
        place = "/Users/nobody"
    answer = target.send(method, place, body, headers)
    assert answer.status in {200, 201, 204, 304, 400, 401, 404, 409, 412, 415}


@EXAMPLES
@given(
    kind=st.sampled_from(["Users", "Groups", "Schemas", "ResourceTypes", "ServiceProviderConfig", "Me"]),
    parameters=st.lists(st.tuples(PARAMETERS, st.one_of(FILTERS, LITERALS, TEXTS, PATHS)), max_size=5),
)
def test_any_query_is_answered_or_refused(target, kind, parameters):
    query = "&".join(f"{name}={quote(value, safe='', errors='replace')}" for name, value in parameters)
    answer = target.send("GET", f"/{kind}?{query}")
    assert answer.status in {200, 400, 403}


@EXAMPLES
@given(method=st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]), place=TARGETS)
def test_any_address_is_answered(target, method, place):
    body = None if method in {"GET", "DELETE", "OPTIONS", "TRACE"} else {"schemas": [PATCH_OP]}
    answer = target.send(method, place, body)
    assert answer.status in {200, 400, 404, 405}


@EXAMPLES
@given(place=st.sampled_from(["", "/Users", "/Groups"]), body=st.one_of(SEARCHES, VALUES))
def test_any_search_by_post_is_answered_or_refused_and_changes_nothing(target, place, body):
    before = target.state()
    answer = target.send("POST", f"{place}/.search", body)
    assert answer.status in {200, 400}
    assert target.state() == before


@EXAMPLES
@given(
    operations=st.lists(BULK_OPERATIONS, max_size=6),
    limit=st.one_of(st.none(), st.integers(min_value=1, max_value=3), st.integers(max_value=0)),
)
def test_of_any_bulk_request_only_what_is_answered_as_created_stays(target, operations, limit):
    before = target.state()
    answer = target.raw.send("POST", "/Bulk", json.dumps({"Operations": operations, "failOnErrors": limit}).encode())
    assert_is_scim_document(answer)
    assert answer.status in {200, 400}
    results = answer.json().get("Operations", [])
    assert all(result["status"] < "500" for result in results), results
    assert all("location" in result for result in results if result["status"] == "201"), results
    for result in results:
        if result["status"] == "201":
            kind, identifier = result["location"].split("/")[-2:]
            assert target.raw.send("DELETE", f"/{kind}/{identifier}").status in {204, 404}
    assert target.state() == before
