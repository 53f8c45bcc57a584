from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolecall.kernel.predicate import And, AnyValue, Compare, Not, Operator, Or, Predicate, Present, compile_matcher
from rolecall.scim.errors import InvalidFilter
from rolecall.scim.filters import (
    MAX_COMPARISONS,
    MAX_FILTER_DEPTH,
    MAX_FILTER_LENGTH,
    parse_filter,
    parse_value_filter,
    render_filter,
)
from rolecall.scim.schemas import (
    ENTERPRISE_USER_SCHEMA,
    GROUP,
    USER,
    USER_SCHEMA,
    Attribute,
    AttributeType,
    ResourceType,
    Schema,
)

ENTERPRISE = ENTERPRISE_USER_SCHEMA.uri
NUMBERS = ResourceType(
    name="Thing",
    endpoint="/Things",
    description="Things",
    schema=Schema(
        uri="urn:example:Thing",
        name="Thing",
        description="Things",
        attributes=(
            Attribute(name="size", description="Size.", type=AttributeType.INTEGER),
            Attribute(name="weight", description="Weight.", type=AttributeType.DECIMAL),
        ),
    ),
)


def eq(*path: str, value, fold: bool = False) -> Compare:
    return Compare(path=path, operator=Operator.EQ, value=value, fold=fold)


A, B, C = (Present(path=(name,)) for name in ("title", "nickName", "locale"))


@pytest.mark.parametrize(
    "text, predicate",
    [
        ('userName eq "bjensen"', eq("userName", value="bjensen", fold=True)),
        ('USERNAME Eq "bjensen"', eq("userName", value="bjensen", fold=True)),
        ('  userName   eq\t"bjensen"  ', eq("userName", value="bjensen", fold=True)),
        (f'{USER_SCHEMA.uri}:userName eq "x"', eq("userName", value="x", fold=True)),
        ('externalId eq "x"', eq("externalId", value="x")),
        ('id eq "x"', eq("id", value="x")),
        ('name.familyName eq "O\'Malley"', eq("name", "familyName", value="O'Malley", fold=True)),
        (f'{ENTERPRISE}:department eq "x"', eq(ENTERPRISE, "department", value="x", fold=True)),
        (f'{ENTERPRISE}:manager.value eq "x"', eq(ENTERPRISE, "manager", "value", value="x", fold=True)),
        ('schemas eq "urn:x"', eq("schemas", value="urn:x")),
        ('title eq "a\\"b\\\\c\\u00e4\\n"', eq("title", value='a"b\\cä\n', fold=True)),
        ("active eq true", eq("active", value=True)),
        ("active eq False", eq("active", value=False)),
        ('active eq "True"', eq("active", value=True)),
        ("title eq null", eq("title", value=None)),
        ("emails ne null", Compare(path=("emails",), operator=Operator.NE, value=None)),
        (
            'meta.lastModified gt "2011-05-13T04:42:34Z"',
            Compare(
                path=("meta", "lastModified"),
                operator=Operator.GT,
                value=datetime(2011, 5, 13, 4, 42, 34, tzinfo=UTC),
            ),
        ),
        ("title pr", A),
        ("name pr", Present(path=("name",))),
        (f"{ENTERPRISE} pr", Present(path=(ENTERPRISE,))),
        ('emails eq "x"', eq("emails", "value", value="x", fold=True)),
        ('x509Certificates eq "aGk="', eq("x509Certificates", "value", value="aGk=")),
        ('manager eq "x"', eq(ENTERPRISE, "manager", "value", value="x", fold=True)),
        (f'{ENTERPRISE}:manager eq "x"', eq(ENTERPRISE, "manager", "value", value="x", fold=True)),
        ('groups.value eq "g1"', eq("groups", "value", value="g1")),
        ('urn:acme:2.0:User:badge eq "B"', eq("urn:acme:2.0:User", "badge", value="B", fold=True)),
        ("urn:acme:2.0:User:level ge 3", Compare(path=("urn:acme:2.0:User", "level"), operator=Operator.GE, value=3)),
        ("urn:acme:2.0:User:lead eq true", eq("urn:acme:2.0:User", "lead", value=True)),
        ("urn:acme:2.0:User pr", Present(path=("urn:acme:2.0:User",))),
    ],
)
def test_a_comparison_is_bound_to_the_schema(text: str, predicate: Predicate):
    assert parse_filter(text, USER) == predicate


@pytest.mark.parametrize(
    "text, predicate",
    [
        ("title pr and nickName pr or locale pr", Or(parts=(And(parts=(A, B)), C))),
        ("title pr or nickName pr and locale pr", Or(parts=(A, And(parts=(B, C))))),
        ("(title pr or nickName pr) AND locale pr", And(parts=(Or(parts=(A, B)), C))),
        ("title pr and nickName pr and locale pr", And(parts=(A, B, C))),
        ("not (title pr) and nickName pr", And(parts=(Not(part=A), B))),
        ("NOT(title pr or nickName pr)", Not(part=Or(parts=(A, B)))),
        ("((title pr))", A),
    ],
)
def test_not_binds_closer_than_and_and_and_closer_than_or(text: str, predicate: Predicate):
    assert parse_filter(text, USER) == predicate


