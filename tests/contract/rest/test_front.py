"""What does the REST API say of calls that are wrong before anybody knows what they are about?"""

import pytest

from tests.make.rest import reason_of, refused

USERS = "/api/v1/users"


def test_without_a_key_nothing_is_told_not_even_what_exists(api):
    for path in (USERS, "/api", "/api/", "/api/v1/nothing"):
        for key in ("", "x", "b'bm8ga2V5'"):
            body = refused(api.ask("GET", path, key=key), 401)
            assert body["code"] == "Unauthenticated"
    assert api.ask("GET", USERS, key="").headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    "path",
    ["/api", "/api/", "/api/v1/nothing", "/api/v1/users/", "/api/v1/users/a/b", "/api/v1/users/x:y:z", "/api/v1/%00"],
)
def test_an_unknown_path_is_not_found(api, path):
    assert reason_of(refused(api.ask("GET", path), 404)) == "unknown_endpoint"


def test_a_method_that_is_not_possible_is_told_with_those_that_are(api):
    response = api.ask("DELETE", USERS)
    assert reason_of(refused(response, 405)) == "method_not_allowed"
    assert response.headers["allow"] == "GET"
    response = api.ask("GET", f"{USERS}/x:deactivate")
    refused(response, 405)
    assert response.headers["allow"] == "POST"


@pytest.mark.parametrize(
    "body, status",
    [
        (b"{", 400),
        (b"\xff\xfe", 400),
        (b'"a text"', 400),
        (b'{"reason": 1}', 400),
        (b'{"reason": "a\\u0000b"}', 400),
        (b"[" * 60 + b"]" * 60, 400),
        (b'{"reason": "' + b"x" * 20_000_000 + b'"}', 413),
    ],
    ids=["not JSON", "not UTF-8", "no object", "wrong type", "control character", "too deep", "too large"],
)
def test_a_wrong_body_is_refused(api, body, status):
    response = api.ask("POST", f"{USERS}/x:deactivate", content=body, headers={"Content-Type": "application/json"})
    assert response.status_code == status, response.text
    assert set(response.json()) == {"code", "message", "request_id", "timestamp", "details"}


def test_a_body_of_another_media_type_is_refused(api):
    response = api.ask("POST", f"{USERS}/x:deactivate", content=b"a=b", headers={"Content-Type": "text/plain"})
    assert reason_of(refused(response, 415)) == "unsupported_media_type"


def test_a_body_without_a_media_type_is_taken_for_json(api):
    refused(api.ask("POST", f"{USERS}/x:deactivate", content=b'{"reason": "r"}'), 404)


def test_each_wrong_field_of_a_body_is_named(api):
    body = refused(api.ask("POST", f"{USERS}/x:deactivate", json={"reason": 1, "raeson": "x"}), 400, "reason", "raeson")
    assert body["code"] == "InvalidArgument"


def test_the_document_is_open_to_everybody(api):
    response = api.ask("GET", "/openapi.json", key="")
    assert response.json()["openapi"].startswith("3.1")
    assert USERS in response.json()["paths"]
    refused(api.ask("POST", "/openapi.json"), 404)
