"""What is written down of each call, on either database?"""

import time
from datetime import timedelta

import pytest

from rolecall.authorization.actions import Action
from rolecall.authorization.actor import Actor, ActorKind
from rolecall.directory import provisioned_users
from rolecall.directory.errors import LastAdministrator
from rolecall.events import audit
from rolecall.events.audit import CallJournal
from rolecall.events.calls import Call
from rolecall.events.model import CallOutcome, Phase
from rolecall.kernel.errors import Forbidden, NotFound
from tests.make.actors import PROVISIONER, all_but
from tests.make.directory import ANY_VERSION, administrator, setting, user_profile

WHO = Actor(kind=ActorKind.API_KEY, actions=PROVISIONER.actions, user_id="u", user_name="okta", api_key_id="k")
PATIENCE_SECONDS = 5.0


def a_call(**known):
    return Call(
        request_id="request-1",
        method="POST",
        target="/scim/v2/Users",
        address="192.0.2.1",
        user_agent="okta",
        request={"userName": "ada"},
        actor=WHO,
        **known,
    )


def records(installed):
    """Return every record; an intent before its result, whichever of the two was written first."""
    written = installed.ask(audit.list_records, limit=100)
    return sorted(written, key=lambda record: (record.request_id, record.phase.value))


def test_a_write_leaves_its_intent_and_its_result(installed):
    call = a_call(status=201)
    installed.change(provisioned_users.create_user, user_profile("ada"), actor=PROVISIONER, journal=CallJournal(call))
    intent, result = records(installed)
    for record in (intent, result):
        assert (record.request_id, record.method, record.target) == ("request-1", "POST", "/scim/v2/Users")
        assert (record.actor_kind, record.user_id, record.user_name, record.api_key_id) == ("api_key", "u", "okta", "k")
        assert (record.address, record.user_agent, record.request) == ("192.0.2.1", "okta", {"userName": "ada"})
        assert record.recorded_at == installed.clock.now
    assert (intent.phase, result.phase) == (Phase.INTENT, Phase.RESULT)
    assert (intent.outcome, intent.status, intent.duration_microseconds) == (None, None, None)
    assert (result.outcome, result.status, result.code) == (CallOutcome.OK, 201, None)
    assert result.duration_microseconds >= 0
    assert call.recorded


def test_what_a_change_learns_is_in_the_result(installed):
    call = a_call()

    def change(tx):
        call.subject_id = "the user"
        call.operations = ("applied", "no_change")

    installed.change(change, journal=CallJournal(call))
    result = records(installed)[-1]
    assert (result.subject_id, result.operations) == ("the user", ("applied", "no_change"))


def test_a_refusal_is_a_result_and_comes_with_the_events_that_it_carries(installed):
    root = administrator(installed, pushed=True)
    call = a_call(status=200, status_of=lambda _error: 403)
    with pytest.raises(LastAdministrator):
        installed.change(
            provisioned_users.change_user,
            root,
            setting(active=False),
            ANY_VERSION,
            actor=PROVISIONER,
            journal=CallJournal(call),
        )
    intent, result = records(installed)
    assert intent.outcome is None
    assert (result.outcome, result.status, result.code) == (CallOutcome.REFUSED, 403, "last_administrator")
    assert "last active administrator" in result.detail
    assert installed.event_types()[-1] == "directory.user.protected"
    assert call.recorded


def test_after_an_error_of_ours_there_is_an_intent_without_a_result(installed):
    def broken(_tx):
        raise ZeroDivisionError

    call = a_call()
    with pytest.raises(ZeroDivisionError):
        installed.change(broken, journal=CallJournal(call))
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not records(installed) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert [record.phase for record in records(installed)] == [Phase.INTENT]
    assert not call.recorded


def test_calls_that_changed_nothing_are_written_many_at_a_time(installed):
    calls = [Call(request_id=f"request-{number}", method="GET", target="/") for number in range(3)]
    calls[1].refuse(NotFound("Nothing."))
    calls[2].repeated_count = 7
    calls[2].end(installed.clock.now)
    installed.clock.advance(timedelta(seconds=1))
    installed.change(audit.record_results, calls)
    written = records(installed)
    assert [record.request_id for record in written] == ["request-0", "request-1", "request-2"]
    assert [record.outcome for record in written] == [CallOutcome.OK, CallOutcome.REFUSED, CallOutcome.OK]
    assert [record.actor_kind for record in written] == ["nobody"] * 3
    assert [record.repeated_count for record in written] == [None, None, 7]
    # A call is dated by its answer, not by when its record was written.
    assert written[0].recorded_at - written[2].recorded_at == timedelta(seconds=1)
    assert written[2].duration_microseconds == calls[2].duration_microseconds


def test_records_are_read_newest_first_a_page_at_a_time(installed):
    for number in range(6):
        installed.change(audit.record_results, [Call(request_id=str(number), method="GET", target="/")])

    def ids(**which):
        return [record.request_id for record in installed.ask(audit.list_records, **which)]

    newest = installed.ask(audit.list_records, limit=2)
    assert [record.request_id for record in newest] == ["5", "4"]
    assert ids(limit=2, before=newest[-1].sequence) == ["3", "2"]
    assert ids(limit=100, before=newest[-1].sequence) == ["3", "2", "1", "0"]


def test_the_request_is_kept_as_json_whatever_it_is(installed):
    requests = [None, [], {}, "text", 0, False, {"a": [1, None, "ü\u2028", 1.5]}]
    calls = [Call(request_id=str(n), method="POST", target="/", request=each) for n, each in enumerate(requests)]
    installed.change(audit.record_results, calls)
    assert [record.request for record in records(installed)] == requests


def test_reading_the_records_needs_its_action(installed_sqlite):
    with pytest.raises(Forbidden):
        installed_sqlite.ask(audit.list_records, limit=1, actor=all_but(Action.AUDIT_READ))
