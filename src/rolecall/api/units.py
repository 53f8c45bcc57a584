"""What does a call need of whoever runs its units of work?"""

from collections.abc import Callable
from typing import Protocol, TypeVar

from rolecall.authorization.actor import Actor
from rolecall.storage.transaction import Journal, ReadTx, WriteTx

T = TypeVar("T")


class UnitsOfWork(Protocol):
    """Runs units of work; `storage.transactions.Transactions` is one."""

    async def look_up(self, actor: Actor, ask: Callable[[ReadTx], T]) -> T:
        """Read a few rows by index."""

    async def read(self, actor: Actor, ask: Callable[[ReadTx], T]) -> T:
        """Read what may need a scan."""

    async def write(
        self, actor: Actor, change: Callable[[WriteTx], T], *, journal: Journal | None = None, brief: bool = False
    ) -> T:
        """Change something, as a whole or not at all."""
