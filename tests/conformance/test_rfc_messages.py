"""Is every example of filters, searches, cursors and bulk requests in RFC 7644 and 9865 understood and answered so?"""

import json

import pytest

from tests.conformance.conversation import differences
from tests.conformance.rfc_examples import example, with_values
from tests.conformance.scim_client import ENTERPRISE, USER, ScimClient, accepted, fresh, refused
from tests.make.databases import fresh_sqlite
from tests.make.served import serve

# Users that the example of RFC 7644 §3.7.3 replaces, changes and deletes, and the versions that it expects.
REPLACED, REPLACED_VERSION = "b7c14771-226c-4d05-8860-134711653041", 'W/"3694e05e9dff591"'
CHANGED, CHANGED_VERSION = "5d8d29d3-342c-4b5f-8683-a3cb6763ffcc", 'W/"edac3253e2c0ef2"'
DELETED, DELETED_VERSION = "e9025315-6bea-44e1-899c-1e07454e468b", 'W/"0ee8add0a938e1a"'


def bulk(scim, document):
    return accepted(scim.send("POST", "/Bulk", document), 200)["Operations"]


def names(*theirs):
    """Return names of our own for each of the RFC's, which other tests use as well."""
    return {name: fresh(name) for name in theirs}


def id_in(result):
    return result["location"].rpartition("/")[2]


def assert_shows(shown, results):
    """See that our results say what those of the RFC say, of other ids and versions, and have nothing else."""
    assert [set(result) for result in results] == [set(result) for result in shown]
    for ours, theirs in zip(results, shown, strict=True):
        for key in ("method", "bulkId", "status"):
            assert ours.get(key) == theirs.get(key)
        if "location" in theirs:
            assert ours["location"].split("/")[-2] == theirs["location"].split("/")[-2]


@pytest.fixture
def smiths(scim):
    """A user and a group whose names begin as the RFC's examples of searches ask."""
    user = scim.create_user(fresh("jsmith"), displayName="Smith, James")
    group = scim.create_group("Smith Family")
    yield [user, group]
    for endpoint, resource in (("/Users", user), ("/Groups", group)):
        scim.delete(f"{endpoint}/{resource['id']}")


def test_a_search_by_post_has_what_the_rfc_shows(scim, smiths):
    page = accepted(scim.send("POST", "/.search", example("RFC 7644 §3.4.3 #1")), 200)
    shown = example("RFC 7644 §3.4.3 #2")
    assert set(page) == set(shown)
    assert (page["schemas"], page["startIndex"], page["totalResults"]) == (shown["schemas"], shown["startIndex"], 2)
    user, group = smiths
    # The RFC's resources lack `schemas`, which §3.1 of RFC 7643 wants in all.
    assert [set(resource) - {"schemas"} for resource in page["Resources"]] == [set(one) for one in shown["Resources"]]
    assert [resource["id"] for resource in page["Resources"]] == [user["id"], group["id"]]
    assert [resource["displayName"] for resource in page["Resources"]] == [
        resource["displayName"] for resource in shown["Resources"]
    ]


def test_a_search_by_cursor_has_what_the_rfc_shows(scim, smiths):
    # RFC 9865 posts to /User/.search; the endpoint of users is /Users.
    document = example("RFC 9865 §3 #1")
    page = accepted(scim.send("POST", "/Users/.search", document), 200)
    assert [resource["id"] for resource in page["Resources"]] == [smiths[0]["id"]]
    shown = example("RFC 9865 §3 #2")
    # One match is the last page, which has no cursor for a next one.
    assert set(page) == set(shown) - {"nextCursor"}
    assert page["schemas"] == shown["schemas"]


def test_pages_by_cursor_have_what_the_rfc_shows(scim):
    users = [scim.create_user(fresh("Jumper")) for _ in range(25)]
    # `cursor` stands in the RFC's query without a sign of equality; its filter lacks the quotation marks.
    query = 'filter=userName sw "Jumper"&count=10&cursor'
    first = accepted(scim.get(f"/Users?{query}"), 200)
    shown, shown_next = example("RFC 9865 §2 #1"), example("RFC 9865 §2 #2")
    assert set(first) == set(shown)
    assert (first["schemas"], first["totalResults"], first["itemsPerPage"]) == (shown["schemas"], 25, 10)
    second = accepted(scim.get(f"/Users?{query}={first['nextCursor']}"), 200)
    assert set(second) == set(shown_next)
    found = [resource["id"] for resource in first["Resources"] + second["Resources"]]
    assert found == [user["id"] for user in users[:20]]


def test_a_list_without_a_cursor_is_paged_by_position(scim):
    # RFC 9865 §2.3 shows a server that has only cursors. Here position is the default, as §2.4 advises.
    shown = example("RFC 9865 §2.3 #1")
    page = accepted(scim.get("/Users"), 200)
    assert set(page) == set(shown) - {"nextCursor"} | {"startIndex"}


