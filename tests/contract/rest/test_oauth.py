"""How does a machine get a token over the REST API (RFC 6749)?"""

import base64
from datetime import timedelta
from urllib.parse import quote

import pytest

from rolecall.authorization.roles import ADMIN, SCIM_PROVISIONER
from rolecall.events import audit
from tests.make.rest import key_of_role, reason_of

TOKEN = "/api/v1/oauth/token"
GRANT = {"grant_type": "client_credentials"}


@pytest.fixture
def secret(installed):
    return key_of_role(installed, ADMIN)


def ask(api, form, **headers):
    return api.ask("POST", TOKEN, key="", data=form, headers=headers)


def basic(client_id, secret):
    return "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()


def with_client(secret, **further):
    return {**GRANT, "client_id": secret[4:16], "client_secret": secret, **further}


def test_a_key_is_exchanged_for_a_token_that_opens_the_same(api, secret):
    response = ask(api, with_client(secret))
    assert response.status_code == 200, response.text
    body = response.json()
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 3600)
    assert "user:list" in body["scope"].split()
    assert response.headers["cache-control"] == "no-store"
    assert api.ask("GET", "/api/v1/users", key=body["access_token"]).status_code == 200


@pytest.mark.parametrize("encoded", [False, True])
def test_the_client_may_use_basic_authentication(api, secret, encoded):
    shown = quote(secret, safe="") if encoded else secret
    response = ask(api, GRANT, Authorization=basic(secret[4:16], shown))
    assert response.status_code == 200, response.text


def test_a_token_can_be_asked_for_narrower_and_ends(api, installed, secret):
    body = ask(api, with_client(secret, scope="user:list event:read")).json()
    assert body["scope"] == "event:read user:list"
    token = body["access_token"]
    assert api.ask("GET", "/api/v1/users", key=token).status_code == 200
    assert api.ask("GET", "/api/preview/teamkeys", key=token).status_code == 403
    installed.clock.advance(timedelta(hours=1))
    assert api.ask("GET", "/api/v1/users", key=token).status_code == 401


def test_a_token_ends_with_its_key(api, secret):
    token = ask(api, with_client(secret)).json()["access_token"]
    api.post(f"/api/preview/keys/{secret[4:16]}:revoke")
    assert api.ask("GET", "/api/v1/users", key=token).status_code == 401


@pytest.mark.parametrize(
    "form, headers, status, error, reason",
    [
        ({}, {}, 400, "invalid_request", "invalid_token_request"),
        ({"grant_type": "password"}, {}, 400, "unsupported_grant_type", "unsupported_grant"),
        (GRANT, {}, 400, "invalid_request", "invalid_token_request"),
        (GRANT, {"Authorization": "Basic ?"}, 400, "invalid_request", "invalid_token_request"),
        (GRANT, {"Authorization": "Basic /w=="}, 400, "invalid_request", "invalid_token_request"),
        (GRANT, {"Authorization": basic("a", "b")}, 401, "invalid_client", "invalid_client"),
        ({**GRANT, "client_secret": "x"}, {"Authorization": basic("a", "b")}, 400, "invalid_request", None),
        ({**GRANT, "client_id": "a", "client_secret": "b"}, {}, 401, "invalid_client", "invalid_client"),
        ({**GRANT, "scope": "user:fly", "client_id": "a", "client_secret": "b"}, {}, 400, "invalid_scope", None),
    ],
    ids=str,
)
def test_refusals_are_told_as_the_standard_has_it_and_in_our_own_shape(api, form, headers, status, error, reason):
    response = ask(api, form, **headers)
    assert response.status_code == status, response.text
    body = response.json()
    assert body["error"] == error
    assert body["error_description"] == body["message"]
    assert {"code", "message", "request_id", "timestamp", "details"} <= set(body)
    assert reason in {None, reason_of(body)}


def test_a_scope_that_the_client_does_not_hold_is_refused(api, installed):
    key = key_of_role(installed, SCIM_PROVISIONER)
    assert ask(api, with_client(key, scope="user:list")).json()["error"] == "invalid_scope"


def test_the_form_must_be_one(api):
    response = api.ask("POST", TOKEN, key="", json=GRANT)
    assert (response.status_code, reason_of(response.json())) == (415, "unsupported_media_type")
    response = api.ask(
        "POST", TOKEN, key="", content=b"a=%ff", headers={"Content-Type": "application/x-www-form-urlencoded"}
    )
    assert response.status_code == 400


def test_the_record_names_the_key_and_holds_no_secret(api, installed, secret):
    response = ask(api, with_client(secret))
    records = [
        record
        for record in installed.ask(audit.list_records, limit=50)
        if record.request_id == response.headers["x-request-id"]
    ]
    result = next(record for record in records if record.phase.value == "result")
    assert result.api_key_id == secret[4:16]
    assert result.request["client_secret"] == "[masked]"
    text = str(records)
    assert secret not in text
    assert response.json()["access_token"] not in text
