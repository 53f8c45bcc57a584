"""Is what is noticed of a connection's calls kept, and is its silence told, on either database?"""

import asyncio
import time
from dataclasses import replace
from datetime import timedelta

import pytest

from rolecall.api.traffic import Traffic
from rolecall.authorization.actor import SYSTEM, Actor, ActorKind
from rolecall.connections import connections, traffic
from rolecall.connections.model import ConnectionDraft, ConnectionState, Dialect
from rolecall.directory.model import Expected
from rolecall.events.calls import Call

HOUR = timedelta(hours=1)
SILENT, HEARD = "connections.connection.silent", "connections.connection.heard-again"
DRAFT = ConnectionDraft(name="Okta", state=ConnectionState.ON, silent_after_hours=24)


@pytest.fixture
def okta(installed):
    return installed.change(connections.create_connection, DRAFT).id


def written(installed):
    return installed.ask(
        lambda tx: tx.connection.execute("SELECT coalesce(sum(call_count), 0) FROM scim_connection_hour").fetchone()[0]
    )


def call_in(installed, connection_id, *statuses, user_agent="Okta SCIM Client 1.0.0", awaited=True):
    """Let a connection make calls that are answered so; return when their counts are written, if `awaited`."""
    actor = Actor(kind=ActorKind.API_KEY, api_key_id="k", connection_id=connection_id)

    async def run():
        counting = Traffic(installed.transactions)
        for status in statuses:
            call = Call(request_id="r", method="GET", target="/scim/v2/Users", actor=actor, user_agent=user_agent)
            call.status = status
            counting.note(call, installed.clock.now)
        wanted = written(installed) + (len(statuses) if awaited else 0)
        counting.flush()
        deadline = time.monotonic() + 10
        # Nothing waits for these counts: on PostgreSQL they are written beside everything else.
        while written(installed) < wanted and time.monotonic() < deadline:
            await asyncio.sleep(0.02)
        await installed.transactions.write(SYSTEM, lambda _tx: None)

    asyncio.run(run())


def shown(installed, connection_id):
    return installed.ask(connections.get_connection, connection_id)


def counted(installed, connection_id):
    found = installed.ask(traffic.traffic_of, connection_id)
    return found.call_count, found.error_count


def told(installed):
    return [each for each in installed.event_types() if each in {SILENT, HEARD}]


def test_calls_and_errors_are_counted_by_the_hour_and_the_last_call_and_the_dialect_are_kept(installed, okta):
    call_in(installed, okta, 200, 404, 500)
    call_in(installed, okta, 201)
    after = shown(installed, okta)
    assert (after.last_call_at, after.dialect, after.version) == (installed.clock.now, Dialect.OKTA, 1)
    assert counted(installed, okta) == (4, 2)
    installed.clock.advance(HOUR)
    call_in(installed, okta, 200, None)
    assert counted(installed, okta) == (6, 3)
    assert installed.count_rows("scim_connection_hour") == 2
    installed.clock.advance(23 * HOUR)
    assert counted(installed, okta) == (2, 1)


def test_calls_of_no_connection_and_of_one_that_is_gone_are_not_counted(installed, okta):
    call_in(installed, None, 200, awaited=False)
    call_in(installed, "gone", 200, awaited=False)
    call_in(installed, okta, 200)
    installed.change(traffic.forget_traffic)
    assert installed.count_rows("scim_connection_hour") == written(installed) == 1


def test_what_somebody_says_of_a_connection_does_not_undo_what_was_noticed_of_it(installed, okta):
    call_in(installed, okta, 200)
    installed.change(
        connections.change_connection, okta, lambda draft: replace(draft, dialect_pinned=Dialect.PING), Expected()
    )
    after = shown(installed, okta)
    assert (after.dialect, after.dialect_seen, after.version) == (Dialect.PING, Dialect.OKTA, 2)
    assert after.last_call_at == installed.clock.now


def test_a_silence_is_told_once_and_its_end_too(installed, okta):
    call_in(installed, okta, 200)
    installed.clock.advance(23 * HOUR)
    installed.change(traffic.watch_silence)
    assert told(installed) == []
    installed.clock.advance(HOUR)
    for _ in range(2):
        installed.change(traffic.watch_silence)
    assert told(installed) == [SILENT]
    installed.clock.advance(HOUR)
    for _ in range(2):
        call_in(installed, okta, 200)
    assert told(installed) == [SILENT, HEARD]
    installed.clock.advance(24 * HOUR)
    installed.change(traffic.watch_silence)
    assert told(installed) == [SILENT, HEARD, SILENT]


def test_a_connection_that_never_called_is_silent_too_and_one_that_may_be_is_not(installed, okta):
    installed.change(connections.create_connection, replace(DRAFT, name="Entra", silent_after_hours=0))
    installed.clock.advance(30 * HOUR)
    installed.change(traffic.watch_silence)
    (event,) = [each for each in installed.events() if each.type == SILENT]
    assert (event.data["name"], event.data["last_call_at"], event.data["hours"]) == ("Okta", None, 24)


def test_counts_are_forgotten_after_a_week(installed, okta):
    call_in(installed, okta, 200)
    installed.clock.advance(timedelta(days=7))
    installed.change(traffic.forget_traffic)
    assert installed.count_rows("scim_connection_hour") == 1
    installed.clock.advance(HOUR)
    installed.change(traffic.forget_traffic)
    assert installed.count_rows("scim_connection_hour") == 0
