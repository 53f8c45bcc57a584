"""How does a predicate become a condition in SQL?

Only some paths have columns. What SQL cannot decide it leaves to `kernel.predicate`: the condition
then selects at least what the predicate selects, and says that it is not exact.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol, TypeAlias

from sqlalchemy import ColumnElement, and_, false, func, not_, or_, true

from rolecall.kernel.clock import to_microseconds
from rolecall.kernel.predicate import And, AnyValue, Compare, Not, Operator, Or, Path, Predicate, Present
from rolecall.kernel.text import comparison_form
from rolecall.storage.types import position_of

Condition: TypeAlias = ColumnElement[bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """A condition that holds wherever the predicate holds; when `exact`, nowhere else."""

    condition: Condition
    exact: bool


EVERYTHING: Final = Selection(condition=true(), exact=False)


class Column(Protocol):
    """How the database can decide on one path."""

    def select(self, part: Compare | Present) -> Selection:
        """Return the condition for a comparison at this path."""


@dataclass(frozen=True, slots=True)
class TextColumn:
    """A text column: `folded` when it holds comparison forms. Null or empty: nothing is there."""

    column: ColumnElement[Any]
    folded: bool

    def select(self, part: Compare | Present) -> Selection:
        """Return the condition; a case-sensitive comparison on a folded column is not exact."""
        there = and_(self.column.is_not(None), self.column != "")
        if isinstance(part, Present):
            return Selection(condition=there, exact=True)
        value = part.value
        if value is None:
            return Selection(condition=not_(there) if part.operator is Operator.EQ else there, exact=True)
        if not isinstance(value, str) or (part.fold and not self.folded):
            return EVERYTHING
        exact = part.fold is self.folded
        if not exact and part.operator is not Operator.EQ:
            return EVERYTHING
        text = comparison_form(value) if self.folded else value
        if part.operator is Operator.NE:
            return Selection(condition=or_(not_(there), self.column != text), exact=True)
        return Selection(condition=and_(there, _compare_text(self.column, part.operator, text)), exact=exact)


@dataclass(frozen=True, slots=True)
class InstantColumn:
    """A column of instants; always there."""

    column: ColumnElement[Any]

    def select(self, part: Compare | Present) -> Selection:
        """Return the condition."""
        if isinstance(part, Present):
            return Selection(condition=true(), exact=True)
        if part.value is None:
            return Selection(condition=false() if part.operator is Operator.EQ else true(), exact=True)
        if not isinstance(part.value, datetime):
            return EVERYTHING
        return Selection(condition=_ORDER[part.operator](self.column, to_microseconds(part.value)), exact=True)


@dataclass(frozen=True, slots=True)
class StateColumn:
    """A boolean that is kept as a word: `truth` when it is true, any other when it is false or not there."""

    column: ColumnElement[Any]
    truth: str

    def select(self, part: Compare | Present) -> Selection:
        """Return the condition; exact for what is true, since false and not there look the same here."""
        if isinstance(part, Present) or not isinstance(part.value, bool | None):
            return EVERYTHING
        equal = part.operator is Operator.EQ
        if part.value is True:
            return Selection(condition=self.column == self.truth if equal else self.column != self.truth, exact=True)
        return Selection(condition=self.column != self.truth, exact=False) if equal else EVERYTHING


@dataclass(frozen=True, slots=True)
class RowsColumn:
    """Values that are kept as rows of another table.

    `inside` has the columns of such a row by paths relative to one value; `exists` wraps a condition
    on one row into a condition on the thing that has the rows.
    """

    inside: Mapping[Path, Column]
    exists: Callable[[Condition], Condition]

    def select_any(self, of: Predicate) -> Selection:
        """Return the condition that some row fulfils `of`."""
        inner = to_sql(of, self.inside)
        return Selection(condition=self.exists(inner.condition), exact=inner.exact)

    def select_at(self, relative: Path, part: Compare | Present) -> Selection:
        """Return the condition that some row's value at `relative` compares so."""
        column = self.inside.get(relative)
        if column is None:
            return EVERYTHING
        if isinstance(part, Compare) and part.value is None:
            absent = part.operator is Operator.EQ
            inner = column.select(Present(path=relative))
            exists = self.exists(inner.condition)
            return Selection(condition=not_(exists) if absent else exists, exact=inner.exact)
        if isinstance(part, Compare) and part.operator is Operator.NE:
            there, inner = column.select(Present(path=relative)), column.select(part)
            differs = self.exists(and_(there.condition, inner.condition))
            return Selection(condition=or_(not_(self.exists(there.condition)), differs), exact=inner.exact)
        inner = column.select(part)
        return Selection(condition=self.exists(inner.condition), exact=inner.exact)


