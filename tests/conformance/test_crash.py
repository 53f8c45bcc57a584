"""Is every acknowledged write still there after `kill -9`, and no half one?"""

import random

from tests.conformance.crash import summary_of, survive_kills

ROUNDS = 25
"""On each database. `bench/crash_rounds.py` does as many as one likes."""


def test_every_acknowledged_write_survives_a_kill_and_no_half_one_does(database):
    told = survive_kills(database, ROUNDS, random.Random())
    print(summary_of(told))
    assert len(told.created) > 50, "hardly any load: this proves nothing"
    assert told.membership_changes > 20
    assert told.unanswered > 10, "no kill hit a write under way"
