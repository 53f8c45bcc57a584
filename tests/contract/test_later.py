"""Is what is left for later done, and what is old forgotten as the settings say, on either database?"""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from rolecall import later
from rolecall.authentication.api_keys import create_team_key
from rolecall.authentication.model import KeyLimits
from rolecall.authorization.actions import Action
from rolecall.authorization.actor import SYSTEM
from rolecall.authorization.roles import RoleId
from rolecall.connections.held import changes
from rolecall.connections.held.errors import ChangeIsHeld
from rolecall.connections.held.model import HeldSearch
from rolecall.connections.validation.caller import OwnAddress
from rolecall.directory import groups, installation
from rolecall.directory.model import ROOT_TEAM
from rolecall.directory.reconcile import RECONCILE, list_reconciling
from rolecall.events import log
from rolecall.events.chain import sealing
from rolecall.jobs import jobs, queue
from rolecall.kernel.clock import system_clock
from rolecall.kernel.errors import Forbidden
from rolecall.notifications.jobs import Senders
from rolecall.outbound.client import OutboundClient
from rolecall.outbound.mail import Mailer
from rolecall.outbound.model import OutboundRule
from rolecall.storage.secrets import KeyRing
from tests.make.actors import PROVISIONER, all_but
from tests.make.chain import key_ring, seal, verify, write_records
from tests.make.directory import group_profile, pushed_group, pushed_user, service_user
from tests.make.held import limited, remove, staffed
from tests.make.mapping import mapping, roles_of

SENDERS = Senders(
    keys=KeyRing(Path("nowhere")), client=OutboundClient(OutboundRule()), mailer=Mailer(None), clock=system_clock
)
"""Nothing of this file sends anything."""
OWN = OwnAddress(listening_url="http://127.0.0.1:9", certificate=None)
NO_DAYS = {"job_days": 0, "event_days": 0, "audit_days": 0}


def carry_out(installed, kind, *, keys=SENDERS.keys, **days):
    """Do one job of the kind as a runner does."""
    handlers = later.handlers(SENDERS, keys, OWN, **{**NO_DAYS, **days})
    installed.change(queue.enqueue, kind=kind, payload={})
    (job,) = installed.change(queue.take_jobs, kinds=[kind], runner="r", limit=1, actor=SYSTEM)
    handlers[kind](installed.transactions, job)
    installed.change(queue.finish, job)
    return installed.ask(jobs.get_job, job.id)


def test_every_schedule_has_somebody_who_does_it():
    assert {each.kind for each in later.DECLARED} <= set(later.handlers(SENDERS, SENDERS.keys, OWN, **NO_DAYS))


def test_who_holds_something_is_counted_for_the_guards_of_connections(installed):
    mapping(installed, "Staff")
    members = [pushed_user(installed, f"person {number}") for number in range(3)]
    pushed_group(installed, "Staff", *members)
    carry_out(installed, later.COUNT_HOLDERS)
    count = "SELECT guard_holder_count FROM scim_connection"
    assert installed.ask(lambda tx: tx.connection.execute(count).fetchall()) == [(3,)]


def test_held_changes_that_were_decided_are_forgotten_with_audit_records_and_others_are_not(installed):
    limited(installed, 0)
    group, members = staffed(installed, 2)
    for member in members:
        with pytest.raises(ChangeIsHeld):
            remove(installed, group, member)
    decided, held = installed.ask(changes.list_held_changes, HeldSearch(limit=2))
    installed.change(changes.drop_held_change, decided.id)
    installed.clock.advance(timedelta(days=3))
    carry_out(installed, later.FORGET_HELD, audit_days=4)
    assert installed.count_rows("held_change") == 2
    carry_out(installed, later.FORGET_HELD, audit_days=2)
    assert installed.ask(changes.list_held_changes, HeldSearch(limit=2)) == [held]


def test_events_older_than_their_days_are_forgotten(installed, monkeypatch):
    monkeypatch.setattr(later, "_AT_ONCE", 2)
    for number in range(5):
        service_user(installed, f"robot {number}")
        installed.clock.advance(timedelta(days=1))
    job = carry_out(installed, later.FORGET_EVENTS, event_days=2)
    assert [event.data["user_name"] for event in installed.events()] == ["robot 3", "robot 4"]
    assert job.done_count == 3


