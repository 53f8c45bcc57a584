"""Are lists paged, sorted and projected as RFC 7644 §3.4.2 and §3.9 say?"""

import pytest

from tests.conformance.scim_client import ENTERPRISE, ScimClient, fresh, refused

NAMES = ["delta", "Alpha", "charlie", "Bravo", "echo"]


@pytest.fixture(scope="module")
def five(served):
    mark = fresh("lists")
    with served.client() as http:
        scim = ScimClient(http)
        for number, name in enumerate(NAMES):
            scim.create_user(f"{name}@{mark}", **attributes(number, name))
        yield scim, f'userName ew "@{mark}"'


def attributes(number, name):
    return {
        "displayName": name,
        "title": None if name == "charlie" else f"t{number}",
        "name": {"familyName": f"f{9 - number}", "givenName": "g"},
        "emails": [
            {"type": "home", "value": f"{number}@home.example"},
            {"type": "work", "value": f"{9 - number}@work.example", "primary": True},
        ],
        ENTERPRISE: {"department": f"d{number % 2}"},
    }


def names(page):
    return [user["displayName"] for user in page["Resources"]]


def test_pages_follow_one_another_without_gap_or_overlap(five):
    scim, mine = five
    whole = names(scim.page("/Users", filter=mine))
    paged = []
    for start in (1, 3, 5, 7):
        page = scim.page("/Users", filter=mine, startIndex=start, count=2)
        assert (page["totalResults"], page["startIndex"]) == (5, start)
        paged += names(page)
    assert paged == whole
    assert sorted(paged) == sorted(NAMES)


def test_the_order_of_an_unsorted_list_is_the_same_every_time(five):
    scim, mine = five
    assert len({tuple(names(scim.page("/Users", filter=mine))) for _ in range(5)}) == 1


def test_a_count_of_zero_answers_only_the_total(five):
    scim, mine = five
    page = scim.page("/Users", filter=mine, count=0)
    assert (page["totalResults"], page["Resources"]) == (5, [])


def test_a_negative_count_counts_as_zero(five):
    scim, mine = five
    assert scim.page("/Users", filter=mine, count=-3)["Resources"] == []


@pytest.mark.parametrize("start", [0, -5])
def test_a_start_before_the_first_is_the_first(five, start):
    scim, mine = five
    page = scim.page("/Users", filter=mine, startIndex=start)
    assert (page["startIndex"], len(page["Resources"])) == (1, 5)


def test_a_start_past_the_end_is_an_empty_page(five):
    scim, mine = five
    page = scim.page("/Users", filter=mine, startIndex=1000)
    assert (page["totalResults"], page["Resources"]) == (5, [])


def test_an_enormous_count_is_cut_to_what_the_server_allows(five):
    scim, mine = five
    allowed = scim.read("/ServiceProviderConfig")["filter"]["maxResults"]
    assert allowed >= 200
    assert len(scim.page("/Users", filter=mine, count=10**12)["Resources"]) == 5


@pytest.mark.parametrize("parameters", ["startIndex=one", "count=many", "count=1.5"])
def test_page_numbers_that_are_no_numbers_are_refused(scim, parameters):
    refused(scim.get(f"/Users?{parameters}"), 400, "invalidValue")


@pytest.mark.parametrize(
    "sort_by, expected",
    [
        ("displayName", ["Alpha", "Bravo", "charlie", "delta", "echo"]),
        ("DISPLAYNAME", ["Alpha", "Bravo", "charlie", "delta", "echo"]),
        ("name.familyName", ["echo", "Bravo", "charlie", "Alpha", "delta"]),
        ("emails", ["echo", "Bravo", "charlie", "Alpha", "delta"]),
        ("meta.created", NAMES),
        ("urn:ietf:params:scim:schemas:core:2.0:User:displayName", ["Alpha", "Bravo", "charlie", "delta", "echo"]),
    ],
)
def test_a_list_is_sorted_by_the_attribute_that_is_asked_for(five, sort_by, expected):
    scim, mine = five
    assert names(scim.page("/Users", filter=mine, sortBy=sort_by)) == expected
    backwards = scim.page("/Users", filter=mine, sortBy=sort_by, sortOrder="descending")
    assert names(backwards) == expected[::-1]


