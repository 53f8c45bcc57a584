"""Which events are in the log, on either database?"""

import pytest

from rolecall.authorization.actions import Action
from rolecall.authorization.actor import SYSTEM
from rolecall.directory import provisioned_users
from rolecall.directory.errors import LastAdministrator, UserNameTaken
from rolecall.directory.events import ScimEnabled, UserProtected
from rolecall.directory.model import UserId
from rolecall.events import log
from rolecall.kernel.errors import Forbidden, NotFound
from tests.make.actors import ADMINISTRATOR, PROVISIONER, all_but
from tests.make.directory import ANY_VERSION, administrator, pushed_user, setting, user_profile

WARNING = UserProtected(user_id=UserId("u"), user_name="ada", attempt="delete", because="break_glass")


def record(tx, *events):
    for event in events:
        tx.record(event)


def test_an_event_is_logged_with_everything_that_is_known_of_it(installed):
    installed.change(record, WARNING, actor=PROVISIONER)
    (event,) = installed.events()
    assert (event.type, event.category, event.severity) == ("directory.user.protected", "SYSTEM", "WARNING")
    assert event.happened_at == installed.clock.now
    assert event.subject_id == "u"
    assert (event.actor_kind, event.actor_user_id) == ("api_key", None)
    assert event.request_id == PROVISIONER.request_id
    assert event.data == {"user_id": "u", "user_name": "ada", "attempt": "delete", "because": "break_glass"}
    assert len(event.id) == 36


def test_events_keep_their_order_within_and_between_commits(installed):
    for number in range(3):
        names = [
            UserProtected(user_id=UserId(f"{number}{each}"), user_name="", attempt="", because="") for each in "ab"
        ]
        installed.change(record, *names)
    events = installed.events()
    assert [event.subject_id for event in events] == ["0a", "0b", "1a", "1b", "2a", "2b"]
    assert [event.sequence for event in events] == sorted({event.sequence for event in events})
    assert len({event.id for event in events}) == 6


def test_an_event_is_logged_only_when_the_change_is_committed(installed):
    def fails(tx, error):
        tx.record(ScimEnabled())
        raise error

    for error in (NotFound("Refused."), ZeroDivisionError()):
        with pytest.raises(type(error)):
            installed.change(fails, error)
    assert installed.events() == []


def test_a_refusal_logs_the_events_that_it_carries_and_no_others(installed):
    def refused(tx):
        tx.record(ScimEnabled())
        raise NotFound("Refused.", events=[WARNING])

    with pytest.raises(NotFound):
        installed.change(refused, actor=PROVISIONER)
    (event,) = installed.events()
    assert event.type == "directory.user.protected"
    assert event.request_id == PROVISIONER.request_id


def test_a_refused_lock_out_is_logged_and_changes_nothing(installed):
    root = administrator(installed, pushed=True)
    with pytest.raises(LastAdministrator):
        installed.change(provisioned_users.change_user, root, setting(active=False), ANY_VERSION, actor=PROVISIONER)
    assert installed.event_types() == [
        "directory.user.created",
        "directory.role.assigned",
        "directory.user.protected",
    ]


def test_a_refusal_between_other_changes_takes_nothing_of_theirs(installed):
    pushed_user(installed, "ada")
    with pytest.raises(UserNameTaken):
        installed.change(provisioned_users.create_user, user_profile("ADA"), actor=PROVISIONER)
    pushed_user(installed, "eve")
    assert [event.data["user_name"] for event in installed.events()] == ["ada", "eve"]


def test_the_newest_events_come_first_a_page_at_a_time(installed):
    for number in range(5):
        pushed_user(installed, f"user {number}")
    first = installed.ask(log.list_events, limit=2)
    assert [event.data["user_name"] for event in first] == ["user 4", "user 3"]
    second = installed.ask(log.list_events, limit=10, before=first[-1].sequence)
    assert [event.data["user_name"] for event in second] == ["user 2", "user 1", "user 0"]
    assert installed.ask(log.list_events, limit=10, before=second[-1].sequence) == ()


def test_rolecall_itself_is_an_actor_too(installed):
    installed.change(record, ScimEnabled(), actor=SYSTEM)
    (event,) = installed.events()
    assert (event.actor_kind, event.request_id, event.subject_id, event.data) == ("system", None, None, {})


def test_reading_the_log_needs_its_action(installed_sqlite):
    with pytest.raises(Forbidden):
        installed_sqlite.ask(log.list_events, limit=1, actor=all_but(Action.EVENT_READ))
    assert installed_sqlite.ask(log.list_events, limit=1, actor=ADMINISTRATOR) == ()
