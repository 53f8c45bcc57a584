"""Can a change take something from somebody, and from how many may it?"""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolecall.authorization.roles import RoleId
from rolecall.connections.guard import decide
from rolecall.connections.held.model import Losses
from rolecall.directory.events import (
    ReconciliationStarted,
    RoleAssigned,
    RoleRemoved,
    UserDeactivated,
    UserDeleted,
)
from rolecall.directory.model import ROOT_TEAM, UserId

ADA = UserId("ada")
VIEWER = RoleId("viewer")


def removed(user_id=ADA, role=VIEWER, source="scim-group:a"):
    return RoleRemoved(user_id=user_id, user_name=user_id, team_id=ROOT_TEAM, role=role, source=source)


def deactivated(user_id=ADA):
    return UserDeactivated(user_id=user_id, user_name=user_id, reason="scim")


def deleted(*, lost=({"team_id": ROOT_TEAM, "role": "viewer", "source": "manual"},), was_active=True):
    return UserDeleted(user_id=ADA, user_name="ada", was_active=was_active, lost=lost)


STARTED = ReconciliationStarted(source="scim-group:a", users=3_000)


def test_a_change_that_takes_nothing_from_anybody_is_not_looked_at():
    assigned = RoleAssigned(user_id=ADA, user_name="ada", team_id=ROOT_TEAM, role=VIEWER, source="manual")
    assert not decide.may_take([assigned, deleted(lost=()), deleted(was_active=False)])


@pytest.mark.parametrize("event", [removed(), deactivated(), deleted(), STARTED])
def test_whatever_can_take_something_is_looked_at(event):
    assert decide.may_take([event])


def test_each_source_that_a_job_goes_on_with_is_looked_into_once():
    assert decide.begun_in([removed(), STARTED, STARTED]) == ["scim-group:a"]


def test_a_held_change_says_how_many_would_lose_something():
    losses = Losses(losing=1, lost=51, limit=50)
    assert "1 person would lose an assignment by this change, and with it 51" in decide.told("h1", losses)
    assert "2 people would" in decide.told("h1", replace(losses, losing=2))


@given(st.integers(0, 1_000), st.integers(0, 100), st.integers(0, 100_000))
def test_the_limit_is_whichever_of_both_is_more_and_never_more_than_that(people, percent, holders):
    limit = decide.limit(people=people, percent=percent, holders=holders)
    assert limit in {people, holders * percent // 100}
    assert limit >= people
    assert limit >= holders * percent // 100


def test_a_hundred_per_cent_guards_nothing():
    assert not decide.is_guarding(100)
    assert decide.is_guarding(99)
    assert decide.is_guarding(0)
