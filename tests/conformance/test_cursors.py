"""Are lists paged by cursor as RFC 9865 says?"""

import re

import pytest

from tests.conformance.scim_client import ENTERPRISE, LIST, ScimClient, accepted, fresh, refused

UNRESERVED = re.compile(r"[A-Za-z0-9._~-]+")
NAMES = ["delta", "Alpha", "charlie", "Bravo", "echo", "Jay", "jim"]
SEARCH_REQUEST = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"


@pytest.fixture(scope="module")
def seven(served):
    mark = fresh("cursors")
    with served.client() as http:
        scim = ScimClient(http)
        for number, name in enumerate(NAMES):
            scim.create_user(
                f"{name}@{mark}",
                displayName=None if name == "echo" else name,
                title=None if name in {"Alpha", "jim"} else f"t{number % 2}",
                **{ENTERPRISE: {"department": "cursors"}},
            )
        yield scim, f'userName ew "@{mark}"', mark


def read(scim, endpoint="/Users", **parameters):
    """Return one page, held against what is true of every page that is read by a cursor."""
    page = accepted(scim.http.get(endpoint, params={"cursor": ""} | parameters), 200)
    assert page["schemas"] == [LIST]
    assert page["itemsPerPage"] == len(page["Resources"])
    assert "startIndex" not in page
    for name in ("nextCursor", "previousCursor"):
        assert name not in page or UNRESERVED.fullmatch(page[name])
    return page


def pages(scim, endpoint="/Users", **parameters):
    """Return all pages from the first to the last."""
    read_so_far = [read(scim, endpoint, **parameters)]
    while "nextCursor" in read_so_far[-1]:
        assert len(read_so_far) < 100
        read_so_far.append(read(scim, endpoint, cursor=read_so_far[-1]["nextCursor"], **parameters))
    return read_so_far


def names(page):
    return [resource["userName"].partition("@")[0] for resource in page["Resources"]]


def ids(page):
    return [resource["id"] for resource in page["Resources"]]


def plain(scim, **parameters):
    """Return the ids of the same list without cursors."""
    return ids(scim.page("/Users", count=200, **parameters))


def test_the_configuration_announces_cursors(scim):
    assert scim.read("/ServiceProviderConfig")["pagination"] == {
        "cursor": True,
        "index": True,
        "defaultPaginationMethod": "index",
        "defaultPageSize": 100,
        "maxPageSize": 200,
        "cursorTimeout": 600,
    }


def test_without_a_cursor_pages_are_numbered(seven):
    scim, mine, _ = seven
    page = scim.page("/Users", filter=mine, count=2)
    assert "nextCursor" not in page
    assert page["startIndex"] == 1


ORDERS = [
    {},
    {"sortBy": "id"},
    {"sortBy": "id", "sortOrder": "descending"},
    {"sortBy": "userName"},
    {"sortBy": "displayName"},
    {"sortBy": "displayName", "sortOrder": "descending"},
    {"sortBy": "title"},
    {"sortBy": "title", "sortOrder": "descending"},
    {"sortBy": "active"},
    {"sortBy": "meta.created"},
    {"sortBy": "meta.lastModified", "sortOrder": "descending"},
    {"sortBy": "externalId"},
    {"sortBy": f"{ENTERPRISE}:department", "sortOrder": "descending"},
]


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: "-".join(order.values()) or "unsorted")
@pytest.mark.parametrize("count", [1, 3, 7, 8])
def test_the_pages_of_a_walk_are_the_list_forwards_and_backwards(seven, order, count):
    scim, mine, _ = seven
    query = {"filter": mine, "count": count} | order
    there = pages(scim, **query)
    assert [found for page in there for found in ids(page)] == plain(scim, filter=mine, **order)
    assert {page["totalResults"] for page in there} == {7}
    assert ["previousCursor" in page for page in there] == [False] + [True] * (len(there) - 1)
    back = [there[-1]]
    while "previousCursor" in back[-1]:
        back.append(read(scim, cursor=back[-1]["previousCursor"], **query))
    assert [ids(page) for page in reversed(back)] == [ids(page) for page in there]
    assert ["nextCursor" in page for page in reversed(back)] == ["nextCursor" in page for page in there]


