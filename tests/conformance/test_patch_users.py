"""Does PATCH on users do what RFC 7644 §3.5.2 says, and what identity providers mean by what they send?"""

import json

import pytest

from tests.conformance.scim_client import ENTERPRISE, PATCH_OP, accepted, fresh, refused

BADGE = "urn:example:params:scim:schemas:extension:badge:1.0:User"


@pytest.fixture
def user(scim):
    name = fresh("patched")
    return scim.create_user(
        name,
        displayName="Before",
        title="Clerk",
        name={"givenName": "Given", "familyName": "Family"},
        emails=[
            {"type": "work", "value": f"{name}@work.example", "primary": True},
            {"type": "home", "value": f"{name}@home.example"},
        ],
        **{ENTERPRISE: {"department": "Looms"}},
    )


def emails(user):
    return {mail["type"]: mail["value"] for mail in user.get("emails", [])}


@pytest.mark.parametrize("op", ["add", "replace", "Add", "Replace", "REPLACE"])
def test_a_path_to_a_simple_attribute_sets_it_whatever_the_operations_case(scim, user, op):
    assert scim.patch_user(user, {"op": op, "path": "displayName", "value": "After"})["displayName"] == "After"


def test_add_to_an_absent_attribute_creates_it(scim, user):
    assert scim.patch_user(user, {"op": "add", "path": "nickName", "value": "Nick"})["nickName"] == "Nick"


@pytest.mark.parametrize("op", ["add", "replace"])
def test_without_a_path_the_value_holds_the_attributes(scim, user, op):
    changed = scim.patch_user(user, {"op": op, "value": {"displayName": "After", "title": "Chief"}})
    assert (changed["displayName"], changed["title"]) == ("After", "Chief")
    assert changed["name"] == {"givenName": "Given", "familyName": "Family"}


@pytest.mark.parametrize("op", ["remove", "Remove"])
def test_remove_takes_the_attribute_away(scim, user, op):
    assert "title" not in scim.patch_user(user, {"op": op, "path": "title"})


def test_a_sub_attribute_is_set_and_removed_without_its_siblings(scim, user):
    assert scim.patch_user(user, {"op": "replace", "path": "name.familyName", "value": "New"})["name"] == {
        "givenName": "Given",
        "familyName": "New",
    }
    assert scim.patch_user(user, {"op": "remove", "path": "name.givenName"})["name"] == {"familyName": "New"}


def test_adding_an_object_to_a_complex_attribute_merges_it(scim, user):
    changed = scim.patch_user(user, {"op": "add", "path": "name", "value": {"middleName": "M"}})
    assert changed["name"] == {"givenName": "Given", "familyName": "Family", "middleName": "M"}


def test_paths_are_understood_in_any_case(scim, user):
    changed = scim.patch_user(
        user,
        {"op": "replace", "path": "DISPLAYNAME", "value": "After"},
        {"op": "replace", "path": "Name.FamilyName", "value": "New"},
        {"op": "replace", "path": 'Emails[TYPE eq "work"].Value', "value": "new@work.example"},
    )
    assert (changed["displayName"], changed["name"]["familyName"]) == ("After", "New")
    assert emails(changed)["work"] == "new@work.example"


def test_a_value_path_changes_only_the_values_that_match(scim, user):
    before = emails(user)
    changed = scim.patch_user(
        user, {"op": "replace", "path": 'emails[type eq "work"].value', "value": "moved@work.example"}
    )
    assert emails(changed) == {"work": "moved@work.example", "home": before["home"]}
    work = next(mail for mail in changed["emails"] if mail["type"] == "work")
    assert work["primary"] is True


def test_a_value_path_with_and_selects_by_both(scim, user):
    path = f'emails[type eq "home" and value eq "{emails(user)["home"]}"]'
    assert set(emails(scim.patch_user(user, {"op": "remove", "path": path}))) == {"work"}


def test_replacing_through_a_filter_that_matches_nothing_is_no_target(scim, user):
    response = scim.patch(
        f"/Users/{user['id']}", {"op": "replace", "path": 'phoneNumbers[type eq "fax"].value', "value": "tel:+1"}
    )
    refused(response, 400, "noTarget")
    assert scim.read(f"/Users/{user['id']}") == user


def test_adding_through_a_filter_that_matches_nothing_creates_the_value(scim, user):
    changed = scim.patch_user(user, {"op": "Add", "path": 'phoneNumbers[type eq "work"].value', "value": "tel:+1"})
    assert changed["phoneNumbers"] == [{"type": "work", "value": "tel:+1"}]


def test_entra_replaces_through_a_filter_that_matches_nothing_and_means_create(scim, user):
    changed = scim.patch_user(
        user, {"op": "Replace", "path": 'phoneNumbers[type eq "mobile"].value', "value": "tel:+2"}
    )
    assert changed["phoneNumbers"] == [{"type": "mobile", "value": "tel:+2"}]


