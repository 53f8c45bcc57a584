import pytest
from sqlalchemy import column
from sqlalchemy.dialects import sqlite

from rolecall.kernel.predicate import And, AnyValue, Compare, Not, Operator, Or, Present
from rolecall.storage.predicates import EVERYTHING, InstantColumn, RowsColumn, StateColumn, TextColumn, to_sql

NAMES = {
    ("folded",): TextColumn(column("folded"), folded=True),
    ("plain",): TextColumn(column("plain"), folded=False),
    ("since",): InstantColumn(column("since")),
    ("active",): StateColumn(column("state"), "on"),
    ("values",): RowsColumn({("value",): TextColumn(column("value"), folded=True)}, lambda inner: inner),
}
UNKNOWN = Present(path=("elsewhere",))
KNOWN = Compare(path=("plain",), operator=Operator.EQ, value="x")


def compare(path, value, operator=Operator.EQ, *, fold=False):
    return Compare(path=(path,), operator=operator, value=value, fold=fold)


def text_of(selection):
    return str(selection.condition.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True}))


@pytest.mark.parametrize("operator", Operator)
def test_a_column_of_the_right_spelling_decides_every_comparison(operator):
    assert to_sql(compare("folded", "x", operator, fold=True), NAMES).exact
    assert to_sql(compare("plain", "x", operator), NAMES).exact


@pytest.mark.parametrize("operator", Operator)
def test_comparison_forms_cannot_decide_a_comparison_with_case(operator):
    assert not to_sql(compare("folded", "x", operator), NAMES).exact


@pytest.mark.parametrize("operator", Operator)
def test_texts_as_written_say_nothing_about_a_comparison_without_case(operator):
    assert to_sql(compare("plain", "x", operator, fold=True), NAMES) is EVERYTHING


def test_comparison_forms_narrow_equality_with_case_and_nothing_else():
    narrowed = to_sql(compare("folded", "Xy"), NAMES)
    assert "'xy'" in text_of(narrowed)
    # "e\u0301x" starts with "e", and its comparison form "éx" does not: composition reaches over the border.
    for operator in set(Operator) - {Operator.EQ}:
        assert to_sql(compare("folded", "Xy", operator), NAMES) is EVERYTHING


def test_false_and_absent_look_the_same_to_a_column_of_states():
    assert to_sql(compare("active", True), NAMES).exact  # the value compared with
    assert to_sql(compare("active", True, Operator.NE), NAMES).exact  # as above
    for value in (False, None):
        narrowed = to_sql(compare("active", value), NAMES)
        assert not narrowed.exact
        assert "!=" in text_of(narrowed)
        assert to_sql(compare("active", value, Operator.NE), NAMES) is EVERYTHING
    assert to_sql(Present(path=("active",)), NAMES) is EVERYTHING


@pytest.mark.parametrize("path", ["folded", "plain", "since"])
def test_absence_and_presence_are_always_decided(path):
    for part in (compare(path, None), compare(path, None, Operator.NE), Present(path=(path,))):
        assert to_sql(part, NAMES).exact


@pytest.mark.parametrize("path", ["folded", "plain", "since", "active"])
def test_a_value_of_another_kind_is_left_to_the_matcher(path):
    assert to_sql(compare(path, 1.5), NAMES) is EVERYTHING


def test_a_path_without_a_column_is_left_to_the_matcher():
    assert to_sql(UNKNOWN, NAMES) is EVERYTHING
    assert to_sql(AnyValue(path=("folded",), of=KNOWN), NAMES) is EVERYTHING
    assert to_sql(Compare(path=("values", "elsewhere"), operator=Operator.EQ, value="x"), NAMES) is EVERYTHING
    assert to_sql(compare("values", "x"), NAMES) is EVERYTHING


def test_a_conjunction_keeps_what_can_be_decided():
    selection = to_sql(And(parts=(KNOWN, UNKNOWN)), NAMES)
    assert not selection.exact
    assert "'x'" in text_of(selection)


def test_a_disjunction_with_something_undecided_selects_everything():
    selection = to_sql(Or(parts=(KNOWN, UNKNOWN)), NAMES)
    assert not selection.exact
    assert "'x'" not in text_of(selection)


def test_the_negation_of_something_undecided_selects_everything():
    assert to_sql(Not(part=And(parts=(KNOWN, UNKNOWN))), NAMES) is EVERYTHING
    assert to_sql(Not(part=KNOWN), NAMES).exact


def test_no_part_at_all_means_always_and_never():
    assert to_sql(And(parts=()), NAMES).exact
    assert to_sql(Or(parts=()), NAMES).exact
    assert text_of(to_sql(And(parts=()), NAMES)) != text_of(to_sql(Or(parts=()), NAMES))


def test_a_beginning_is_a_range_so_that_an_index_serves():
    text = text_of(to_sql(compare("plain", "ab", Operator.SW), NAMES))
    assert "plain >= 'ab'" in text
    assert "plain < " in text
