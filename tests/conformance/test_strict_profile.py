"""Does the setting `requirement_profile=strict` demand more of a user, with an error that says what?"""

import pytest

from tests.conformance.scim_client import USER, ScimClient, accepted, fresh, refused
from tests.make.databases import fresh_sqlite
from tests.make.served import serve


@pytest.fixture(scope="module")
def scim():
    # What a client must send is decided before anything is stored: one database is enough.
    settings = {"ROLECALL_REQUIREMENT_PROFILE": "strict"}
    with fresh_sqlite() as database, serve(database, settings=settings) as served, served.client() as http:
        yield ScimClient(http)


def complete():
    name = f"{fresh('strict')}@example.com"
    return {
        "schemas": [USER],
        "userName": name,
        "displayName": "Ada Lovelace",
        "name": {"givenName": "Ada", "familyName": "Lovelace"},
        "emails": [{"type": "work", "value": name, "primary": True}],
    }


def without(body, *path):
    if len(path) == 1:
        return {name: value for name, value in body.items() if name != path[0]}
    return body | {path[0]: without(body[path[0]], *path[1:])}


def test_a_complete_user_is_accepted(scim):
    body = complete()
    user = accepted(scim.send("POST", "/Users", body), 201)
    assert accepted(scim.send("PUT", f"/Users/{user['id']}", body | {"title": "x"}), 200)["title"] == "x"


@pytest.mark.parametrize(
    "path, mentioned",
    [
        (("displayName",), "displayName"),
        (("name", "givenName"), "givenName"),
        (("name", "familyName"), "familyName"),
        (("name",), "givenName"),
        (("emails",), "primary"),
    ],
    ids=lambda value: ".".join(value) if isinstance(value, tuple) else value,
)
def test_a_user_that_lacks_something_is_refused_with_what_it_lacks(scim, path, mentioned):
    detail = refused(scim.send("POST", "/Users", without(complete(), *path)), 400, "invalidValue")
    assert mentioned in detail


def test_one_address_must_be_primary_and_be_the_user_name(scim):
    body = complete()
    address = {"type": "work", "value": body["userName"]}
    for emails in ([address], [address | {"primary": False}], [address | {"value": "x@example.com", "primary": True}]):
        assert refused(scim.send("POST", "/Users", body | {"emails": emails}), 400, "invalidValue")
    shouted = [address | {"value": body["userName"].upper(), "primary": True}]
    accepted(scim.send("POST", "/Users", body | {"emails": shouted}), 201)


def test_a_patch_cannot_take_away_what_a_create_must_bring(scim):
    user = accepted(scim.send("POST", "/Users", complete()), 201)
    path = f"/Users/{user['id']}"
    for operation in (
        {"op": "remove", "path": "displayName"},
        {"op": "remove", "path": "name.familyName"},
        {"op": "remove", "path": "emails"},
        {"op": "replace", "path": 'emails[type eq "work"].primary', "value": False},
    ):
        assert scim.patch(path, operation).status_code == 400, operation
        assert scim.read(path) == user


def test_groups_need_no_more_than_before(scim):
    assert scim.create_group()["displayName"]
