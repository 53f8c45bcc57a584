"""How are the audit log and the event log read over the REST API?"""

from datetime import timedelta

import pytest

from rolecall.authorization.roles import ADMIN
from rolecall.events import audit
from rolecall.events.calls import Call
from rolecall.events.model import CallOutcome
from tests.make.directory import pushed_user
from tests.make.rest import key_of_role, refused

AUDIT, EXPORT = "/api/preview/system/audit", "/api/preview/system/audit/export"
EVENTS, EVENT_EXPORT = "/api/preview/events", "/api/preview/events/export"
SINCE = 'ended_at GE "2026-11-24T00:00:00Z"'


def record(installed, name, **named):
    call = Call(request_id=name, method="GET", target="/scim/v2/Users", **named)
    installed.change(audit.record_results, [call])
    installed.clock.advance(timedelta(seconds=1))


def test_a_record_tells_who_asked_for_what_and_what_became_of_it(api, installed):
    record(
        installed,
        "r1",
        address="192.0.2.1",
        user_agent="okta",
        request={"a": 1},
        outcome=CallOutcome.REFUSED,
        status=409,
        code="user_name_taken",
        detail="In use.",
        subject_id="s",
    )
    (shown,) = api.get(AUDIT, filter=f'{SINCE} and request_id eq "r1"', page_size=10)["values"]
    duration = shown["result"].pop("duration_microseconds")
    assert duration >= 0
    assert shown == {
        "id": shown["id"],
        "timestamp": "2026-11-24T10:00:00.000Z",
        "phase": "result",
        "intent": {
            "trace_id": "r1",
            "kind": "nobody",
            "user_id": None,
            "user_name": None,
            "api_key_id": None,
            "method": "GET",
            "url": "/scim/v2/Users",
            "client": {"ip_address": "192.0.2.1", "user_agent": "okta"},
            "request": {"a": 1},
        },
        "result": {
            "outcome": "refused",
            "code": "AlreadyExists",
            "http_status": 409,
            "error_reason": "user_name_taken",
            "detail": "In use.",
            "operations": [],
            "subject_id": "s",
            "repeated_count": None,
        },
    }


def test_a_write_over_rest_has_an_intent_and_a_result_that_names_its_subject(api, installed):
    ada = pushed_user(installed)
    response = api.ask("POST", f"/api/v1/users/{ada}:deactivate", json={"reason": "left"})
    wanted = f'{SINCE} and request_id eq "{response.headers["x-request-id"]}"'
    intent, result = api.get(AUDIT, filter=wanted, page_size=10)["values"]
    assert (intent["phase"], intent["result"]) == ("intent", None)
    assert intent["intent"]["request"] == {"reason": "left"}
    assert intent["intent"]["user_name"] == "root"
    assert (result["result"]["code"], result["result"]["http_status"]) == ("OK", 200)
    assert result["result"]["subject_id"] == ada


def test_a_refused_write_has_its_reason_in_its_result(api):
    root = api.get("/api/v1/users/self")["value"]["id"]
    response = api.ask("POST", f"/api/v1/users/{root}:deactivate")
    wanted = f'{SINCE} and phase eq "result" and request_id eq "{response.headers["x-request-id"]}"'
    (result,) = api.get(AUDIT, filter=wanted, page_size=10)["values"]
    assert (result["result"]["code"], result["result"]["error_reason"]) == ("PermissionDenied", "last_administrator")


@pytest.mark.parametrize(
    "parameters, field",
    [
        ({"page_size": 10}, "filter"),
        ({"page_size": 10, "filter": 'method eq "GET"'}, "filter"),
        ({"page_size": 10, "filter": 'ended_at le "2026-11-24T10:00:00Z"'}, "filter"),
        ({"page_size": 10, "filter": f'{SINCE} or method eq "GET"'}, "filter"),
        ({"page_size": 10, "filter": 'ended_at ge "2026-08-01T00:00:00Z"'}, "filter"),
        ({"filter": SINCE}, "page_size"),
        ({"filter": SINCE, "page_size": 10_001}, "page_size"),
        ({"filter": SINCE, "page_size": 10, "order_by": "method"}, "order_by"),
    ],
)
def test_what_a_search_of_the_audit_log_needs_is_told(api, parameters, field):
    refused(api.ask("GET", AUDIT, params=parameters), 400, field)


def test_the_audit_log_is_walked_both_ways(api, installed):
    names = [f"r{number}" for number in range(5)]
    for name in names:
        record(installed, name)
    wanted = f'{SINCE} and url eq "/scim/v2/Users"'
    for order, expected in (("", names), ("ended_at desc", names[::-1])):
        walked = api.walk(AUDIT, filter=wanted, page_size=2, order_by=order)
        assert [each["intent"]["trace_id"] for each in walked] == expected


def test_a_feed_goes_on_where_it_was_also_with_another_key(api, installed):
    start = {"filter": 'persisted_at GE "2026-11-24T00:00:00Z"'}
    for name in ("a", "b"):
        record(installed, name)
    page = api.get(EXPORT, **start)
    assert [each["intent"]["trace_id"] for each in page["values"]][-2:] == ["a", "b"]
    assert page["has_more"] is False
    record(installed, "c")
    other = key_of_role(installed, ADMIN)
    parameters = {"page_token": page["next_page_token"], "filter": "persisted_at GE nonsense"}
    response = api.ask("GET", EXPORT, key=other, params=parameters).json()
    assert [each["intent"]["trace_id"] for each in response["values"]] == ["c"]


def test_a_feed_has_no_other_condition_than_its_start(api):
    for text in ('persisted_at LE "2026-11-24T00:00:00Z"', 'method eq "GET"', "x"):
        refused(api.ask("GET", EXPORT, params={"filter": text}), 400, "filter")


def test_a_token_of_one_feed_is_none_of_another(api):
    token = api.get(EXPORT)["next_page_token"]
    refused(api.ask("GET", EVENT_EXPORT, params={"page_token": token}), 400, "page_token")
    refused(api.ask("GET", EXPORT, params={"page_token": token[:-2]}), 400, "page_token")


def test_events_are_shown_with_what_they_mean(api, installed):
    ada = pushed_user(installed, "ada")
    api.post(f"/api/v1/users/{ada}:deactivate", {"reason": "left"})
    page = api.get(EVENTS, filter=f'entity_id eq "{ada}" and timestamp ge "2026-11-24T00:00:00Z"')
    created, deactivated = page["events"]
    assert (created["event_type"], created["name"]) == ("directory.user.created", "User created")
    assert deactivated["message"] == "A user's access ended; its history and assignments stay."
    assert deactivated["metadata"] == {"user_id": ada, "user_name": "ada", "reason": "left"}
    assert (deactivated["category"], deactivated["severity"]) == ("SYSTEM", "INFO")
    newest = api.get(EVENTS, order_by="timestamp desc", page_size=1)
    assert newest["has_more"] is True
    assert set(api.get(EVENT_EXPORT)) == {"events", "next_page_token", "has_more"}
    assert api.get(EVENT_EXPORT)["events"][-1]["entity_id"] == ada
