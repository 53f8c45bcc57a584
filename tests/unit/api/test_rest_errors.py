from datetime import UTC, datetime

import orjson
import pytest

from rolecall.api.errors import MethodNotAllowed, TooManyCalls
from rolecall.api.rest.errors import TOLD, InvalidArguments, Violation, bad_field, headers_of, rest_dialect, status_of
from rolecall.authentication.errors import OAuthRefusal
from rolecall.directory.errors import UserNameTaken
from rolecall.events.calls import Call
from rolecall.kernel.errors import ErrorKind, Forbidden
from tools import declarations

DIALECT = rest_dialect(lambda: datetime(2026, 11, 24, 10, tzinfo=UTC))
CALL = Call(request_id="0f" * 16, method="GET", target="/api/v1/users")


def told(error):
    return orjson.loads(DIALECT.render_refusal(error, CALL))


ABOUT = {MethodNotAllowed: {"allow": "GET"}, TooManyCalls: {"retry_after": "2"}}


@pytest.mark.parametrize("refusal", declarations.errors(), ids=lambda kind: kind.__name__)
def test_every_refusal_can_be_told_over_rest(refusal):
    error = refusal("A sentence.", **ABOUT.get(refusal, {}))
    body = told(error)
    further = ["error", "error_description"] if issubclass(refusal, OAuthRefusal) else []
    assert list(body) == ["code", "message", "request_id", "timestamp", "details", *further]
    assert body["code"] == TOLD[refusal.kind][1]
    assert body["message"] == "A sentence."
    assert (body["request_id"], body["timestamp"]) == (CALL.request_id, "2026-11-24T10:00:00.000Z")
    assert body["details"][0]["reason"] == refusal.code
    assert status_of(error) == (405 if refusal is MethodNotAllowed else TOLD[refusal.kind][0])
    assert all(isinstance(value, str) for value in headers_of(error).values())


def test_every_kind_has_a_status_and_a_code_of_its_own():
    assert set(TOLD) == set(ErrorKind)
    assert len({code for _status, code in TOLD.values()}) == len(TOLD)
    assert all(400 <= status < 600 for status, _code in TOLD.values())


def test_the_field_at_fault_is_named():
    (_info, violations) = told(UserNameTaken("In use.", attribute="userName"))["details"]
    assert violations["field_violations"] == [{"field": "userName", "description": "In use."}]
    several = InvalidArguments("x", violations=[Violation(field=name, description="d") for name in ("a", "a", "b")])
    assert [each["field"] for each in told(several)["details"][1]["field_violations"]] == ["a", "a", "b"]
    assert told(bad_field("filter", "too long."))["message"] == "filter: too long."


def test_what_a_refusal_is_about_is_told():
    assert told(Forbidden("No.", action="user:list"))["details"] == [
        {
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": "forbidden",
            "domain": "rolecall",
            "metadata": {"action": "user:list"},
        }
    ]


def test_a_failure_of_ours_shows_nothing_but_the_request_id():
    body = orjson.loads(DIALECT.render_failure("Something went wrong.", CALL))
    assert (body["code"], body["details"]) == ("Internal", [])
