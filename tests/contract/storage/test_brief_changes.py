"""What does a brief change, which runs on the event loop, promise on either database?"""

import asyncio
import sqlite3
import threading
import time

import psycopg
import pytest
from sqlalchemy import bindparam, column, insert, table

from rolecall.authorization.actor import SYSTEM
from rolecall.kernel.errors import NotFound, Unavailable
from rolecall.storage.engine import open_database
from rolecall.storage.statement import Statement
from rolecall.storage.transactions import Transactions
from tests.make.transactions import SetClock

NOTE = table("note", column("name"), column("value"))
INSERT = Statement(insert(NOTE).values(name=bindparam("name"), value=""))
PATIENCE_SECONDS = 10.0

pytestmark = pytest.mark.usefixtures("note")


def keep(name):
    def change(tx):
        INSERT.run(tx, name=name)
        return name

    return change


def kept(installed):
    rows = installed.ask(lambda tx: tx.connection.execute("SELECT name FROM note").fetchall())
    return {row[0] for row in rows}


def brief(transactions, change, journal=None):
    return transactions.write(SYSTEM, change, journal=journal, brief=True)


def test_many_at_once_are_all_written_but_those_that_fail(installed):
    def refused(tx):
        keep("refused")(tx)
        raise NotFound("Refused on purpose.")

    def broken(tx):
        keep("broken")(tx)
        raise ZeroDivisionError

    async def all_at_once():
        changes = [keep(f"name {number}") for number in range(200)]
        changes[20], changes[40] = refused, broken
        return await asyncio.gather(
            *(brief(installed.transactions, change) for change in changes), return_exceptions=True
        )

    answers = asyncio.run(all_at_once())
    assert isinstance(answers[20], NotFound)
    assert isinstance(answers[40], ZeroDivisionError)
    assert kept(installed) == {f"name {number}" for number in range(200)} - {"name 20", "name 40"}


def test_changes_that_wait_together_share_a_commit(installed):
    sizes: list[int] = []
    database = open_database(installed.database.url)
    transactions = Transactions(database, clock=SetClock(), observe_batch=sizes.append)

    async def together():
        await asyncio.gather(*(brief(transactions, keep(str(number))) for number in range(10)))

    asyncio.run(together())
    transactions.close()
    assert sizes == [10]
    assert len(kept(installed)) == 10


def test_what_is_left_for_the_end_is_written_with_what_succeeds_only(installed):
    def late(name, *, fails=False):
        def change(tx):
            tx.write_late(INSERT, name=f"late {name}")
            if fails:
                raise NotFound("Refused on purpose.")
            return keep(name)(tx)

        return change

    async def run():
        changes = [late("a"), late("b", fails=True), late("c")]
        await asyncio.gather(*(brief(installed.transactions, change) for change in changes), return_exceptions=True)
        await installed.transactions.write(SYSTEM, late("d"))

    asyncio.run(run())
    assert kept(installed) == {"a", "late a", "c", "late c", "d", "late d"}


class _Notes:
    """A journal that writes one row for each thing that it is told."""

    def intend(self, tx):
        tx.write_late(INSERT, name="intent")

    def applied(self, tx):
        tx.write_late(INSERT, name="result")

    def refused(self, tx, error):
        tx.write_late(INSERT, name=f"refused: {error.code}")


@pytest.mark.parametrize("is_brief", [True, False])
@pytest.mark.parametrize(
    "error, expected",
    [
        (None, {"a", "intent", "result"}),
        (NotFound("Refused on purpose."), {"intent", "refused: not_found"}),
        (ZeroDivisionError(), {"intent"}),
    ],
)
def test_a_journal_is_written_whatever_becomes_of_the_change(installed, error, expected, is_brief):
    def change(tx):
        keep("a")(tx)
        if error is not None:
            raise error

    async def run():
        await asyncio.gather(
            installed.transactions.write(SYSTEM, change, journal=_Notes(), brief=is_brief), return_exceptions=True
        )

    asyncio.run(run())
    assert kept(installed) == expected


def test_a_journal_that_cannot_be_written_stops_its_own_change_and_no_other(installed):
    class Clumsy(_Notes):
        def intend(self, _tx):
            raise ZeroDivisionError

    async def run():
        return await asyncio.gather(
            brief(installed.transactions, keep("a"), Clumsy()),
            brief(installed.transactions, keep("b")),
            return_exceptions=True,
        )

    failed, done = asyncio.run(run())
    assert isinstance(failed, ZeroDivisionError)
    assert done == "b"
    assert kept(installed) == {"b"}


def test_the_loop_serves_others_while_a_commit_is_under_way(installed):
    ticks = 0

    async def tick():
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0)

    async def run():
        ticking = asyncio.ensure_future(tick())
        for number in range(20):
            await brief(installed.transactions, keep(str(number)))
        ticking.cancel()

    asyncio.run(run())
    # One turn each would be what it takes to hand the change over; a commit that blocked would leave it there.
    assert ticks > 60


