"""What does a unit of work promise, on either database?"""

import asyncio
import threading
import time
from datetime import timedelta

import psycopg
import pytest
from sqlalchemy import bindparam, column, insert, table

from rolecall.authorization.actor import SYSTEM
from rolecall.kernel.errors import DomainError, NotFound, Unavailable
from rolecall.storage.batch import Work
from rolecall.storage.errors import UniqueViolation
from rolecall.storage.statement import Statement
from rolecall.storage.transactions import Transactions
from tests.make.databases import SQLITE
from tests.make.transactions import SetClock

NOTE = table("note", column("name"), column("value"))
INSERT = {
    "sqlite": "INSERT INTO note (name, value) VALUES (?, '')",
    "postgresql": "INSERT INTO note (name, value) VALUES (%s, '')",
}
PATIENCE_SECONDS = 10.0

pytestmark = pytest.mark.usefixtures("note")


def keep(name):
    """Return a change that writes one row."""

    def change(tx):
        tx.connection.execute(INSERT[tx.dialect], (name,))
        return name

    return change


def kept(installed):
    """Return the names of all rows, as another connection sees them."""
    rows = installed.ask(lambda tx: tx.connection.execute("SELECT name FROM note").fetchall())
    return {row[0] for row in rows}


def refusing(change):
    def refused(tx):
        change(tx)
        raise NotFound("Refused on purpose.")

    return refused


def broken(change):
    def fails(tx):
        change(tx)
        raise ZeroDivisionError

    return fails


def test_what_a_change_returns_is_returned_and_its_rows_are_there(installed):
    assert installed.change(keep("a")) == "a"
    assert kept(installed) == {"a"}


def test_many_changes_at_once_are_all_written_but_those_that_fail(installed):
    async def all_at_once():
        changes = [keep(f"name {number}") for number in range(60)]
        changes[20] = refusing(changes[20])
        changes[40] = broken(changes[40])
        return await asyncio.gather(
            *(installed.transactions.write(SYSTEM, change) for change in changes), return_exceptions=True
        )

    answers = asyncio.run(all_at_once())
    assert isinstance(answers[20], NotFound)
    assert isinstance(answers[40], ZeroDivisionError)
    good = {f"name {number}" for number in range(60)} - {"name 20", "name 40"}
    assert {answer for answer in answers if isinstance(answer, str)} == good
    assert kept(installed) == good


def test_changes_that_wait_together_share_a_commit_and_are_answered_after_it(installed_sqlite):
    transactions = installed_sqlite.transactions
    submitted = threading.Event()
    answered: list[str] = []
    seen_by_second: list[list[str]] = []

    def first(tx):
        assert submitted.wait(PATIENCE_SECONDS)
        return keep("first")(tx)

    def second(tx):
        # Same batch, before its commit: the first has run, and nobody has been told.
        seen_by_second.append([row[0] for row in tx.connection.execute("SELECT name FROM note").fetchall()])
        time.sleep(0.05)
        seen_by_second.append(list(answered))
        return keep("second")(tx)

    async def both():
        tasks = [asyncio.ensure_future(transactions.write(SYSTEM, change)) for change in (first, second)]
        for task in tasks:
            task.add_done_callback(lambda done: answered.append(done.result()))
        await asyncio.sleep(0)
        submitted.set()
        await asyncio.gather(*tasks)

    asyncio.run(both())
    assert seen_by_second == [["first"], []]
    assert kept(installed_sqlite) == {"first", "second"}


def test_the_sizes_of_batches_are_observed(installed_sqlite):
    sizes: list[int] = []
    transactions = Transactions(installed_sqlite.transactions._database, clock=SetClock(), observe_batch=sizes.append)
    held = threading.Event()
    transactions.write_behind(SYSTEM, lambda _tx: held.wait(PATIENCE_SECONDS) and None)
    for number in range(4):
        transactions.write_behind(SYSTEM, keep(str(number)))
    held.set()
    transactions.close()
    assert sum(sizes) == 5
    assert max(sizes) >= 4


@pytest.mark.parametrize("fails", [refusing, broken])
def test_a_change_that_fails_leaves_nothing(installed, fails):
    with pytest.raises((NotFound, ZeroDivisionError)):
        installed.change(fails(keep("a")))
    assert kept(installed) == set()
    assert installed.events() == []


def test_a_change_that_meets_a_unique_value_is_told_which(installed):
    installed.change(keep("a"))

    insertion = Statement(insert(NOTE).values(name=bindparam("name"), value=""))
    with pytest.raises(UniqueViolation) as violated:
        installed.change(insertion.run, name="a")
    assert "note" in violated.value.constraint


