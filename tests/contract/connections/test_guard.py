"""Can what a SCIM connection does take something from more people within an hour than it may, on either database?"""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rolecall.connections.events import ChangeHeld
from rolecall.connections.guard.holders import count_holders, keep_counts
from rolecall.connections.held.errors import ChangeIsHeld
from rolecall.directory import assignments, groups, installation, provisioned_users
from rolecall.directory.model import DEFAULT_CONNECTION, AddMembers, RemoveMembers
from rolecall.events import log
from tests.make.actors import PROVISIONER
from tests.make.directory import ANY_VERSION, pushed_user, setting
from tests.make.held import limited, move, push, remove, staffed
from tests.make.mapping import VIEWER, finish_reconciling


def add(installed, group, *members):
    return move(installed, group, AddMembers(operation=0, members=members))


def recount(installed):
    installed.change(keep_counts, installed.ask(count_holders))


def refusals(installed):
    return [each for each in installed.ask(log.list_events, limit=500) if each.type == ChangeHeld.type]


def test_the_first_person_beyond_the_limit_stays_and_a_warning_says_so(installed):
    limited(installed, 2)
    group, members = staffed(installed, 4)
    remove(installed, group, members[0])
    remove(installed, group, members[1])
    with pytest.raises(ChangeIsHeld, match="with it 3 within"):
        remove(installed, group, members[2])
    assert installed.ask(assignments.list_assignments, members[2])
    told = refusals(installed)
    assert [(each.severity, each.subject_id) for each in told] == [("WARNING", DEFAULT_CONNECTION)]
    assert (told[0].data["losing"], told[0].data["lost"], told[0].data["limit"]) == (1, 3, 2)


def test_all_of_one_change_are_refused_together(installed):
    limited(installed, 2)
    group, members = staffed(installed, 4)
    with pytest.raises(ChangeIsHeld):
        remove(installed, group, *members[:3])
    assert all(installed.ask(assignments.list_assignments, each) for each in members)
    remove(installed, group, *members[:2])


def test_after_an_hour_as_many_may_lose_something_again_and_older_losses_are_forgotten(installed):
    limited(installed, 1)
    group, members = staffed(installed, 3)
    remove(installed, group, members[0])
    installed.clock.advance(timedelta(minutes=59, seconds=59))
    with pytest.raises(ChangeIsHeld):
        remove(installed, group, members[1])
    installed.clock.advance(timedelta(seconds=1))
    remove(installed, group, members[1])


def test_who_loses_something_again_counts_once_and_who_keeps_it_otherwise_not_at_all(installed):
    limited(installed, 1)
    group, members = staffed(installed, 2)
    installed.change(assignments.assign_role, members[1], role=VIEWER)
    remove(installed, group, members[1])
    for _ in range(3):
        remove(installed, group, members[0])
        add(installed, group, members[0])
    assert installed.ask(assignments.list_assignments, members[0])


def test_deactivating_and_deleting_count_for_who_holds_something(installed):
    limited(installed, 1)
    _group, members = staffed(installed, 3)
    stranger = pushed_user(installed, "nobody")
    push(installed, provisioned_users.delete_user, stranger, ANY_VERSION)
    push(installed, provisioned_users.change_user, members[0], setting(active=False), ANY_VERSION)
    # It has lost its access already, and is not counted for it twice.
    push(installed, provisioned_users.delete_user, members[0], ANY_VERSION)
    with pytest.raises(ChangeIsHeld):
        push(installed, provisioned_users.delete_user, members[1], ANY_VERSION)
    with pytest.raises(ChangeIsHeld):
        push(installed, provisioned_users.change_user, members[1], setting(active=False), ANY_VERSION)


def test_a_part_of_those_who_hold_something_may_lose_it_counted_as_before_the_hour(installed):
    limited(installed, 0, percent=20)
    group, members = staffed(installed, 10)
    with pytest.raises(ChangeIsHeld, match="allows 0"):
        remove(installed, group, members[0])
    recount(installed)
    remove(installed, group, members[0])
    recount(installed)
    remove(installed, group, members[1])
    with pytest.raises(ChangeIsHeld, match="allows 2"):
        remove(installed, group, members[2])


def test_nothing_may_be_lost_at_zero_and_everything_at_a_hundred_per_cent(installed):
    group, members = staffed(installed, 3)
    limited(installed, 0)
    with pytest.raises(ChangeIsHeld):
        remove(installed, group, members[0])
    limited(installed, 0, percent=100)
    remove(installed, group, *members)


def test_an_administrators_own_call_is_not_guarded(installed):
    limited(installed, 0)
    group, members = staffed(installed, 3)
    steps = (RemoveMembers(operation=0, members=tuple(members)),)
    installed.change(groups.change_group, group, steps, ANY_VERSION, with_members=False, actor=PROVISIONER)
    assert refusals(installed) == []


def test_what_a_job_would_go_on_to_take_is_counted_when_it_begins(installed):
    limited(installed, 5)
    installed.change(installation.set_users_at_once, 3)
    group, members = staffed(installed, 8)
    finish_reconciling(installed)
    assert installed.ask(assignments.list_assignments, members[0])
    with pytest.raises(ChangeIsHeld, match="6 people would lose"):
        remove(installed, group, *members[:6])
    remove(installed, group, *members[:5])
    finish_reconciling(installed)
    held = [bool(installed.ask(assignments.list_assignments, each)) for each in members]
    assert held == [False] * 5 + [True] * 3
    assert len(refusals(installed)) == 1


def test_a_large_group_that_is_deleted_is_counted_as_a_whole(installed):
    limited(installed, 5)
    installed.change(installation.set_users_at_once, 3)
    group, members = staffed(installed, 8)
    finish_reconciling(installed)
    with pytest.raises(ChangeIsHeld, match="8 people would lose"):
        push(installed, groups.delete_group, group, ANY_VERSION)
    assert all(installed.ask(assignments.list_assignments, each) for each in members)


def test_thirty_two_at_once_do_not_slip_over_the_limit_together(installed):
    limited(installed, 10)
    group, members = staffed(installed, 40)

    def attempt(member):
        try:
            remove(installed, group, member)
        except ChangeIsHeld:
            return False
        return True

    with ThreadPoolExecutor(32) as pool:
        assert sum(pool.map(attempt, members)) == 10


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 45)), max_size=12))
def test_in_no_hour_do_more_people_lose_something_than_may(installed, steps):
    limited(installed, 2)
    installed.clock.advance(timedelta(hours=2))
    group, members = staffed(installed, 6, name=f"S{installed.clock.now:%j%H%M%S}")
    lost = []
    for person, minutes in steps:
        installed.clock.advance(timedelta(minutes=minutes))
        try:
            remove(installed, group, members[person])
        except ChangeIsHeld:
            continue
        else:
            lost.append((installed.clock.now, person))
        add(installed, group, members[person])
    for at, _person in lost:
        hour = {person for when, person in lost if at - timedelta(hours=1) < when <= at}
        assert len(hour) <= 2
