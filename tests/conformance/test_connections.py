"""Do two identity providers that push to one installation stay apart?"""

import time
from contextlib import contextmanager

import httpx2
import pytest

from tests.conformance.scim_client import SEARCH_REQUEST, ScimClient, accepted, fresh, member_ids, refused

ADD = {"op": "add", "path": "members"}


@pytest.fixture(scope="module")
def served(served_alone):
    return served_alone


def key_of(served, name):
    return served.run_json("admin", "connections", "rotate", name, "--json", *served.storage_options())["api_key"]


@contextmanager
def pushing(served, key):
    with served.client(key) as http:
        yield ScimClient(http)


@pytest.fixture(scope="module")
def entra_key(served):
    served.run_text("admin", "connections", "create", "Entra ID", "--on", *served.storage_options())
    return key_of(served, "Entra ID")


@pytest.fixture
def okta(served):
    """The default connection, pushing."""
    with pushing(served, key_of(served, "default")) as scim:
        scim.empty()
        yield scim


@pytest.fixture
def entra(served, entra_key):
    with pushing(served, entra_key) as scim:
        scim.empty()
        yield scim


def change(served, *options):
    served.run_text("admin", "connections", "change", "Entra ID", *options, *served.storage_options())


def names(page):
    return sorted(each["userName"] for each in page["Resources"])


def test_each_sees_lists_counts_and_finds_only_its_own(okta, entra):
    mine, theirs = okta.create_user(), entra.create_user()
    for scim, own, other in ((okta, mine, theirs), (entra, theirs, mine)):
        assert names(scim.page("/Users")) == [own["userName"]]
        assert scim.page("/Users", count=0)["totalResults"] == 1
        assert names(scim.page("/Users", sortBy="userName")) == [own["userName"]]
        assert names(accepted(scim.get("/Users?cursor=&count=5"), 200)) == [own["userName"]]
        assert scim.search("/Users", f'userName eq "{other["userName"]}"') == []
        assert scim.search("/Users", f'id eq "{other["id"]}"') == []
        found = accepted(scim.send("POST", "/.search", {"schemas": [SEARCH_REQUEST], "filter": "userName pr"}), 200)
        assert names(found) == [own["userName"]]
        refused(scim.get(f"/Users/{other['id']}"), 404)
        refused(scim.patch(f"/Users/{other['id']}", {"op": "replace", "path": "active", "value": False}), 404)
        refused(scim.send("DELETE", f"/Users/{other['id']}"), 404)
    assert okta.read(f"/Users/{mine['id']}") == mine
    assert entra.read(f"/Users/{theirs['id']}") == theirs


def test_nobody_of_another_connection_becomes_a_member(okta, entra):
    mine, theirs = okta.create_user(), entra.create_user()
    group = okta.create_group(members=[mine["id"]])
    refused(okta.patch(f"/Groups/{group['id']}", ADD | {"value": [{"value": theirs["id"]}]}), 400, "invalidValue")
    refused(entra.patch(f"/Groups/{group['id']}", ADD | {"value": [{"value": theirs["id"]}]}), 404)
    assert member_ids(okta.read(f"/Groups/{group['id']}")) == {mine["id"]}


def test_an_operation_of_a_bulk_request_does_not_reach_what_another_has_pushed(okta, entra):
    theirs = entra.create_user()
    operations = [
        {"method": "DELETE", "path": f"/Users/{theirs['id']}"},
        {"method": "POST", "path": "/Users", "bulkId": "a", "data": {"userName": fresh("bulk")}},
    ]
    schemas = ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"]
    answer = accepted(okta.send("POST", "/Bulk", {"schemas": schemas, "Operations": operations}), 200)
    assert [each["status"] for each in answer["Operations"]] == ["404", "201"]
    assert entra.read(f"/Users/{theirs['id']}") == theirs


def test_a_name_that_another_has_pushed_is_refused_without_what_is_known_of_that_user(okta, entra):
    theirs = entra.create_user(displayName="Grace Hopper", title="Rear admiral")
    detail = refused(okta.send("POST", "/Users", {"userName": theirs["userName"].upper()}), 409, "uniqueness")
    assert "administrator" in detail
    assert not any(word in detail for word in ("Grace", "admiral", theirs["id"], "Entra"))
    assert okta.page("/Users")["totalResults"] == 0


def test_one_that_is_switched_off_leaves_the_other_as_it_was(served, okta, entra):
    theirs = entra.create_user()
    change(served, "--off")
    assert "switched off" in refused(entra.get("/Users"), 403)
    okta.create_user()
    change(served, "--on")
    assert entra.read(f"/Users/{theirs['id']}") == theirs


def test_a_credential_is_replaced_with_an_overlap_and_then_without(served, entra):
    theirs = entra.create_user()
    with pushing(served, key_of(served, "Entra ID")) as second:
        assert second.read(f"/Users/{theirs['id']}") == entra.read(f"/Users/{theirs['id']}")
        options = ("--overlap-hours", "0", "--json", *served.storage_options())
        key = served.run_json("admin", "connections", "rotate", "Entra ID", *options)["api_key"]
        refused(second.get("/Users"), 401)
        refused(entra.get("/Users"), 401)
    with pushing(served, key) as third:
        assert third.read(f"/Users/{theirs['id']}") == theirs
        third.delete(f"/Users/{theirs['id']}")


def test_a_rate_limit_holds_for_its_connection_alone_and_what_was_called_is_shown(served, okta):
    change(served, "--rate-limit", "3")
    http = {"headers": {"User-Agent": "Microsoft AzureAD"}, "trust_env": False}
    with httpx2.Client(**http) as client:
        key = key_of(served, "Entra ID")
        answers = [client.get(f"{served.base_url}/Users", headers={"Authorization": f"Bearer {key}"}) for _ in range(4)]
    assert [each.status_code for each in answers] == [200, 200, 200, 429]
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 20
    assert answers[-1].json()["status"] == "429"
    assert [okta.get("/Users").status_code for _ in range(5)] == [200] * 5
    deadline = time.monotonic() + 15
    while True:
        shown = served.run_json("admin", "connections", "show", "Entra ID", "--json", *served.storage_options())
        if shown["dialect"] == "entra" or time.monotonic() > deadline:
            break
        time.sleep(0.5)
    assert (shown["dialect"], shown["last_call_at"] is not None) == ("entra", True)
    assert shown["errors_24h"] >= 1
    change(served, "--rate-limit", "0")