def test_addresses_come_in_parts_and_become_one(scim, user):
    changed = scim.patch_user(
        user,
        {"op": "Add", "path": 'addresses[type eq "work"].streetAddress', "value": "Main Street 1"},
        {"op": "Add", "path": 'addresses[type eq "work"].locality', "value": "Uppsala"},
    )
    assert changed["addresses"] == [{"type": "work", "streetAddress": "Main Street 1", "locality": "Uppsala"}]


def test_an_equal_value_is_not_added_twice(scim, user):
    again = {"type": "home", "value": emails(user)["home"]}
    changed = scim.patch_user(user, {"op": "add", "path": "emails", "value": [again]})
    assert changed["emails"] == user["emails"]
    assert changed["meta"] == user["meta"]


def test_a_new_primary_value_ends_the_old_one(scim, user):
    changed = scim.patch_user(
        user, {"op": "add", "path": "emails", "value": [{"type": "other", "value": "o@o.example", "primary": True}]}
    )
    assert [mail["type"] for mail in changed["emails"] if mail.get("primary")] == ["other"]
    assert len(changed["emails"]) == 3


def test_replacing_a_multi_valued_attribute_leaves_only_the_new_values(scim, user):
    new = [{"type": "work", "value": "only@work.example"}]
    assert scim.patch_user(user, {"op": "replace", "path": "emails", "value": new})["emails"] == new


def test_removing_a_multi_valued_attribute_removes_all_values(scim, user):
    assert "emails" not in scim.patch_user(user, {"op": "remove", "path": "emails"})


@pytest.mark.parametrize("value", ["False", "false", False, "FALSE"], ids=repr)
def test_active_is_understood_as_a_boolean_however_it_is_written(scim, user, value):
    assert scim.patch_user(user, {"op": "Replace", "path": "active", "value": value})["active"] is False
    assert scim.patch_user(user, {"op": "Replace", "path": "active", "value": "True"})["active"] is True


@pytest.mark.parametrize("value", [False, "False"], ids=repr)
def test_okta_deactivates_without_a_path(scim, user, value):
    assert scim.patch_user(user, {"op": "replace", "value": {"active": value}})["active"] is False


def test_dotted_and_schema_qualified_keys_of_a_value_name_nested_attributes(scim, user):
    changed = scim.patch_user(
        user,
        {
            "op": "replace",
            "value": {
                "displayName": "After",
                "name.givenName": "New",
                f"{ENTERPRISE}:employeeNumber": "42",
                f"{ENTERPRISE}:department": "Engines",
            },
        },
    )
    assert changed["name"] == {"givenName": "New", "familyName": "Family"}
    assert changed[ENTERPRISE] == {"department": "Engines", "employeeNumber": "42"}
    assert not [key for key in changed if "." in key and not key.startswith("urn:")]


def test_a_schema_qualified_path_reaches_into_the_extension(scim, user):
    changed = scim.patch_user(user, {"op": "Add", "path": f"{ENTERPRISE}:division", "value": "North"})
    assert changed[ENTERPRISE] == {"department": "Looms", "division": "North"}
    assert ENTERPRISE in changed["schemas"]


def test_removing_the_last_attribute_of_an_extension_removes_its_schema(scim, user):
    changed = scim.patch_user(user, {"op": "remove", "path": f"{ENTERPRISE}:department"})
    assert ENTERPRISE not in changed
    assert ENTERPRISE not in changed["schemas"]


def test_a_manager_given_as_bare_text_becomes_its_value(scim, user):
    manager = scim.create_user()
    changed = scim.patch_user(user, {"op": "Add", "path": f"{ENTERPRISE}:manager", "value": manager["id"]})
    assert changed[ENTERPRISE]["manager"]["value"] == manager["id"]
    gone = scim.patch_user(
        user, {"op": "Remove", "path": f'{ENTERPRISE}:manager[value eq "{manager["id"]}"]', "value": manager["id"]}
    )
    assert "manager" not in gone[ENTERPRISE]


def test_attributes_of_an_unknown_extension_are_kept_and_changed(scim, user):
    changed = scim.patch_user(user, {"op": "add", "path": f"{BADGE}:number", "value": "B-17"})
    assert changed[BADGE] == {"number": "B-17"}
    assert BADGE in changed["schemas"]


def test_operations_apply_in_order_and_all_or_none(scim, user):
    changed = scim.patch_user(
        user,
        {"op": "replace", "path": "title", "value": "One"},
        {"op": "remove", "path": "title"},
        {"op": "add", "path": "title", "value": "Two"},
    )
    assert changed["title"] == "Two"
    response = scim.patch(
        f"/Users/{user['id']}",
        {"op": "replace", "path": "title", "value": "Three"},
        {"op": "replace", "path": "noSuchAttribute", "value": "x"},
    )
    refused(response, 400, "invalidPath")
    assert scim.read(f"/Users/{user['id']}") == changed