def test_each_change_sees_one_instant_and_its_actor(installed):
    def instants(tx):
        first = tx.now
        installed.clock.advance(timedelta(seconds=1))
        return first, tx.now, tx.actor

    first, second, actor = installed.change(instants, actor=SYSTEM)
    assert first == second
    assert actor is SYSTEM
    assert installed.change(lambda tx: tx.now) == first + timedelta(seconds=1)


def test_a_reader_cannot_write(installed):
    with pytest.raises((Unavailable, psycopg.errors.ReadOnlySqlTransaction)):
        installed.ask(keep("a"))
    assert kept(installed) == set()


def test_a_look_up_cannot_write(installed_sqlite):
    with pytest.raises(Unavailable):
        asyncio.run(installed_sqlite.transactions.look_up(SYSTEM, keep("a")))
    assert kept(installed_sqlite) == set()


def test_a_reader_sees_the_database_as_of_one_instant(installed):
    def twice(tx):
        count = "SELECT count(*) FROM note"
        before = tx.connection.execute(count).fetchone()[0]
        writer = threading.Thread(target=lambda: installed.change(keep("meanwhile")))
        writer.start()
        writer.join(PATIENCE_SECONDS)
        assert not writer.is_alive()
        return before, tx.connection.execute(count).fetchone()[0]

    assert installed.ask(twice) == (0, 0)
    assert kept(installed) == {"meanwhile"}


@pytest.mark.parametrize("way", ["look_up", "read"])
def test_a_reader_that_fails_does_not_spoil_the_next_one(installed, way):
    installed.change(keep("a"))
    run = getattr(installed.transactions, way)

    def fails(tx):
        tx.connection.execute("SELECT name FROM note")
        raise ZeroDivisionError

    def count(tx):
        return tx.connection.execute("SELECT count(*) FROM note").fetchone()[0]

    async def fail_then_count():
        for _ in range(3):
            with pytest.raises(ZeroDivisionError):
                await run(SYSTEM, fails)
        return await run(SYSTEM, count)

    assert asyncio.run(fail_then_count()) == 1


def test_many_readers_and_writers_at_once_do_not_hinder_each_other(installed):
    async def mixed():
        def count(tx):
            return tx.connection.execute("SELECT count(*) FROM note").fetchone()[0]

        writes = [installed.transactions.write(SYSTEM, keep(str(number))) for number in range(30)]
        reads = [installed.transactions.read(SYSTEM, count) for _ in range(30)]
        look_ups = [installed.transactions.look_up(SYSTEM, count) for _ in range(30)]
        return await asyncio.gather(*writes, *reads, *look_ups)

    answers = asyncio.run(mixed())
    assert all(0 <= count <= 30 for count in answers[30:])
    assert len(kept(installed)) == 30


def test_closing_finishes_what_was_handed_over(installed):
    transactions = Transactions(installed.transactions._database, clock=SetClock())
    for number in range(40):
        transactions.write_behind(SYSTEM, keep(str(number)))
    transactions._writer.close()
    assert len(kept(installed)) == 40


def test_what_is_written_behind_and_fails_hinders_nobody(installed):
    installed.transactions.write_behind(SYSTEM, broken(keep("a")))
    installed.transactions.write_behind(SYSTEM, refusing(keep("b")))
    installed.transactions.write_behind(SYSTEM, keep("c"))
    assert installed.change(keep("d")) == "d"
    deadline = time.monotonic() + PATIENCE_SECONDS
    while kept(installed) != {"c", "d"} and time.monotonic() < deadline:
        time.sleep(0.01)
    assert kept(installed) == {"c", "d"}


def test_whoever_stops_waiting_does_not_hinder_the_others(installed_sqlite):
    transactions = installed_sqlite.transactions
    held = threading.Event()

    async def impatient():
        waiting = asyncio.ensure_future(transactions.write(SYSTEM, lambda _tx: held.wait(PATIENCE_SECONDS)))
        await asyncio.sleep(0)
        waiting.cancel()
        held.set()
        return await transactions.write(SYSTEM, keep("a"))

    assert asyncio.run(impatient()) == "a"


def test_a_loop_that_is_gone_does_not_stop_the_writer(installed_sqlite):
    transactions = installed_sqlite.transactions
    held = threading.Event()
    loop = asyncio.new_event_loop()
    waiting = loop.create_task(transactions.write(SYSTEM, lambda _tx: held.wait(PATIENCE_SECONDS)))
    loop.run_until_complete(asyncio.sleep(0))
    waiting.cancel()
    loop.run_until_complete(asyncio.gather(waiting, return_exceptions=True))
    loop.close()
    held.set()
    assert installed_sqlite.change(keep("a")) == "a"


class _Notes:
    """A journal that notes what it was told."""

    def __init__(self):
        self.told: list[str] = []

    def intend(self, tx):
        self.told.append("intended")
        keep("intent")(tx)

    def applied(self, tx):
        self.told.append("applied")
        keep("result")(tx)

    def refused(self, tx, error):
        self.told.append(f"refused: {error.code}")
        keep("refusal")(tx)