Columns: TypeAlias = Mapping[Path, Column | RowsColumn]


def to_sql(predicate: Predicate, columns: Mapping[Path, Any]) -> Selection:
    """Return the condition that selects what `predicate` selects, or more when it is not exact."""
    match predicate:
        case And(parts=parts):
            selections = [to_sql(part, columns) for part in parts]
            return Selection(
                condition=and_(true(), *(each.condition for each in selections)),
                exact=all(each.exact for each in selections),
            )
        case Or(parts=parts):
            selections = [to_sql(part, columns) for part in parts]
            return Selection(
                condition=or_(false(), *(each.condition for each in selections)),
                exact=all(each.exact for each in selections),
            )
        case Not(part=part):
            inner = to_sql(part, columns)
            return Selection(condition=not_(inner.condition), exact=True) if inner.exact else EVERYTHING
        case AnyValue(path=path, of=of):
            rows = columns.get(path)
            return rows.select_any(of) if isinstance(rows, RowsColumn) else EVERYTHING
        case Compare() | Present():
            return _select(predicate, columns)


def _select(part: Compare | Present, columns: Mapping[Path, Any]) -> Selection:
    column = columns.get(part.path)
    if isinstance(column, RowsColumn):
        if isinstance(part, Present):
            return Selection(condition=column.exists(true()), exact=True)
        return EVERYTHING
    if column is not None:
        selection: Selection = column.select(part)
        return selection
    for length in range(len(part.path) - 1, 0, -1):
        rows = columns.get(part.path[:length])
        if isinstance(rows, RowsColumn):
            return rows.select_at(part.path[length:], part)
    return EVERYTHING


_LAST_CHARACTER: Final = 0x10FFFF
_SURROGATES: Final = range(0xD800, 0xE000)
_AFTER_SURROGATES: Final = 0xE000

_ORDER: Final[Mapping[Operator, Callable[[ColumnElement[Any], Any], Condition]]] = {
    Operator.EQ: lambda column, value: column == value,
    Operator.NE: lambda column, value: column != value,
    Operator.GT: lambda column, value: column > value,
    Operator.GE: lambda column, value: column >= value,
    Operator.LT: lambda column, value: column < value,
    Operator.LE: lambda column, value: column <= value,
}


def _compare_text(column: ColumnElement[Any], operator: Operator, text: str) -> Condition:
    match operator:
        case Operator.CO:
            return position_of(column, text) > 0
        case Operator.SW:
            # A range, so that the index serves.
            end = _after_all_that_start_with(text)
            return column >= text if end is None else and_(column >= text, column < end)
        case Operator.EW:
            return func.substr(column, func.length(column) - (len(text) - 1)) == text if text else true()
        case _:
            return _ORDER[operator](column, text)


def _after_all_that_start_with(text: str) -> str | None:
    """Return the least text that sorts after all that start so; None when there is none."""
    while text:
        following = ord(text[-1]) + 1
        text = text[:-1]
        if following <= _LAST_CHARACTER:
            return text + chr(_AFTER_SURROGATES if following in _SURROGATES else following)
    return None
