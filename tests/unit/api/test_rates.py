"""How many calls a minute may a SCIM connection make?"""

import pytest

from rolecall.api.errors import TooManyCalls
from rolecall.api.rates import CallRates


class Seconds:
    """A clock that is set by hand."""

    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def seconds():
    return Seconds()


def spent(rates, per_minute, *, connection="okta"):
    """Return how many calls are let through before one is refused, and how long that one shall wait."""
    count = 0
    while True:
        try:
            rates.spend(connection, per_minute)
        except TooManyCalls as error:
            return count, int(error.about["retry_after"])
        count += 1


def test_a_minutes_calls_may_come_at_once_and_then_as_many_as_the_rate_gives_back(seconds):
    rates = CallRates(seconds)
    assert spent(rates, 30) == (30, 2)
    seconds.now += 20
    assert spent(rates, 30) == (10, 2)
    seconds.now += 3600
    assert spent(rates, 30) == (30, 2)


def test_who_waits_as_long_as_told_is_let_through(seconds):
    rates = CallRates(seconds)
    for per_minute in (1, 7, 59, 600):
        _count, wait = spent(rates, per_minute, connection=str(per_minute))
        seconds.now += wait
        rates.spend(str(per_minute), per_minute)


def test_refused_calls_do_not_put_off_the_next_that_is_let_through(seconds):
    rates = CallRates(seconds)
    spent(rates, 60)
    for _ in range(4):
        seconds.now += 0.25
        last = spent(rates, 60)[0]
    assert last == 1


def test_one_connection_does_not_use_up_what_another_has(seconds):
    rates = CallRates(seconds)
    spent(rates, 5)
    assert spent(rates, 5, connection="entra")[0] == 5


def test_a_rate_that_is_lowered_holds_at_once(seconds):
    rates = CallRates(seconds)
    rates.spend("okta", 100)
    assert spent(rates, 10)[0] == 10
