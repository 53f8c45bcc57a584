"""How does code that waits for an answer let the event loop go on meanwhile?

Use cases are plain functions, so that they read well and run anywhere. Run by `taking_turns`, one stops
where it would wait, the loop serves others, and it goes on when the answer is there. No second thread
has to be woken (ADR 0024 has the measurement).
"""

import contextvars
from collections.abc import Awaitable, Callable
from typing import TypeVar

from greenlet import getcurrent, greenlet

T = TypeVar("T")


class _Turn(greenlet):
    """Code that runs by `taking_turns`."""


async def taking_turns(work: Callable[[], T]) -> T:
    """Run `work` on this thread; whenever it calls `give_way`, others run until that is done."""
    turn = _Turn(work)
    turn.gr_context = contextvars.copy_context()
    awaited = turn.switch()
    while not turn.dead:
        try:
            answer = await awaited
        except BaseException as error:  # noqa: BLE001  # it belongs to whoever waited
            awaited = turn.throw(error)
        else:
            awaited = turn.switch(answer)
    result: T = awaited
    return result


def takes_turns() -> bool:
    """Return whether this code was run by `taking_turns`, so that it can give way."""
    return isinstance(getcurrent(), _Turn)


def give_way(until: Awaitable[T]) -> T:
    """Let others run until that is done, and return what came of it."""
    whoever_runs_this = getcurrent().parent
    assert whoever_runs_this is not None  # noqa: S101  # only the main greenlet has none
    answer: T = whoever_runs_this.switch(until)
    return answer
