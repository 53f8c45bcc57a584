"""Is what a guard held kept once, sealed, and until somebody decides, on either database?"""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import psycopg
import pytest

from rolecall.authorization.actions import Action
from rolecall.connections.guard.losses import Guard
from rolecall.connections.held import changes
from rolecall.connections.held.changes import ReleaseJournal
from rolecall.connections.held.errors import AlreadyDecided, ChangeIsHeld
from rolecall.connections.held.model import HeldSearch, HeldState, Sent
from rolecall.directory import assignments, groups
from rolecall.directory.model import DEFAULT_CONNECTION, RemoveMembers
from rolecall.events import audit
from rolecall.events.audit import CallJournal
from rolecall.events.calls import Call
from rolecall.kernel.errors import Forbidden, NotFound
from rolecall.storage.secrets import KeyRing, SecretKeyMissing
from tests.make.actors import ADMINISTRATOR, all_but
from tests.make.directory import ANY_VERSION
from tests.make.held import KEYS, PROVIDER, limited, move, remove, staffed

SENT = Sent(
    method="PATCH", path="/scim/v2/Groups/g", if_match='W/"1"', content_type="application/json", body=b'{"a":1}'
)
ALL = HeldSearch(limit=100)
NOW = datetime(2026, 11, 24, tzinfo=UTC)


def hold(installed, sent=SENT):
    """Have one removal held; return its id."""
    limited(installed, 0)
    group, members = staffed(installed, 1)
    with pytest.raises(ChangeIsHeld) as held:
        remove(installed, group, members[0], sent=sent)
    return held.value.about["held_change_id"]


def all_held(installed):
    return installed.ask(changes.list_held_changes, ALL)


def record():
    return Call(request_id="of-release", method="POST", target="/release")


def test_what_is_held_is_what_was_sent(installed):
    held_id = hold(installed)
    held, sent = installed.ask(changes.get_sent, KEYS, held_id)
    assert sent == SENT
    assert held.sent == replace(SENT, body=b"")
    assert (held.state, held.tries, held.request_id) == (HeldState.HELD, 1, "request-of-provider")


def test_a_change_without_a_body_is_held_without_one(installed):
    sent = Sent(method="DELETE", path="/scim/v2/Groups/g")
    assert installed.ask(changes.get_sent, KEYS, hold(installed, sent))[1] == sent


def test_the_same_at_once_by_many_is_held_once(installed):
    limited(installed, 0)
    group, members = staffed(installed, 1)

    def attempt(_number):
        with pytest.raises(ChangeIsHeld) as held:
            remove(installed, group, members[0], sent=SENT)
        return held.value.about["held_change_id"]

    with ThreadPoolExecutor(32) as pool:
        ids = set(pool.map(attempt, range(32)))
    (held,) = all_held(installed)
    assert ids == {held.id}
    assert held.tries == 32
    assert installed.event_types().count("connections.change.held") == 1


def test_a_brief_change_that_another_process_is_just_holding_waits_for_that(installed_postgresql):
    installed = installed_postgresql
    limited(installed, 0)
    group, members = staffed(installed, 1)
    columns = {
        "id": "other",
        "connection_id": DEFAULT_CONNECTION,
        "state": "HELD",
        "method": "PATCH",
        "path": "/",
        "retry_key": SENT.retry_key(DEFAULT_CONNECTION),
        **dict.fromkeys(("losing_count", "lost_count", "limit_count", "try_count", "held_at", "last_tried_at"), 1),
    }
    names, places = ", ".join(columns), ", ".join(f"%({name})s" for name in columns)
    change = Guard(keys=KEYS).over(
        lambda tx: groups.change_group(
            tx, group, (RemoveMembers(operation=0, members=members[:1]),), ANY_VERSION, with_members=False
        ),
        lambda: SENT,
    )
    with psycopg.connect(installed.database.plain_url) as other:
        other.execute(f"INSERT INTO held_change ({names}) VALUES ({places})", columns)
        ending = threading.Timer(0.5, other.rollback)
        ending.start()
        with pytest.raises(ChangeIsHeld):
            asyncio.run(installed.transactions.write(PROVIDER, change, brief=True))
        ending.join()
    (held,) = all_held(installed)
    assert (held.tries, held.id == "other") == (1, False)


