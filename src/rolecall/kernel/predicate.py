"""Which things does a condition select?

One algebra with several spellings (SCIM filter, VQL, query builder) and two ways to run: in memory
here, as SQL in `storage.predicates`. A property test holds the two together.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import TypeAlias, assert_never

from rolecall.kernel.clock import parse_rfc3339
from rolecall.kernel.document import Document, Json
from rolecall.kernel.text import comparison_form

Path: TypeAlias = tuple[str, ...]
"""Attribute names from the outside in, in the schema's own spelling: `("name", "familyName")`."""

Literal: TypeAlias = "bool | int | float | str | datetime | None"


class Operator(Enum):
    """Comparison operators, by their SCIM names (RFC 7644 §3.4.2.2)."""

    EQ = "eq"
    NE = "ne"
    CO = "co"
    SW = "sw"
    EW = "ew"
    GT = "gt"
    GE = "ge"
    LT = "lt"
    LE = "le"


@dataclass(frozen=True, slots=True, kw_only=True)
class Compare:
    """Some value at `path` compares so with `value`.

    `value` is None for the JSON null: `eq` null means that nothing is there, `ne` null that something is.
    `ne` holds also where nothing is there. `fold` compares texts by their comparison form.
    An instant is compared with what the text at `path` names.
    """

    path: Path
    operator: Operator
    value: Literal
    fold: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """Something that is not empty stands at `path`."""

    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class AnyValue:
    """One single value at the multi-valued `path` fulfils all of `of`, whose paths start at that value."""

    path: Path
    of: "Predicate"


@dataclass(frozen=True, slots=True, kw_only=True)
class And:
    """All parts hold. No part: always."""

    parts: "tuple[Predicate, ...]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Or:
    """Some part holds. No part: never."""

    parts: "tuple[Predicate, ...]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Not:
    """The part does not hold."""

    part: "Predicate"


Predicate: TypeAlias = Compare | Present | AnyValue | And | Or | Not
Matcher: TypeAlias = Callable[[Document], bool]


def compile_matcher(predicate: Predicate) -> Matcher:
    """Return a function that says whether a document fulfils the predicate."""
    match predicate:
        case And(parts=parts):
            matchers = [compile_matcher(part) for part in parts]
            return lambda document: all(matcher(document) for matcher in matchers)
        case Or(parts=parts):
            matchers = [compile_matcher(part) for part in parts]
            return lambda document: any(matcher(document) for matcher in matchers)
        case Not(part=part):
            matcher = compile_matcher(part)
            return lambda document: not matcher(document)
        case Present(path=path):
            return lambda document: any(True for _ in values_at(document, path))
        case AnyValue(path=path, of=of):
            matcher = compile_matcher(of)
            return lambda document: any(
                isinstance(value, Mapping) and matcher(value) for value in values_at(document, path)
            )
        case Compare():
            return _compile_compare(predicate)
        case _:
            assert_never(predicate)


def paths_of(predicate: Predicate) -> Iterator[Path]:
    """Yield each path that the predicate looks at, outermost names first; repeats possible."""
    match predicate:
        case And(parts=parts) | Or(parts=parts):
            for part in parts:
                yield from paths_of(part)
        case Not(part=part):
            yield from paths_of(part)
        case AnyValue(path=path, of=of):
            for inner in paths_of(of):
                yield path + inner
        case Compare(path=path) | Present(path=path):
            yield path
        case _:
            assert_never(predicate)


def values_at(document: Document, path: Path) -> Iterator[Json]:
    """Yield each value at the path that is not empty (null, `""`, `[]`, `{}`); lists are walked into."""
    current: Json = document
    for depth, name in enumerate(path):
        if not isinstance(current, Mapping):
            return
        current = current.get(name)
        if isinstance(current, Sequence) and not isinstance(current, str):
            for value in current:
                if depth + 1 == len(path):
                    if not _is_empty(value):
                        yield value
                elif isinstance(value, Mapping):
                    yield from values_at(value, path[depth + 1 :])
            return
    if not _is_empty(current):
        yield current


def _is_empty(value: Json) -> bool:
    return value is None or (isinstance(value, str | Sequence | Mapping) and len(value) == 0)


def _compile_compare(compare: Compare) -> Matcher:
    path, operator, wanted = compare.path, compare.operator, compare.value
    if wanted is None:
        if operator is Operator.EQ:
            return lambda document: not any(True for _ in values_at(document, path))
        return lambda document: any(True for _ in values_at(document, path))
    test = _TESTS[operator]
    if isinstance(wanted, datetime):
        return _compile_typed(compare, lambda value: _holds_for_instant(value, test, wanted))
    if isinstance(wanted, str):
        form = comparison_form if compare.fold else str
        text = form(wanted)
        return _compile_typed(compare, lambda value: isinstance(value, str) and test(form(value), text))
    return _compile_typed(compare, lambda value: _same_kind(value, wanted) and test(value, wanted))


def _compile_typed(compare: Compare, holds: Callable[[Json], bool]) -> Matcher:
    path = compare.path
    if compare.operator is not Operator.NE:
        return lambda document: any(holds(value) for value in values_at(document, path))

    def differs(document: Document) -> bool:
        values = list(values_at(document, path))
        return not values or any(holds(value) for value in values)

    return differs


def _same_kind(value: Json, wanted: object) -> bool:
    if isinstance(wanted, bool) or isinstance(value, bool):
        return isinstance(value, bool) and isinstance(wanted, bool)
    return isinstance(value, int | float)


def _holds_for_instant(value: Json, test: Callable[..., bool], wanted: datetime) -> bool:
    if not isinstance(value, str):
        return False
    try:
        return test(parse_rfc3339(value), wanted)
    except ValueError:
        return False


_TESTS: Mapping[Operator, Callable[..., bool]] = {
    Operator.EQ: lambda value, wanted: value == wanted,
    Operator.NE: lambda value, wanted: value != wanted,
    Operator.CO: lambda value, wanted: wanted in value,
    Operator.SW: lambda value, wanted: value.startswith(wanted),
    Operator.EW: lambda value, wanted: value.endswith(wanted),
    Operator.GT: lambda value, wanted: value > wanted,
    Operator.GE: lambda value, wanted: value >= wanted,
    Operator.LT: lambda value, wanted: value < wanted,
    Operator.LE: lambda value, wanted: value <= wanted,
}
