"""Which predicates does the law of lists try, and what do they mean, said a second time?"""

from collections.abc import Iterator, Mapping
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
    typed = st.builds(lambda op, value, fold: Compare(path=path, operator=op, value=value, fold=fold), operators, values, folds)
    null = EQUALITY.map(lambda op: Compare(path=path, operator=op, value=None))
    return typed | null | st.just(Present(path=path))


def texts_at(*path: str) -> Any:
    """Return a strategy of all comparisons of a text attribute, with and without regard to case."""
    return compare(path, st.sampled_from(Operator), WORDS | st.just(""), st.booleans())


def ids_at(*path: str, names: list[str]) -> Any:
    """Return a strategy of comparisons with the id of something that gets one later (see `filled`)."""
    return compare(path, st.sampled_from(Operator), st.sampled_from(names), st.just(False))  # noqa: FBT003  # hypothesis's own


def instants_at(*path: str) -> Any:
    """Return a strategy of comparisons of an instant."""
    return compare(path, ORDER, INSTANTS, st.just(False))  # noqa: FBT003  # as above


def truths_at(*path: str) -> Any:
    """Return a strategy of comparisons of a boolean."""
    return compare(path, EQUALITY, st.booleans(), st.just(False))  # noqa: FBT003  # as above


def combined(leaves: Any) -> Any:
    """Return a strategy of predicates over leaves."""
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=3).map(lambda parts: And(parts=tuple(parts)))
        | st.lists(inner, max_size=3).map(lambda parts: Or(parts=tuple(parts)))
        | inner.map(lambda part: Not(part=part)),
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
            return all([holds(part, document) for part in parts])
        case Or(parts=parts):
            return any([holds(part, document) for part in parts])
        case Not(part=part):
            return not holds(part, document)
        case AnyValue(path=path, of=of):
            return any([isinstance(value, dict) and holds(of, value) for value in values(document, path)])
        case Present(path=path):
            return bool(list(values(document, path)))
        case Compare(path=path, operator=operator, value=None):
            return bool(list(values(document, path))) is (operator is Operator.NE)
        case Compare(path=path, operator=Operator.NE):
            there = list(values(document, path))
            return there == [] or any([_compares(predicate, value) for value in there])
        case Compare(path=path):
            return any([_compares(predicate, value) for value in values(document, path)])


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
    match compare.operator:
        case Operator.EQ:
            return bool(value == wanted)
        case Operator.NE:
            return bool(value != wanted)
        case Operator.CO:
            return value.find(wanted) >= 0
        case Operator.SW:
            return bool(value[: len(wanted)] == wanted)
        case Operator.EW:
            return bool(value[max(0, len(value) - len(wanted)) :] == wanted)
        case Operator.GT:
            return bool(value > wanted)
        case Operator.GE:
            return bool(value >= wanted)
        case Operator.LT:
            return bool(value < wanted)
        case Operator.LE:
            return bool(value <= wanted)