def test_paging_is_described_as_the_rfc_shows(scim):
    shown = example("RFC 9865 §4 #1")["pagination"]
    ours = scim.read("/ServiceProviderConfig")["pagination"]
    assert {key: type(value) for key, value in ours.items()} == {key: type(value) for key, value in shown.items()}
    assert (ours["cursor"], ours["index"], ours["defaultPaginationMethod"]) == (True, True, "index")


PEOPLE = (
    {
        "userName": "bjensen",
        "name": {"familyName": "Jensen"},
        "title": "Tour Guide",
        "userType": "Employee",
        "emails": [{"value": "bjensen@example.com", "type": "work"}, {"value": "b@home.example", "type": "home"}],
        ENTERPRISE: {"employeeNumber": "701984"},
    },
    {
        "userName": "John",
        "name": {"familyName": "O'Malley"},
        "userType": "Intern",
        "emails": [{"value": "john@example.org", "type": "home"}],
        "ims": [{"value": "john@foo.com", "type": "xmpp"}],
    },
    {"userName": "contractor", "userType": "Contractor", "emails": [{"value": "c@elsewhere.example", "type": "work"}]},
)
EVERYBODY = {"bjensen", "John", "contractor"}


@pytest.fixture(scope="module")
def people(served):
    """Three users of whom each filter that RFC 7644 shows selects others."""
    with served.client() as http:
        scim = ScimClient(http)
        created = [accepted(scim.send("POST", "/Users", {"schemas": [USER]} | person), 201) for person in PEOPLE]
        yield {user["id"]: user["userName"] for user in created}
        for user in created:
            scim.delete(f"/Users/{user['id']}")


@pytest.mark.parametrize(
    "condition, expected",
    [
        ('userName eq "bjensen"', {"bjensen"}),
        ('userName Eq "john"', {"John"}),
        ('Username eq "john"', {"John"}),
        ('name.familyName co "O\'Malley"', {"John"}),
        ('userName sw "J"', {"John"}),
        ('urn:ietf:params:scim:schemas:core:2.0:User:userName sw "J"', {"John"}),
        ("title pr", {"bjensen"}),
        ('meta.lastModified gt "2011-05-13T04:42:34Z"', EVERYBODY),
        ('meta.lastModified ge "2011-05-13T04:42:34Z"', EVERYBODY),
        ('meta.lastModified lt "2011-05-13T04:42:34Z"', set()),
        ('meta.lastModified le "2011-05-13T04:42:34Z"', set()),
        ('title pr and userType eq "Employee"', {"bjensen"}),
        ('title pr or userType eq "Intern"', {"bjensen", "John"}),
        ('schemas eq "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"', {"bjensen"}),
        ('userType eq "Employee" and (emails co "example.com" or emails.value co "example.org")', {"bjensen"}),
        ('userType ne "Employee" and not (emails co "example.com" or emails.value co "example.org")', {"contractor"}),
        ('userType eq "Employee" and (emails.type eq "work")', {"bjensen"}),
        ('userType eq "Employee" and emails[type eq "work" and value co "@example.com"]', {"bjensen"}),
        (
            'emails[type eq "work" and value co "@example.com"] or ims[type eq "xmpp" and value co "@foo.com"]',
            {"bjensen", "John"},
        ),
    ],
)
def test_every_filter_that_the_rfc_shows_selects_what_it_says(scim, people, condition, expected):
    found = scim.search("/Users", condition)
    assert {people[user["id"]] for user in found if user["id"] in people} == expected


def test_groups_that_refer_to_each_other_are_made_and_found_as_the_rfc_shows(scim):
    called = names("Group A", "Group B")
    results = bulk(scim, with_values(example("RFC 7644 §3.7.1 #1"), called))
    assert [result["status"] for result in results] == ["201", "201"]
    shown = example("RFC 7644 §3.7.1 #2")
    values = dict(called)
    for result, resource in zip(results, shown["Resources"], strict=True):
        values |= {resource["meta"]["location"]: result["location"], resource["id"]: id_in(result)}
    expected = with_values(shown, values)
    condition = " or ".join(f'displayName eq "{name}"' for name in called.values())
    page = scim.page("/Groups", filter=condition, sortBy="displayName")
    for ours, theirs in zip(page["Resources"], expected["Resources"], strict=True):
        assert differences(theirs | {"meta": ours["meta"]}, ours, "$") == []
        assert set(theirs["meta"]) == set(ours["meta"])
        assert theirs["meta"]["location"].rpartition("/")[2] == ours["id"]
    assert page["totalResults"] == expected["totalResults"]


