"""How is the SCIM log read over the REST API?"""

import csv
import io
from datetime import timedelta

import pytest

from rolecall.authorization.roles import ADMIN
from rolecall.directory.model import DEFAULT_CONNECTION
from tests.make.directory import GROUP_SCHEMA, user_profile
from tests.make.mapping import mapping
from tests.make.rest import key_of_role, refused

LOG, EXPORT = "/api/v1/scim_log", "/api/v1/scim_log/export"
PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


@pytest.fixture
def provider(api, installed):
    """An identity provider: makes one SCIM call that writes, and lets a second pass."""
    api.send("PUT", "/api/v1/sign_in_settings/scim", {"value": {"enabled": True}})
    key = api.post(f"/api/v1/scim_connections/{DEFAULT_CONNECTION}:rotate", {})["value"]["access_key"]

    def say(method, path, body, **more):
        answer = api.ask(method, f"/scim/v2{path}", key=key, json=body, **more)
        installed.clock.advance(timedelta(seconds=1))
        return answer

    return say


def push(provider, name):
    return provider("POST", "/Users", user_profile(name)).json()["id"]


def push_group(provider, name, *members):
    body = {"schemas": [GROUP_SCHEMA], "displayName": name, "members": [{"value": each} for each in members]}
    return provider("POST", "/Groups", body).json()["id"]


def take_out(provider, group, member):
    operation = {"op": "remove", "path": f'members[value eq "{member}"]'}
    return provider("PATCH", f"/Groups/{group}", {"schemas": [PATCH_OP], "Operations": [operation]})


def test_a_call_shows_what_was_sent_what_was_done_and_who_lost_what(api, installed, provider):
    mapping(installed, "Staff")
    ada = push(provider, "ada")
    group = push_group(provider, "Staff", ada)
    answer = take_out(provider, group, ada)
    newest = api.get(LOG, user_id=ada, page_size=1)["values"][0]
    duration = newest.pop("duration_microseconds")
    assert duration > 0
    assert newest == {
        "id": newest["id"],
        "ended_at": "2026-11-24T10:00:02.000Z",
        "request_id": answer.headers["x-request-id"],
        "connection_id": DEFAULT_CONNECTION,
        "connection_name": "Default",
        "api_key_id": newest["api_key_id"],
        "ip_address": "127.0.0.1",
        "user_agent": newest["user_agent"],
        "method": "PATCH",
        "url": f"/scim/v2/Groups/{group}",
        "request": {
            "schemas": [PATCH_OP],
            "Operations": [{"op": "remove", "path": f'members[value eq "{ada}"]'}],
        },
        "outcome": "ok",
        "http_status": 204,
        "error_reason": None,
        "detail": None,
        "operations": ["applied"],
        "subject_id": group,
        "gained_count": 0,
        "lost_count": 1,
        "ended_count": 0,
        "goes_on": False,
    }
    one = api.get(f"{LOG}/{newest['id']}")["value"]
    assert one["effects_complete"] is True
    assert one["effects"] == [
        {
            "kind": "role_lost",
            "at": "2026-11-24T10:00:02.000Z",
            "user_id": ada,
            "user_name": "ada",
            "team_id": "00000000-0000-7000-8000-000000000001",
            "role": "viewer",
            "source": f"scim-group:{group}",
            "by_job": False,
        }
    ]


def test_a_page_goes_on_for_whom_it_was_asked(api, provider):
    ada, grace = push(provider, "ada"), push(provider, "grace")
    group = push_group(provider, "Choir", ada)
    for _ in range(2):
        take_out(provider, group, grace)
        take_out(provider, group, ada)
    first = api.get(LOG, user_id=ada, connection_id=DEFAULT_CONNECTION, page_size=1)
    rest = api.walk(LOG, page_token=first["next_page_token"], page_size=1)
    assert [each["method"] for each in first["values"] + rest] == ["PATCH", "POST", "POST"]
    assert rest[-1]["subject_id"] == ada
    assert [each["subject_id"] for each in api.walk(LOG, group_id=group)] == [group] * 5


def test_calls_are_chosen_by_filter_and_sorted(api, provider):
    push(provider, "ada")
    provider("POST", "/Users", user_profile("ada", password="hidden-word"))
    refusals = api.walk(LOG, filter='outcome eq "refused" and request co "ada"', order_by="ended_at")
    assert [(each["http_status"], each["error_reason"]) for each in refusals] == [(409, "user_name_taken")]
    assert refusals[0]["request"]["password"] == "[masked]"
    assert refusals[0]["detail"]
    oldest = api.walk(LOG, order_by="ended_at")
    assert oldest[::-1] == api.walk(LOG)
    since = oldest[-1]["ended_at"]
    assert [each["id"] for each in api.walk(LOG, filter=f'ended_at ge "{since}"')] == [oldest[-1]["id"]]


@pytest.mark.parametrize(
    "parameters, field",
    [
        ({"filter": 'phase eq "intent"'}, "filter"),
        ({"order_by": "method"}, "order_by"),
        ({"page_size": 0}, "page_size"),
        ({"page_token": "made up"}, "page_token"),
        ({"user_id": "x" * 101}, "user_id"),
    ],
)
def test_what_is_wrong_with_a_search_is_told_by_its_name(api, parameters, field):
    refused(api.ask("GET", LOG, params=parameters), 400, field)


def test_what_is_not_there_is_not_found(api):
    refused(api.ask("GET", LOG, params={"connection_id": "no-such"}), 404)
    refused(api.ask("GET", f"{LOG}/12345"), 404)


def test_the_export_goes_on_where_it_was_also_with_another_key(api, installed, provider):
    ada = push(provider, "ada")
    page = api.get(EXPORT)
    assert [each["subject_id"] for each in page["values"]] == [ada]
    grace = push(provider, "grace")
    other = key_of_role(installed, ADMIN)
    parameters = {"page_token": page["next_page_token"], "filter": 'persisted_at ge "2026-11-24T00:00:00Z"'}
    again = api.ask("GET", EXPORT, key=other, params=parameters).json()
    assert [each["subject_id"] for each in again["values"]] == [grace]
    assert again["has_more"] is False
    refused(api.ask("GET", LOG, params={"page_token": page["next_page_token"]}), 400, "page_token")


def test_the_export_is_a_table_that_no_spreadsheet_takes_for_formulas(api, provider):
    for _ in range(2):
        provider("POST", "/Users", user_profile("ada"), headers={"user-agent": "=1+1"})
    response = api.ask("GET", EXPORT, params={"format": "csv", "page_size": 1})
    assert response.headers["content-type"].startswith("text/csv")
    assert response.headers["x-has-more"] == "true"
    parameters = {"format": "csv", "page_token": response.headers["x-next-page-token"]}
    rest = api.ask("GET", EXPORT, params=parameters)
    assert rest.headers["x-has-more"] == "false"
    rows = [row for text in (response.text, rest.text) for row in csv.DictReader(io.StringIO(text))]
    assert [(row["method"], row["http_status"]) for row in rows] == [("POST", "201"), ("POST", "409")]
    assert {row["user_agent"] for row in rows} == {"'=1+1"}
