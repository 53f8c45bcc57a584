"""Is every JSON example of RFC 7643 and RFC 7644 understood, and answered as the RFC says?

Those of lists by POST, cursors and bulk requests are in `test_rfc_messages.py`.
"""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.conversation import differences
from tests.conformance.rfc_examples import EXAMPLES, FOLDER, example
from tests.conformance.scim_client import (
    ENTERPRISE,
    ERROR,
    GROUP,
    USER,
    ScimClient,
    accepted,
    fresh,
    member_ids,
    refused,
)

DEVIATIONS = json.loads((FOLDER / "deviations.json").read_text("utf-8"))
# The RFC abbreviates ids here and there: `2819c223...413861904646`.
IDS = {
    "babs": re.compile(r"2819c223[-.0-9a-f]*413861904646"),
    "james": re.compile(r"08e1d05d[-.0-9a-f]*473d93df9210"),
    "mandy": re.compile(r"902c246b-6245-4190-8e05-00816be7344a"),
}
READ_ONLY = {"id", "meta", "groups", "password", "schemas"}


def adapted(document: Any, ids: dict[str, str]) -> Any:
    """Put our ids in the places of the RFC's."""
    text = json.dumps(document)
    for name, identifier in ids.items():
        text = IDS[name].sub(identifier, text)
    return json.loads(text)


@pytest.fixture
def people(scim) -> dict[str, str]:
    """Ids for the three people in the RFC's examples, by their name there."""
    return {name: scim.create_user(fresh(name))["id"] for name in IDS}


def written(document: dict[str, Any]) -> dict[str, Any]:
    """Return what the answer must have of a user that was sent: all but what only the server may set."""
    kept = {name: value for name, value in document.items() if name not in READ_ONLY}
    manager = kept.get(ENTERPRISE, {}).get("manager")
    if manager is not None:
        manager.pop("displayName", None)
        manager.pop("$ref", None)
    return kept


USERS = (
    "RFC 7643 §3 #1",
    "RFC 7643 §8.1 #1",
    "RFC 7643 §8.2 #1",
    "RFC 7643 §8.3 #1",
    "RFC 7644 §3.3 #1",
    "RFC 7644 §3.14 #1",
)


@pytest.mark.parametrize("name", USERS)
def test_a_user_of_the_rfc_is_created_with_all_that_a_client_may_set(scim, name):
    document = example(name) | {"userName": fresh("bjensen")}
    created = accepted(scim.send("POST", "/Users", document), 201)
    assert differences(written(document), created, "$") == []
    assert set(document["schemas"]) == set(created["schemas"])
    assert "password" not in created
    assert scim.read(f"/Users/{created['id']}") == created


def test_the_group_of_the_rfc_is_created_with_its_members(scim, people):
    document = adapted(example("RFC 7643 §8.4 #1"), people) | {"displayName": fresh("Tour Guides")}
    created = accepted(scim.send("POST", "/Groups", document), 201)
    assert created["displayName"] == document["displayName"]
    assert member_ids(created) == {member["value"] for member in document["members"]}
    assert all(member["$ref"].endswith(f"/Users/{member['value']}") for member in created["members"])


@pytest.mark.parametrize(
    "request_name, answer_name",
    [("RFC 7644 §3.3 #1", "RFC 7644 §3.3 #2"), ("RFC 7644 §3.14 #1", "RFC 7644 §3.14 #2")],
)
def test_the_answer_to_a_creation_has_what_the_rfc_shows(scim, request_name, answer_name):
    name = fresh("bjensen")
    response = scim.send("POST", "/Users", example(request_name) | {"userName": name})
    created = accepted(response, 201)
    expected = as_ours(example(answer_name), created)
    assert differences(expected | ({"userName": name} if "userName" in expected else {}), created, "$") == []
    assert response.headers["Location"] == created["meta"]["location"]
    assert response.headers["ETag"] == created["meta"]["version"]


def as_ours(document: dict[str, Any], ours: dict[str, Any]) -> dict[str, Any]:
    """Return an answer of the RFC with our id, instants, version and address, where it shows such."""
    meta = {key: ours["meta"][key] if key != "resourceType" else value for key, value in document["meta"].items()}
    return document | {"id": ours["id"], "meta": meta}


