"""What becomes of each user when a connection leaves, and what may be asked for when?"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from rolecall.authorization.roles import ADMIN, RoleId
from rolecall.connections.errors import BadConnection, ConnectionFixed
from rolecall.connections.leaving import decide
from rolecall.connections.leaving.model import (
    AssignmentsChoice,
    Because,
    Phase,
    Plan,
    Stage,
    UsersChoice,
)
from rolecall.connections.model import Connection, ConnectionDraft, ConnectionState
from rolecall.directory.belongings import Belongings, Stint
from rolecall.directory.decide import new_user
from rolecall.directory.model import ROOT_TEAM, ConnectionId, Target, TeamId, UserId, UserKind, UserState

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
OKTA, ENTRA = ConnectionId("okta"), ConnectionId("entra")
LOCAL, OFF, OVER = UsersChoice.KEEP_AS_LOCAL, UsersChoice.DEACTIVATE, UsersChoice.HAND_OVER
KEEP, REMOVE = AssignmentsChoice.KEEP, AssignmentsChoice.REMOVE
CHOICES = list(product(UsersChoice, AssignmentsChoice))
ROOT_ADMIN = Target(team_id=ROOT_TEAM, role=ADMIN)
VIEW = Target(team_id=TeamId("sales"), role=RoleId("viewer"))
BY_GROUP = Belongings(held=(Stint(target=ROOT_ADMIN, source="scim-group:g", since=1),))
BY_HAND = Belongings(held=(Stint(target=ROOT_ADMIN, source="manual", since=1),))
NOTHING = Belongings(held=(Stint(target=VIEW, source="scim-role:x", since=1),))


def connection(connection_id=OKTA, state=ConnectionState.ON):
    draft = ConnectionDraft(name=connection_id, state=state)
    return Connection(id=connection_id, draft=draft, version=1, created_at=NOW, changed_at=NOW)


def plan(users, assignments=KEEP):
    return Plan(users=users, assignments=assignments, to_connection_id=ENTRA if users is OVER else None)


def user(user_id="ada", *, active=True, break_glass=False, kind=UserKind.PERSON):
    return new_user(
        UserId(user_id),
        {"userName": user_id, "active": active},
        kind=kind,
        connection_id=OKTA,
        break_glass=break_glass,
        now=NOW,
    )


def leaving(**more):
    begun = decide.begun(connection(), plan(LOCAL), undo_within=timedelta(hours=3), total=5, before=None, now=NOW)
    return replace(begun, **more)


@pytest.mark.parametrize("choice, assignments", CHOICES)
def test_an_ordinary_user_becomes_what_was_chosen(choice, assignments):
    treatment = decide.treatment_of(plan(choice, assignments), user(), is_last_administrator=False, is_taken=False)
    assert treatment.owner == {LOCAL: None, OFF: OKTA, OVER: ENTRA}[choice]
    assert treatment.active is (choice is not OFF)
    assert treatment.keeps is (assignments is KEEP)
    assert treatment.with_groups is ((choice, assignments) == (OVER, KEEP))
    assert treatment.because is None


@pytest.mark.parametrize("choice, assignments", CHOICES)
def test_nobody_gains_access_by_leaving(choice, assignments):
    for case in product((False, True), repeat=3):
        glass, last, taken = case
        gone = user(active=False, break_glass=glass)
        treatment = decide.treatment_of(plan(choice, assignments), gone, is_last_administrator=last, is_taken=taken)
        assert not treatment.active


@pytest.mark.parametrize("choice, assignments", CHOICES)
def test_the_break_glass_user_becomes_local_and_keeps_everything(choice, assignments):
    for last, taken in product((False, True), repeat=2):
        treatment = decide.treatment_of(
            plan(choice, assignments), user(break_glass=True), is_last_administrator=last, is_taken=taken
        )
        assert (treatment.owner, treatment.active, treatment.keeps) == (None, True, True)
        assert treatment.because is Because.BREAK_GLASS


@pytest.mark.parametrize("choice, assignments", CHOICES)
def test_the_last_administrator_keeps_access_and_what_it_holds(choice, assignments):
    treatment = decide.treatment_of(plan(choice, assignments), user(), is_last_administrator=True, is_taken=False)
    assert (treatment.active, treatment.keeps) == (True, True)
    assert treatment.owner == (ENTRA if choice is OVER else None)
    assert treatment.because is Because.LAST_ADMINISTRATOR


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("assignments", AssignmentsChoice)
def test_whom_the_other_connection_knows_stays(assignments, last):
    treatment = decide.treatment_of(plan(OVER, assignments), user(), is_last_administrator=last, is_taken=True)
    assert (treatment.owner, treatment.active, treatment.with_groups) == (OKTA, True, False)
    assert treatment.keeps is (assignments is KEEP or last)
    assert treatment.because is Because.EXTERNAL_ID_TAKEN


def last(chosen, users, belongings, others=0):
    return decide.last_administrators(
        chosen, users, {each.id: held for each, held in zip(users, belongings, strict=True)}, others=others
    )


def test_the_oldest_of_those_who_would_cease_to_administer_stays_when_no_one_else_is_left():
    two = [user("ada"), user("bob")]
    assert last(plan(OFF), two, [BY_HAND, BY_GROUP]) == {"ada"}
    assert last(plan(LOCAL, REMOVE), two, [BY_GROUP, BY_GROUP]) == {"ada"}
    assert last(plan(OFF), two, [BY_HAND, BY_GROUP], others=1) == frozenset()
    assert last(plan(OFF), two, [NOTHING, BY_GROUP]) == {"bob"}


def test_nobody_is_kept_back_while_somebody_goes_on_administering():
    two = [user("ada"), user("bob")]
    assert last(plan(LOCAL, KEEP), two, [BY_GROUP, BY_GROUP]) == frozenset()
    assert last(plan(LOCAL, REMOVE), two, [BY_GROUP, BY_HAND]) == frozenset()
    assert last(plan(OFF), [user("ada", break_glass=True), user("bob")], [BY_HAND, BY_HAND]) == frozenset()
    assert last(plan(OFF), two, [NOTHING, NOTHING]) == frozenset()


def test_machines_and_deactivated_users_count_for_no_administrator():
    three = [user("ada", active=False), user("robot", kind=UserKind.SERVICE), user("bob")]
    belongings = {each.id: BY_HAND for each in three}
    assert decide.count_administrators(three, belongings) == 1
    assert last(plan(OFF), three, [BY_HAND] * 3) == {"bob"}


def test_it_goes_from_stage_to_stage_and_back_again_in_another_order():
    now = leaving()
    seen = []
    while now.phase is Phase.LEAVING:
        seen.append(now.stage)
        now = decide.advanced(now, ["a"], limit=2, now=NOW)
    assert seen == [Stage.USERS, Stage.GROUPS, Stage.RESOURCES]
    assert (now.phase, now.done, now.finished_at) == (Phase.LEFT, 3, NOW)
    now = decide.returning(now, now=NOW)
    assert (now.phase, now.done, now.finished_at) == (Phase.RETURNING, 0, None)
    seen = []
    while now.finished_at is None:
        seen.append(now.stage)
        now = decide.advanced(now, ["a"], limit=2, now=NOW)
    assert seen == [Stage.RESOURCES, Stage.GROUPS, Stage.NESTING, Stage.USERS]
    # Groups are met twice, and count once.
    assert now.done == 3


def test_a_full_slice_is_followed_by_another_of_its_stage():
    after = decide.advanced(leaving(), ["a", "b"], limit=2, now=NOW)
    assert (after.stage, after.after, after.done) == (Stage.USERS, "b", 2)
    assert decide.advanced(after, [], limit=2, now=NOW).stage is Stage.GROUPS


def test_it_can_be_undone_until_its_time_is_over_and_only_once():
    left = leaving(phase=Phase.LEFT)
    back = decide.returning(left, now=NOW + timedelta(hours=3, microseconds=-1))
    assert back.phase is Phase.RETURNING
    assert decide.returning(back, now=NOW + timedelta(days=9)) is back
    with pytest.raises(ConnectionFixed):
        decide.returning(left, now=NOW + timedelta(hours=3))
    with pytest.raises(ConnectionFixed):
        decide.returning(leaving(phase=Phase.SETTLED), now=NOW)


def test_only_a_connection_in_use_begins_to_leave_within_a_time_to_undo():
    off = connection(state=ConnectionState.OFF)
    begun = decide.begun(off, plan(OFF), undo_within=timedelta(), total=1, before=None, now=NOW)
    assert (begun.state_before, begun.undo_until) == (ConnectionState.OFF, NOW)
    for hours in (-1, decide.MOST_HOURS + 1):
        with pytest.raises(BadConnection):
            decide.begun(off, plan(OFF), undo_within=timedelta(hours=hours), total=1, before=None, now=NOW)
    gone = connection(state=ConnectionState.DECOMMISSIONED)
    for which, before in ((gone, None), (off, leaving(phase=Phase.RETURNING))):
        with pytest.raises(ConnectionFixed):
            decide.begun(which, plan(OFF), undo_within=timedelta(), total=1, before=before, now=NOW)


def test_who_takes_over_is_named_exactly_when_users_are_handed_over():
    decide.check_plan(plan(LOCAL), connection(), None)
    decide.check_plan(plan(OVER), connection(), connection(ENTRA, ConnectionState.OFF))
    for wrong in (replace(plan(OVER), to_connection_id=None), replace(plan(LOCAL), to_connection_id=ENTRA)):
        with pytest.raises(BadConnection):
            decide.check_plan(wrong, connection(), connection(ENTRA))
    for other in (None, connection(), connection(ENTRA, ConnectionState.DECOMMISSIONED)):
        with pytest.raises(BadConnection):
            decide.check_plan(plan(OVER), connection(), other)


def test_who_was_moved_on_or_marked_meanwhile_does_not_come_back():
    moved = replace(user(), connection_id=ENTRA)
    assert decide.is_as_it_was_left(moved, ENTRA, was_break_glass=False)
    assert not decide.is_as_it_was_left(moved, None, was_break_glass=False)
    marked = replace(user(break_glass=True), connection_id=None)
    assert not decide.is_as_it_was_left(marked, None, was_break_glass=False)
    assert decide.is_as_it_was_left(marked, None, was_break_glass=True)
    assert marked.state is UserState.ACTIVE
