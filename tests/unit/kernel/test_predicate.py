from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolecall.kernel.predicate import (
    And,
    AnyValue,
    Compare,
    Not,
    Operator,
    Or,
    Predicate,
    Present,
    compile_matcher,
    paths_of,
    values_at,
)

ANN = {
    "userName": "Ann",
    "active": True,
    "level": 3,
    "nothing": None,
    "empty": "",
    "created": "2026-01-31T08:00:00Z",
    "name": {"familyName": "Lee"},
    "tags": ["red", "", "blue"],
    "none": [],
    "emails": [{"value": "a@x", "type": "work"}, {"value": "b@x", "type": "home"}, "stray"],
}


def holds(predicate: Predicate) -> bool:
    return compile_matcher(predicate)(ANN)


def compare(path: str, operator: str, value, *, fold: bool = False) -> Compare:
    return Compare(path=tuple(path.split(".")), operator=Operator(operator), value=value, fold=fold)


@pytest.mark.parametrize(
    "path, values",
    [
        ("userName", ["Ann"]),
        ("name.familyName", ["Lee"]),
        ("name", [{"familyName": "Lee"}]),
        ("emails.value", ["a@x", "b@x"]),
        ("tags", ["red", "blue"]),
        *((path, []) for path in ("nothing", "empty", "none", "missing", "missing.part", "userName.part", "tags.part")),
    ],
)
def test_every_value_at_a_path_is_found_that_is_not_empty(path: str, values):
    assert list(values_at(ANN, tuple(path.split(".")))) == values


@pytest.mark.parametrize(
    "predicate",
    [
        compare("userName", "eq", "Ann"),
        compare("userName", "eq", "aNN", fold=True),
        compare("userName", "ne", "Bo"),
        compare("userName", "co", "n"),
        compare("userName", "sw", "A"),
        compare("userName", "ew", "nn"),
        compare("userName", "gt", "Alf"),
        compare("userName", "ge", "Ann"),
        compare("userName", "lt", "Bo"),
        compare("userName", "le", "Ann"),
        compare("level", "gt", 2.5),
        compare("level", "eq", 3),
        compare("active", "eq", True),
        compare("active", "ne", False),
        compare("nothing", "eq", None),
        compare("userName", "ne", None),
        compare("missing", "ne", "x"),
        compare("tags", "eq", "blue"),
        compare("tags", "ne", "blue"),
        compare("emails.value", "eq", "b@x"),
        compare("created", "eq", datetime(2026, 1, 31, 8, tzinfo=UTC)),
        compare("created", "lt", datetime(2027, 1, 1, tzinfo=UTC)),
        Present(path=("name",)),
        Present(path=("emails", "value")),
        AnyValue(path=("emails",), of=And(parts=(compare("type", "eq", "home"), compare("value", "sw", "b")))),
        And(parts=()),
        Or(parts=(Present(path=("missing",)), Present(path=("tags",)))),
        Not(part=Present(path=("none",))),
    ],
)
def test_a_condition_holds(predicate: Predicate):
    assert holds(predicate)


@pytest.mark.parametrize(
    "predicate",
    [
        compare("userName", "eq", "ann"),
        compare("userName", "ne", "Ann"),
        compare("userName", "eq", 3),
        compare("level", "eq", "3"),
        compare("level", "eq", True),
        compare("active", "eq", 1),
        compare("userName", "eq", None),
        compare("nothing", "ne", None),
        compare("missing", "eq", "x"),
        compare("userName", "gt", datetime(2026, 1, 1, tzinfo=UTC)),
        compare("level", "gt", datetime(2026, 1, 1, tzinfo=UTC)),
        compare("created", "gt", datetime(2027, 1, 1, tzinfo=UTC)),
        Present(path=("empty",)),
        AnyValue(path=("emails",), of=And(parts=(compare("type", "eq", "work"), compare("value", "sw", "b")))),
        AnyValue(path=("tags",), of=And(parts=())),
        Or(parts=()),
        And(parts=(Present(path=("tags",)), Present(path=("missing",)))),
        Not(part=Present(path=("tags",))),
    ],
)
def test_a_condition_does_not_hold(predicate: Predicate):
    assert not holds(predicate)


def test_the_paths_of_a_condition_start_at_the_resource():
    predicate = Or(
        parts=(
            And(parts=(compare("userName", "eq", "x"), Not(part=Present(path=("name",))))),
            AnyValue(path=("emails",), of=compare("value", "eq", "x")),
        )
    )
    assert list(paths_of(predicate)) == [("userName",), ("name",), ("emails", "value")]


leaves = st.sampled_from(
    [compare("userName", "eq", "Ann"), compare("level", "gt", 5), Present(path=("tags",)), Present(path=("none",))]
)


def combined(parts):
    several = st.lists(parts, max_size=3).map(tuple)
    return st.builds(And, parts=several) | st.builds(Or, parts=several) | st.builds(Not, part=parts)


predicates = st.recursive(leaves, combined, max_leaves=6)


@given(st.lists(predicates, max_size=3).map(tuple))
def test_not_all_is_some_not(parts: tuple[Predicate, ...]):
    assert holds(Not(part=And(parts=parts))) == holds(Or(parts=tuple(Not(part=part) for part in parts)))


@given(predicates)
def test_a_condition_denied_twice_is_itself(predicate: Predicate):
    assert holds(Not(part=Not(part=predicate))) == holds(predicate)
