"""Does a question that takes too long end, on both databases, and leave the connection as it was?"""

import time

import pytest

from rolecall.storage.budget import time_budget
from rolecall.storage.errors import OutOfTime

SLOW = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000000) SELECT count(*) FROM n"
QUICK = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200000) SELECT count(*) FROM n"
LONGER = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000000) SELECT count(*) FROM n"


def ask(text, seconds):
    def question(tx):
        with time_budget(tx, seconds):
            return tx.connection.execute(text).fetchone()[0]

    return question


def test_what_takes_too_long_is_ended_soon_after_its_time(installed):
    begun = time.monotonic()
    with pytest.raises(OutOfTime):
        installed.ask(ask(SLOW, 0.2))
    assert 0.2 <= time.monotonic() - begun < 10


def test_what_follows_has_time_again(installed):
    with pytest.raises(OutOfTime):
        installed.ask(ask(SLOW, 0.05))
    for _ in range(5):  # whichever connection of the pool is lent
        assert installed.ask(lambda tx: tx.connection.execute(QUICK).fetchone()[0]) == 200_000


def test_the_time_of_one_block_is_not_that_of_the_next(installed):
    def question(tx):
        with time_budget(tx, 0.1):
            assert tx.connection.execute("SELECT 1").fetchone()[0] == 1
        return tx.connection.execute(LONGER).fetchone()[0]

    assert installed.ask(question) == 2_000_000


def test_an_error_of_another_kind_is_not_taken_for_it(installed):
    with pytest.raises(Exception, match="no_such_table"):
        installed.ask(ask("SELECT * FROM no_such_table", 5))


def test_a_statement_that_an_administrator_cancels_is_not_out_of_time(installed_postgresql):
    with pytest.raises(Exception, match="canceling statement due to user request"):
        installed_postgresql.ask(ask("SELECT pg_cancel_backend(pg_backend_pid()), pg_sleep(5)", 30))


def test_a_rollback_that_fails_does_not_hide_why_there_was_one(installed_postgresql):
    def question(tx):
        # The next statement, ROLLBACK, finds nobody; a time limit can end it just as well.
        pid = tx.connection.info.backend_pid
        installed_postgresql.ask(lambda other: other.connection.execute("SELECT pg_terminate_backend(%s)", (pid,)))
        raise OutOfTime

    with pytest.raises(OutOfTime):
        installed_postgresql.ask(question)
    assert installed_postgresql.ask(lambda tx: tx.connection.execute(QUICK).fetchone()[0]) == 200_000
