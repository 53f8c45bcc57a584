import pytest

from rolecall.directory.model import UniqueAttribute, UniqueValue
from rolecall.scim.demands import check_immutable, check_required, check_still_there, kind_of, with_immutable
from rolecall.scim.errors import InvalidValue, Mutability
from rolecall.scim.schemas import GROUP, USER
from tests.make.declared import attribute, schema, type_with

EXTENSION = "urn:x:Extension"


def parts(*subs, **fields):
    return attribute("parts", type="complex", subAttributes=list(subs), **fields)


def extension(*attributes):
    return schema(EXTENSION, *attributes)


@pytest.mark.parametrize(
    "kind, profile, missing",
    [
        (USER, {}, "userName"),
        (GROUP, {}, "displayName"),
        (type_with(attribute("x", required=True)), {}, "x"),
        (type_with(attribute("x"), extension=extension(attribute("y")), required=True), {"x": "a"}, EXTENSION),
        (
            type_with(attribute("x"), extension=extension(attribute("y", required=True), attribute("z"))),
            {EXTENSION: {"z": "a"}},
            f"{EXTENSION}:y",
        ),
        (type_with(parts(attribute("y", required=True), attribute("z"))), {"parts": {"z": "a"}}, "parts.y"),
        (
            type_with(parts(attribute("y", required=True), attribute("z"), multiValued=True)),
            {"parts": [{"y": "a"}, {"z": "a"}]},
            "parts.y",
        ),
    ],
)
def test_what_is_required_and_missing_is_named(kind, profile, missing: str):
    with pytest.raises(InvalidValue, match=f"^{missing} is missing") as refused:
        check_required(profile, kind)
    assert refused.value.about == {"attribute": missing}


@pytest.mark.parametrize(
    "kind, profile",
    [
        (type_with(attribute("x"), extension=extension(attribute("y", required=True))), {}),
        (type_with(attribute("x"), extension=extension(attribute("y")), required=True), {EXTENSION: {"y": "a"}}),
        (type_with(parts(attribute("y", required=True), attribute("z"))), {}),
        (type_with(parts(attribute("y", required=True), attribute("z"))), {"parts": {"y": "a", "z": "b"}}),
    ],
)
def test_what_has_all_that_is_required_of_it_is_accepted(kind, profile):
    check_required(profile, kind)


def test_a_change_may_leave_missing_what_was_missing_before_but_nothing_else():
    kind = type_with(attribute("x", required=True), attribute("z"), extension=extension(attribute("y")), required=True)
    check_still_there({"x": "a"}, {"x": "b"}, kind)
    check_still_there({}, {"x": "b"}, kind)
    with pytest.raises(InvalidValue, match=r"^x is missing"):
        check_still_there({"x": "a"}, {"z": "b"}, kind)
    with pytest.raises(InvalidValue, match=f"^{EXTENSION} is missing"):
        check_still_there({"x": "a", EXTENSION: {"y": "a"}}, {"x": "a"}, kind)


ONCE = type_with(
    attribute("x", mutability="immutable"),
    attribute("y"),
    extension=extension(attribute("x", mutability="immutable"), attribute("y")),
)
OWNER = type_with(parts(attribute("value", mutability="immutable"), attribute("note")))
PORTS = type_with(parts(attribute("value"), attribute("mac", mutability="immutable"), multiValued=True))
NAMELESS = type_with(parts(attribute("a"), attribute("mac", mutability="immutable"), multiValued=True))


@pytest.mark.parametrize(
    "kind, before, after, fixed",
    [
        (ONCE, {"x": "a"}, {"x": "b"}, "x"),
        (ONCE, {"x": "a"}, {}, "x"),
        (ONCE, {EXTENSION: {"x": "a"}}, {EXTENSION: {"x": "b"}}, f"{EXTENSION}:x"),
        (ONCE, {EXTENSION: {"x": "a"}}, {}, f"{EXTENSION}:x"),
        (OWNER, {"parts": {"value": "a"}}, {"parts": {"value": "b"}}, "parts.value"),
        (OWNER, {"parts": {"value": "a"}}, {"parts": {"note": "b"}}, "parts.value"),
        (PORTS, {"parts": [{"value": "1", "mac": "a"}]}, {"parts": [{"value": "1", "mac": "b"}]}, "parts.mac"),
        (PORTS, {"parts": [{"value": "1", "mac": "a"}]}, {"parts": [{"value": "1"}]}, "parts.mac"),
    ],
)
def test_what_was_given_once_cannot_be_changed(kind, before, after, fixed: str):
    with pytest.raises(Mutability, match=f"^{fixed} has a value already") as refused:
        check_immutable(before, after, kind)
    assert refused.value.about == {"attribute": fixed}