def test_a_read_user_has_what_the_rfc_shows(scim):
    document = example("RFC 7644 §3.4.1 #1")
    user = accepted(scim.send("POST", "/Users", document | {"userName": fresh("bjensen")}), 201)
    expected = as_ours(document, user) | {"userName": user["userName"]}
    assert differences(expected, scim.read(f"/Users/{user['id']}"), "$") == []


def test_only_the_attributes_asked_for_come_back_as_the_rfc_shows(scim):
    user = scim.create_user()
    shown = example("RFC 7644 §3.9 #1")
    expected = shown | {"id": user["id"], "userName": user["userName"]}
    assert scim.read(f"/Users/{user['id']}?attributes=userName") == expected


@pytest.mark.parametrize("name", ["RFC 7644 §3.4.2 #1", "RFC 7644 §3.4.2.4 #1"])
def test_a_list_has_what_the_rfc_shows(scim, name):
    shown = example(name)
    first, second = scim.create_user(fresh("bjensen")), scim.create_user(fresh("jsmith"))
    condition = f'userName eq "{first["userName"]}" or userName eq "{second["userName"]}"'
    page = scim.page("/Users", filter=condition, attributes="userName")
    assert set(shown) <= set(page)
    assert shown["schemas"] == page["schemas"]
    assert [type(page[key]) for key in shown] == [type(value) for value in shown.values()]
    for resource in shown["Resources"]:
        assert set(resource) <= set(page["Resources"][0])
    assert page["totalResults"] == 2


def test_a_put_replaces_as_the_rfc_shows(scim):
    name = fresh("bjensen")
    user = accepted(scim.send("POST", "/Users", example("RFC 7644 §3.3 #1") | {"userName": name, "title": "Old"}), 201)
    document = adapted(example("RFC 7644 §3.5.1 #1"), {"babs": user["id"]}) | {"userName": name}
    response = scim.send("PUT", f"/Users/{user['id']}", document, If_Match=user["meta"]["version"])
    replaced = accepted(response, 200)
    expected = as_ours(example("RFC 7644 §3.5.1 #2"), replaced) | {"userName": name}
    assert differences(expected, replaced, "$") == []
    assert "title" not in replaced
    assert response.headers["ETag"] == replaced["meta"]["version"] != user["meta"]["version"]


def send_patch(scim: ScimClient, kind: str, resource_id: str, name: str, ids: dict[str, str]) -> Any:
    """Send a PATCH of the RFC and return the resource as a read then shows it."""
    response = scim.send("PATCH", f"/{kind}/{resource_id}", adapted(example(name), ids))
    assert response.status_code in {200, 204}, response.text
    return scim.read(f"/{kind}/{resource_id}")


@pytest.mark.parametrize(
    "name, before, after",
    [
        ("RFC 7644 §3.5.2 #1", [], ["babs"]),
        ("RFC 7644 §3.5.2.1 #1", ["james"], ["babs", "james"]),
        ("RFC 7644 §3.5.2.1 #1", ["babs"], ["babs"]),
        ("RFC 7644 §3.5.2.2 #1", ["babs", "james"], ["james"]),
        ("RFC 7644 §3.5.2.2 #1", ["james"], ["james"]),
        ("RFC 7644 §3.5.2.2 #2", ["babs", "james"], []),
        ("RFC 7644 §3.5.2.2 #5", ["mandy"], ["babs", "james"]),
        ("RFC 7644 §3.5.2.3 #1", ["mandy"], ["babs", "james"]),
    ],
)
def test_a_patch_of_members_has_the_result_that_the_rfc_states(scim, people, name, before, after):
    group = scim.create_group(members=[people[who] for who in before])
    changed = send_patch(scim, "Groups", group["id"], name, people)
    assert member_ids(changed) == {people[who] for who in after}


def test_an_add_without_a_path_adds_an_address_and_sets_the_nickname(scim):
    work = {"value": "bjensen@example.com", "type": "work"}
    user = scim.create_user(emails=[work], nickName="Barbara")
    changed = send_patch(scim, "Users", user["id"], "RFC 7644 §3.5.2.1 #2", {})
    assert changed["emails"] == [work, {"value": "babs@jensen.org", "type": "home"}]
    assert changed["nickName"] == "Babs"


