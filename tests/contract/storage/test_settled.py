"""Does whoever reads a log by number miss nothing that is written meanwhile?"""

import threading

import psycopg
import pytest

from rolecall.events.search import logs
from rolecall.kernel.errors import Unavailable
from rolecall.storage import settled
from rolecall.storage.settled import EVERY_NUMBER, settled_number
from tests.make.chain import key_ring, seal, verify, write_records

RECORD = "INSERT INTO audit_record (phase, request_id, recorded_at) VALUES ('result', 'slow', 0) RETURNING sequence"


@pytest.fixture
def slow(installed_postgresql):
    """A connection that has written a record and takes its time to commit."""
    with psycopg.connect(installed_postgresql.database.plain_url) as connection:
        connection.execute(RECORD)
        yield connection


def test_on_sqlite_everything_that_is_seen_is_settled(installed_sqlite):
    assert installed_sqlite.ask(settled_number, "audit_record") == EVERY_NUMBER


def test_a_number_is_settled_when_nobody_who_took_a_lower_one_is_still_writing(installed_postgresql, slow):
    write_records(installed_postgresql, "quick")
    threading.Timer(0.3, slow.commit).start()
    until = installed_postgresql.ask(settled_number, "audit_record")
    seen = installed_postgresql.ask(logs.follow, logs.RECORDS, after=None, since=None, until=until, limit=9)
    assert [each.request_id for each in seen.items] == ["slow", "quick"]
    assert seen.after == until


def test_what_began_later_is_not_waited_for(installed_postgresql, slow, monkeypatch):
    slow.commit()
    known = settled._list_writing
    with psycopg.connect(installed_postgresql.database.plain_url) as later:

        def begin_later(tx, table):
            monkeypatch.setattr(settled, "_list_writing", known)
            later.execute(RECORD)
            return {"one that has ended"}

        monkeypatch.setattr(settled, "_list_writing", begin_later)
        until = installed_postgresql.ask(settled_number, "audit_record")
        (number,) = later.execute(RECORD).fetchone()
        assert until == number - 2


@pytest.mark.usefixtures("slow")
def test_who_would_have_to_wait_for_long_is_told_so(installed_postgresql, monkeypatch):
    monkeypatch.setattr(settled, "_PATIENCE_SECONDS", 0.1)
    with pytest.raises(Unavailable):
        installed_postgresql.ask(settled_number, "audit_record")
    assert installed_postgresql.ask(settled_number, "event") >= 0


def test_no_seal_passes_a_number_that_may_still_come(installed_postgresql, slow, tmp_path, monkeypatch):
    monkeypatch.setattr(settled, "_PATIENCE_SECONDS", 0.1)
    keys = key_ring(tmp_path, installed_postgresql)
    write_records(installed_postgresql, "quick")
    with pytest.raises(Unavailable):
        seal(installed_postgresql, keys)
    slow.commit()
    assert seal(installed_postgresql, keys) == 1
    step, found = verify(installed_postgresql, keys)
    assert (found, step.records, step.unsealed) == ([], 2, 0)


def test_a_number_that_was_given_up_holds_up_nothing(installed_postgresql, slow, tmp_path):
    keys = key_ring(tmp_path, installed_postgresql)
    write_records(installed_postgresql, "quick")
    slow.rollback()
    assert seal(installed_postgresql, keys) == 1
    write_records(installed_postgresql, "later")
    assert seal(installed_postgresql, keys) == 1
    assert verify(installed_postgresql, keys)[1] == []


def test_a_follower_of_many_writers_misses_nothing(installed_postgresql):
    def write():
        with psycopg.connect(installed_postgresql.database.plain_url) as connection:
            for _ in range(60):
                connection.execute(RECORD)
                connection.execute("SELECT pg_sleep(random() * 0.01)")
                connection.commit()

    threads = [threading.Thread(target=write) for _ in range(6)]
    for each in threads:
        each.start()
    seen, after = [], 0

    def follow():
        until = installed_postgresql.ask(logs.settled, logs.RECORDS)
        feed = installed_postgresql.ask(logs.follow, logs.RECORDS, after=after, since=None, until=until, limit=1000)
        seen.extend(each.sequence for each in feed.items)
        return feed.after

    while any(each.is_alive() for each in threads):
        after = follow()
    follow()
    assert len(seen) == len(set(seen)) == 360
    assert seen == sorted(seen)