def test_what_changes_nothing_is_accepted_and_keeps_version_and_date(scim, user):
    changed = scim.patch_user(user, {"op": "replace", "path": "displayName", "value": "Before"})
    assert changed == user


def test_ids_and_metadata_inside_a_value_are_ignored(scim, user):
    changed = scim.patch_user(
        user,
        {
            "op": "replace",
            "value": {
                "schemas": user["schemas"],
                "id": "another",
                "meta": {"resourceType": "Group"},
                "groups": [],
                "title": "Chief",
            },
        },
    )
    assert changed["id"] == user["id"]
    assert changed["meta"]["resourceType"] == "User"
    assert changed["title"] == "Chief"


NEVER_APPLIED = [
    pytest.param({"op": "replace", "path": "noSuchAttribute", "value": 1}, "invalidPath", id="unknown-attribute"),
    pytest.param({"op": "replace", "value": {"noSuchAttribute": 1}}, "invalidPath", id="unknown-key"),
    pytest.param({"op": "replace", "path": "name.noSuch", "value": "x"}, "invalidPath", id="unknown-sub-attribute"),
    pytest.param({"op": "replace", "path": "emails[type eq", "value": "x"}, "invalidPath", id="broken-path"),
    pytest.param({"op": "replace", "path": "", "value": "x"}, "invalidValue", id="empty-path-with-a-text"),
    pytest.param({"op": "disable", "path": "active", "value": False}, "invalidSyntax", id="unknown-operation"),
    pytest.param({"path": "active", "value": False}, "invalidSyntax", id="no-operation"),
    pytest.param({"op": "remove"}, "noTarget", id="remove-without-a-path"),
    pytest.param({"op": "replace", "path": "active"}, "invalidValue", id="no-value"),
    pytest.param({"op": "replace", "path": "active", "value": "perhaps"}, "invalidValue", id="not-a-boolean"),
    pytest.param({"op": "replace", "path": "displayName", "value": 5}, "invalidValue", id="not-a-text"),
    pytest.param({"op": "replace", "path": "displayName", "value": {"a": 1}}, "invalidValue", id="an-object"),
    pytest.param({"op": "replace", "path": "userName", "value": ""}, "invalidValue", id="empty-user-name"),
    pytest.param({"op": "replace", "path": "userName", "value": None}, "invalidValue", id="null-user-name"),
    pytest.param({"op": "replace", "path": "id", "value": "x"}, "mutability", id="id"),
    pytest.param({"op": "replace", "path": "meta.created", "value": "x"}, "mutability", id="meta"),
    pytest.param({"op": "add", "path": "groups", "value": [{"value": "x"}]}, "mutability", id="groups"),
    pytest.param({"op": "replace", "path": "password", "value": "x"}, "invalidPath", id="password"),
]


@pytest.mark.parametrize("operation, scim_type", NEVER_APPLIED)
def test_an_operation_that_cannot_be_applied_is_never_answered_as_if_it_were(scim, user, operation, scim_type):
    refused(scim.patch(f"/Users/{user['id']}", operation), 400, scim_type)
    assert scim.read(f"/Users/{user['id']}") == user


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"schemas": [PATCH_OP]},
        {"schemas": [PATCH_OP], "Operations": []},
        {"schemas": [PATCH_OP], "Operations": {"op": "remove", "path": "title"}},
        {"schemas": [PATCH_OP], "Operations": ["remove"]},
        {"schemas": ["urn:example:other"], "Operations": [{"op": "remove", "path": "title"}]},
        [],
        "remove",
        None,
    ],
)
def test_a_body_that_is_no_patch_is_refused(scim, user, body):
    response = scim.http.request(
        "PATCH",
        f"/Users/{user['id']}",
        content=json.dumps(body),
        headers={"Content-Type": "application/scim+json"},
    )
    refused(response, 400, "invalidSyntax")


def test_removing_the_user_name_is_refused(scim, user):
    response = scim.patch(f"/Users/{user['id']}", {"op": "remove", "path": "userName"})
    assert response.status_code == 400
    assert response.json()["scimType"] in {"invalidValue", "mutability"}


def test_patch_answers_only_the_attributes_that_are_asked_for(scim, user):
    response = scim.patch(
        f"/Users/{user['id']}?attributes=displayName", {"op": "replace", "path": "displayName", "value": "After"}
    )
    body = accepted(response, 200)
    assert (body["displayName"], body["id"]) == ("After", user["id"])
    assert "emails" not in body


def test_patching_a_user_that_does_not_exist_is_not_found(scim):
    refused(scim.patch("/Users/nobody", {"op": "remove", "path": "title"}), 404)
