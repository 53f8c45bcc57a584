"""One unit of work: one actor, one instant, one connection, one commit."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, TypeAlias, TypeVar

from rolecall.authorization.actor import Actor
from rolecall.kernel.errors import DomainError
from rolecall.kernel.event import Event

T = TypeVar("T")


class RowStatement(Protocol):
    """A statement that writes rows; `storage.statement.Statement` is one."""

    def write_many(self, connection: Any, dialect: str, parameters: list[dict[str, Any]]) -> None:
        """Run it once for each set of parameters."""


LateRows: TypeAlias = dict[RowStatement, list[dict[str, Any]]]
"""Parameters by the statement that they are for."""


@dataclass(frozen=True, slots=True)
class ReadTx:
    """May read. One actor, one instant, one snapshot of the database."""

    actor: Actor
    now: datetime
    dialect: str
    """`sqlite` or `postgresql`."""
    connection: Any
    """The driver's own connection; only `storage` and stores may touch it."""


@dataclass(frozen=True, slots=True)
class WriteTx(ReadTx):
    """May also write and record events. Never commits: the runner does, once."""

    recorded: list[Event] = field(default_factory=list)
    late: LateRows = field(default_factory=dict)
    differences: dict[str, int] = field(default_factory=dict)
    noticed: list[str] = field(default_factory=list)
    """Channels on which something is to be told once this is committed."""
    checks: list[Callable[["WriteTx"], None]] = field(default_factory=list)
    """What may still refuse this change once all that follows from it is known."""

    def record(self, event: Event) -> None:
        """Say that `event` happened. It is logged if, and only if, this transaction commits."""
        self.recorded.append(event)

    def write_late(self, statement: RowStatement, **parameters: Any) -> None:
        """Have a row written just before the commit, together with all others that the same commit is for.

        For rows that nothing in the transaction reads, and that no constraint can refuse.
        """
        self.late.setdefault(statement, []).append(parameters)

    def add_to_total(self, name: str, difference: int) -> None:
        """Have a total of `storage.totals` changed, just before the commit as well."""
        self.differences[name] = self.differences.get(name, 0) + difference

    def notify(self, channel: str) -> None:
        """Wake whoever waits on `channel` (`storage.notices`), if this transaction commits."""
        if channel not in self.noticed:
            self.noticed.append(channel)
            if self.dialect == "postgresql":
                self.connection.execute("SELECT pg_notify(%s, '')", (channel,))


def run_checks(tx: WriteTx) -> None:
    """Run the checks that a change asked for. A step before the commit, behind the reactions.

    Raises: what a check refuses.
    """
    for check in tx.checks:
        check(tx)


class Journal(Protocol):
    """What accompanies one write into the database, whatever becomes of it."""

    def intend(self, tx: WriteTx) -> None:
        """Write down what is about to be tried. Stays also when the change is refused."""

    def applied(self, tx: WriteTx) -> None:
        """Write down what became of it, in the transaction of the change itself."""

    def refused(self, tx: WriteTx, error: DomainError) -> None:
        """Write down the refusal; the change has been rolled back."""


BeforeCommit: TypeAlias = Callable[[WriteTx], None]
"""A step after each successful change, in its transaction: reactions, then the event log."""
