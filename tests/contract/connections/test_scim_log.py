"""What did an identity provider send, and who gained or lost what because of it, on either database?"""

from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from rolecall.authentication import api_keys
from rolecall.authorization.actions import Action
from rolecall.authorization.actor import SYSTEM
from rolecall.connections import connections
from rolecall.connections.log import calls
from rolecall.connections.log.model import CallSearch, EffectKind
from rolecall.connections.log.rendering import COLUMNS, to_document
from rolecall.connections.model import ConnectionDraft
from rolecall.directory import groups, installation, provisioned_users
from rolecall.directory.errors import UserNameTaken
from rolecall.directory.model import DEFAULT_CONNECTION, ROOT_TEAM, AddMembers, Expected, RemoveMembers
from rolecall.directory.reconcile import RECONCILE
from rolecall.events import audit, log
from rolecall.events.audit import CallJournal
from rolecall.events.calls import Call
from rolecall.events.search import logs, store
from rolecall.jobs import queue
from rolecall.kernel.errors import Forbidden, NotFound
from rolecall.kernel.predicate import Compare, Operator
from rolecall.later import reconcile
from tests.make.actors import PROVISIONER, all_but
from tests.make.directory import ANY_VERSION, pushed_group, pushed_user, setting, user_profile
from tests.make.mapping import finish_reconciling, mapping

USERS, GROUPS = "/scim/v2/Users", "/scim/v2/Groups"
ALL = CallSearch(limit=100)


def call(installed, name, use_case, *arguments, method="PATCH", target=GROUPS, subject=None, key=None, **named):
    """Change something as a SCIM call named so does, with its record; then let a second pass."""
    actor = replace(PROVISIONER, request_id=name, api_key_id=key)
    record = Call(request_id=name, method=method, target=target, subject_id=subject, actor=actor)
    try:
        return installed.change(use_case, *arguments, actor=actor, journal=CallJournal(record), **named)
    finally:
        installed.clock.advance(timedelta(seconds=1))


def read(installed, name, target=USERS, **named):
    """Write the record of a call that changes nothing."""
    installed.change(audit.record_results, [Call(request_id=name, method="GET", target=target, **named)])
    installed.clock.advance(timedelta(seconds=1))


def move(installed, name, group, *steps, **named):
    target = f"{GROUPS}/{group}"
    change = partial(groups.change_group, with_members=False)
    return call(installed, name, change, group, steps, ANY_VERSION, target=target, subject=group, **named)


def adding(*members):
    return AddMembers(operation=0, members=members)


def removing(*members):
    return RemoveMembers(operation=0, members=members)


def do_jobs(installed):
    for job in installed.change(queue.take_jobs, kinds=[RECONCILE], runner="r", limit=9, actor=SYSTEM):
        reconcile(installed.transactions, job)


def found(installed, wanted=ALL, **named):
    """Return the names of the calls that a search finds, the newest first, page after page."""
    wanted, names = replace(wanted, **named), []
    while True:
        page = installed.ask(calls.list_calls, wanted)
        names += [each.record.request_id for each in page.items]
        if page.after is None:
            return names
        wanted = replace(wanted, after=page.after)


def explained(installed, name):
    (logged,) = [each for each in installed.ask(calls.list_calls, ALL).items if each.record.request_id == name]
    return installed.ask(calls.get_call, str(logged.record.sequence))


def told(explained_call):
    return [(each.user_name, each.kind, each.by_job) for each in explained_call.effects]


@pytest.fixture
def staff(installed):
    """A mapped group with Ada and Grace in it, and one that gives nothing."""
    ada, grace = (pushed_user(installed, name) for name in ("ada", "grace"))
    mapping(installed, "Staff")
    return ada, grace, pushed_group(installed, "Staff", ada, grace), pushed_group(installed, "Choir", grace)


def test_only_results_of_calls_below_scim_are_in_the_log_the_newest_first(installed):
    for name, target in (
        ("a", USERS),
        ("b", "/api/v1/users"),
        ("c", "/prefix/scim/v2/Groups/x?attributes=id"),
        ("d", '/api/preview/system/audit?filter=url sw "/scim/v2"'),
        ("e", '/scim/v2/Users?filter=title eq "/api/v1"'),
    ):
        read(installed, name, target)
    call(installed, "f", provisioned_users.create_user, user_profile("ada"), method="POST", target=USERS)
    assert found(installed) == ["f", "e", "c", "a"]
    assert found(installed, newest_first=False, limit=1) == ["a", "c", "e", "f"]


