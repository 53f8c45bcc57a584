"""Which predicates does the law of lists try, and what do they mean, said a second time?"""

import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from rolecall.kernel.clock import parse_rfc3339
from rolecall.kernel.predicate import And, AnyValue, Compare, Not, Operator, Or, Predicate, Present
from rolecall.kernel.text import comparison_form

TRICKY = [
    *("a", "A", "ab", "aB", "b", "B", "abc", "z"),
    *("ä", "a\u0308", "Ä", "é", "e", "e\u0301x", "\u0301", "ß", "ss", "SS", "ﬁ", "fi", "Ａ", "İ", "i\u0307"),
    *("%", "_", "a%b", "a_b", "\\", "a\\b", "'", '"', "a'b", " ", "a ", "?", ":a", "$1"),
    *("😀", "\U0010ffff", "a\U0010ffff", "ab\U0010ffffc", "\ud7ff", "\ue000"),
]
WORDS = st.sampled_from(TRICKY) | st.text(st.sampled_from("aAbBäß%"), min_size=1, max_size=3)
THEN = datetime(2026, 1, 1, tzinfo=UTC)
INSTANTS = st.integers(0, 4).map(lambda seconds: THEN + timedelta(milliseconds=1500 * seconds))
EQUALITY = st.sampled_from([Operator.EQ, Operator.NE])
ORDER = st.sampled_from([each for each in Operator if each not in {Operator.CO, Operator.SW, Operator.EW}])


def compare(path: tuple[str, ...], operators: Any, values: Any, folds: Any) -> Any:
    """Return a strategy of comparisons at a path, with null now and then."""
    typed = st.builds(
        lambda op, value, fold: Compare(path=path, operator=op, value=value, fold=fold), operators, values, folds
    )
    null = EQUALITY.map(lambda op: Compare(path=path, operator=op, value=None))
    return typed | null | st.just(Present(path=path))


def texts_at(*path: str) -> Any:
    """Return a strategy of all comparisons of a text attribute, with and without regard to case."""
    return compare(path, st.sampled_from(Operator), WORDS | st.just(""), st.booleans())


def ids_at(*path: str, names: list[str]) -> Any:
    """Return a strategy of comparisons with the id of something that gets one later (see `filled`)."""
    return compare(path, st.sampled_from(Operator), st.sampled_from(names), st.just(False))


def instants_at(*path: str) -> Any:
    """Return a strategy of comparisons of an instant."""
    return compare(path, ORDER, INSTANTS, st.just(False))


def truths_at(*path: str) -> Any:
    """Return a strategy of comparisons of a boolean."""
    return compare(path, EQUALITY, st.booleans(), st.just(False))


def combined(leaves: Any) -> Any:
    """Return a strategy of predicates over leaves."""
    return st.recursive(
        leaves,
        lambda inner: (
            st.lists(inner, max_size=3).map(lambda parts: And(parts=tuple(parts)))
            | st.lists(inner, max_size=3).map(lambda parts: Or(parts=tuple(parts)))
            | inner.map(lambda part: Not(part=part))
        ),
        max_leaves=5,
    )


def filled(predicate: Predicate, ids: Mapping[str, str]) -> Predicate:
    """Put ids in place of the names that stood for them."""
    match predicate:
        case And(parts=parts):
            return And(parts=tuple(filled(part, ids) for part in parts))
        case Or(parts=parts):
            return Or(parts=tuple(filled(part, ids) for part in parts))
        case Not(part=part):
            return Not(part=filled(part, ids))
        case AnyValue(path=path, of=of):
            return AnyValue(path=path, of=filled(of, ids))
        case Compare(value=str() as value):
            return replace(predicate, value=ids.get(value, value))
        case _:
            return predicate


def holds(predicate: Predicate, document: Any) -> bool:
    """Say, slowly and plainly, whether a document fulfils a predicate."""
    match predicate:
        case And(parts=parts):
            answer = min((holds(part, document) for part in parts), default=True)
        case Or(parts=parts):
            answer = max((holds(part, document) for part in parts), default=False)
        case Not(part=part):
            answer = not holds(part, document)
        case AnyValue(path=path, of=of):
            answer = any(isinstance(value, dict) and holds(of, value) for value in values(document, path))
        case Present(path=path):
            answer = bool(list(values(document, path)))
        case Compare(path=path, operator=how, value=None):
            answer = bool(list(values(document, path))) is (how is Operator.NE)
        case Compare(path=path, operator=how):
            there = list(values(document, path))
            nothing = how is Operator.NE and not there
            answer = nothing or any(_compares(predicate, value) for value in there)
    return answer


def values(thing: Any, path: tuple[str, ...]) -> Iterator[Any]:
    """Yield what is at a path and not empty, walking into lists."""
    if isinstance(thing, list | tuple):
        for each in thing:
            yield from values(each, path)
    elif path:
        if isinstance(thing, dict) and path[0] in thing:
            yield from values(thing[path[0]], path[1:])
    elif thing is not None and thing not in ("", {}):
        yield thing


def _compares(compare: Compare, value: Any) -> bool:
    wanted: Any = compare.value
    if isinstance(wanted, datetime):
        if not isinstance(value, str):
            return False
        value = parse_rfc3339(value)
    elif type(value) is not type(wanted):
        return False
    if compare.fold and isinstance(wanted, str):
        value, wanted = comparison_form(value), comparison_form(wanted)
    return bool(_MEANING[compare.operator](value, wanted))


_MEANING: Mapping[Operator, Callable[[Any, Any], Any]] = {
    Operator.EQ: operator.eq,
    Operator.NE: operator.ne,
    Operator.GT: operator.gt,
    Operator.GE: operator.ge,
    Operator.LT: operator.lt,
    Operator.LE: operator.le,
    Operator.CO: lambda value, wanted: value.find(wanted) >= 0,
    Operator.SW: lambda value, wanted: value[: len(wanted)] == wanted,
    Operator.EW: lambda value, wanted: value[max(0, len(value) - len(wanted)) :] == wanted,
}
