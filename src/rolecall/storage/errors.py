"""What can a database refuse, in one word for both kinds, and what stays of a refusal?"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from rolecall.kernel.errors import DomainError

if TYPE_CHECKING:
    from rolecall.storage.transaction import WriteTx


class UniqueViolation(Exception):
    """A row with this unique value exists. `constraint` names columns (SQLite) or constraint (PostgreSQL)."""

    def __init__(self, constraint: str) -> None:
        super().__init__(constraint)
        self.constraint = constraint


class OutOfTime(Exception):
    """The database was still busy when the time that it had was over."""


class Remembered(DomainError):
    """A refusal of which more than events is to stay.

    `remember` writes it after the rollback, in the transaction of the events and of the audit record, and may correct
    `detail`.
    """

    def __init__(
        self, detail: str, *, remember: "Callable[[Remembered, WriteTx], None] | None" = None, **about: str
    ) -> None:
        super().__init__(detail, events=(), **about)
        self.remember = remember
