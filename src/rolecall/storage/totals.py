"""How many are there in all? Kept, so that nobody has to count them.

Counting costs time that grows with what is counted; a total costs one row a commit (ADR 0024).
"""

from typing import Any, Final

from sqlalchemy import Column, Table, bindparam, select, update

from rolecall.storage.statement import Statement
from rolecall.storage.transaction import ReadTx, WriteTx
from rolecall.storage.types import COUNT, KEY, METADATA

total = Table(
    "total",
    METADATA,
    Column("name", KEY, primary_key=True),
    Column("value", COUNT, nullable=False),
)

_READ: Final = Statement(select(total.c.value).where(total.c.name == bindparam("name")))
_ADD: Final = Statement(
    update(total).where(total.c.name == bindparam("which")).values(value=total.c.value + bindparam("difference"))
)


def read_total(tx: ReadTx, name: str) -> int:
    """Return a total that the migrations made, as of the last commit and with what `tx` itself has changed."""
    changed = tx.differences.get(name, 0) if isinstance(tx, WriteTx) else 0
    return int(_READ.value(tx, name=name)) + changed


def add_to_totals(connection: Any, dialect: str, differences: dict[str, int]) -> None:
    """Change totals, in an order that all keep: whoever comes second then waits, and nobody for each other."""
    rows = [{"which": name, "difference": differences[name]} for name in sorted(differences) if differences[name]]
    text, _fixed = _ADD.compiled(dialect)
    for row in rows:
        connection.execute(text, row)
