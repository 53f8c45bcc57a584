"""Which things does the `filter` of a list select?

The grammar is small: `field operator value`, joined by `and` and `or`, with `not` and brackets. Each list
declares its fields, so that a wrong name, operator or value is told with what would be right.
"""

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final, NoReturn

import orjson

from rolecall.api.rest.errors import bad_field
from rolecall.api.rest.paging import MAX_FILTER
from rolecall.kernel.clock import parse_rfc3339
from rolecall.kernel.predicate import And, Compare, Literal, Not, Operator, Or, Path, Predicate

MAX_COMPARISONS: Final = 50
MAX_DEPTH: Final = 20

_TOKEN: Final = re.compile(r'\s*(?:("(?:[^"\\]|\\.)*")|([()])|([^\s()"]+))')
_EQUAL: Final = frozenset({Operator.EQ, Operator.NE})
_WITHIN: Final = frozenset({Operator.CO, Operator.SW, Operator.EW})
_ORDER: Final = frozenset({Operator.GT, Operator.GE, Operator.LT, Operator.LE})
_OPERATORS: Final[Mapping[str, Operator]] = {operator.value: operator for operator in Operator}
_TRUTHS: Final[Mapping[str, bool]] = {"true": True, "false": False}


class FieldType(Enum):
    """What stands in a field, and so what it can be compared with."""

    TEXT = "text"
    NAME = "name"
    """A text that is compared without regard to case."""
    TRUTH = "truth"
    INSTANT = "instant"
    """RFC 3339."""


OPERATORS: Final[Mapping[FieldType, frozenset[Operator]]] = {
    FieldType.TEXT: _EQUAL | _WITHIN,
    FieldType.NAME: _EQUAL | _WITHIN,
    FieldType.TRUTH: _EQUAL,
    FieldType.INSTANT: _EQUAL | _ORDER,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterField:
    """One field that a list can be filtered by."""

    name: str
    type: FieldType
    path: Path
    """Where the value stands in what is filtered."""


Fields = Sequence[FilterField]


def parse_filter(text: str, fields: Fields) -> Predicate | None:
    """Return the condition that the filter states; None for an empty one, which selects everything.

    Raises: InvalidArguments, which names the place.
    """
    if not text.strip():
        return None
    return _Parser(text, fields).whole()


def describe(fields: Fields) -> str:
    """Return one sentence that says by which fields a list can be filtered."""
    names = ", ".join(f"`{field.name}` ({field.type.value})" for field in fields)
    return f"Condition on {names}: `field operator value`, joined by `and`, `or`, `not` and brackets."


class _Parser:
    """Recursive descent over the tokens of one filter."""

    def __init__(self, text: str, fields: Fields) -> None:
        self._fields = {field.name: field for field in fields}
        if len(text) > MAX_FILTER:
            raise bad_field("filter", f"longer than {MAX_FILTER} characters.")
        self._tokens = _tokens_of(text)
        self._next = 0
        self._depth = 0
        self._comparisons = 0

    def whole(self) -> Predicate:
        predicate = self._either()
        if self._next < len(self._tokens):
            _refuse(f"expected `and`, `or` or the end, not {self._tokens[self._next]}.")
        return predicate

    def _either(self) -> Predicate:
        parts = [self._both()]
        while self._takes("or"):
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else Or(parts=tuple(parts))

    def _both(self) -> Predicate:
        parts = [self._one()]
        while self._takes("and"):
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else And(parts=tuple(parts))

    def _one(self) -> Predicate:
        if self._takes("not"):
            self._deepen()
            part = Not(part=self._one())
            self._depth -= 1
            return part
        if self._takes("("):
            self._deepen()
            inner = self._either()
            if not self._takes(")"):
                _refuse("a bracket is not closed.")
            self._depth -= 1
            return inner
        return self._comparison()

    def _deepen(self) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            _refuse(f"more than {MAX_DEPTH} levels deep.")

    def _comparison(self) -> Predicate:
        self._comparisons += 1
        if self._comparisons > MAX_COMPARISONS:
            _refuse(f"more than {MAX_COMPARISONS} comparisons.")
        name = self._take("a field")
        field = self._fields.get(name)
        if field is None:
            _refuse(f"there is no field {name}. {_suggestion(name, self._fields)}")
        word = self._take(f"an operator behind {name}").lower()
        operator = _OPERATORS.get(word)
        allowed = OPERATORS[field.type]
        if operator is None or operator not in allowed:
            words = ", ".join(sorted(each.value for each in allowed))
            _refuse(f"{name} cannot be compared by {word}, only by {words}.")
        value = _value_of(self._take(f"a value behind {name} {word}"), field)
        return Compare(path=field.path, operator=operator, value=value, fold=field.type is FieldType.NAME)

    def _take(self, what: str) -> str:
        if self._next >= len(self._tokens):
            _refuse(f"expected {what}, but it ends.")
        self._next += 1
        return self._tokens[self._next - 1]

    def _takes(self, word: str) -> bool:
        if self._next < len(self._tokens) and self._tokens[self._next].lower() == word:
            self._next += 1
            return True
        return False


def _tokens_of(text: str) -> list[str]:
    tokens = []
    position = 0
    text = text.strip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            _refuse(f"a text is not closed at {text[position : position + 20]!r}.")
        tokens.append(match.group().strip())
        position = match.end()
    return tokens


def _value_of(token: str, field: FilterField) -> Literal:
    match field.type:
        case FieldType.TRUTH:
            # Python's clients write True and False.
            truth = _TRUTHS.get(_text_in(token).lower() if token.startswith('"') else token.lower())
            if truth is None:
                _refuse(f"{field.name} is compared with true or false, not {token}.")
            return truth
        case FieldType.INSTANT:
            try:
                return parse_rfc3339(_text_in(token))
            except ValueError:
                _refuse(f'{field.name} is compared with an instant such as "2026-11-24T10:00:00Z", not {token}.')
        case FieldType.TEXT | FieldType.NAME:
            return _text_in(token)


def _text_in(token: str) -> str:
    if not token.startswith('"'):
        _refuse(f"a text stands in double quotes, unlike {token}.")
    try:
        return str(orjson.loads(token))
    except orjson.JSONDecodeError:
        _refuse(f"{token} is not a text as in JSON.")


def _suggestion(name: str, fields: Mapping[str, FilterField]) -> str:
    near = difflib.get_close_matches(name, fields, n=1)
    return f"Did you mean {near[0]}?" if near else f"There are {', '.join(fields)}."


def _refuse(description: str) -> NoReturn:
    raise bad_field("filter", description)
