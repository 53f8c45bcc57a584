"""Is every refusal below the SCIM base URL a SCIM error (RFC 7644 §3.12), and the connection still whole?"""

import gzip
import json
import socket

import pytest

from tests.conformance.scim_client import MEDIA_TYPE, USER, ScimClient, accepted, assert_is_scim, fresh, refused

MEBIBYTE = 1024 * 1024


def post(scim, content, media_type=MEDIA_TYPE):
    response = scim.http.post("/Users", content=content, headers={"Content-Type": media_type})
    assert_is_scim(response)
    return response


def user_body(**attributes):
    return {"schemas": [USER], "userName": fresh("errors")} | attributes


@pytest.mark.parametrize("path", ["/Users", "/Users/x", "/Groups", "/Me", "/ServiceProviderConfig"])
def test_a_request_without_a_key_is_unauthorized_and_told_how_to_present_one(served, path):
    with served.client("") as http:
        response = ScimClient(http).get(path)
        refused(response, 401)
        assert response.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    "authorization",
    [
        "Bearer",
        "Bearer wrong",
        "Basic dXNlcjpwYXNz",
        "Bearer " + "RLCL" + "A" * 60,
        "Bearer " + "x" * 5000,
        "RLCL" + "A" * 60,
    ],
)
def test_a_wrong_credential_is_unauthorized(served, authorization):
    with served.client("") as http:
        refused(ScimClient(http).get("/Users", Authorization=authorization), 401)


def test_a_key_with_one_letter_changed_is_unauthorized(served):
    key = served.api_key
    for position in (0, 5, 30, 63):
        other = "B" if key[position] == "A" else "A"
        with served.client(key[:position] + other + key[position + 1 :]) as http:
            refused(ScimClient(http).get("/Users"), 401)


def test_the_word_bearer_is_understood_in_any_case(served):
    with served.client("") as http:
        accepted(ScimClient(http).get("/Users?count=0", Authorization=f"bearer {served.api_key}"), 200)


@pytest.mark.parametrize("path", ["/Nothing", "/Users/x/y", "/users/x/y", "/Users/no-such-id", "/Groups/no-such-id"])
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_what_does_not_exist_is_not_found(scim, path, method):
    refused(scim.send(method, path), 404)


@pytest.mark.parametrize(
    "method, path, allowed",
    [
        ("DELETE", "/Users", {"GET", "HEAD", "POST"}),
        ("PUT", "/Groups", {"GET", "HEAD", "POST"}),
        ("PATCH", "/Users", {"GET", "HEAD", "POST"}),
        ("POST", "/Users/x", {"GET", "HEAD", "PUT", "PATCH", "DELETE"}),
        ("GET", "/Bulk", {"POST"}),
    ],
)
def test_a_method_that_a_path_does_not_know_is_refused_with_those_that_it_knows(scim, method, path, allowed):
    response = scim.send(method, path, None if method in {"DELETE", "GET"} else {})
    refused(response, 405)
    assert allowed == {name.strip() for name in response.headers["Allow"].split(",")}


def test_head_is_answered_as_get_without_the_body(scim):
    user = scim.create_user()
    for path in (f"/Users/{user['id']}", "/Users?count=1", "/Groups", "/Schemas", "/Me", "/"):
        get, head = scim.get(path), scim.send("HEAD", path)
        assert (head.status_code, head.content) == (200, b"")
        for name in ("Content-Type", "Content-Length", "ETag", "Content-Location"):
            assert head.headers.get(name) == get.headers.get(name)
    assert scim.send("HEAD", f"/Users/{user['id']}", If_None_Match=user["meta"]["version"]).status_code == 304
    for path, status in (("/Users/nobody", 404), ("/Users?filter=x", 400), ("/Bulk", 405)):
        assert (scim.send("HEAD", path).status_code, scim.send("HEAD", path).content) == (status, b"")


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "gzip, gzip", "GZIP"])
def test_a_compressed_body_is_refused_as_such(scim, coding):
    content = gzip.compress(json.dumps(user_body()).encode())
    response = scim.http.post(
        "/Users", content=content, headers={"Content-Type": "application/scim+json", "Content-Encoding": coding}
    )
    assert coding.lower() in refused(response, 415)
    assert response.headers["Accept-Encoding"] == "identity"


def test_a_body_that_is_said_not_to_be_compressed_is_understood(scim):
    accepted(scim.send("POST", "/Users", user_body(), Content_Encoding="identity"), 201)


@pytest.mark.parametrize("version", ["v1", "v3", "v2.1"])
@pytest.mark.parametrize("method, body", [("GET", None), ("POST", {}), ("DELETE", None)])
def test_another_version_of_the_protocol_is_refused_as_such(scim, served, version, method, body):
    response = scim.send(method, f"{served.url}/scim/{version}/Users", body)
    assert "/scim/v2" in refused(response, 400, "invalidVers")


@pytest.mark.parametrize("media_type", ["text/plain", "application/xml", "application/x-www-form-urlencoded"])
def test_a_body_of_another_media_type_is_unsupported(scim, media_type):
    refused(post(scim, b"{}", media_type), 415)