def test_events_are_forgotten_with_whom_they_mention_however_fresh(installed):
    ada = pushed_user(installed, "ada")
    pusher = replace(PROVISIONER, request_id="r")
    installed.change(groups.create_group, group_profile("Everybody"), (ada,), actor=pusher)
    assert installed.count_rows("fresh_mention") == 1
    installed.clock.advance(timedelta(days=3))
    carry_out(installed, later.FORGET_EVENTS, event_days=2)
    assert installed.count_rows("fresh_mention") == installed.count_rows("event_mention") == 0
    assert installed.events() == []


def test_finished_jobs_older_than_their_days_are_forgotten(installed):
    first = carry_out(installed, later.FORGET_JOBS, job_days=1)
    installed.clock.advance(timedelta(days=2))
    second = carry_out(installed, later.FORGET_JOBS, job_days=1)
    assert [job.id for job in installed.ask(jobs.list_jobs, limit=9)] == [second.id]
    assert first.id != second.id


def test_audit_records_older_than_their_days_are_forgotten_up_to_a_checkpoint(installed, tmp_path, monkeypatch):
    monkeypatch.setattr(later, "_AT_ONCE", 2)
    keys = key_ring(tmp_path, installed)
    for _ in range(4):
        write_records(installed, "a", "b", "c")
        seal(installed, keys)
        installed.clock.advance(timedelta(days=1))
    for _ in range(2):
        job = carry_out(installed, later.FORGET_AUDIT, audit_days=2, keys=keys)
    assert (job.done_count, installed.count_rows("audit_record"), installed.count_rows("audit_seal")) == (0, 6, 3)
    assert verify(installed, keys)[1] == []


def test_what_was_left_of_forgetting_audit_records_is_forgotten_the_next_time(installed, tmp_path):
    keys = key_ring(tmp_path, installed)
    write_records(installed, "a", "b", "c")
    seal(installed, keys)
    installed.clock.advance(timedelta(days=3))
    before = installed.clock.now - timedelta(days=2)
    assert installed.change(lambda tx: sealing.begin_to_forget(tx, keys, before=before))
    assert carry_out(installed, later.FORGET_AUDIT, audit_days=0, keys=keys).done_count == 3
    assert (installed.count_rows("audit_record"), verify(installed, keys)[1]) == (0, [])


def test_a_key_that_nobody_uses_is_told_to_be_ending_and_only_once(installed):
    ends = installed.clock.now + timedelta(days=20)
    limits = KeyLimits(expires_at=ends)
    made = installed.change(create_team_key, team_id=ROOT_TEAM, name="Backup", role=RoleId("oaa_push"), limits=limits)
    carry_out(installed, later.WARN_OF_EXPIRY)
    assert "authentication.api-key.expiring" not in installed.event_types()
    installed.clock.advance(timedelta(days=7))
    for _ in range(2):
        carry_out(installed, later.WARN_OF_EXPIRY)
    (told,) = [event for event in installed.events() if event.type == "authentication.api-key.expiring"]
    assert (told.subject_id, told.data["expires_at"]) == (made.key.id, "2026-12-14T10:00:00.000Z")


def test_zero_days_keep_everything(installed):
    service_user(installed)
    carry_out(installed, later.FORGET_JOBS)
    installed.clock.advance(timedelta(days=10_000))
    carry_out(installed, later.FORGET_EVENTS)
    carry_out(installed, later.FORGET_AUDIT)
    assert installed.event_types() == ["directory.user.created"]
    assert installed.count_rows("job") == 3


def test_assignments_of_many_follow_by_a_job_that_can_begin_anew(installed):
    installed.change(installation.set_users_at_once, 3)
    crowd = [pushed_user(installed, f"user {number}") for number in range(7)]
    pushed_group(installed, "Everybody", *crowd)
    mapping(installed, "Everybody")
    (job,) = installed.change(queue.take_jobs, kinds=[RECONCILE], runner="gone", limit=9, actor=SYSTEM)
    assert not any(roles_of(installed, user) for user in crowd)
    # Its runner dies, and another takes it when the lease has ended.
    installed.clock.advance(timedelta(hours=1))
    (again,) = installed.change(queue.take_jobs, kinds=[RECONCILE], runner="r", limit=9, actor=SYSTEM)
    assert again.id == job.id
    later.reconcile(installed.transactions, again)
    installed.change(queue.finish, again)
    assert all(roles_of(installed, user) for user in crowd)
    assert installed.ask(list_reconciling) == ()


def test_forgetting_events_needs_its_action(installed_sqlite):
    with pytest.raises(Forbidden):
        installed_sqlite.change(
            log.delete_events, before=installed_sqlite.clock.now, limit=1, actor=all_but(Action.EVENT_DELETE)
        )