@pytest.mark.parametrize("inexact", [False, True])
def test_a_filter_that_needs_a_scan_is_walked_too(seven, inexact):
    scim, mine, _ = seven
    condition = f"{mine} and title pr" if inexact else mine
    walked = [found for page in pages(scim, filter=condition, count=2) for found in ids(page)]
    assert walked == plain(scim, filter=condition)
    assert len(walked) == (5 if inexact else 7)


def test_an_attribute_may_be_spelled_otherwise_from_page_to_page(seven):
    scim, _, mark = seven
    first = read(scim, filter=f'userName sw "J" and userName ew "@{mark}"', count=1)
    second = read(scim, filter=f'username sw "J" and USERNAME ew "@{mark}"', count=1, cursor=first["nextCursor"])
    assert sorted(names(first) + names(second)) == ["Jay", "jim"]
    assert "nextCursor" not in second


def test_the_attributes_of_a_walk_may_be_chosen(seven):
    scim, mine, _ = seven
    for page in pages(scim, filter=mine, count=4, attributes="userName"):
        assert all(set(user) == {"schemas", "id", "userName"} for user in page["Resources"])


def test_a_search_by_post_has_cursors_too(seven):
    scim, mine, _ = seven
    query = {"schemas": [SEARCH_REQUEST], "filter": mine, "count": 4, "attributes": ["userName"]}
    first = accepted(scim.send("POST", "/Users/.search", query | {"cursor": ""}), 200)
    second = accepted(scim.send("POST", "/Users/.search", query | {"cursor": first["nextCursor"]}), 200)
    assert ids(first) + ids(second) == plain(scim, filter=mine)
    assert ("nextCursor" in second, "startIndex" in first) == (False, False)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
def test_a_walk_at_the_root_goes_on_from_users_to_groups_and_back(scim, count):
    mark = fresh("everything")
    wanted = [scim.create_user(displayName=f"{mark}-{n}")["id"] for n in range(2)]
    wanted += [scim.create_group(f"{mark}-{n}")["id"] for n in range(2)]
    query = {"filter": f'displayName sw "{mark}"', "count": count}
    there = pages(scim, "/", **query)
    assert [found for page in there for found in ids(page)] == wanted
    assert {page["totalResults"] for page in there} == {4}
    back = [there[-1]]
    while "previousCursor" in back[-1]:
        back.append(read(scim, "/", cursor=back[-1]["previousCursor"], **query))
    assert [found for page in reversed(back) for found in ids(page)] == wanted


def test_groups_alone_are_walked_at_the_root(scim):
    mark = fresh("only-groups")
    wanted = [scim.create_group(f"{mark}-{n}")["id"] for n in range(3)]
    there = pages(scim, "/", filter=f'displayName sw "{mark}"', count=2)
    assert [ids(page) for page in there] == [wanted[:2], wanted[2:]]
    assert ["previousCursor" in page for page in there] == [False, True]


def test_nothing_found_is_one_empty_page(scim):
    assert [page["Resources"] for page in pages(scim, filter='userName eq "nobody at all"')] == [[]]


def test_what_comes_and_goes_meanwhile_shifts_no_page(scim):
    mark = fresh("shift")
    users = [scim.create_user(f"{mark}-{n}") for n in "bdfhj"]
    query = {"filter": f'userName sw "{mark}-"', "sortBy": "userName", "count": 2}
    first = read(scim, **query)
    for gone in users[:2]:
        scim.delete(f"/Users/{gone['id']}")
    scim.create_user(f"{mark}-a")
    new = scim.create_user(f"{mark}-i")
    second = read(scim, cursor=first["nextCursor"], **query)
    assert ids(second) == [users[2]["id"], users[3]["id"]]
    third = read(scim, cursor=second["nextCursor"], **query)
    assert ids(third) == [new["id"], users[4]["id"]]