def test_a_call_that_takes_a_member_out_tells_who_lost_what(installed, staff):
    ada, _grace, group, _choir = staff
    move(installed, "out", group, removing(ada))
    (effect,) = explained(installed, "out").effects
    assert (effect.kind, effect.user_id, effect.user_name) == (EffectKind.ROLE_LOST, ada, "ada")
    assert (effect.role, effect.source, effect.by_job) == ("viewer", f"scim-group:{group}", False)
    (logged,) = installed.ask(calls.list_calls, replace(ALL, user_id=ada)).items
    assert (logged.counts.gained, logged.counts.lost, logged.counts.ended) == (0, 1, 0)
    assert explained(installed, "out").is_complete


def test_deactivation_and_deletion_tell_whose_access_ended(installed, staff):
    ada, *_ = staff
    subject = {"target": f"{USERS}/{ada}", "subject": ada}
    call(installed, "off", provisioned_users.change_user, ada, setting(active=False), ANY_VERSION, **subject)
    call(installed, "gone", provisioned_users.delete_user, ada, Expected(), method="DELETE", **subject)
    assert told(explained(installed, "off")) == [("ada", EffectKind.ACCESS_ENDED, False)]
    assert ("ada", EffectKind.USER_DELETED, False) in told(explained(installed, "gone"))
    assert found(installed, user_id=ada) == ["gone", "off"]


def test_a_person_is_found_in_each_call_that_was_about_it_or_moved_it_and_in_no_other(installed, staff):
    ada, grace, group, choir = staff
    move(installed, "in choir", choir, adding(ada))
    move(installed, "both", group, removing(ada, grace))
    move(installed, "grace alone", choir, removing(grace))
    move(installed, "out of choir", choir, removing(ada))
    move(installed, "no change", choir, removing(ada))
    read(installed, "read", f"{USERS}/{ada}", subject_id=ada)
    assert found(installed, user_id=ada) == ["read", "out of choir", "both", "in choir"]
    assert found(installed, user_id=grace) == ["grace alone", "both"]
    assert found(installed, group_id=choir) == ["no change", "out of choir", "grace alone", "in choir"]
    assert found(installed, group_id=choir, user_id=ada) == ["out of choir", "in choir"]
    assert found(installed, user_id="nobody") == []


@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("limit", [1, 2, 100])
def test_calls_about_somebody_are_met_once_whatever_the_size_of_the_page(installed, staff, newest_first, limit):
    ada, _grace, _group, choir = staff
    for number in range(5):
        move(installed, f"c{number}", choir, (removing if number % 2 else adding)(ada))
    names = found(installed, user_id=ada, newest_first=newest_first, limit=limit)
    assert (
        sorted(names, reverse=newest_first)
        == names
        == [f"c{n}" for n in (range(5)[::-1] if newest_first else range(5))]
    )


def test_a_search_for_somebody_keeps_to_time_and_condition(installed, staff):
    ada, _grace, _group, choir = staff
    move(installed, "a", choir, adding(ada))
    since = installed.clock.now
    move(installed, "b", choir, removing(ada))
    move(installed, "c", choir, adding(ada))
    before_c = Compare(path=("recorded_at",), operator=Operator.LT, value=since + timedelta(seconds=1))
    assert found(installed, user_id=ada, since=since) == ["c", "b"]
    assert found(installed, user_id=ada, since=since, where=before_c) == ["b"]


def test_a_refused_call_is_found_by_what_it_named(installed, staff):
    with pytest.raises(UserNameTaken):
        call(installed, "twice", provisioned_users.create_user, user_profile("ada"), method="POST", target=USERS)
    refused = Compare(path=("outcome",), operator=Operator.EQ, value="refused")
    assert found(installed, where=refused) == ["twice"]
    (logged,) = installed.ask(calls.list_calls, replace(ALL, where=refused)).items
    assert (logged.record.code, logged.counts.gained) == ("user_name_taken", 0)


def test_what_a_job_goes_on_to_make_belongs_to_the_call_that_started_it(installed, staff):
    ada, grace, group, _choir = staff
    crowd = [pushed_user(installed, f"user {number}") for number in range(4)]
    installed.change(installation.set_users_at_once, 3)
    move(installed, "many", group, adding(*crowd))
    begun = explained(installed, "many")
    assert (told(begun), begun.is_complete, begun.call.counts.goes_on) == ([], False, True)
    do_jobs(installed)
    installed.clock.advance(timedelta(seconds=1))
    move(installed, "later", group, removing(ada))
    done = explained(installed, "many")
    assert sorted(told(done)) == [(f"user {number}", EffectKind.ROLE_GAINED, True) for number in range(4)]
    assert done.is_complete
    assert told(explained(installed, "later")) == [("ada", EffectKind.ROLE_LOST, False)]
    assert found(installed, user_id=crowd[0]) == ["many"]
    assert found(installed, user_id=grace) == []


