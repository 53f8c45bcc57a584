import asyncio
import time
from datetime import timedelta

import pytest

from rolecall.api import recorder as module
from rolecall.api.recorder import Recorder
from rolecall.authentication import api_keys
from rolecall.authorization.actor import SYSTEM, Actor, ActorKind
from rolecall.events import audit
from rolecall.events.calls import Call
from rolecall.events.model import CallOutcome
from tests.make.directory import service_user

A_MINUTE = timedelta(minutes=1)


def records(installed):
    return list(reversed(installed.ask(audit.list_records, limit=1_000)))


async def all_written(installed):
    """Wait until the writer has written what was handed over to it before."""
    await installed.transactions.write(SYSTEM, lambda _tx: None)


def refused(number, address="192.0.2.1"):
    return Call(
        request_id=f"request {number}",
        method="GET",
        target="/scim/v2/Users",
        address=address,
        outcome=CallOutcome.REFUSED,
        code="missing_credential",
        status=401,
    )


def record_all(installed, calls):
    async def run():
        recorder = Recorder(installed.transactions, installed.clock)
        for call in calls:
            recorder.record(call)
        recorder.close()
        await all_written(installed)

    asyncio.run(run())


def test_calls_are_written_down_within_a_second(installed):
    async def run():
        recorder = Recorder(installed.transactions, installed.clock)
        recorder.record(refused(1))
        assert records(installed) == []
        deadline = time.monotonic() + 1
        while not records(installed) and time.monotonic() < deadline:
            await asyncio.sleep(0.02)

    asyncio.run(run())
    (record,) = records(installed)
    assert (record.request_id, record.status, record.code) == ("request 1", 401, "missing_credential")
    assert record.recorded_at == installed.clock.now


def test_closing_writes_down_what_is_left(installed):
    record_all(installed, [refused(number) for number in range(3)])
    assert [record.request_id for record in records(installed)] == ["request 0", "request 1", "request 2"]


def test_a_call_whose_result_has_been_written_with_its_change_is_not_written_again(installed):
    call = refused(1)
    call.recorded = True
    record_all(installed, [call])
    assert records(installed) == []


def test_refusals_without_a_credential_are_written_in_full_up_to_ten_a_minute_and_network_then_counted(installed):
    calls = [refused(number, f"192.0.2.{number}") for number in range(25)]
    calls += [refused("elsewhere", "198.51.100.7")]
    record_all(installed, calls)
    written = records(installed)
    assert sum(record.repeated_count is None for record in written) == 11
    (counted,) = [record for record in written if record.repeated_count is not None]
    assert (counted.repeated_count, counted.address) == (15, "192.0.2.0/24")
    assert counted.outcome is CallOutcome.REFUSED


def test_the_next_minute_has_a_budget_of_its_own_and_the_counts_are_written_meanwhile(installed):
    async def run():
        recorder = Recorder(installed.transactions, installed.clock)
        for minute in range(2):
            for number in range(12):
                recorder.record(refused(f"{minute}-{number}"))
            recorder.flush()
            installed.clock.advance(A_MINUTE)
        recorder.flush()
        await all_written(installed)
        return [record.repeated_count for record in records(installed)]

    counts = asyncio.run(run())
    assert len([count for count in counts if count is None]) == 20
    assert sum(count for count in counts if count is not None) == 4


def test_calls_with_a_key_are_always_written_in_full(installed):
    actor = Actor(kind=ActorKind.API_KEY, api_key_id="abcdefghijkl")
    calls = [refused(number) for number in range(30)]
    for call in calls:
        call.actor = actor
    record_all(installed, calls)
    assert len(records(installed)) == 30


def test_the_use_of_a_key_is_noted_about_once_a_minute(installed):
    key = installed.change(api_keys.create_api_key, user_id=service_user(installed), name="k", role=None).key
    actor = Actor(kind=ActorKind.API_KEY, api_key_id=key.id)

    async def run():
        recorder = Recorder(installed.transactions, installed.clock)
        start = installed.clock.now
        for seconds, noted in ((0, 0), (30, 0), (59, 0), (60, 60), (61, 60), (200, 200)):
            installed.clock.now = start + timedelta(seconds=seconds)
            recorder.record(Call(request_id="r", method="GET", target="/", actor=actor, recorded=True))
            recorder.flush()
            await all_written(installed)
            (kept,) = installed.ask(api_keys.list_api_keys)
            assert kept.last_used_at == start + timedelta(seconds=noted)

    asyncio.run(run())


def test_nothing_is_written_when_there_is_nothing_to_write(installed, monkeypatch):
    handed_over = []
    monkeypatch.setattr(installed.transactions, "write_behind", lambda *work: handed_over.append(work))
    record_all(installed, [])
    assert handed_over == []
    assert module._DELAY_SECONDS <= 1


@pytest.mark.parametrize("address", [None, "unknown"])
def test_a_call_from_nowhere_is_written_down_too(installed, address):
    record_all(installed, [refused(1, address)])
    assert len(records(installed)) == 1
