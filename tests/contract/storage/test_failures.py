"""What happens when the database itself fails, and does everything work again afterwards?"""

import asyncio
import sqlite3
import subprocess
import sys
import threading
import time

import psycopg
import pytest

from rolecall.authorization.actor import SYSTEM
from rolecall.kernel.errors import Unavailable
from rolecall.storage import engine
from rolecall.storage.batch import is_lost
from rolecall.storage.engine import BadDatabaseUrl, SqliteDatabase, migration_url, open_database
from rolecall.storage.transactions import Transactions
from tests.make.transactions import SetClock

LARGE = "x" * 100_000

pytestmark = pytest.mark.usefixtures("note")


def keep(name, value=""):
    def change(tx):
        mark = "?" if tx.dialect == "sqlite" else "%s"
        tx.connection.execute(f"INSERT INTO note (name, value) VALUES ({mark}, {mark})", (name, value))
        return name

    return change


def count(tx):
    return tx.connection.execute("SELECT count(*) FROM note").fetchone()[0]


class TroubledSqlite(SqliteDatabase):
    """An SQLite file whose writing connections start with a given pragma: a full disk, a read-only one."""

    trouble: str | None = None

    def connect(self, *, read_only):
        connection = super().connect(read_only=read_only)
        if self.trouble is not None and not read_only:
            connection.execute(self.trouble)
        return connection


@pytest.fixture
def troubled(installed_sqlite):
    database = TroubledSqlite(installed_sqlite.transactions._database.path)
    transactions = Transactions(database, clock=SetClock())
    yield database, transactions
    transactions.close()


def test_a_full_disk_refuses_writes_and_loses_nothing_and_later_all_is_well(troubled):
    database, transactions = troubled
    database.trouble = "PRAGMA max_page_count=1"  # SQLite takes it as: not one page more than there are
    with pytest.raises(Unavailable) as refused:
        transactions.run_write(SYSTEM, keep("large", LARGE))
    assert refused.value.code == "unavailable"
    assert transactions.run_read(SYSTEM, count) == 0
    database.trouble = None
    assert transactions.run_write(SYSTEM, keep("large", LARGE)) == "large"
    assert transactions.run_read(SYSTEM, count) == 1


def test_a_full_disk_fails_the_whole_commit_so_that_nobody_is_answered_wrongly(troubled):
    database, transactions = troubled
    database.trouble = "PRAGMA max_page_count=1"

    async def together():
        writes = [transactions.write(SYSTEM, keep(str(number), LARGE)) for number in range(10)]
        return await asyncio.gather(*writes, return_exceptions=True)

    answers = asyncio.run(together())
    assert all(isinstance(answer, Unavailable) for answer in answers)
    assert transactions.run_read(SYSTEM, count) == 0


def close_while_held(transactions, held):
    """Close, let go meanwhile what is held, and see that the closing ends."""
    closing = threading.Thread(target=transactions.close, daemon=True)
    closing.start()
    time.sleep(0.05)
    held.set()
    closing.join(5)
    assert not closing.is_alive()


def test_closing_ends_also_when_the_last_commit_fails(installed_sqlite):
    transactions = Transactions(installed_sqlite.transactions._database, clock=SetClock())
    held = threading.Event()

    def orphan(tx):
        # Noticed at the commit: by then the writer has taken the order to stop.
        assert held.wait(5)
        tx.connection.execute("PRAGMA defer_foreign_keys=ON")
        tx.connection.execute("INSERT INTO user_email (user_id, position) VALUES ('nobody', 0)")

    transactions.write_behind(SYSTEM, orphan)
    close_while_held(transactions, held)
    assert installed_sqlite.change(keep("a")) == "a"


def test_a_read_only_database_refuses_writes_and_serves_reads(troubled):
    database, transactions = troubled
    database.trouble = "PRAGMA query_only=ON"
    with pytest.raises(Unavailable):
        transactions.run_write(SYSTEM, keep("a"))
    assert transactions.run_read(SYSTEM, count) == 0
    database.trouble = None
    assert transactions.run_write(SYSTEM, keep("a")) == "a"


