"""How do many who look up the same at the same time share one answer, and none gets one that is too old?"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class SharedLookUps(Generic[T]):
    """Runs at most one look-up of a name at a time. Whoever asks meanwhile waits for the next, with all others who do.

    So each answer was read after the question was asked, as if everybody had looked for themselves.
    """

    def __init__(self) -> None:
        self._running: dict[str, asyncio.Task[T]] = {}
        self._next: dict[str, asyncio.Task[T]] = {}

    async def ask(self, name: str, look_up: Callable[[], Awaitable[T]]) -> T:
        """Return what `look_up` finds, which must be the same for everybody who asks for that name.

        Raises: what it raises, for all who share it.
        """
        task = self._next.get(name)
        if task is None:
            running = self._running.get(name)
            task = asyncio.create_task(self._look_up(name, look_up, behind=running))
            if running is None:
                self._running[name] = task
            else:
                self._next[name] = task
        # Whoever hangs up must not end it for the others.
        return await asyncio.shield(task)

    async def _look_up(self, name: str, look_up: Callable[[], Awaitable[T]], *, behind: asyncio.Task[T] | None) -> T:
        if behind is not None:
            await asyncio.wait({behind})
            self._running[name] = self._next.pop(name)
        try:
            return await look_up()
        finally:
            if self._next.get(name) is None:
                del self._running[name]
