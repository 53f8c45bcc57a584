"""How are the audit log and the event log searched and followed, on either database?"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from rolecall.authorization.actions import Action
from rolecall.events import audit
from rolecall.events.calls import Call
from rolecall.events.search import logs, store
from rolecall.events.search.model import LogSearch
from rolecall.kernel.errors import Forbidden
from rolecall.kernel.predicate import And, Compare, Operator
from rolecall.storage.predicates import to_sql
from rolecall.storage.settled import EVERY_NUMBER
from tests.make.actors import PROVISIONER, all_but
from tests.make.directory import pushed_user

ALL = LogSearch(where=None, limit=100)
A_MINUTE = timedelta(minutes=1)


def record(installed, *names, minutes=1, method="GET"):
    """Write one record for each name, all at one instant; then let time pass."""
    calls = [Call(request_id=name, method=method, target=f"/{name}", address="192.0.2.1") for name in names]
    installed.change(audit.record_results, calls)
    installed.clock.advance(timedelta(minutes=minutes))


def found(installed, wanted=ALL, **named):
    page = installed.ask(logs.search, logs.RECORDS, replace(wanted, **named))
    return [each.request_id for each in page.items]


def walked(installed, wanted):
    names, pages = [], 0
    while True:
        page = installed.ask(logs.search, logs.RECORDS, wanted)
        names += [each.request_id for each in page.items]
        pages += 1
        if page.after is None:
            return names, pages
        wanted = replace(wanted, after=page.after)


def is_method(name):
    return Compare(path=("method",), operator=Operator.EQ, value=name)


@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_each_record_is_met_once_in_the_order_of_time(installed, newest_first, limit):
    for names in (("a", "b", "c"), ("d",), ("e", "f")):
        record(installed, *names)
    names, _pages = walked(installed, replace(ALL, limit=limit, newest_first=newest_first))
    assert names == (list("fedcba") if newest_first else list("abcdef"))


@pytest.mark.parametrize("newest_first", [False, True])
def test_a_search_that_finds_little_ends_its_page_early_and_goes_on(installed, newest_first, monkeypatch):
    monkeypatch.setattr(store, "WINDOW", 3)
    for number in range(10):
        record(installed, f"r{number}", method="POST" if number in {0, 9} else "GET")
    wanted = LogSearch(where=is_method("POST"), newest_first=newest_first, limit=5)
    names, pages = walked(installed, wanted)
    assert names == (["r9", "r0"] if newest_first else ["r0", "r9"])
    assert pages == 4


def test_a_search_begins_at_its_bound_and_keeps_to_its_condition(installed):
    start = installed.clock.now
    for name in ("a", "b", "c"):
        record(installed, name)
    assert found(installed, since=start + A_MINUTE) == ["b", "c"]
    before_c = Compare(path=("recorded_at",), operator=Operator.LT, value=start + 2 * A_MINUTE)
    not_a = Compare(path=("target",), operator=Operator.NE, value="/a")
    assert found(installed, where=And(parts=(before_c, not_a))) == ["b"]


@pytest.mark.parametrize("log", [store.RECORDS, store.EVENTS], ids=["records", "events"])
def test_the_database_decides_every_condition_by_itself(log):
    for path in log.searched_by:
        is_instant = path[0].endswith("_at")
        operators = (Operator.EQ, Operator.GE) if is_instant else (Operator.EQ, Operator.NE, Operator.CO, Operator.SW)
        value = datetime(2026, 1, 1, tzinfo=UTC) if is_instant else "x"
        for operator in operators:
            assert to_sql(Compare(path=path, operator=operator, value=value), log.searched_by).exact


def test_a_record_is_the_same_however_it_is_read(installed):
    record(installed, "a", "b")
    by_time = installed.ask(logs.search, logs.RECORDS, replace(ALL, newest_first=True)).items
    assert by_time == installed.ask(audit.list_records, limit=10)
    assert (
        installed.ask(logs.follow, logs.RECORDS, after=0, since=None, until=EVERY_NUMBER, limit=10).items
        == by_time[::-1]
    )


def test_a_feed_gives_each_record_once_also_those_that_come_later(installed):
    record(installed, "a", "b", "c")
    feed = installed.ask(logs.follow, logs.RECORDS, after=None, since=None, until=EVERY_NUMBER, limit=2)
    assert ([each.request_id for each in feed.items], feed.has_more) == (["a", "b"], True)
    feed = installed.ask(logs.follow, logs.RECORDS, after=feed.after, since=None, until=EVERY_NUMBER, limit=2)
    assert ([each.request_id for each in feed.items], feed.has_more) == (["c"], False)
    empty = installed.ask(logs.follow, logs.RECORDS, after=feed.after, since=None, until=EVERY_NUMBER, limit=2)
    assert (empty.items, empty.after, empty.has_more) == ((), feed.after, False)
    record(installed, "d")
    feed = installed.ask(logs.follow, logs.RECORDS, after=empty.after, since=None, until=EVERY_NUMBER, limit=2)
    assert [each.request_id for each in feed.items] == ["d"]


def test_a_feed_begins_at_an_instant_or_a_little_before(installed):
    for name in ("a", "b", "c"):
        record(installed, name, minutes=5)
    feed = installed.ask(
        logs.follow, logs.RECORDS, after=None, since=installed.clock.now - 6 * A_MINUTE, until=EVERY_NUMBER, limit=10
    )
    assert [each.request_id for each in feed.items] == ["c"]
    future = installed.ask(
        logs.follow, logs.RECORDS, after=None, since=installed.clock.now + A_MINUTE * 5, until=EVERY_NUMBER, limit=10
    )
    assert (future.items, future.has_more) == ((), False)
    record(installed, "d")
    feed = installed.ask(logs.follow, logs.RECORDS, after=future.after, since=None, until=EVERY_NUMBER, limit=10)
    assert [each.request_id for each in feed.items] == ["d"]


def test_events_are_searched_and_followed_as_records_are(installed):
    for name in ("ada", "grace"):
        pushed_user(installed, name)
        installed.clock.advance(A_MINUTE)
    events = installed.events()
    assert list(installed.ask(logs.search, logs.EVENTS, ALL).items) == events
    assert (
        list(installed.ask(logs.follow, logs.EVENTS, after=None, since=None, until=EVERY_NUMBER, limit=10).items)
        == events
    )
    of_grace = Compare(path=("subject_id",), operator=Operator.EQ, value=events[-1].subject_id)
    assert installed.ask(logs.search, logs.EVENTS, LogSearch(where=of_grace, limit=5)).items == (events[-1],)


def test_an_empty_log_has_nothing_to_give(installed):
    assert installed.ask(logs.search, logs.RECORDS, ALL).items == ()
    feed = installed.ask(logs.follow, logs.EVENTS, after=None, since=installed.clock.now, until=EVERY_NUMBER, limit=10)
    assert (feed.items, feed.after) == ((), 0)


def test_each_use_case_needs_its_action(installed_sqlite):
    for log in (logs.RECORDS, logs.EVENTS):
        for use_case, arguments in (
            (logs.search, {"wanted": ALL}),
            (logs.settled, {}),
            (logs.follow, {"after": 0, "since": None, "until": EVERY_NUMBER, "limit": 1}),
        ):
            for actor in (all_but(log.needs), PROVISIONER):
                with pytest.raises(Forbidden):
                    installed_sqlite.ask(use_case, log=log, actor=actor, **arguments)
    assert (logs.RECORDS.needs, logs.EVENTS.needs) == (Action.AUDIT_READ, Action.EVENT_READ)