WORK = eq("type", value="work", fold=True)
AT_X = Compare(path=("value",), operator=Operator.CO, value="x", fold=True)


@pytest.mark.parametrize(
    "text, predicate",
    [
        ('emails[type eq "work" and value co "x"]', AnyValue(path=("emails",), of=And(parts=(WORK, AT_X)))),
        ('emails [ TYPE eq "work" ]', AnyValue(path=("emails",), of=WORK)),
        ('emails[type eq "work"].value co "x"', AnyValue(path=("emails",), of=And(parts=(WORK, AT_X)))),
        (
            'emails[type eq "work" and value co "x"].primary pr',
            AnyValue(path=("emails",), of=And(parts=(WORK, AT_X, Present(path=("primary",))))),
        ),
        ('emails[not (type eq "work")] or title pr', Or(parts=(AnyValue(path=("emails",), of=Not(part=WORK)), A))),
        ('roles[primary eq "True"]', AnyValue(path=("roles",), of=eq("primary", value=True))),
        (
            f'{ENTERPRISE}:manager[value eq "1"]',
            AnyValue(path=(ENTERPRISE, "manager"), of=eq("value", value="1", fold=True)),
        ),
        (
            'urn:acme:2.0:User:cars[plate eq "1"]',
            AnyValue(path=("urn:acme:2.0:User", "cars"), of=eq("plate", value="1", fold=True)),
        ),
    ],
)
def test_brackets_select_one_single_value(text: str, predicate: Predicate):
    assert parse_filter(text, USER) == predicate


def test_members_are_compared_by_id():
    assert parse_filter('id eq "g" and members eq "u"', GROUP) == And(
        parts=(eq("id", value="g"), eq("members", "value", value="u"))
    )


@pytest.mark.parametrize(
    "text, value",
    [("size gt 5", 5), ("size eq -0", 0), ("weight le -1.5e2", -150.0), ("weight ge 9223372036854775806", 2**63 - 2)],
)
def test_numbers_are_compared_as_numbers(text: str, value: float):
    predicate = parse_filter(text, NUMBERS)
    assert isinstance(predicate, Compare)
    assert predicate.value == value
    assert type(predicate.value) is type(value)


@pytest.mark.parametrize(
    "text, position",
    [
        ("", 1),
        ("   ", 4),
        ("userName", 9),
        ("userName eq", 12),
        ("userName xx 1", 10),
        ('userName eq "x', 13),
        ('userName eq "x" "y"', 17),
        ('userName eq "x" title pr', 17),
        ('userName eq "\\x"', 13),
        ('userName eq "\\u0000"', 13),
        ('userName eq "\\ud800"', 13),
        ("userName eq bjensen", 13),
        ("userName eq 5", 13),
        ("userName eq true", 13),
        ("userName eq 01", 13),
        ("userName eq 1e999", 13),
        ("urn:a:2.0:User:n eq 9223372036854775809000", 21),
        ("userName gt null", 13),
        ("active gt true", 11),
        ('active co "true"', 11),
        ('active eq "yes"', 11),
        ("active eq 1", 11),
        ('x509Certificates.value lt "x"', 27),
        ('meta.created co "2011"', 17),
        ('meta.created eq "yesterday"', 17),
        ('meta.created eq "2011-01-01"', 17),
        ("meta.created eq 2011", 17),
        ('meta.created eq "0001-01-01T00:00:00+23:00"', 17),
        ('name eq "x"', 9),
        ('addresses eq "x"', 14),
        (f'{ENTERPRISE} eq "x"', len(ENTERPRISE) + 5),
        ("urn:a:2.0:User:flag gt true", 24),
        ("urn:a:2.0:User:number co 1", 26),
        ("usrName pr", 1),
        ("emails.vlue pr", 1),
        ('emails[vlue eq "x"]', 8),
        ('emails[type eq "x"', 19),
        ('emails[type eq "x")', 19),
        ('emails[type eq "x"].vlue pr', 21),
        ('emails[type eq "x"].value', 26),
        ('title[value eq "x"]', 6),
        ('urn:a:2.0:User:cars[1 eq "x"]', 21),
        ("(title pr", 10),
        ("(title pr]", 10),
        ("title pr)", 9),
        ("not title pr", 5),
        ("not", 4),
        ("title pr and", 13),
        ("title pr or or", 13),
        ("and title pr", 1),
    ],
)
def test_a_wrong_filter_is_refused_with_the_place(text: str, position: int):
    with pytest.raises(InvalidFilter) as refusal:
        parse_filter(text, USER)
    assert refusal.value.about["position"] == str(position)
    sentence, excerpt, caret = refusal.value.detail.split("\n")
    assert f"at character {position}" in sentence
    assert excerpt in text
    assert caret[-1] == "^"


@pytest.mark.parametrize("text", ["size co 5", 'size eq "5"', "size eq true"])
def test_a_number_is_compared_with_numbers_alone(text: str):
    with pytest.raises(InvalidFilter):
        parse_filter(text, NUMBERS)