@pytest.mark.parametrize(
    "media_type",
    [
        "application/scim+json",
        "application/scim+json; charset=utf-8",
        "application/json",
        "application/json;charset=UTF-8",
        "APPLICATION/SCIM+JSON",
    ],
)
def test_both_media_types_are_understood_with_and_without_parameters(scim, media_type):
    response = post(scim, json.dumps(user_body()).encode(), media_type)
    accepted(response, 201)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{", id="cut-off"),
        pytest.param(b"{'userName': 'x'}", id="single-quotes"),
        pytest.param(b'{"userName": "x",}', id="trailing-comma"),
        pytest.param(b'{"userName": NaN}', id="not-a-number"),
        pytest.param(b'[{"userName": "x"}]', id="a-list"),
        pytest.param(b'"x"', id="a-text"),
        pytest.param(b"null", id="null"),
        pytest.param(b"[" * 100_000, id="deep-list"),
        pytest.param(b'{"a":' * 100_000, id="deep-object"),
        pytest.param(b'{"userName": "\xff\xfe"}', id="invalid-utf-8"),
        pytest.param(b'{"userName": "a\xc3"}', id="cut-off-utf-8"),
        pytest.param(b'{"userName": "a\x07b"}', id="raw-control-character"),
        pytest.param(b'{"userName": "a\x00b"}', id="raw-nul"),
        pytest.param(json.dumps({"userName": "x"}).encode("utf-16"), id="utf-16"),
    ],
)
def test_a_body_that_is_no_json_object_is_invalid_syntax(scim, content):
    refused(post(scim, content), 400, "invalidSyntax")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a\\u0000b", id="nul"),
        pytest.param("a\\u0007b", id="bell"),
        pytest.param("a\\u001bb", id="escape"),
        pytest.param("a\\u007fb", id="delete"),
        pytest.param("\\ud800", id="lone-surrogate"),
    ],
)
def test_escaped_control_characters_and_lone_surrogates_are_refused_in_every_text(scim, text):
    names = [
        f'{{"schemas": ["{USER}"], "userName": "{text}"}}',
        f'{{"schemas": ["{USER}"], "userName": "{fresh("c")}", "name": {{"familyName": "{text}"}}}}',
        f'{{"schemas": ["{USER}"], "userName": "{fresh("c")}", "emails": [{{"value": "{text}"}}]}}',
        f'{{"schemas": ["{USER}"], "userName": "{fresh("c")}", "urn:example:x:1.0:User": {{"a": "{text}"}}}}',
    ]
    for body in names:
        response = post(scim, body.encode())
        assert response.status_code == 400, f"{body}: {response.text}"
        assert response.json()["scimType"] in {"invalidValue", "invalidSyntax"}


@pytest.mark.parametrize(
    "path",
    [
        "/Users?filter=userName%20eq%20%22%00%22",
        "/Users?filter=userName%20eq%20%22%07%22",
        "/Users?filter=userName%20eq%20%22%FF%22",
        "/Users?filter=%FF%FE",
        "/Users?sortBy=%00",
        "/Users?attributes=%00",
        "/Users/%00",
        "/Users/%FF",
        "/Groups/%0A",
    ],
)
def test_control_characters_and_broken_utf_8_in_an_address_are_refused(scim, path):
    response = scim.get(path)
    assert response.status_code in {400, 404}, response.text
    if "filter" in path:
        assert response.status_code == 400


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"displayName": "no user name"}, id="no-user-name"),
        pytest.param({"userName": ""}, id="empty-user-name"),
        pytest.param({"userName": None}, id="null-user-name"),
        pytest.param({"userName": 5}, id="number"),
        pytest.param({"userName": ["x"]}, id="list"),
        pytest.param({"userName": "x" * 100_000}, id="long"),
        pytest.param({"userName": "x", "active": "perhaps"}, id="active"),
        pytest.param({"userName": "x", "name": "text"}, id="name"),
        pytest.param({"userName": "x", "emails": [5]}, id="emails"),
    ],
)
def test_a_user_with_values_of_the_wrong_kind_is_an_invalid_value(scim, body):
    assert refused(scim.send("POST", "/Users", {"schemas": [USER]} | body), 400, "invalidValue")


def test_a_group_without_a_name_is_an_invalid_value(scim):
    refused(scim.send("POST", "/Groups", {"members": []}), 400, "invalidValue")


def test_a_body_over_the_limit_is_refused_with_413_and_the_server_goes_on(scim):
    refused(post(scim, b'{"userName": "' + b"x" * (6 * MEBIBYTE) + b'"}'), 413)
    assert scim.page("/Users", count=0)["Resources"] == []


def test_a_body_over_the_limit_that_does_not_say_its_length_is_refused_too(scim):
    def chunks():
        for _ in range(6):
            yield b" " * MEBIBYTE

    refused(post(scim, chunks()), 413)


def test_more_operations_than_the_limit_are_refused(scim):
    user = scim.create_user()
    operations = [{"op": "add", "path": "title", "value": str(number)} for number in range(10_000)]
    response = scim.patch(f"/Users/{user['id']}", *operations)
    assert response.status_code in {400, 413}, response.text
    assert scim.read(f"/Users/{user['id']}") == user


def test_every_answer_has_its_own_request_id(scim):
    answers = [scim.get("/Users?count=0"), scim.get("/Users?count=0"), scim.get("/Nothing"), scim.get("/Users/x")]
    assert len({response.headers["X-Request-Id"] for response in answers}) == len(answers)


def test_a_request_id_that_the_client_sends_is_not_taken_over(scim):
    assert scim.get("/Users?count=0", X_Request_Id="chosen").headers["X-Request-Id"] != "chosen"


def test_no_answer_says_what_the_server_is_made_of(scim):
    for response in (scim.get("/Users/x"), scim.get('/Users?filter=x eq "'), post(scim, b"{")):
        assert "Traceback" not in response.text
        assert "sqlalchemy" not in response.text.lower()
        assert "Server" not in response.headers


def test_garbage_instead_of_http_ends_only_its_own_connection(scim, served):
    with socket.create_connection(("127.0.0.1", served.port), timeout=5) as connection:
        connection.sendall(b"\x00\x01\x02 garbage\r\n\r\n")
        connection.recv(1000)
    assert scim.page("/Users", count=0)["Resources"] == []
