"""Does a rehearsal say what a change would do, and keep nothing, on either database?"""

import asyncio
import threading

import pytest

from rolecall.authorization.actor import SYSTEM
from rolecall.directory.events import TeamCreated
from rolecall.directory.model import TeamDraft
from rolecall.directory.teams import create_team
from rolecall.kernel.errors import NotFound
from tests.make.actors import ADMINISTRATOR

PATIENCE_SECONDS = 10.0


def create(name):
    return lambda tx: create_team(tx, TeamDraft(name=name))


def test_a_rehearsal_tells_value_and_events_and_keeps_nothing(installed):
    teams, events = installed.count_rows("team"), installed.event_types()
    rehearsal = asyncio.run(installed.transactions.rehearse(ADMINISTRATOR, create("Sales")))
    assert rehearsal.value.name == "Sales"
    assert [type(event) for event in rehearsal.events] == [TeamCreated]
    assert installed.count_rows("team") == teams
    assert installed.event_types() == events


def test_a_rehearsal_sees_what_is_committed(installed):
    installed.change(create("Sales"))
    assert asyncio.run(installed.transactions.rehearse(SYSTEM, lambda tx: count_teams(tx, "Sales"))).value == 1


def count_teams(tx, name):
    mark = "?" if tx.dialect == "sqlite" else "%s"
    (count,) = tx.connection.execute(f"SELECT count(*) FROM team WHERE name = {mark}", (name,)).fetchone()
    return count


def test_what_would_be_refused_is_refused_in_a_rehearsal(installed):
    def refused(tx):
        create("Sales")(tx)
        raise NotFound("Refused on purpose.")

    with pytest.raises(NotFound):
        asyncio.run(installed.transactions.rehearse(ADMINISTRATOR, refused))
    assert installed.ask(lambda tx: count_teams(tx, "Sales")) == 0


def test_others_write_while_a_rehearsal_is_under_way(installed):
    started, written = threading.Event(), threading.Event()

    def waits(tx):
        create("Sales")(tx)
        started.set()
        return written.wait(PATIENCE_SECONDS)

    async def both():
        rehearsing = asyncio.create_task(installed.transactions.rehearse(ADMINISTRATOR, waits))
        await asyncio.to_thread(started.wait, PATIENCE_SECONDS)
        await installed.transactions.write(ADMINISTRATOR, create("Support"))
        written.set()
        return await rehearsing

    assert asyncio.run(both()).value
    assert installed.ask(lambda tx: count_teams(tx, "Support")) == 1
    assert installed.ask(lambda tx: count_teams(tx, "Sales")) == 0


def test_changes_build_on_each_other_and_one_that_is_refused_takes_back_only_itself(installed):
    def refused(tx):
        create("Refused")(tx)
        raise NotFound("Refused on purpose.")

    def play(rehearsing):
        rehearsing.run(create("Sales"))
        with pytest.raises(NotFound):
            rehearsing.run(refused)
        rehearsing.run(create("Support"))
        return [rehearsing.run(lambda tx, name=name: count_teams(tx, name)) for name in ("Sales", "Refused", "Support")]

    rehearsal = asyncio.run(installed.transactions.rehearse_in_order(ADMINISTRATOR, play))
    assert rehearsal.value == [1, 0, 1]
    assert [event.name for event in rehearsal.events] == ["Sales", "Support"]
    assert installed.ask(lambda tx: count_teams(tx, "Sales") + count_teams(tx, "Support")) == 0
