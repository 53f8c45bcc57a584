"""How many are there in all? Kept, so that nobody has to count them.

Counting costs time that grows with what is counted; a total costs one row a commit (ADR 0024).
"""

from typing import Any, Final

from sqlalchemy import Column, Table, bindparam, delete, func, insert, select, update

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
_READ_ALL: Final = Statement(
    select(func.coalesce(func.sum(total.c.value), 0)).where(
        total.c.name > bindparam("start"), total.c.name < bindparam("end")
    )
)
_INSERT: Final = Statement(insert(total).values(name=bindparam("name"), value=0))
_DELETE: Final = Statement(delete(total).where(total.c.name == bindparam("name")))
_ADD: Final = Statement(
    update(total).where(total.c.name == bindparam("which")).values(value=total.c.value + bindparam("difference"))
)


def total_of(name: str, owner_id: str) -> str:
    """Return what the total of one owner is called."""
    return f"{name}:{owner_id}"


def read_total(tx: ReadTx, name: str, owner_id: str | None) -> int:
    """Return a total of one owner, or of all, as of the last commit and with what `tx` itself has changed."""
    changed = tx.differences if isinstance(tx, WriteTx) else {}
    if owner_id is not None:
        of_owner = total_of(name, owner_id)
        return int(_READ.value(tx, name=of_owner)) + changed.get(of_owner, 0)
    kept = int(_READ_ALL.value(tx, start=f"{name}:", end=f"{name};"))
    return kept + sum(difference for each, difference in changed.items() if each.startswith(f"{name}:"))


def begin_total(tx: WriteTx, name: str) -> None:
    """Begin to keep a total, at nothing."""
    _INSERT.run(tx, name=name)


def end_total(tx: WriteTx, name: str) -> None:
    """Keep a total no longer."""
    _DELETE.run(tx, name=name)


def add_to_totals(connection: Any, dialect: str, differences: dict[str, int]) -> None:
    """Change totals, in an order that all keep: whoever comes second then waits, and nobody for each other."""
    rows = [{"which": name, "difference": differences[name]} for name in sorted(differences) if differences[name]]
    text, _fixed = _ADD.compiled(dialect)
    for row in rows:
        connection.execute(text, row)
