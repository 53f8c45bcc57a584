from datetime import UTC, datetime

import pytest

from rolecall.api.rest.errors import InvalidArguments
from rolecall.api.rest.filters import FieldType, FilterField, describe, parse_filter
from rolecall.kernel.predicate import And, Compare, Not, Operator, Or

FIELDS = (
    FilterField(name="name", type=FieldType.NAME, path=("userName",)),
    FilterField(name="code", type=FieldType.TEXT, path=("code",)),
    FilterField(name="is_active", type=FieldType.TRUTH, path=("active",)),
    FilterField(name="ended_at", type=FieldType.INSTANT, path=("ended",)),
)
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def compared(path, operator, value, *, fold=False):
    return Compare(path=(path,), operator=operator, value=value, fold=fold)


A = compared("code", Operator.EQ, "a")
B = compared("code", Operator.EQ, "b")
C = compared("code", Operator.EQ, "c")


@pytest.mark.parametrize(
    "text, predicate",
    [
        ('code eq "a"', A),
        ('code EQ "a"', A),
        ('  code   eq"a"  ', A),
        (r'code eq "a\"b\\c\u00e9"', compared("code", Operator.EQ, 'a"b\\cé')),
        ('code ne ""', compared("code", Operator.NE, "")),
        ('name co "A b"', compared("userName", Operator.CO, "A b", fold=True)),
        ("is_active eq True", compared("active", Operator.EQ, True)),
        ("is_active ne false", compared("active", Operator.NE, False)),
        ('is_active eq "FALSE"', compared("active", Operator.EQ, False)),
        ('ended_at GE "2026-11-24T13:00:00+01:00"', compared("ended", Operator.GE, NOON)),
        ('code eq "a" and code eq "b" and code eq "c"', And(parts=(A, B, C))),
        ('code eq "a" or code eq "b" and code eq "c"', Or(parts=(A, And(parts=(B, C))))),
        ('(code eq "a" or code eq "b") and code eq "c"', And(parts=(Or(parts=(A, B)), C))),
        ('not code eq "a" and code eq "b"', And(parts=(Not(part=A), B))),
        ('not (code eq "a" and not (code eq "b"))', Not(part=And(parts=(A, Not(part=B))))),
    ],
)
def test_a_filter_says_what_it_selects(text, predicate):
    assert parse_filter(text, FIELDS) == predicate


@pytest.mark.parametrize("text", ["", "   "])
def test_an_empty_filter_selects_everything(text):
    assert parse_filter(text, FIELDS) is None


@pytest.mark.parametrize(
    "text, told",
    [
        ('nmae eq "x"', "Did you mean name?"),
        ('zzz eq "x"', "There are name, code, is_active, ended_at."),
        ('code gt "a"', "only by co, eq, ew, ne, sw."),
        ('code like "a"', "cannot be compared by like"),
        ("is_active co true", "only by eq, ne."),
        ("is_active eq 1", "true or false"),
        ("code eq a", "double quotes"),
        ("code eq 'a'", "double quotes"),
        ('code eq "a', "not closed"),
        (r'code eq "\q"', "not a text as in JSON"),
        ('ended_at ge "yesterday"', "instant such as"),
        ("ended_at ge 2026-11-24T10:00:00Z", "double quotes"),
        ("code", "expected an operator behind code"),
        ("code eq", "expected a value behind code eq"),
        ('code eq "a" and', "expected a field"),
        ('code eq "a" code eq "b"', "expected `and`, `or` or the end"),
        ('(code eq "a"', "a bracket is not closed"),
        ("(" * 30 + 'code eq "a"' + ")" * 30, "levels deep"),
        ("not " * 30 + 'code eq "a"', "levels deep"),
        (" or ".join(['code eq "a"'] * 60), "comparisons"),
        ("x" * 3000, "longer than"),
    ],
)
def test_what_is_wrong_with_a_filter_is_told(text, told):
    with pytest.raises(InvalidArguments) as refused:
        parse_filter(text, FIELDS)
    (violation,) = refused.value.violations
    assert violation.field == "filter"
    assert told in violation.description


def test_a_list_can_say_what_it_is_filtered_by():
    assert "`is_active` (truth)" in describe(FIELDS)
