"""How many calls a minute may a SCIM connection make?"""

import time
from collections.abc import Callable
from math import ceil

from rolecall.api.errors import TooManyCalls

_MINUTE_SECONDS = 60.0


class CallRates:
    """Lets each connection make a minute's calls at once, and then as many as its rate gives back.

    Kept in this process alone: of several processes each allows the whole rate, and a new one begins afresh.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._left: dict[str, tuple[float, float]] = {}

    def spend(self, connection_id: str, per_minute: int) -> None:
        """Take one call from what the connection has left, which a refused call leaves as it is.

        Raises: TooManyCalls.
        """
        now = self._clock()
        left, at = self._left.get(connection_id, (float(per_minute), now))
        # A rate that was lowered holds at once; one that was raised fills up from what is left.
        left = min(per_minute, left + (now - at) * per_minute / _MINUTE_SECONDS)
        if left < 1:
            seconds = ceil((1 - left) * _MINUTE_SECONDS / per_minute)
            raise TooManyCalls(
                f"This SCIM connection may make {per_minute} calls a minute. Try again in {seconds} s.",
                retry_after=str(seconds),
            )
        self._left[connection_id] = (left - 1, now)
