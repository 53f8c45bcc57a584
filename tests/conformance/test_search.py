"""Are queries by POST and at the root answered as RFC 7644 §3.4.2.1 and §3.4.3 say?"""

import pytest

from tests.conformance.scim_client import ENTERPRISE, GROUP, USER, ScimClient, accepted, fresh, refused

SEARCH_REQUEST = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
NAMES = ["delta", "Alpha", "charlie"]


@pytest.fixture(scope="module")
def mixed(served):
    """Three users and two groups whose displayName begins with a mark of their own."""
    mark = fresh("search")
    with served.client() as http:
        scim = ScimClient(http)
        users = [
            scim.create_user(f"{name}@{mark}", displayName=f"{mark}-{name}", **{ENTERPRISE: {"department": "d"}})
            for name in NAMES
        ]
        groups = [scim.create_group(f"{mark}-{name}", [users[0]["id"]]) for name in ("two", "one")]
        yield scim, mark, users, groups


def post(scim, path, **parameters):
    return scim.send("POST", path, {"schemas": [SEARCH_REQUEST]} | parameters)


def found(scim, condition, path="/.search", **parameters):
    return accepted(post(scim, path, filter=condition, **parameters), 200)


def ids(resources):
    return [resource["id"] for resource in resources]


def test_a_search_by_post_answers_what_the_same_query_by_get_answers(mixed):
    scim, mark, *_ = mixed
    for endpoint in ("/Users", "/Groups"):
        by_get = scim.page(
            endpoint,
            filter=f'displayName sw "{mark}"',
            attributes="displayName,id",
            sortBy="displayName",
            sortOrder="descending",
            startIndex=2,
            count=1,
        )
        by_post = found(
            scim,
            f'displayName sw "{mark}"',
            f"{endpoint}/.search",
            attributes=["displayName", "id"],
            sortBy="displayName",
            sortOrder="descending",
            startIndex=2,
            count=1,
        )
        assert by_post == by_get
        assert len(by_post["Resources"]) == 1


def test_what_is_excluded_is_named_in_a_list_too(mixed):
    scim, mark, _, groups = mixed
    page = found(scim, f'displayName sw "{mark}"', "/Groups/.search", excludedAttributes=["members", "meta"])
    assert ids(page["Resources"]) == ids(groups)
    assert all(set(group) == {"schemas", "id", "displayName"} for group in page["Resources"])


def test_the_root_answers_users_then_groups_under_one_total(mixed):
    scim, mark, users, groups = mixed
    page = scim.page("/", filter=f'displayName sw "{mark}"')
    assert page["totalResults"] == 5
    assert ids(page["Resources"]) == ids(users) + ids(groups)
    assert [resource["meta"]["resourceType"] for resource in page["Resources"]] == ["User"] * 3 + ["Group"] * 2
    assert page["Resources"][3]["members"]
    assert found(scim, f'displayName sw "{mark}"') == page


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 6])
def test_pages_at_the_root_go_on_from_users_to_groups(mixed, count):
    scim, mark, users, groups = mixed
    met = []
    for start in range(1, 8, count):
        page = found(scim, f'displayName sw "{mark}"', startIndex=start, count=count)
        assert (page["totalResults"], page["startIndex"]) == (5, start)
        met += ids(page["Resources"])
    assert met == ids(users) + ids(groups)


def test_each_kind_is_sorted_for_itself(mixed):
    scim, mark, *_ = mixed
    page = found(scim, f'displayName sw "{mark}"', sortBy="displayName")
    names = [resource["displayName"].removeprefix(f"{mark}-") for resource in page["Resources"]]
    assert names == ["Alpha", "charlie", "delta", "one", "two"]