def test_a_page_of_which_nothing_is_left_leads_back(scim):
    mark = fresh("emptied")
    users = [scim.create_user(f"{mark}-{n}") for n in range(4)]
    query = {"filter": f'userName sw "{mark}-"', "sortBy": "userName", "count": 2}
    first = read(scim, **query)
    for gone in users[2:]:
        scim.delete(f"/Users/{gone['id']}")
    second = read(scim, cursor=first["nextCursor"], **query)
    assert (second["Resources"], second["totalResults"], "nextCursor" in second) == ([], 2, False)
    assert ids(read(scim, cursor=second["previousCursor"], **query)) == ids(first)
    for gone in users[:2]:
        scim.delete(f"/Users/{gone['id']}")
    nothing = read(scim, cursor=second["previousCursor"], **query)
    assert (nothing["Resources"], "previousCursor" in nothing, "nextCursor" in nothing) == ([], False, False)


def test_a_count_of_zero_answers_only_the_total(seven):
    scim, mine, _ = seven
    for count in ("0", "-1"):
        page = read(scim, filter=mine, count=count)
        assert (page["totalResults"], page["Resources"]) == (7, [])
        assert {"nextCursor", "previousCursor"}.isdisjoint(page)


@pytest.mark.parametrize("text", ["VZUTiyhEQJ94IR", "x", "A" * 80, "A" * 5000, "not base64 !", "ü"])
def test_a_cursor_that_nobody_gave_is_invalid(scim, text):
    refused(scim.http.get("/Users", params={"cursor": text}), 400, "invalidCursor")


def test_a_cursor_with_one_character_changed_is_invalid(seven):
    scim, mine, _ = seven
    cursor = read(scim, filter=mine, count=2)["nextCursor"]
    for place in (0, len(cursor) // 2, len(cursor) - 2):
        other = "A" if cursor[place] != "A" else "B"
        forged = cursor[:place] + other + cursor[place + 1 :]
        refused(scim.http.get("/Users", params={"filter": mine, "count": 2, "cursor": forged}), 400, "invalidCursor")


@pytest.mark.parametrize(
    "endpoint, other",
    [
        ("/Users", {"filter": "userName pr"}),
        ("/Users", {"filter": None}),
        ("/Users", {"sortBy": "userName"}),
        ("/Users", {"sortOrder": "descending"}),
        ("/Groups", {"filter": None}),
        ("/", {}),
    ],
)
def test_a_cursor_is_of_no_use_for_another_query(seven, endpoint, other):
    scim, mine, _ = seven
    query = {"filter": mine, "count": 2}
    cursor = read(scim, **query)["nextCursor"]
    changed = {name: value for name, value in (query | other).items() if value is not None}
    refused(scim.http.get(endpoint, params=changed | {"cursor": cursor}), 400, "invalidCursor")


def test_a_cursor_is_of_no_use_to_another_caller(seven, served):
    scim, mine, _ = seven
    query = {"filter": mine, "count": 2}
    query["cursor"] = read(scim, **query)["nextCursor"]
    made = served.run_json(
        *("admin", "create-key", "--user-name", fresh("other"), "--role", "scim_provisioner", "--create-user"),
        *served.storage_options(),
        "--json",
    )
    with served.client(made["api_key"]) as http:
        told = refused(http.get("/Users", params=query), 400, "invalidCursor")
        assert refused(http.get("/Users", params=query | {"cursor": "forged"}), 400, "invalidCursor") == told
    assert scim.http.get("/Users", params=query).status_code == 200


@pytest.mark.parametrize("count", ["201", "many", "1.5"])
def test_a_count_that_is_no_page_size_is_invalid(scim, count):
    refused(scim.http.get("/Users", params={"cursor": "", "count": count}), 400, "invalidCount")


def test_the_count_must_stay_as_it_was(seven):
    scim, mine, _ = seven
    cursor = read(scim, filter=mine, count=2)["nextCursor"]
    for count in ({"count": 3}, {}):
        response = scim.http.get("/Users", params={"filter": mine, "cursor": cursor} | count)
        refused(response, 400, "invalidCount")


def test_a_position_and_a_cursor_at_once_are_refused(scim):
    refused(scim.http.get("/Users", params={"cursor": "", "startIndex": 1}), 400, "invalidValue")


def test_cursors_outlive_a_restart(seven, served):
    scim, mine, _ = seven
    query = {"filter": mine, "count": 4}
    cursor = read(scim, **query)["nextCursor"]
    served.stop()
    served.start()
    assert len(read(scim, cursor=cursor, **query)["Resources"]) == 3