def test_effects_beyond_what_is_shown_are_said_to_be_missing(installed, staff, monkeypatch):
    ada, grace, group, _choir = staff
    monkeypatch.setattr(calls, "MOST_EFFECTS", 1)
    move(installed, "both", group, removing(ada, grace))
    both = explained(installed, "both")
    assert (len(both.effects), both.is_complete) == (1, False)


def test_effects_of_a_job_are_read_in_as_many_stretches_as_it_takes(installed, staff, monkeypatch):
    _ada, _grace, group, _choir = staff
    monkeypatch.setattr(calls, "_AT_ONCE", 2)
    crowd = [pushed_user(installed, f"user {number}") for number in range(5)]
    installed.change(installation.set_users_at_once, 3)
    move(installed, "many", group, adding(*crowd))
    do_jobs(installed)
    assert len(explained(installed, "many").effects) == 5


def test_a_job_that_nobody_finished_within_a_day_is_not_waited_for(installed, staff):
    _ada, _grace, group, _choir = staff
    installed.change(installation.set_users_at_once, 1)
    move(installed, "many", group, adding(*(pushed_user(installed, name) for name in ("alan", "edsger"))))
    installed.clock.advance(calls.FOLLOWED)
    finish_reconciling(installed)
    assert (explained(installed, "many").effects, explained(installed, "many").is_complete) == ((), False)


def test_a_call_belongs_to_the_connection_of_its_key(installed):
    entra = installed.change(connections.create_connection, ConnectionDraft(name="Entra ID")).id
    key = installed.change(connections.rotate_credential, entra, overlap=timedelta()).key.id
    ours = installed.change(connections.rotate_credential, DEFAULT_CONNECTION, overlap=timedelta()).key.id
    for name, used in (("entra", key), ("default", ours), ("deleted", "gone"), ("nobody", None)):
        read(installed, name, actor=replace(PROVISIONER, api_key_id=used))
    shown = {each.record.request_id: each.connection_name for each in installed.ask(calls.list_calls, ALL).items}
    assert shown == {"entra": "Entra ID", "default": "Default", "deleted": None, "nobody": None}
    assert found(installed, connection_id=entra) == ["entra"]
    assert found(installed, connection_id=DEFAULT_CONNECTION) == ["default"]
    with pytest.raises(NotFound):
        found(installed, connection_id="no such connection")


def test_a_key_of_no_connection_pushes_for_the_default_one(installed):
    made = installed.change(api_keys.create_team_key, team_id=ROOT_TEAM, name="k", role="scim_provisioner")
    read(installed, "unbound", actor=replace(PROVISIONER, api_key_id=made.key.id))
    assert found(installed, connection_id=DEFAULT_CONNECTION) == ["unbound"]
    (logged,) = installed.ask(calls.list_calls, ALL).items
    assert logged.connection_id == DEFAULT_CONNECTION


def follow(installed, **named):
    until = installed.ask(lambda tx: logs.settled(tx, logs.RECORDS))
    feed = installed.ask(calls.follow_calls, until=until, **{"after": None, "since": None, "limit": 100, **named})
    return [each.record.request_id for each in feed.items], feed


@pytest.mark.parametrize("window", [1, 2, 3, 100])
@pytest.mark.parametrize("limit", [1, 2, 100])
def test_a_follower_meets_each_call_once_however_little_is_looked_at_at_once(installed, monkeypatch, window, limit):
    monkeypatch.setattr(store, "WINDOW", window)
    names, after = [], None
    for stretch in (("a", "-", "-", "b"), ("-", "-", "-", "-"), ("c",), ()):
        for name in stretch:
            read(installed, name, "/api/v1/users" if name == "-" else USERS)
        while True:
            some, feed = follow(installed, after=after, limit=limit)
            names += some
            after = feed.after
            if not feed.has_more:
                break
    assert names == ["a", "b", "c"]


def test_a_follower_may_begin_at_an_instant(installed):
    read(installed, "a")
    installed.clock.advance(timedelta(hours=1))
    read(installed, "b")
    assert follow(installed, since=installed.clock.now - timedelta(minutes=5))[0] == ["b"]
    assert follow(installed)[0] == ["a", "b"]


def test_what_is_no_scim_call_has_no_id_here(installed):
    read(installed, "a", "/api/v1/users")
    (record,) = installed.ask(audit.list_records, limit=1)
    for wrong in (str(record.sequence), "12345", "x", "", "9" * 30, "²"):
        with pytest.raises(NotFound):
            installed.ask(calls.get_call, wrong)