@pytest.mark.parametrize(
    "condition, users_met, groups_met",
    [
        ('displayName sw "{mark}" and userName pr', True, False),
        ('displayName sw "{mark}" and members pr', False, True),
        ('displayName sw "{mark}" and members.value pr', False, True),
        ('displayName sw "{mark}" and members[type eq "User"]', False, True),
        ('displayName sw "{mark}" and not (userName pr)', False, True),
        ('displayName sw "{mark}" and userName ne "nobody"', True, True),
        ('displayName sw "{mark}" and userName eq null', False, True),
        ('displayName sw "{mark}" and (userName eq "alpha@{mark}" or members pr)', None, True),
        ('displayName sw "{mark}" and (meta.resourceType eq "User")', True, False),
        (
            'displayName sw "{mark}" and ((meta.resourceType eq "User") or (meta.resourceType eq "Group"))',
            True,
            True,
        ),
        ('displayName sw "{mark}" and meta.resourceType eq "Group"', False, True),
        (f'{USER}:displayName sw "{{mark}}"', True, False),
        (f'{GROUP}:displayName sw "{{mark}}"', False, True),
        (f'displayName sw "{{mark}}" and {ENTERPRISE}:department eq "D"', True, False),
        (f'displayName sw "{{mark}}" and {ENTERPRISE} pr', True, False),
    ],
)
def test_what_one_kind_does_not_have_counts_as_absent_there(mixed, condition, users_met, groups_met):
    scim, mark, users, groups = mixed
    page = found(scim, condition.replace("{mark}", mark), count=200)
    met = set(ids(page["Resources"]))
    expected = {True: set(ids(users)), False: set(), None: {users[1]["id"]}}
    assert met & set(ids(users)) == expected[users_met]
    assert met & set(ids(groups)) == (set(ids(groups)) if groups_met else set())


def test_sorting_by_what_only_one_kind_has_leaves_the_other_in_its_usual_order(mixed):
    scim, mark, users, groups = mixed
    page = found(scim, f'displayName sw "{mark}"', sortBy="userName", sortOrder="descending")
    assert ids(page["Resources"]) == [users[0]["id"], users[2]["id"], users[1]["id"], *ids(groups)]


def test_attributes_are_chosen_from_each_kind(mixed):
    scim, mark, *_ = mixed
    page = found(scim, f'displayName sw "{mark}"', attributes=["userName", "members.value"])
    assert [set(resource) - {"schemas", "id"} for resource in page["Resources"]] == [{"userName"}] * 3 + [
        {"members"}
    ] * 2


@pytest.mark.parametrize("path", ["/.search", "/Users/.search"])
@pytest.mark.parametrize(
    "parameters, scim_type",
    [
        ({"filter": "usrName pr"}, "invalidFilter"),
        ({"filter": "displayName eq"}, "invalidFilter"),
        ({"filter": ["displayName pr"]}, "invalidValue"),
        ({"sortBy": "usrName"}, "invalidValue"),
        ({"sortOrder": "up"}, "invalidValue"),
        ({"count": "many"}, "invalidValue"),
        ({"count": True}, "invalidValue"),
        ({"startIndex": 1.5}, "invalidValue"),
        ({"attributes": [1]}, "invalidValue"),
        ({"attributes": ["userName"], "excludedAttributes": ["emails"]}, "invalidValue"),
        ({"schemas": [USER]}, "invalidSyntax"),
    ],
)
def test_a_search_that_cannot_be_understood_is_refused(scim, path, parameters, scim_type):
    refused(post(scim, path, **parameters), 400, scim_type)


def test_a_search_needs_an_object(scim):
    refused(scim.send("POST", "/.search", []), 400, "invalidSyntax")


@pytest.mark.parametrize("path", ["/Schemas/.search", "/Me/.search", "/Nothing/.search"])
def test_what_cannot_be_listed_cannot_be_searched(scim, path):
    refused(post(scim, path), 404)


@pytest.mark.parametrize("method, path", [("GET", "/.search"), ("GET", "/Users/.search"), ("POST", "/")])
def test_other_methods_are_told_the_right_one(scim, method, path):
    response = scim.send(method, path, None if method == "GET" else {})
    refused(response, 405)
    assert response.headers["Allow"] == ("GET, HEAD" if path == "/" else "POST")