def test_a_remove_by_two_conditions_takes_only_what_fulfils_both(scim):
    emails = [
        {"value": "a@example.com", "type": "work"},
        {"value": "a@example.com", "type": "home"},
        {"value": "a@elsewhere.org", "type": "work"},
    ]
    user = scim.create_user(emails=emails)
    changed = send_patch(scim, "Users", user["id"], "RFC 7644 §3.5.2.2 #3", {})
    assert changed["emails"] == emails[1:]


def test_one_member_is_exchanged_for_another_in_one_request(scim, people):
    group = scim.create_group(members=[people["babs"], people["mandy"]])
    changed = send_patch(scim, "Groups", group["id"], "RFC 7644 §3.5.2.2 #4", people)
    assert member_ids(changed) == {people["james"], people["mandy"]}


def test_a_replace_of_the_work_address_replaces_all_of_it_and_takes_primary_from_the_others(scim):
    addresses = [
        {"type": "work", "streetAddress": "1 Old Way", "locality": "Oldtown", "formatted": "old"},
        {"type": "home", "streetAddress": "2 Home Way", "primary": True},
    ]
    user = scim.create_user(addresses=addresses)
    changed = send_patch(scim, "Users", user["id"], "RFC 7644 §3.5.2.3 #2", {})
    work, home = changed["addresses"]
    assert work == example("RFC 7644 §3.5.2.3 #2")["Operations"][0]["value"]
    assert home == addresses[1] | {"primary": False}


def test_a_replace_of_one_part_leaves_the_other_parts(scim):
    addresses = [
        {"type": "work", "streetAddress": "1 Old Way", "locality": "Oldtown"},
        {"type": "home", "locality": "X"},
    ]
    user = scim.create_user(addresses=addresses)
    changed = send_patch(scim, "Users", user["id"], "RFC 7644 §3.5.2.3 #3", {})
    street = example("RFC 7644 §3.5.2.3 #3")["Operations"][0]["value"]
    assert changed["addresses"] == [addresses[0] | {"streetAddress": street}, addresses[1]]


def test_a_replace_without_a_path_replaces_all_addresses_and_the_nickname(scim):
    user = scim.create_user(emails=[{"value": "old@example.com", "type": "other"}], nickName="Barbara", title="Kept")
    changed = send_patch(scim, "Users", user["id"], "RFC 7644 §3.5.2.3 #4", {})
    assert changed["emails"] == example("RFC 7644 §3.5.2.3 #4")["Operations"][0]["value"]["emails"]
    assert (changed["nickName"], changed["title"]) == ("Babs", "Kept")


@pytest.mark.parametrize("name, method", [("RFC 7644 §3.6 #1", "DELETE"), ("RFC 7644 §3.12 #1", "GET")])
def test_a_missing_resource_is_refused_as_the_rfc_shows(scim, name, method):
    shown = example(name)
    response = scim.send(method, "/Users/2819c223-7f76-453a-919d-413861904646")
    refused(response, int(shown["status"]))
    assert response.json()["schemas"] == shown["schemas"]
    assert set(response.json()) == set(shown)


def test_a_read_only_attribute_is_refused_as_the_rfc_shows(scim):
    # The RFC shows this answer to a PUT, for which §3.5.1 says that a read-only value is ignored; a PATCH is refused.
    shown = example("RFC 7644 §3.12 #2")
    user = scim.create_user()
    response = scim.patch(f"/Users/{user['id']}", {"op": "replace", "path": "id", "value": "x"})
    refused(response, int(shown["status"]), shown["scimType"])
    assert set(response.json()) == set(shown)


def test_the_error_of_a_server_that_forbids_personal_data_in_addresses_is_not_ours(scim):
    # §7.5.2 lets a server refuse such filters. Rolecall answers them: every provider sends userName in the address.
    shown = example("RFC 7644 §7.5.2 #1")
    assert (shown["schemas"], shown["scimType"]) == ([ERROR], "sensitive")
    assert scim.search("/Users", 'name.familyName eq "Nobody of this name"') == []


def test_the_configuration_has_the_structure_that_the_rfc_shows(scim):
    ours = scim.read("/ServiceProviderConfig")
    found = set(structure_differences(example("RFC 7643 §8.5 #1"), ours, ""))
    assert found == set(DEVIATIONS["ServiceProviderConfig"])