def eventually(installed, wanted):
    """Wait for what on PostgreSQL is written beside the change."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while kept(installed) != wanted and time.monotonic() < deadline:
        time.sleep(0.01)
    return kept(installed)


def test_a_journal_is_written_with_the_change(installed):
    notes = _Notes()
    installed.change(keep("a"), journal=notes)
    assert {"a", "result"} <= kept(installed)
    assert eventually(installed, {"intent", "a", "result"}) == {"intent", "a", "result"}
    assert sorted(notes.told) == ["applied", "intended"]


def test_a_refusal_is_written_after_the_rollback_and_the_intent_stays(installed):
    notes = _Notes()
    with pytest.raises(NotFound):
        installed.change(refusing(keep("a")), journal=notes)
    assert "refusal" in kept(installed)
    assert eventually(installed, {"intent", "refusal"}) == {"intent", "refusal"}
    assert "refused: not_found" in notes.told


def test_after_an_error_of_ours_the_intent_stays_without_a_result(installed):
    notes = _Notes()
    with pytest.raises(ZeroDivisionError):
        installed.change(broken(keep("a")), journal=notes)
    assert eventually(installed, {"intent"}) == {"intent"}
    assert notes.told == ["intended"]


def test_a_result_that_cannot_be_written_undoes_the_change(installed):
    class Clumsy(_Notes):
        def applied(self, _tx):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        installed.change(keep("a"), journal=Clumsy())
    assert "a" not in kept(installed)
    assert installed.change(keep("b")) == "b"


def test_a_deadlock_is_repeated_until_both_changes_are_done(installed_postgresql):
    transactions = installed_postgresql.transactions
    for name in ("left", "right"):
        installed_postgresql.change(keep(name))
    both_hold_one = threading.Barrier(2, timeout=PATIENCE_SECONDS)
    attempts = {"left": 0, "right": 0}

    def lock(first, second):
        def change(tx):
            attempts[first] += 1
            take = "UPDATE note SET value = value || %s WHERE name = %s"
            tx.connection.execute(take, (first, first))
            if attempts[first] == 1:
                both_hold_one.wait()
            tx.connection.execute(take, (first, second))

        return change

    async def both():
        await asyncio.gather(
            transactions.write(SYSTEM, lock("left", "right")), transactions.write(SYSTEM, lock("right", "left"))
        )

    asyncio.run(both())
    # Whoever loses may meet the other once more before that one is done.
    winner, loser = sorted(attempts.values())
    assert winner == 1
    assert 2 <= loser <= 5
    rows = installed_postgresql.ask(lambda tx: tx.connection.execute("SELECT value FROM note").fetchall())
    assert {value.replace("left", "l").replace("right", "r") for (value,) in rows} <= {"lr", "rl"}


def test_a_change_that_cannot_be_serialized_is_tried_five_times_and_no_more(installed_postgresql):
    attempts = []

    def never(tx):
        attempts.append(1)
        keep("a")(tx)
        tx.connection.execute("DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '40001'; END $$")

    with pytest.raises((DomainError, psycopg.errors.SerializationFailure)):
        installed_postgresql.change(never)
    assert len(attempts) == 5
    assert kept(installed_postgresql) == set()
    assert installed_postgresql.change(keep("b")) == "b"


def test_a_change_that_was_to_be_repeated_is_refused_with_its_batch_and_not_made_later(installed_postgresql):
    writer = installed_postgresql.transactions._writer
    both_wait = threading.Event()
    attempts = []

    def to_be_repeated(tx):
        attempts.append(1)
        keep("a")(tx)
        tx.connection.execute("DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '40001'; END $$")

    def lose_the_connection(tx):
        tx.connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    async def one_batch():
        loop = asyncio.get_running_loop()
        works = [
            Work(SYSTEM, change, None, loop.create_future())
            for change in (lambda _tx: both_wait.wait(PATIENCE_SECONDS), to_be_repeated, lose_the_connection)
        ]
        for work in works:
            writer.submit(work)
        both_wait.set()
        answers = await asyncio.gather(*(work.waiting for work in works), return_exceptions=True)
        last = Work(SYSTEM, keep("b"), None, loop.create_future())
        writer.submit(last)
        return [type(answer) for answer in answers], await last.waiting

    assert asyncio.run(one_batch()) == ([Unavailable] * 3, "b")
    assert len(attempts) == 1
    assert kept(installed_postgresql) == {"b"}


def test_statements_of_a_dialect_are_run_on_it(installed):
    assert installed.transactions.dialect == installed.kind
    assert (installed.kind == SQLITE) == (installed.database.directory is not None)
