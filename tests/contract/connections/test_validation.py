"""Does a validation leave nothing behind, however it ends, and is what came of it kept, on either database?"""

from dataclasses import replace
from datetime import timedelta

import pytest

from rolecall.authentication import connection_keys
from rolecall.authorization.actions import Action
from rolecall.authorization.actor import SYSTEM
from rolecall.connections import connections
from rolecall.connections.model import ConnectionDraft, ConnectionState
from rolecall.connections.validation import decide, jobs, validations
from rolecall.connections.validation.caller import OwnAddress
from rolecall.connections.validation.errors import ValidationRuns
from rolecall.connections.validation.model import KEPT, Answer, StepReport, ValidationState, Way
from rolecall.directory import groups, provisioned_users
from rolecall.directory.owners import count_owned
from rolecall.jobs import jobs as job_list
from rolecall.jobs import queue
from rolecall.jobs.errors import JobCancelWanted
from rolecall.kernel.errors import Forbidden, NotFound
from tests.make.actors import PROVISIONER, all_but
from tests.make.directory import group_profile, user_profile
from tests.make.receivers import receiving

NOBODY_THERE = OwnAddress(listening_url="http://127.0.0.1:9", certificate=None)
DONE, NOT_DONE = "connections.connection.validated", "connections.connection.not-validated"


@pytest.fixture
def okta(installed):
    return installed.change(connections.create_connection, ConnectionDraft(name="Okta", state=ConnectionState.ON)).id


def begun(installed, okta):
    return installed.change(validations.begin_validation, okta, way=Way.LISTENING)


def take(installed):
    (job,) = installed.change(queue.take_jobs, kinds=[validations.VALIDATE], runner="r", limit=1, actor=SYSTEM)
    return job


def left(installed):
    # Of a deleted user a row without its name remains, for the audit log; the total does not count it.
    okta = installed.ask(connections.list_connections)[-1].id
    tables = ("directory_group", "api_key", "mapping", "assignment", "given")
    return [*(installed.count_rows(name) for name in tables), *installed.ask(count_owned, okta)]


def shown(installed, run):
    return installed.ask(validations.get_validation, run.connection_id, run.id)


def passed(step):
    return StepReport(
        name=step.name,
        title=step.title,
        request=None,
        answer=Answer(status=200, body={"some": ["body"]}),
        passed=True,
        means=step.means,
        advice=None,
        milliseconds=1,
    )


def push_as(installed, run):
    """Push what a run makes, as a process that died in the middle of it has."""
    key = installed.change(validations.start, run.id, actor=SYSTEM)[0]
    from_provider = replace(PROVISIONER, connection_id=run.connection_id)
    installed.change(validations.map_group, run, actor=SYSTEM)
    profile = user_profile(run.user_name)
    user = installed.change(provisioned_users.create_user, profile, actor=from_provider)
    installed.change(groups.create_group, group_profile(run.group_name), (user.id,), actor=from_provider)
    return key, user.id


def test_a_server_that_cannot_reach_itself_is_told_so_and_nothing_is_left(installed, okta):
    run, before = begun(installed, okta), left(installed)
    assert (run.state, run.reports) == (ValidationState.WAITING, ())
    jobs.validate(installed.transactions, take(installed), own=NOBODY_THERE)
    after = shown(installed, run)
    assert (after.state, after.key_id, len(after.reports)) == (ValidationState.FAILED, None, 1)
    assert after.reports[0].answer.status is None
    assert "could not reach itself" in after.reports[0].advice
    assert left(installed) == before
    (told,) = [each for each in installed.events() if each.type in {DONE, NOT_DONE}]
    assert (told.type, told.data["step"], told.subject_id) == (NOT_DONE, "reach", okta)


def test_what_somebody_else_answers_is_kept_with_what_was_sent(installed, okta):
    run = begun(installed, okta)
    # It understands POST only, as some proxies do.
    with receiving() as proxy:
        own = OwnAddress(listening_url=proxy.url, certificate=None)
        jobs.validate(installed.transactions, take(installed), own=own)
    (report,) = shown(installed, run).reports
    assert (report.answer.status, report.passed) == (501, False)
    assert "allow PATCH and DELETE" in report.advice
    assert (report.request.method, report.request.path) == ("GET", "/ServiceProviderConfig")