@pytest.mark.parametrize("name", ["RFC 7643 §8.6 #1", "RFC 7644 §4 #1"])
def test_the_resource_types_have_the_structure_that_the_rfc_shows(scim, name):
    shown = example(name)
    shown_types = shown if isinstance(shown, list) else shown["Resources"]
    ours = {entry["id"]: entry for entry in scim.read("/ResourceTypes")["Resources"]}
    assert set(ours) == {entry["id"] for entry in shown_types} == {"User", "Group"}
    for entry in shown_types:
        own = ours[entry["id"]]
        assert list(structure_differences(entry, own, "")) == []
        for key in ("name", "endpoint", "schema", "schemas"):
            assert own[key] == entry[key]
        extensions = {extension["schema"] for extension in entry.get("schemaExtensions", [])}
        assert {extension["schema"] for extension in own.get("schemaExtensions", [])} == extensions


def structure_differences(shown: Any, ours: Any, place: str) -> Any:
    """Yield where ours lacks what the RFC shows, or has another type of JSON there."""
    if isinstance(shown, dict) and isinstance(ours, dict):
        for key, inner in shown.items():
            where = f"{place}.{key}".lstrip(".")
            if key not in ours:
                yield f"{where}: missing"
            else:
                yield from structure_differences(inner, ours[key], where)
    elif type(shown) is not type(ours):
        yield f"{place}: another type"


def test_the_schemas_are_those_of_the_rfc_attribute_by_attribute(scim):
    ours = {schema["id"]: schema for schema in scim.read("/Schemas")["Resources"]}
    shown = {schema["id"]: schema for schema in example("RFC 7643 §8.7.1 #1")}
    assert set(ours) == set(shown) == {USER, GROUP, ENTERPRISE}
    found = {}
    for uri, schema in shown.items():
        own = named(ours[uri]["attributes"])
        for place, attribute in named(schema["attributes"]).items():
            found |= dict(attribute_differences(f"{schema['name']}.{place}", attribute, own.pop(place, None)))
        found |= {f"{schema['name']}.{place}": "only ours" for place in own}
    explained = {place: entry["is"] for entry in DEVIATIONS["Schemas"] for place in entry["where"]}
    assert found == explained, json.dumps(found, indent=1)


def named(attributes: list[dict[str, Any]], above: str = "") -> dict[str, dict[str, Any]]:
    """Return attributes and their sub-attributes by path."""
    found = {}
    for attribute in attributes:
        place = f"{above}{attribute['name']}"
        found[place] = attribute
        found |= named(attribute.get("subAttributes", []), f"{place}.")
    return found


DESCRIBED = ("type", "multiValued", "required", "caseExact", "mutability", "returned", "uniqueness", "canonicalValues",
             "referenceTypes")  # fmt: skip
DEFAULTS = {
    "required": False,
    "caseExact": False,
    "mutability": "readWrite",
    "returned": "default",
    "uniqueness": "none",
    "multiValued": False,
    "canonicalValues": [],
    "referenceTypes": [],
}


def attribute_differences(place: str, shown: dict[str, Any], ours: dict[str, Any] | None) -> Any:
    if ours is None:
        yield place, "only the RFC's"
        return
    for key in DESCRIBED:
        theirs, own = (document.get(key, DEFAULTS.get(key)) for document in (shown, ours))
        if isinstance(theirs, list):
            theirs, own = sorted(theirs), sorted(own)
        if theirs != own:
            yield f"{place} {key}", f"{json.dumps(theirs)} in the RFC, ours {json.dumps(own)}"


def test_the_schemas_of_descriptions_are_not_served_since_they_are_fixed(scim):
    # RFC 7643 §8.7.2 shows them; §7 asks for the schemas of the resources that are served, and these have no extension.
    for schema in example("RFC 7643 §8.7.2 #1"):
        refused(scim.get(f"/Schemas/{schema['id']}"), 404)


def test_every_example_is_looked_at():
    here = Path(__file__)
    source = here.read_text("utf-8") + here.with_name("test_rfc_messages.py").read_text("utf-8")
    assert [name for name in EXAMPLES if f'"{name}"' not in source] == []
