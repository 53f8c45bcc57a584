"""Does whoever follows a log from the command line see everything once, whoever else is writing?"""

from functools import partial
from types import SimpleNamespace

import psycopg
import pytest

from rolecall.cli.admin import tailing
from rolecall.directory.events import RoleDeleted
from rolecall.directory.model import RoleId
from rolecall.events import audit, log
from rolecall.events.search.logs import EVENTS, RECORDS
from rolecall.kernel.event import Severity
from rolecall.storage import settled
from tests.make.chain import write_records
from tests.make.directory import pushed_user

RECORD = "INSERT INTO audit_record (phase, request_id, recorded_at) VALUES ('result', 'slow', 0)"


@pytest.fixture
def follow(monkeypatch, capsys):
    """Follow a log, and do one of these things in each pause; the lines that were printed, and what was told beside."""

    def follow(installed, tailed, list_newest, show, *steps, **options):
        left = list(steps)

        def pause(_seconds):
            if not left:
                raise KeyboardInterrupt
            left.pop(0)()

        monkeypatch.setattr(tailing, "time", SimpleNamespace(sleep=pause))
        tailing.tail(installed.transactions, tailed, list_newest, show, follow=True, **options)
        printed = capsys.readouterr()
        return printed.out.splitlines(), printed.err.splitlines()

    return follow


def test_what_is_committed_late_with_a_lower_number_is_shown_in_its_turn(installed_postgresql, follow, monkeypatch):
    monkeypatch.setattr(settled, "_PATIENCE_SECONDS", 0.1)
    write_records(installed_postgresql, "before", "last")
    with psycopg.connect(installed_postgresql.database.plain_url) as slow:

        def overtake():
            slow.execute(RECORD)
            write_records(installed_postgresql, "quick")

        shown, told = follow(
            installed_postgresql,
            RECORDS,
            audit.list_records,
            lambda record: record.request_id,
            overtake,
            slow.commit,
            lambda: None,
            lines=1,
        )
    assert shown == ["last", "slow", "quick"]
    assert len(told) == 1


@pytest.mark.parametrize("lines", [0, 1, 2, 9])
def test_a_follower_begins_with_the_newest_and_is_shown_more_than_a_page(installed, follow, monkeypatch, lines):
    monkeypatch.setattr(tailing, "_AT_ONCE", 2)
    write_records(installed, "a", "b", "c")
    names = ("d", "e", "f", "g", "h")
    shown, told = follow(
        installed,
        RECORDS,
        audit.list_records,
        lambda record: record.request_id,
        lambda: write_records(installed, *names),
        lambda: write_records(installed, "i"),
        lines=lines,
    )
    assert shown == [*["a", "b", "c"][max(0, 3 - lines) :], *names, "i"]
    assert told == []


def test_a_follower_of_warnings_is_shown_nothing_else(installed, follow):
    def warn(name):
        installed.change(lambda tx: tx.record(RoleDeleted(role_id=RoleId("r"), name=name)))

    warn("first")
    pushed_user(installed)
    shown, _told = follow(
        installed,
        EVENTS,
        partial(log.list_events, warnings=True),
        lambda event: event.data["name"],
        lambda: pushed_user(installed, "grace"),
        lambda: warn("second"),
        lines=5,
        is_wanted=lambda event: event.severity != Severity.INFO.value,
    )
    assert shown == ["first", "second"]
