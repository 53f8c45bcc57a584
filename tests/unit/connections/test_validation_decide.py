from dataclasses import replace
from datetime import UTC, datetime

import pytest

from rolecall.connections.validation import decide
from rolecall.connections.validation.decide import STEPS, Known
from rolecall.connections.validation.errors import ValidationRuns
from rolecall.connections.validation.model import Answer, Validation, ValidationId, ValidationState, Way
from rolecall.directory.model import ConnectionId

NOW = datetime(2026, 11, 25, tzinfo=UTC)
RUN = Validation(
    id=ValidationId("7"),
    connection_id=ConnectionId("okta"),
    way=Way.PUBLIC,
    state=ValidationState.RUNNING,
    key_id="k",
    reports=(),
    created_at=NOW,
    finished_at=None,
)
KNOWN = Known(user_id="u", group_id="g")
BY_NAME = {each.name: each for each in STEPS}
USER = {"id": "u", "userName": RUN.user_name}
GOOD = {
    "reach": Answer(status=200, body={}),
    "create_user": Answer(status=201, body=USER),
    "find_user": Answer(status=200, body={"Resources": [USER]}),
    "change_user": Answer(status=200, body={"title": "Validated"}),
    "deactivate_user": Answer(status=200, body={"active": False}),
    "reactivate_user": Answer(status=200, body={"active": True}),
    "map_group": Answer(status=None, body={"mapped": True}),
    "create_group": Answer(status=201, body={"id": "g", "displayName": RUN.group_name}),
    "add_member": Answer(status=204, body=""),
    "role_given": Answer(status=None, body={"holds_role": True}),
    "remove_member": Answer(status=200, body={}),
    "role_taken": Answer(status=None, body={"holds_role": False}),
    "delete_group": Answer(status=204, body=""),
    "delete_user": Answer(status=204, body=""),
    "user_is_gone": Answer(status=404, body={}),
}


def reported(name, answer):
    step = BY_NAME[name]
    request = None if step.request is None else step.request(RUN, KNOWN)
    return decide.report_of(step, RUN, KNOWN, request, answer, 5)


def test_a_run_whose_every_answer_is_right_passes():
    run, known = RUN, Known()
    for step in STEPS:
        request = None if step.request is None else step.request(run, known)
        report = decide.report_of(step, run, known, request, GOOD[step.name], 5)
        assert (report.passed, report.means, report.advice) == (True, step.means, None), step.name
        run, known = decide.reported(run, report), decide.learned(step, known, GOOD[step.name])
    assert known == KNOWN
    ended = decide.finished(run, now=NOW)
    assert (ended.state, ended.key_id, ended.finished_at) == (ValidationState.PASSED, None, NOW)
    calls = " ".join(each.request.method for each in run.reports if each.request is not None)
    assert calls == "GET POST GET PATCH PATCH PATCH POST PATCH PATCH DELETE DELETE GET"


def test_a_run_that_was_broken_off_has_neither_passed_nor_failed():
    assert decide.finished(RUN, now=NOW).state is ValidationState.BROKEN_OFF
    begun = decide.reported(RUN, reported("reach", GOOD["reach"]))
    assert decide.finished(begun, now=NOW).state is ValidationState.BROKEN_OFF
    failed = decide.reported(begun, reported("create_user", Answer(status=500, body="")))
    assert decide.finished(failed, now=NOW).state is ValidationState.FAILED


@pytest.mark.parametrize(
    "name, body, means",
    [
        ("create_user", {}, "has no id"),
        ("create_user", "text", "has no id"),
        ("create_user", {"id": "u", "userName": "other"}, "not the user"),
        ("find_user", {"Resources": []}, "did not find"),
        ("find_user", {"Resources": [USER, {"id": "v"}]}, "it alone"),
        ("find_user", [], "did not find"),
        ("change_user", {"title": "Other"}, "not there"),
        ("deactivate_user", {"active": True}, "active is False"),
        ("reactivate_user", {}, "active is True"),
        ("map_group", {"mapped": False, "because": "no"}, "was refused"),
        ("create_group", {"id": "g", "displayName": "other"}, "not the group"),
        ("create_group", {"displayName": RUN.group_name}, "not the group"),
        ("role_given", {"holds_role": False}, "holds no role"),
        ("role_taken", {"holds_role": True}, "still held"),
    ],
)
def test_a_right_status_with_a_wrong_answer_is_a_failure(name, body, means):
    report = reported(name, replace(GOOD[name], body=body))
    assert not report.passed
    assert means in report.means
    assert report.advice == BY_NAME[name].failed


@pytest.mark.parametrize(
    "status, advice",
    [
        (None, "could not reach itself"),
        (302, "does not follow"),
        (400, "requirement profile"),
        (401, "pass it on"),
        (403, "Switch it on"),
        (404, "LISTENING"),
        (405, "allow PATCH"),
        (413, "reverse proxy's limit"),
        (418, "server's log"),
        (429, "rate limit"),
        (501, "allow PATCH"),
        (502, "look at the reverse proxy"),
    ],
)
def test_each_wrong_status_is_told_with_what_to_do(status, advice):
    report = reported("create_user", Answer(status=status, body="refused"))
    assert not report.passed
    assert advice in report.advice
    assert ("No answer: refused" if status is None else f"{status} where 201") in report.means


def test_one_connection_is_validated_once_at_a_time():
    decide.check_beginning(None)
    decide.check_beginning(replace(RUN, state=ValidationState.FAILED))
    for state in (ValidationState.WAITING, ValidationState.RUNNING):
        with pytest.raises(ValidationRuns):
            decide.check_beginning(replace(RUN, state=state))


def test_the_user_has_all_that_any_requirement_profile_asks_for():
    body = BY_NAME["create_user"].request(RUN, KNOWN).body
    assert body["userName"] == body["emails"][0]["value"] == "rolecall-validation-7@validation.invalid"
    assert {"displayName", "name", "externalId"} <= body.keys()