@pytest.fixture
def locked(installed_sqlite, monkeypatch):
    """An SQLite database on which another process holds the write lock; nobody waits long for it here."""
    monkeypatch.setattr(engine, "_BUSY_MILLISECONDS", 200)
    transactions = Transactions(installed_sqlite.transactions._database, clock=SetClock())
    # Only the very first connection needs the lock, to switch the file to its journal.
    transactions.run_read(SYSTEM, count)
    other = sqlite3.connect(installed_sqlite.transactions._database.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield transactions, other
    other.close()
    transactions.close()


def test_a_locked_database_refuses_writes_serves_reads_and_later_all_is_well(locked):
    transactions, other = locked
    with pytest.raises(Unavailable):
        transactions.run_write(SYSTEM, keep("a"))
    assert transactions.run_read(SYSTEM, count) == 0
    other.execute("ROLLBACK")
    assert transactions.run_write(SYSTEM, keep("a")) == "a"


def test_a_lock_that_is_released_in_time_delays_and_does_not_refuse(installed_sqlite):
    installed_sqlite.change(keep("before"))
    other = sqlite3.connect(installed_sqlite.transactions._database.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    async def write_while_locked():
        writing = asyncio.ensure_future(installed_sqlite.transactions.write(SYSTEM, keep("a")))
        await asyncio.sleep(0.1)
        assert not writing.done()
        other.execute("COMMIT")
        return await writing

    assert asyncio.run(write_while_locked()) == "a"
    other.close()


def test_whoever_waits_for_a_locked_database_is_refused_together_with_the_others(locked):
    transactions, _other = locked

    async def together():
        writes = [transactions.write(SYSTEM, keep(str(number))) for number in range(20)]
        return await asyncio.gather(*writes, return_exceptions=True)

    started = time.monotonic()
    answers = asyncio.run(together())
    assert all(isinstance(answer, Unavailable) for answer in answers)
    # One wait each would be 4 seconds here, and more than 3 minutes with the real patience.
    assert time.monotonic() - started < 2


def test_a_file_that_cannot_be_opened_is_unavailable(tmp_path):
    transactions = Transactions(SqliteDatabase(tmp_path / "missing" / "rolecall.sqlite3"), clock=SetClock())
    for run in (transactions.run_write, transactions.run_read):
        with pytest.raises(Unavailable):
            run(SYSTEM, count)
    with pytest.raises(Unavailable):
        asyncio.run(transactions.look_up(SYSTEM, count))
    transactions.close()


def test_a_server_that_cannot_be_reached_is_unavailable(monkeypatch):
    monkeypatch.setattr(engine, "_POOL_WAIT_SECONDS", 0.3)
    transactions = Transactions(open_database("postgresql://nobody@127.0.0.1:1/nothing"), clock=SetClock())
    for run in (transactions.run_write, transactions.run_read):
        with pytest.raises(Unavailable):
            run(SYSTEM, count)
    transactions.close()


def test_the_first_requests_at_once_share_one_pool_of_connections(installed_postgresql):
    for _ in range(3):
        transactions = Transactions(open_database(installed_postgresql.database.url), clock=SetClock())
        together = threading.Barrier(8, timeout=5)

        async def first_eight(transactions=transactions, together=together):
            return await asyncio.gather(*(transactions.read(SYSTEM, lambda _tx: together.wait()) for _ in range(8)))

        assert sorted(asyncio.run(first_eight())) == list(range(8))
        transactions.close()


def end_all_connections(installed):
    with psycopg.connect(installed.database.plain_url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid != pg_backend_pid()"
        )


def test_connections_that_were_ended_are_replaced(installed_postgresql):
    transactions = installed_postgresql.transactions
    transactions.run_write(SYSTEM, keep("before"))
    end_all_connections(installed_postgresql)
    assert transactions.run_read(SYSTEM, count) == 1
    assert transactions.run_write(SYSTEM, keep("after")) == "after"
    assert asyncio.run(transactions.look_up(SYSTEM, count)) == 2


def test_many_ended_connections_are_replaced_at_once_not_one_request_at_a_time(installed_postgresql):
    transactions = installed_postgresql.transactions
    together = threading.Barrier(8, timeout=5)

    async def use_eight():
        await asyncio.gather(*(transactions.read(SYSTEM, lambda _tx: together.wait()) for _ in range(8)))

    asyncio.run(use_eight())
    end_all_connections(installed_postgresql)
    started = time.monotonic()
    assert transactions.run_write(SYSTEM, keep("after")) == "after"
    assert time.monotonic() - started < 2


def test_a_connection_that_ends_in_the_middle_of_a_change_undoes_it(installed_postgresql):
    transactions = installed_postgresql.transactions

    def interrupted(tx):
        keep("a")(tx)
        end_all_connections(installed_postgresql)
        return keep("b")(tx)

    with pytest.raises(Unavailable):
        transactions.run_write(SYSTEM, interrupted)
    assert transactions.run_read(SYSTEM, count) == 0
    assert transactions.run_write(SYSTEM, keep("c")) == "c"


def test_a_connection_that_ends_in_the_middle_of_a_read_is_told_plainly(installed_postgresql):
    def interrupted(tx):
        end_all_connections(installed_postgresql)
        return count(tx)

    with pytest.raises(Unavailable):
        installed_postgresql.transactions.run_read(SYSTEM, interrupted)
    assert installed_postgresql.transactions.run_read(SYSTEM, count) == 0


def test_the_writer_of_records_gets_over_a_lost_connection(installed_postgresql):
    transactions = installed_postgresql.transactions
    transactions.write_behind(SYSTEM, keep("before"))
    wait_for(transactions, 1)
    end_all_connections(installed_postgresql)
    transactions.write_behind(SYSTEM, keep("lost or not"))
    transactions.write_behind(SYSTEM, keep("after"))
    deadline = time.monotonic() + 5
    names: set[str] = set()
    while "after" not in names and time.monotonic() < deadline:
        time.sleep(0.02)
        transactions.write_behind(SYSTEM, lambda _tx: None)
        rows = transactions.run_read(SYSTEM, lambda tx: tx.connection.execute("SELECT name FROM note"))
        names = {row[0] for row in rows.fetchall()}
        if "after" not in names:
            transactions.write_behind(SYSTEM, keep("after"))
    assert {"before", "after"} <= names


def wait_for(transactions, wanted):
    deadline = time.monotonic() + 5
    while transactions.run_read(SYSTEM, count) < wanted and time.monotonic() < deadline:
        time.sleep(0.01)
    assert transactions.run_read(SYSTEM, count) >= wanted


def test_a_server_that_has_become_read_only_is_unavailable_until_it_is_not(installed_postgresql):
    transactions = installed_postgresql.transactions
    with psycopg.connect(installed_postgresql.database.plain_url, autocommit=True) as connection:
        (name,) = connection.execute("SELECT current_database()").fetchone()
        alter = psycopg.sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = {}")
        connection.execute(alter.format(psycopg.sql.Identifier(name), psycopg.sql.Literal("on")))
        end_all_connections(installed_postgresql)
    try:
        with pytest.raises(Unavailable):
            transactions.run_write(SYSTEM, keep("a"))
        assert transactions.run_read(SYSTEM, count) == 0
    finally:
        with psycopg.connect(installed_postgresql.database.plain_url, autocommit=True) as connection:
            connection.execute("SET default_transaction_read_only = off")
            connection.execute(alter.format(psycopg.sql.Identifier(name), psycopg.sql.Literal("off")))
        end_all_connections(installed_postgresql)
    assert transactions.run_write(SYSTEM, keep("a")) == "a"


def test_mistakes_of_ours_are_not_mistaken_for_a_failing_database(installed):
    def misspelt(tx):
        tx.connection.execute("SELECT nothing FROM nowhere")

    def without_parameters(tx):
        tx.connection.execute("SELECT ?" if tx.dialect == "sqlite" else "SELECT %(missing)s", {})

    def unstorable(tx):
        tx.connection.execute("SELECT ?" if tx.dialect == "sqlite" else "SELECT %s", (object(),))

    for mistake in (misspelt, without_parameters, unstorable):
        with pytest.raises((sqlite3.Error, psycopg.Error)) as failed:
            installed.change(mistake)
        assert not is_lost(failed.value)
    assert installed.change(keep("a")) == "a"


def test_a_text_that_postgresql_cannot_keep_is_our_mistake_not_a_failing_database(installed_postgresql):
    with pytest.raises(psycopg.DataError):
        installed_postgresql.change(keep("a\x00b"))


@pytest.mark.parametrize("url", ["", "nothing", "mysql://host/name", "sqlite://", "sqlite:///", "://"])
def test_a_url_that_names_no_database_of_ours_is_refused(url):
    with pytest.raises(BadDatabaseUrl):
        open_database(url)


def test_urls_of_either_kind_open_a_database():
    assert open_database("sqlite:////tmp/x/rolecall.sqlite3").dialect == "sqlite"
    for url in ("postgresql://u:p@host/name", "postgresql+psycopg://u:p@host/name"):
        assert open_database(url).dialect == "postgresql"
        assert migration_url(url) == "postgresql+psycopg://u:p@host/name"


def test_a_refused_url_does_not_show_its_password():
    with pytest.raises(BadDatabaseUrl) as refused:
        open_database("mysql://u:very-secret@host/name")
    assert "very-secret" not in refused.value.detail


def test_commits_are_on_disk_when_they_return(installed_sqlite):
    """The pragmas that the promise of durability rests on."""
    names = ("journal_mode", "synchronous", "foreign_keys")

    def pragmas(tx):
        return {name: tx.connection.execute(f"PRAGMA {name}").fetchone()[0] for name in names}

    expected = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
    assert installed_sqlite.change(pragmas) == expected
    assert installed_sqlite.ask(pragmas) == expected


def repeated_once(attempts):
    """Return a change that PostgreSQL asks to repeat when it is tried first."""

    def change(tx):
        attempts.append(tx.now)
        keep("repeated")(tx)
        if len(attempts) == 1:
            tx.connection.execute("DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '40001'; END $$")

    return change


def test_closing_finishes_also_what_has_to_be_repeated(installed_postgresql):
    transactions = Transactions(open_database(installed_postgresql.database.url), clock=SetClock())
    held = threading.Event()
    attempts: list[object] = []
    transactions.write_behind(SYSTEM, lambda _tx: held.wait(5) and None)
    transactions.write_behind(SYSTEM, repeated_once(attempts))
    close_while_held(transactions, held)
    assert installed_postgresql.ask(count) == 1


@pytest.mark.parametrize("brief", [False, True])
def test_a_failed_commit_gives_its_lock_back_also_while_somebody_holds_what_it_read(installed_sqlite, brief):
    transactions = Transactions(installed_sqlite.transactions._database, clock=SetClock())
    for name in ("a", "b"):
        installed_sqlite.change(keep(name))
    held = []

    def orphan(tx):
        cursor = tx.connection.execute("SELECT name FROM note")
        held.append((cursor, cursor.fetchone()))
        tx.connection.execute("PRAGMA defer_foreign_keys=ON")
        tx.connection.execute("INSERT INTO user_email (user_id, position) VALUES ('nobody', 0)")

    with pytest.raises(sqlite3.IntegrityError):
        asyncio.run(transactions.write(SYSTEM, orphan, brief=brief))
    other = sqlite3.connect(installed_sqlite.transactions._database.path, isolation_level=None, timeout=0)
    other.execute("BEGIN IMMEDIATE")
    other.close()
    transactions.close()


LOCK_FOR_A_WHILE = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
time.sleep(0.3)
connection.execute("COMMIT")
"""


def test_whoever_opens_a_file_first_waits_for_another_process_that_just_makes_it(tmp_path):
    path = tmp_path / "new.sqlite3"
    # For the lock that this one holds, SQLite itself does not wait when the file is not in WAL mode yet.
    with subprocess.Popen([sys.executable, "-c", LOCK_FOR_A_WHILE, path], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "locked\n"
        connection = SqliteDatabase(path).connect(read_only=False)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


def test_whoever_opens_a_file_first_waits_for_a_lock_no_longer_than_for_any_other(tmp_path, monkeypatch):
    monkeypatch.setattr(engine, "_BUSY_MILLISECONDS", 200)
    path = tmp_path / "locked.sqlite3"
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("CREATE TABLE anything (id)")
    other.execute("BEGIN EXCLUSIVE")
    started = time.monotonic()
    with pytest.raises(Unavailable):
        SqliteDatabase(path).connect(read_only=False)
    assert 0.2 <= time.monotonic() - started < 2
    other.close()
