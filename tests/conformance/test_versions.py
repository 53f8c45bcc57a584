"""Do ETags guard against lost updates and needless answers (RFC 7644 §3.14)?"""

import pytest

from tests.conformance.scim_client import GROUP, accepted, fresh, refused

RETITLE = {"op": "replace", "path": "externalId", "value": "new"}


@pytest.fixture(params=["/Users", "/Groups"])
def resource(scim, request):
    created = scim.create_user(displayName="x") if request.param == "/Users" else scim.create_group()
    return f"{request.param}/{created['id']}", created


def test_the_etag_of_an_answer_is_the_version_in_its_metadata(scim, resource):
    path, created = resource
    response = scim.get(path)
    assert response.headers["ETag"] == created["meta"]["version"]
    assert response.headers["ETag"].startswith('W/"')


def test_a_create_answers_location_and_etag(scim):
    response = scim.send("POST", "/Groups", {"schemas": [GROUP], "displayName": fresh("tagged")})
    body = accepted(response, 201)
    assert response.headers["Location"] == body["meta"]["location"]
    assert response.headers["ETag"] == body["meta"]["version"]
    assert accepted(scim.get(body["meta"]["location"]), 200) == body


def test_each_change_gives_a_new_version(scim, resource):
    path, created = resource
    response = scim.patch(path, RETITLE)
    assert response.is_success
    changed = scim.read(path)
    assert changed["meta"]["version"] != created["meta"]["version"]
    assert changed["meta"]["lastModified"] >= created["meta"]["lastModified"]
    assert response.headers["ETag"] == changed["meta"]["version"]


@pytest.mark.parametrize("spelling", ["{}", 'W/"other", {}', "*"])
def test_if_none_match_on_the_present_version_answers_304_without_a_body(scim, resource, spelling):
    path, created = resource
    response = scim.get(path, If_None_Match=spelling.format(created["meta"]["version"]))
    assert (response.status_code, response.content) == (304, b"")
    assert response.headers["ETag"] == created["meta"]["version"]


def test_if_none_match_on_an_old_version_answers_the_resource(scim, resource):
    path, created = resource
    scim.patch(path, RETITLE)
    assert accepted(scim.get(path, If_None_Match=created["meta"]["version"]), 200)["externalId"] == "new"


@pytest.mark.parametrize("method", ["PATCH", "PUT", "DELETE"])
def test_if_match_on_an_old_version_is_refused_with_412_and_changes_nothing(scim, resource, method):
    path, created = resource
    scim.patch(path, RETITLE)
    now = scim.read(path)
    body = {"PATCH": {"Operations": [RETITLE | {"value": "lost"}]}, "PUT": created, "DELETE": None}[method]
    refused(scim.send(method, path, body, If_Match=created["meta"]["version"]), 412)
    assert scim.read(path) == now


@pytest.mark.parametrize("spelling", ["{}", 'W/"other", {}', "*"])
@pytest.mark.parametrize("method", ["PATCH", "PUT", "DELETE"])
def test_if_match_on_the_present_version_lets_the_change_through(scim, resource, method, spelling):
    path, created = resource
    body = {"PATCH": {"Operations": [RETITLE]}, "PUT": created, "DELETE": None}[method]
    response = scim.send(method, path, body, If_Match=spelling.format(created["meta"]["version"]))
    assert response.is_success, response.text


def test_if_match_on_something_that_does_not_exist_is_not_found(scim):
    refused(scim.send("DELETE", "/Users/no-such-id", If_Match='W/"1"'), 404)