@pytest.mark.parametrize(
    "kind, before, after",
    [
        (ONCE, {}, {"x": "a"}),
        (ONCE, {"x": "a", "y": "b"}, {"x": "a"}),
        (ONCE, {EXTENSION: {"y": "a"}}, {EXTENSION: {"x": "a"}}),
        (OWNER, {"parts": {"value": "a"}}, {}),
        (OWNER, {"parts": {"note": "a"}}, {"parts": {"value": "a"}}),
        (OWNER, {"parts": {"value": "a", "note": "b"}}, {"parts": {"value": "a"}}),
        (PORTS, {"parts": [{"value": "1", "mac": "a"}]}, {"parts": [{"value": "2", "mac": "b"}]}),
        (PORTS, {"parts": [{"value": "1"}]}, {"parts": [{"value": "1", "mac": "b"}]}),
        (NAMELESS, {"parts": [{"a": "1", "mac": "a"}]}, {"parts": [{"a": "1", "mac": "b"}]}),
        (USER, {"userName": "a"}, {"userName": "b"}),
    ],
)
def test_what_has_no_value_yet_can_be_given_one_and_whole_values_come_and_go(kind, before, after):
    check_immutable(before, after, kind)


def test_what_a_replacement_leaves_out_and_nobody_can_take_away_stays():
    before = {"x": "a", "y": "b", EXTENSION: {"x": "c", "y": "d"}}
    assert with_immutable(before, {"y": "e"}, ONCE) == {"y": "e", "x": "a", EXTENSION: {"x": "c"}}
    assert with_immutable(before, {"x": "z", EXTENSION: {"y": "f"}}, ONCE) == {
        "x": "z",
        EXTENSION: {"y": "f", "x": "c"},
    }
    assert with_immutable({}, {"y": "e"}, ONCE) == {"y": "e"}


def test_unique_values_are_those_of_every_unique_attribute_in_the_form_that_is_compared():
    kind = kind_of(
        type_with(
            attribute("name", uniqueness="server"),
            attribute("serial", uniqueness="global", caseExact=True),
            attribute("number", uniqueness="server", type="integer"),
            attribute("hosts", uniqueness="server", multiValued=True),
            parts(attribute("value", uniqueness="server"), multiValued=True),
            extension=extension(attribute("code", uniqueness="server")),
        )
    )
    assert kind.name == "Thing"
    assert set(kind.unique) == {
        UniqueAttribute(path=("name",), name="name", folded=True),
        UniqueAttribute(path=("serial",), name="serial", folded=False),
        UniqueAttribute(path=("number",), name="number", folded=None),
        UniqueAttribute(path=("hosts",), name="hosts", folded=True),
        UniqueAttribute(path=("parts", "value"), name="parts.value", folded=True),
        UniqueAttribute(path=(EXTENSION, "code"), name=f"{EXTENSION}:code", folded=True),
    }
    profile = {
        "name": "Ångström",
        "serial": "AbC",
        "number": 7,
        "hosts": ["a", "A", "b"],
        "parts": [{"value": "V"}, {}],
        EXTENSION: {"code": "X"},
    }
    assert {(value.attribute, value.key) for value in kind.unique_values(profile)} == {
        ("name", "ångström"),
        ("serial", "AbC"),
        ("number", "7"),
        ("hosts", "a"),
        ("hosts", "b"),
        ("parts.value", "v"),
        (f"{EXTENSION}:code", "x"),
    }
    assert len(kind.unique_values(profile)) == 7
    assert kind.unique_values({}) == ()
    assert UniqueValue(attribute="name", key="ångström") in kind.unique_values(profile)