def test_a_new_user_joins_a_new_group_as_the_rfc_shows(scim):
    called = names("Alice", "Tour Guides")
    results = bulk(scim, with_values(example("RFC 7644 §3.7.2 #1"), called))
    shown = example("RFC 7644 §3.7.2 #2")["Operations"]
    assert_shows(shown, results)
    values = called | {theirs["location"]: ours["location"] for theirs, ours in zip(shown, results, strict=True)}
    values |= {id_in(theirs): id_in(ours) for theirs, ours in zip(shown, results, strict=True)}
    group = scim.read(f"/Groups/{id_in(results[1])}")
    expected = with_values(example("RFC 7644 §3.7.2 #3"), values)
    assert differences(expected | {"meta": group["meta"]}, group, "$") == []
    assert set(expected["meta"]) == set(group["meta"])
    assert results[1]["version"] == group["meta"]["version"]


def test_a_manager_is_referred_to_as_the_rfc_shows(scim):
    results = bulk(scim, with_values(example("RFC 7644 §3.7.2 #4"), names("Alice", "Bob")))
    assert [result["status"] for result in results] == ["201", "201"]
    bob = scim.read(f"/Users/{id_in(results[1])}")
    assert bob[ENTERPRISE]["employeeNumber"] == "11250"
    assert bob[ENTERPRISE]["manager"]["value"] == id_in(results[0])


def some_job(scim, *, stale=False):
    """Return the request of §3.7.3 on users of ours, with the versions that they have or others."""
    users = [scim.create_user(fresh("job"), nickName="Nick") for _ in range(3)]
    values = names("Alice", "Bob", "Dave")
    for user, theirs, version in zip(
        users,
        (REPLACED, CHANGED, DELETED),
        (REPLACED_VERSION, CHANGED_VERSION, DELETED_VERSION),
        strict=True,
    ):
        values |= {theirs: user["id"]} | ({} if stale else {version: user["meta"]["version"]})
    return with_values(example("RFC 7644 §3.7.3 #2"), values), users, values


def test_a_job_of_every_method_is_answered_as_the_rfc_shows(scim):
    document, (replaced, changed, deleted), values = some_job(scim)
    results = bulk(scim, document)
    assert_shows(example("RFC 7644 §3.7.3 #3")["Operations"], results)
    assert scim.read(f"/Users/{id_in(results[0])}")["userName"] == values["Alice"]
    after = scim.read(f"/Users/{replaced['id']}")
    assert (after["userName"], "nickName" in after) == (values["Bob"], False)
    after = scim.read(f"/Users/{changed['id']}")
    assert (after["userName"], "nickName" in after) == (values["Dave"], False)
    refused(scim.get(f"/Users/{deleted['id']}"), 404)


def broken(document):
    """Return the job with a first user that cannot be created."""
    document["Operations"][0]["data"] = "Alice"
    return document


def test_a_job_that_may_not_fail_ends_as_the_rfc_shows(scim):
    document, users, _ = some_job(scim)
    results = bulk(scim, broken(document))
    (shown,) = example("RFC 7644 §3.7.3 #4")["Operations"]
    assert_shows([shown], results)
    assert results[0]["response"] | {"detail": ""} == shown["response"] | {"detail": ""}
    assert {"status": results[0]["status"], "response": shown["response"]} == example("RFC 7644 §3.7.3 #1")
    assert [scim.read(f"/Users/{user['id']}") for user in users] == users


def test_a_job_of_which_everything_fails_is_answered_as_the_rfc_shows(scim):
    document, (replaced, changed, deleted), _ = some_job(scim, stale=True)
    scim.delete(f"/Users/{deleted['id']}")
    del document["failOnErrors"]
    results = bulk(scim, broken(document))
    shown = example("RFC 7644 §3.7.3 #5")["Operations"]
    assert_shows(shown, results)
    for ours, theirs in zip(results, shown, strict=True):
        assert ours["response"] | {"detail": ""} == theirs["response"] | {"detail": ""}
    assert [scim.read(f"/Users/{user['id']}") for user in (replaced, changed)] == [replaced, changed]


def test_a_job_that_is_too_large_is_refused_as_the_rfc_shows():
    shown = example("RFC 7644 §3.7.4 #1")
    content = json.dumps({"Operations": ["x" * 100_000]})
    limit = {"ROLECALL_MAX_BODY_BYTES": "100000"}
    with fresh_sqlite() as database, serve(database, settings=limit) as served, served.client() as http:
        response = http.post("/Bulk", content=content, headers={"Content-Type": "application/scim+json"})
    assert response.status_code == int(shown["status"])
    assert response.json() | {"detail": ""} == shown | {"detail": ""}
    assert "100000" in response.json()["detail"]