def test_the_caret_stands_below_the_fault_also_in_a_long_filter():
    text = 'title eq "x" or ' * 20 + 'title xx "y"' + ' or title eq "x"' * 20
    with pytest.raises(InvalidFilter) as refusal:
        parse_filter(text, USER)
    _, excerpt, caret = refusal.value.detail.split("\n")
    assert excerpt[caret.index("^") :].startswith("xx")
    assert len(excerpt) <= 80


def test_the_nearest_name_is_offered():
    with pytest.raises(InvalidFilter, match=r"Did you mean userName\?"):
        parse_filter('usrname eq "x"', USER)
    with pytest.raises(InvalidFilter, match=r"Did you mean type\?"):
        parse_filter('emails[tpe eq "x"]', USER)


def test_a_filter_has_a_longest_length():
    fits = f'title eq "{"x" * (MAX_FILTER_LENGTH - 11)}"'
    assert len(fits) == MAX_FILTER_LENGTH
    parse_filter(fits, USER)
    with pytest.raises(InvalidFilter, match="longer than"):
        parse_filter(f"{fits} ", USER)


def test_brackets_have_a_greatest_depth():
    parse_filter("(" * MAX_FILTER_DEPTH + "title pr" + ")" * MAX_FILTER_DEPTH, USER)
    with pytest.raises(InvalidFilter, match="brackets within one another"):
        parse_filter("(" * (MAX_FILTER_DEPTH + 1) + "title pr" + ")" * (MAX_FILTER_DEPTH + 1), USER)


def test_brackets_beside_one_another_are_not_deep():
    parse_filter(" or ".join(["(title pr)"] * (MAX_FILTER_DEPTH + 1)), USER)


def test_a_filter_has_a_greatest_number_of_comparisons():
    parse_filter(" or ".join(["title pr"] * MAX_COMPARISONS), USER)
    with pytest.raises(InvalidFilter, match="more than 200 comparisons"):
        parse_filter(" or ".join(["title pr"] * (MAX_COMPARISONS + 1)), USER)


@pytest.mark.parametrize("text", ['title eq "\0"', "title\x7f pr", "title \ud800"])
def test_control_characters_are_refused(text: str):
    with pytest.raises(InvalidFilter, match="control character"):
        parse_filter(text, USER)


def test_a_filter_within_brackets_is_read_without_a_declaration_too():
    assert parse_value_filter('a eq "X"', None) == eq("a", value="X", fold=True)


def test_a_filter_finds_what_it_says():
    matches = compile_matcher(parse_filter('emails[type eq "WORK"].value ew "@Example.com"', USER))
    assert matches({"emails": [{"type": "work", "value": "a@example.com"}]})
    assert not matches({"emails": [{"type": "home", "value": "a@example.com"}, {"type": "work", "value": "b"}]})


texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8)
instants = st.datetimes(timezones=st.just(UTC), min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30))  # noqa: DTZ001 - hypothesis wants bounds without a zone
comparisons = st.one_of(
    st.builds(Compare, path=st.just(("title",)), operator=st.sampled_from(Operator), value=texts, fold=st.just(True)),
    st.builds(Compare, path=st.just(("id",)), operator=st.sampled_from(Operator), value=texts),
    st.builds(
        Compare,
        path=st.just(("urn:a:b", "c")),
        operator=st.sampled_from([Operator.EQ, Operator.GT]),
        value=st.integers(-(2**53), 2**53) | st.floats(-1e18, 1e18),
    ),
    st.builds(
        Compare,
        path=st.just(("meta", "created")),
        operator=st.sampled_from([Operator.EQ, Operator.NE, Operator.GT, Operator.LE]),
        value=instants,
    ),
    st.builds(Compare, path=st.just(("active",)), operator=st.just(Operator.EQ), value=st.booleans() | st.none()),
    st.builds(Present, path=st.sampled_from([("name",), (ENTERPRISE, "manager", "value"), ("urn:acme",)])),
)
within = st.builds(Compare, path=st.just(("type",)), operator=st.just(Operator.EQ), value=texts, fold=st.just(True))


def combined(parts):
    several = st.lists(parts, min_size=2, max_size=3).map(tuple)
    return st.builds(And, parts=several) | st.builds(Or, parts=several) | st.builds(Not, part=parts)


predicates = st.recursive(
    comparisons | st.builds(AnyValue, path=st.just(("emails",)), of=st.recursive(within, combined, max_leaves=3)),
    combined,
    max_leaves=8,
)


@given(predicates)
def test_a_rendered_filter_is_read_as_the_same_condition(predicate: Predicate):
    assert parse_filter(render_filter(predicate), USER) == predicate


words = st.sampled_from(
    ["userName", "emails", "eq", "pr", "and", "or", "not", "(", ")", "[", "]", '"x"', "5", "true", ".value", "urn:a:b"]
)


@given(st.lists(words, max_size=12).map(" ".join) | st.text(max_size=20))
def test_any_text_is_a_filter_or_refused(text: str):
    try:
        predicate = parse_filter(text, USER)
    except InvalidFilter:
        return
    assert parse_filter(render_filter(predicate), USER) == predicate