def test_it_waits_for_a_long_change_without_holding_up_the_loop(installed_sqlite):
    transactions = installed_sqlite.transactions
    held = threading.Event()

    def long(tx):
        assert held.wait(PATIENCE_SECONDS)
        return keep("long")(tx)

    async def run():
        first = asyncio.ensure_future(transactions.write(SYSTEM, long))
        await asyncio.sleep(0.05)
        second = asyncio.ensure_future(brief(transactions, keep("brief")))
        await asyncio.sleep(0.1)
        assert not second.done()
        assert await transactions.look_up(SYSTEM, lambda _tx: "served") == "served"
        held.set()
        return await asyncio.gather(first, second)

    assert asyncio.run(run()) == ["long", "brief"]


def test_it_waits_for_another_process_without_holding_up_the_loop(installed_sqlite):
    transactions = installed_sqlite.transactions
    other = sqlite3.connect(transactions._database.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    async def run():
        writing = asyncio.ensure_future(brief(transactions, keep("a")))
        started = time.monotonic()
        await asyncio.sleep(0.05)
        assert time.monotonic() - started < 1
        assert not writing.done()
        other.execute("COMMIT")
        return await writing

    assert asyncio.run(run()) == "a"
    other.close()


TAKE = "UPDATE note SET value = value || '.' WHERE name = %s"


def take(name, attempts=None):
    def change(tx):
        if attempts is not None:
            attempts.append(name)
        return tx.connection.execute(TAKE, (name,)).rowcount

    return change


def test_one_that_meets_a_lock_waits_for_it_and_holds_up_no_other(installed_postgresql):
    transactions = installed_postgresql.transactions
    installed_postgresql.change(keep("locked"))
    other = psycopg.connect(installed_postgresql.database.plain_url)
    other.execute(TAKE, ("locked",))
    attempts = []

    async def run():
        waiting = asyncio.ensure_future(brief(transactions, take("locked", attempts)))
        others = [asyncio.ensure_future(brief(transactions, keep(str(number)))) for number in range(20)]
        done, _ = await asyncio.wait(others, timeout=PATIENCE_SECONDS)
        was_waiting = not waiting.done()
        other.commit()
        await asyncio.wait([waiting, *others])
        return len(done), was_waiting, waiting.result()

    assert asyncio.run(run()) == (20, True, 1)
    other.close()
    assert len(attempts) == 2
    assert kept(installed_postgresql) == {"locked", *map(str, range(20))}


def test_one_that_was_cancelled_is_made_again_in_line(installed_postgresql):
    attempts = []

    def cancelled_once(tx):
        attempts.append(1)
        keep("a")(tx)
        if len(attempts) == 1:
            tx.connection.execute("SELECT pg_cancel_backend(pg_backend_pid()), pg_sleep(5)")
        return "a"

    async def run():
        transactions = installed_postgresql.transactions
        return await asyncio.gather(*(brief(transactions, each) for each in (keep("b"), cancelled_once, keep("c"))))

    assert asyncio.run(run()) == ["b", "a", "c"]
    assert len(attempts) == 2
    assert kept(installed_postgresql) == {"a", "b", "c"}


def test_a_batch_and_a_large_change_that_want_each_others_rows_do_not_deadlock(installed_postgresql):
    transactions = installed_postgresql.transactions
    for name in ("left", "right"):
        installed_postgresql.change(keep(name))
    has_right, has_left = threading.Event(), threading.Event()
    large_attempts = []

    def large(tx):
        take("right", large_attempts)(tx)
        has_right.set()
        assert has_left.wait(PATIENCE_SECONDS)
        return take("left")(tx)

    def brief_left(tx):
        taken = take("left")(tx)
        has_left.set()
        return taken

    async def run():
        changing = asyncio.ensure_future(transactions.write(SYSTEM, large))
        while not has_right.is_set():
            await asyncio.sleep(0.01)
        both = (brief(transactions, brief_left), brief(transactions, take("right")))
        return await asyncio.gather(changing, *both)

    assert asyncio.run(run()) == [1, 1, 1]
    # A deadlock would have cost a second, and one of them everything that it had done.
    assert large_attempts == ["right"]
    rows = installed_postgresql.ask(lambda tx: tx.connection.execute("SELECT value FROM note").fetchall())
    assert [value for (value,) in rows] == ["..", ".."]


def test_changes_from_two_processes_that_lock_each_other_out_are_repeated(installed_postgresql):
    """Two writers, each with one transaction for many changes, that want each other's rows."""
    for name in ("left", "right"):
        installed_postgresql.change(keep(name))
    elsewhere = Transactions(open_database(installed_postgresql.database.url), clock=SetClock())

    async def several(transactions, names):
        return await asyncio.gather(*(brief(transactions, take(name)) for name in names))

    async def run():
        return await asyncio.gather(
            *(several(installed_postgresql.transactions, ("left", "right")) for _ in range(3)),
            *(several(elsewhere, ("right", "left")) for _ in range(3)),
        )

    answers = asyncio.run(run())
    elsewhere.close()
    assert answers == [[1, 1]] * 6
    rows = installed_postgresql.ask(lambda tx: tx.connection.execute("SELECT value FROM note").fetchall())
    assert [value for (value,) in rows] == ["......", "......"]


def test_a_change_that_never_can_be_serialized_is_tried_five_times(installed_postgresql):
    attempts = []

    def never(tx):
        attempts.append(1)
        tx.connection.execute("DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '40001'; END $$")

    with pytest.raises(psycopg.errors.SerializationFailure):
        asyncio.run(brief(installed_postgresql.transactions, never))
    assert len(attempts) == 5
    assert asyncio.run(brief(installed_postgresql.transactions, keep("a"))) == "a"


def end_all_connections(installed):
    with psycopg.connect(installed.database.plain_url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid != pg_backend_pid()"
        )


def test_a_connection_that_the_server_has_ended_is_replaced_before_anybody_notices(installed_postgresql):
    transactions = installed_postgresql.transactions
    assert asyncio.run(brief(transactions, keep("before"))) == "before"
    end_all_connections(installed_postgresql)
    assert asyncio.run(brief(transactions, keep("after"))) == "after"
    assert kept(installed_postgresql) == {"before", "after"}


def test_a_connection_that_ends_within_a_batch_undoes_all_of_it_and_tells(installed_postgresql):
    transactions = installed_postgresql.transactions

    def interrupted(tx):
        keep("b")(tx)
        end_all_connections(installed_postgresql)
        keep("c")(tx)

    async def run():
        return await asyncio.gather(
            brief(transactions, keep("a")), brief(transactions, interrupted), return_exceptions=True
        )

    answers = asyncio.run(run())
    assert [type(answer) for answer in answers] == [Unavailable, Unavailable]
    assert kept(installed_postgresql) == set()
    assert asyncio.run(brief(transactions, keep("d"))) == "d"


def test_more_look_ups_at_once_than_connections_are_all_answered(installed_postgresql):
    installed_postgresql.change(keep("a"))

    def count(tx):
        (found,) = tx.connection.execute("SELECT count(*), pg_sleep(0.01) FROM note").fetchone()[:1]
        return found

    async def run():
        transactions = installed_postgresql.transactions
        return await asyncio.gather(*(transactions.look_up(SYSTEM, count) for _ in range(40)))

    assert asyncio.run(run()) == [1] * 40


def test_a_look_up_that_is_called_off_leaves_no_answer_for_the_next_one(installed_postgresql):
    transactions = installed_postgresql.transactions

    def slow(tx):
        return tx.connection.execute("SELECT 'slow', pg_sleep(0.3)").fetchone()[0]

    async def run():
        waiting = [asyncio.ensure_future(transactions.look_up(SYSTEM, slow)) for _ in range(8)]
        await asyncio.sleep(0.15)
        for each in waiting:
            each.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        quick = "SELECT 'quick'"
        return await asyncio.gather(
            *(transactions.look_up(SYSTEM, lambda tx: tx.connection.execute(quick).fetchone()[0]) for _ in range(8))
        )

    assert asyncio.run(run()) == ["quick"] * 8


def test_a_loop_that_ends_during_a_commit_leaves_the_writer_usable(installed):
    transactions = installed.transactions

    async def impatient():
        writing = asyncio.ensure_future(brief(transactions, keep("perhaps")))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return writing

    asyncio.run(impatient())
    assert asyncio.run(brief(transactions, keep("a"))) == "a"
    assert "a" in kept(installed)


def test_on_postgresql_a_batch_is_made_again_with_savepoints_when_a_change_fails(installed_postgresql):
    made = []

    def making(name, *, fails=False):
        def change(tx):
            made.append(name)
            keep(name)(tx)
            if fails:
                raise NotFound("Refused on purpose.")
            return name

        return change

    async def batch(*changes):
        transactions = installed_postgresql.transactions
        return await asyncio.gather(*(brief(transactions, each) for each in changes), return_exceptions=True)

    first, refused, last = asyncio.run(batch(making("a"), making("refused", fails=True), making("b")))
    assert (first, type(refused), last) == ("a", NotFound, "b")
    assert made == ["a", "refused", "a", "refused", "b"]
    made.clear()
    # Where one failed, others may: the next batches have savepoints at once.
    first, refused, last = asyncio.run(batch(making("c"), making("refused", fails=True), making("d")))
    assert (first, type(refused), last) == ("c", NotFound, "d")
    assert made == ["c", "refused", "d"]
    assert kept(installed_postgresql) == {"a", "b", "c", "d"}


def test_on_postgresql_a_batch_that_is_lost_while_it_is_made_again_is_refused_whole(installed_postgresql):
    tries = []

    def first(tx):
        tries.append(1)
        if len(tries) > 1:
            tx.connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        keep("first")(tx)

    def refused(_tx):
        raise NotFound("Refused on purpose.")

    async def run():
        transactions = installed_postgresql.transactions
        changes = (first, refused, keep("last"))
        return await asyncio.gather(*(brief(transactions, each) for each in changes), return_exceptions=True)

    assert [type(each) for each in asyncio.run(run())] == [Unavailable] * 3
    assert kept(installed_postgresql) == set()
    assert asyncio.run(brief(installed_postgresql.transactions, keep("later"))) == "later"