def test_a_run_that_was_broken_off_is_swept_before_it_begins_anew(installed, okta):
    before = left(installed)
    run = begun(installed, okta)
    first, user_id = push_as(installed, run)
    assert installed.ask(validations.holds_role, user_id)
    assert installed.ask(connection_keys.list_keys_of, okta)[0].id == first.key_id
    again, _secret = installed.change(validations.start, run.id, actor=SYSTEM)
    assert again.key_id != first.key_id
    assert installed.ask(count_owned, okta) == (0, 0)
    assert [each.id for each in installed.ask(connection_keys.list_keys_of, okta)] == [again.key_id]
    # The process that was taken for dead comes back: the run is no longer its own.
    installed.change(validations.end, first, actor=SYSTEM)
    assert installed.change(validations.note_step, first, passed(decide.STEPS[0]), actor=SYSTEM) is None
    assert (shown(installed, run).state, shown(installed, run).reports) == (ValidationState.RUNNING, ())
    installed.change(validations.end, again, actor=SYSTEM)
    assert shown(installed, run).state is ValidationState.BROKEN_OFF
    assert left(installed) == before
    assert installed.change(validations.start, run.id, actor=SYSTEM) is None


def test_a_run_whose_job_is_gone_is_ended_by_the_watch(installed, okta):
    before = left(installed)
    run = begun(installed, okta)
    push_as(installed, run)
    installed.change(validations.end_abandoned)
    assert shown(installed, run).state is ValidationState.RUNNING
    installed.clock.advance(2 * validations.LIFE + timedelta(seconds=1))
    installed.change(validations.end_abandoned)
    after = shown(installed, run)
    assert (after.state, after.finished_at) == (ValidationState.BROKEN_OFF, installed.clock.now)
    assert left(installed) == before
    (told,) = [each for each in installed.events() if each.type == NOT_DONE]
    assert told.data["step"] is None


def test_a_run_that_somebody_ends_is_swept_too(installed, okta):
    before, run = left(installed), begun(installed, okta)
    job = take(installed)
    installed.change(job_list.cancel_job, job.id)
    with pytest.raises(JobCancelWanted):
        jobs.validate(installed.transactions, job, own=NOBODY_THERE)
    assert shown(installed, run).state is ValidationState.BROKEN_OFF
    assert left(installed) == before


def test_its_credential_ends_by_itself_if_nobody_ends_it(installed, okta):
    begun_run = begun(installed, okta)
    installed.change(validations.start, begun_run.id, actor=SYSTEM)
    (key,) = installed.ask(connection_keys.list_keys_of, okta)
    assert key.limits.expires_at == installed.clock.now + validations.LIFE
    assert key.connection_id == okta


def test_a_connection_is_validated_once_at_a_time_and_the_last_ten_runs_are_kept(installed, okta):
    runs = []
    for _ in range(KEPT + 2):
        runs.append(begun(installed, okta))
        with pytest.raises(ValidationRuns):
            begun(installed, okta)
        installed.change(validations.end, runs[-1], actor=SYSTEM)
        installed.clock.advance(timedelta(seconds=1))
    kept = installed.ask(validations.list_validations, okta)
    assert [each.id for each in kept] == [each.id for each in reversed(runs[2:])]
    assert all(each.state is ValidationState.BROKEN_OFF for each in kept)


def test_a_passed_run_is_told_as_such(installed, okta):
    run = begun(installed, okta)
    run, _secret = installed.change(validations.start, run.id, actor=SYSTEM)
    for step in decide.STEPS:
        run = installed.change(validations.note_step, run, passed(step), actor=SYSTEM)
    installed.change(validations.end, run, actor=SYSTEM)
    after = shown(installed, run)
    assert (after.state, after.reports) == (ValidationState.PASSED, run.reports)
    assert installed.event_types()[-1] == DONE


def test_who_may_not_and_what_is_not_there_is_refused(installed, okta):
    with pytest.raises(Forbidden):
        installed.change(validations.begin_validation, okta, actor=all_but(Action.CONNECTION_CHANGE))
    with pytest.raises(NotFound):
        installed.change(validations.begin_validation, "none")
    run = begun(installed, okta)
    for ask in (
        lambda tx: validations.get_validation(tx, okta, run.id),
        lambda tx: validations.list_validations(tx, okta),
    ):
        with pytest.raises(Forbidden):
            installed.ask(ask, actor=all_but(Action.CONNECTION_LIST))
    for connection_id, validation_id in ((okta, "none"), ("other", run.id)):
        with pytest.raises(NotFound):
            installed.ask(validations.get_validation, connection_id, validation_id)
