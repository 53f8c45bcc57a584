from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolecall.http.limits import ELSEWHERE, RefusalBudget, network_of

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "address, network",
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"),
        ("unknown", "unknown"),
    ],
)
def test_neighbours_share_a_network(address, network):
    assert network_of(address) == network


def test_the_first_ten_of_a_minute_are_recorded_and_the_others_counted():
    budget = RefusalBudget()
    recorded = [budget.spend(f"203.0.113.{n}", NOON) for n in range(25)]
    assert recorded == [True] * 10 + [False] * 15
    assert budget.take_counted() == {"203.0.113.0/24": 15}


def test_each_network_has_a_budget_of_its_own():
    budget = RefusalBudget(per_minute=1)
    assert budget.spend("203.0.113.1", NOON)
    assert budget.spend("198.51.100.1", NOON)


def test_a_new_minute_brings_a_new_budget_and_keeps_the_count():
    budget = RefusalBudget(per_minute=1)
    budget.spend("203.0.113.1", NOON)
    budget.spend("203.0.113.1", NOON + timedelta(seconds=59))
    assert budget.spend("203.0.113.1", NOON + timedelta(seconds=60))
    assert budget.take_counted() == {"203.0.113.0/24": 1}


def test_what_was_taken_is_not_counted_again():
    budget = RefusalBudget(per_minute=1)
    budget.spend("203.0.113.1", NOON)
    budget.spend("203.0.113.1", NOON)
    budget.take_counted()
    assert budget.take_counted() == {}


def test_past_so_many_networks_the_others_share_one_budget():
    budget = RefusalBudget(per_minute=1, networks=2)
    recorded = [budget.spend(f"203.0.{n}.1", NOON) for n in range(5)]
    assert recorded == [True, True, True, False, False]
    assert budget.take_counted() == {ELSEWHERE: 2}


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 300)), max_size=200))
def test_every_refusal_is_either_recorded_or_counted_and_memory_stays_bounded(refusals):
    budget = RefusalBudget(per_minute=3, networks=4)
    recorded = sum(
        budget.spend(f"10.0.{n}.1", NOON + timedelta(seconds=s)) for n, s in sorted(refusals, key=lambda r: r[1])
    )
    assert len(budget._spent) <= 5
    assert len(budget._beyond) <= 5
    assert recorded + sum(budget.take_counted().values()) == len(refusals)
