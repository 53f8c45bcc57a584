"""Does the benchmark of a first synchronisation send what it says, and tell slow ends from slow starts?"""

import importlib
from pathlib import Path

import pytest

BENCH = Path(__file__).resolve().parents[2] / "bench"


@pytest.fixture
def first_sync(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCH))
    return importlib.import_module("first_sync")


@pytest.mark.parametrize(
    "groups, memberships, users", [(5_000, 1_000_000, 100_000), (40, 2_000, 300), (3, 3, 1), (1, 7, 7)]
)
def test_groups_have_all_memberships_between_them_and_none_has_more_than_everybody(
    first_sync, groups, memberships, users
):
    sizes = first_sync.group_sizes(groups, memberships, users)
    assert len(sizes) == groups
    assert sum(sizes) == memberships
    assert max(sizes) <= users


def test_more_memberships_than_there_can_be_fill_every_group(first_sync):
    assert first_sync.group_sizes(2, 100, 3) == [3, 3]


def test_a_phase_that_slows_down_shows_it_in_its_last_tenth(first_sync):
    phase = first_sync.Phase("users", seconds=28.0)
    phase.done = [(index * 0.1, 1) for index in range(1, 91)] + [(9.0 + index * 0.5, 1) for index in range(1, 11)]
    summary = phase.summary(None)
    assert summary["first_tenth_rate"] == pytest.approx(10.0)
    assert summary["last_tenth_rate"] == pytest.approx(2.0)


def test_a_request_counts_for_as_many_items_as_it_carries(first_sync):
    phase = first_sync.Phase("memberships", seconds=2.0)
    phase.done = [(1.0, 500), (2.0, 100)]
    assert phase.summary(None)["items"] == 600
    assert phase.summary(None)["rate"] == pytest.approx(300.0)