def test_what_cannot_be_sealed_is_refused_and_not_held(installed):
    limited(installed, 0)
    group, members = staffed(installed, 1)
    step = RemoveMembers(operation=0, members=members[:1])
    change = Guard(keys=KeyRing(Path("nowhere"))).over(
        lambda tx: groups.change_group(tx, group, (step,), ANY_VERSION, with_members=False), lambda: SENT
    )
    with pytest.raises(SecretKeyMissing):
        installed.change(change, actor=PROVIDER)
    assert all_held(installed) == []
    assert installed.ask(assignments.list_assignments, members[0])


def test_what_is_released_has_a_status_and_somebody_who_released_it(installed):
    held_id = hold(installed)
    actor = changes.as_connection(ADMINISTRATOR, installed.ask(changes.get_held_change, held_id))
    assert actor.connection_id == DEFAULT_CONNECTION
    released = installed.change(changes.release_held_change, held_id, lambda _tx: 204, actor=actor)
    assert released == installed.ask(changes.get_held_change, held_id)
    assert (released.state, released.decision.status) == (HeldState.RELEASED, 204)
    assert released.decision.user_name == "an administrator"
    for decide in (changes.drop_held_change, partial(changes.release_held_change, perform=lambda _tx: 204)):
        with pytest.raises(AlreadyDecided):
            installed.change(decide, held_id)
    with pytest.raises(AlreadyDecided):
        installed.ask(changes.get_sent, KEYS, held_id)


def test_what_is_refused_when_it_is_released_stays_held_and_says_why_beside_the_audit_record(installed):
    held_id = hold(installed)

    def refuse(_tx):
        raise NotFound("It is gone.")

    journal = ReleaseJournal(CallJournal(record()), held_id)
    with pytest.raises(NotFound):
        installed.change(changes.release_held_change, held_id, refuse, journal=journal)
    held = installed.ask(changes.get_held_change, held_id)
    assert (held.state, held.refusal) == (HeldState.HELD, "not_found: It is gone.")
    recorded = installed.ask(audit.list_records, limit=2)
    assert [(each.phase.value, each.code) for each in recorded] == [("result", "not_found"), ("intent", None)]
    journal = ReleaseJournal(CallJournal(record()), held_id)
    installed.change(changes.release_held_change, held_id, lambda _tx: 204, journal=journal)
    assert installed.ask(changes.get_held_change, held_id).refusal is None
    assert installed.ask(audit.list_records, limit=1)[0].code is None


def test_a_retry_is_held_also_when_the_hour_has_room_and_a_dropped_one_is_looked_at_anew(installed):
    limited(installed, 0)
    group, members = staffed(installed, 1)
    step = RemoveMembers(operation=0, members=(members[0],))
    for _ in range(2):
        with pytest.raises(ChangeIsHeld):
            move(installed, group, step, sent=SENT)
        limited(installed, 5)
    (held,) = all_held(installed)
    installed.change(changes.drop_held_change, held.id)
    move(installed, group, step, sent=SENT)
    assert not installed.ask(assignments.list_assignments, members[0])


@pytest.mark.parametrize(
    "action, use_case",
    [
        (Action.HELD_CHANGE_LIST, partial(changes.list_held_changes, wanted=ALL)),
        (Action.HELD_CHANGE_LIST, partial(changes.get_held_change, held_id="none")),
        (Action.HELD_CHANGE_LIST, partial(changes.get_sent, keys=KEYS, held_id="none")),
        (Action.HELD_CHANGE_LIST, partial(changes.count_held, connection_id=DEFAULT_CONNECTION)),
        (Action.HELD_CHANGE_DECIDE, partial(changes.release_held_change, held_id="none", perform=lambda _tx: 204)),
        (Action.HELD_CHANGE_DECIDE, partial(changes.drop_held_change, held_id="none")),
        (Action.HELD_CHANGE_DECIDE, partial(changes.delete_decided, before=NOW, limit=1)),
    ],
    ids=["list", "get", "get sent", "count", "release", "drop", "forget"],
)
def test_who_lacks_the_action_is_refused(installed, action, use_case):
    with pytest.raises(Forbidden):
        installed.change(use_case, actor=all_but(action))


def test_what_is_not_there_is_not_found(installed):
    with pytest.raises(NotFound):
        installed.ask(changes.get_held_change, "none")
    with pytest.raises(NotFound):
        installed.change(changes.drop_held_change, "none")