def test_nobody_reads_the_scim_log_without_the_action_for_the_audit_log(installed):
    nobody = all_but(Action.AUDIT_READ)
    for ask, named in (
        (calls.list_calls, {"wanted": ALL}),
        (calls.get_call, {"call_id": "1"}),
        (calls.follow_calls, {"after": None, "since": None, "until": 1, "limit": 1}),
    ):
        with pytest.raises(Forbidden):
            installed.ask(ask, actor=nobody, **named)


def test_whoever_may_read_the_audit_log_may_read_the_scim_log(installed, staff):
    ada, *_ = staff
    reader = replace(PROVISIONER, actions=frozenset({Action.AUDIT_READ}))
    read(installed, "a", f"{USERS}/{ada}", subject_id=ada)
    (logged,) = installed.ask(calls.list_calls, replace(ALL, user_id=ada), actor=reader).items
    assert installed.ask(calls.get_call, str(logged.record.sequence), actor=reader).effects == ()


def test_a_table_has_all_of_a_call_but_its_body(installed):
    read(installed, "a")
    (logged,) = installed.ask(calls.list_calls, ALL).items
    assert set(COLUMNS) == set(to_document(logged)) - {"request"}


def test_forgotten_events_leave_no_trace_of_whom_they_mentioned(installed, staff):
    ada, _grace, _group, choir = staff
    move(installed, "old", choir, adding(ada))
    middle = installed.clock.now
    move(installed, "new", choir, removing(ada))
    assert installed.change(log.index_mentions, limit=1000) > 0
    assert installed.change(log.delete_events, before=middle, limit=1000) > 0
    assert installed.count_rows("event_mention") == 1
    assert found(installed, user_id=ada) == ["new"]
    installed.clock.advance(timedelta(days=1))
    while installed.change(log.delete_events, before=installed.clock.now, limit=1):
        pass
    assert installed.count_rows("event_mention") == installed.count_rows("event") == 0


def test_whom_a_change_mentioned_is_found_before_and_after_a_job_put_it_where_it_stays(installed, staff):
    ada, grace, _group, choir = staff
    for number in range(3):
        move(installed, f"in {number}", choir, adding(ada, grace))
        move(installed, f"out {number}", choir, removing(ada))
    expected = [f"{way} {number}" for number in (2, 1, 0) for way in ("out", "in")]
    before = installed.count_rows("fresh_mention")
    assert found(installed, user_id=ada) == expected
    # One at a time: each half-way state shows the same.
    for done in range(before):
        assert installed.change(log.index_mentions, limit=1) == 1
        assert installed.count_rows("fresh_mention") == before - done - 1
        assert found(installed, user_id=ada) == expected
    assert installed.change(log.index_mentions, limit=1) == 0
    with pytest.raises(Forbidden):
        installed.change(log.index_mentions, limit=1, actor=all_but(Action.EVENT_DELETE))


LOGS = {"audit_record", "event", "event_mention"}


@pytest.mark.parametrize("is_analyzed", [False, True])
def test_calls_about_somebody_and_their_effects_are_found_by_index(installed_sqlite, is_analyzed):
    installed = installed_sqlite
    for number in range(100):
        call(installed, f"u{number}", provisioned_users.create_user, user_profile(f"user {number}"), method="POST")
    ada = pushed_user(installed, "ada")
    choir = pushed_group(installed, "Choir")
    move(installed, "in", choir, adding(ada))
    installed.change(log.index_mentions, limit=1000)
    if is_analyzed:
        installed.change(lambda tx: tx.connection.execute("ANALYZE") and None)

    def steps(tx):
        asked = []
        tx.connection.set_trace_callback(asked.append)
        page = calls.list_calls(tx, replace(ALL, user_id=ada, group_id=choir))
        calls.get_call(tx, str(page.items[0].record.sequence))
        tx.connection.set_trace_callback(None)
        plans = [tx.connection.execute(f"EXPLAIN QUERY PLAN {text}").fetchall() for text in asked]
        return [step[3] for plan in plans for step in plan]

    taken = installed.ask(steps)
    assert [step for step in taken if step.startswith("SCAN") and step.split()[1] in LOGS] == []
    for index in ("ix_audit_record_subject", "ix_event_subject_id", "ix_event_happened_at"):
        assert any(f"INDEX {index}" in step for step in taken), (index, taken)
    assert any("SEARCH event_mention USING PRIMARY KEY" in step for step in taken), taken
    assert not any("ix_audit_record_recorded_at" in step for step in taken), taken