def test_what_lacks_the_sort_attribute_comes_last_and_first_when_descending(five):
    scim, mine = five
    assert names(scim.page("/Users", filter=mine, sortBy="title"))[-1] == "charlie"
    assert names(scim.page("/Users", filter=mine, sortBy="title", sortOrder="descending"))[0] == "charlie"


def test_sorting_and_paging_work_together(five):
    scim, mine = five
    page = scim.page("/Users", filter=mine, sortBy="displayName", startIndex=2, count=2)
    assert names(page) == ["Bravo", "charlie"]


def test_groups_are_sorted_too(scim):
    mark = fresh("sorted")
    for name in ("b", "C", "a"):
        scim.create_group(f"{mark}-{name}")
    page = scim.page("/Groups", filter=f'displayName sw "{mark}-"', sortBy="displayName")
    assert [name[-1] for name in names(page)] == ["a", "b", "C"]


@pytest.mark.parametrize(
    "projection, present, absent",
    [
        ("attributes=displayName", {"id", "schemas", "displayName"}, {"userName", "emails", "name", ENTERPRISE}),
        ("attributes=userName,emails.value", {"userName", "emails"}, {"displayName", "name"}),
        (f"attributes={ENTERPRISE}:department", {ENTERPRISE}, {"userName", "displayName"}),
        (f"attributes={ENTERPRISE}", {ENTERPRISE}, {"userName", "displayName"}),
        ("attributes=DisplayName", {"displayName"}, {"userName"}),
        ("attributes=noSuchAttribute", {"id", "schemas"}, {"userName", "displayName"}),
        ("excludedAttributes=emails,name", {"id", "userName", "displayName", ENTERPRISE}, {"emails", "name"}),
        ("excludedAttributes=id,schemas,displayName", {"id", "schemas", "userName"}, {"displayName"}),
        (f"excludedAttributes={ENTERPRISE}:department", {"userName"}, {ENTERPRISE}),
    ],
)
def test_a_list_shows_only_the_attributes_that_are_wanted(five, projection, present, absent):
    scim, mine = five
    page = scim.read(f"/Users?{projection}&filter={mine.replace(' ', '%20')}")
    assert len(page["Resources"]) == 5
    for user in page["Resources"]:
        assert present <= set(user)
        assert not absent & set(user)


def test_a_wanted_sub_attribute_comes_without_its_siblings(five):
    scim, mine = five
    for user in scim.page("/Users", filter=mine, attributes="name.familyName,emails.value")["Resources"]:
        assert set(user["name"]) == {"familyName"}
        assert all(set(mail) == {"value"} for mail in user["emails"])


def test_an_excluded_sub_attribute_leaves_its_siblings(five):
    scim, mine = five
    for user in scim.page("/Users", filter=mine, excludedAttributes="name.familyName")["Resources"]:
        assert user["name"] == {"givenName": "g"}


def test_a_single_resource_and_the_answers_to_writes_are_projected_too(scim):
    user = scim.create_user(displayName="d", title="t")
    path = f"/Users/{user['id']}"
    assert "title" not in scim.read(f"{path}?attributes=displayName")
    assert "title" not in scim.read(f"{path}?excludedAttributes=title")
    body = {"schemas": user["schemas"], "userName": fresh("projected"), "title": "t"}
    created = scim.send("POST", "/Users?attributes=userName", body).json()
    assert {"id", "schemas", "userName"} <= set(created)
    assert "title" not in created
    assert "title" not in scim.send("PUT", f"{path}?excludedAttributes=title", user).json()


def test_entra_reads_a_group_without_its_members(scim):
    group = scim.create_group(members=[scim.create_user()["id"]])
    answer = scim.read(f"/Groups/{group['id']}?excludedAttributes=members")
    assert answer == {name: value for name, value in group.items() if name != "members"}


def test_wanting_and_excluding_at_once_is_refused(scim):
    refused(scim.get("/Users?attributes=userName&excludedAttributes=emails"), 400, "invalidValue")
