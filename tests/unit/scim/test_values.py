import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolecall.scim.errors import InvalidValue
from rolecall.scim.schemas import ENTERPRISE_USER_SCHEMA, USER, Attribute, AttributeType
from rolecall.scim.values import (
    MAX_NAME_LENGTH,
    MAX_OPEN_DEPTH,
    MAX_TEXT_LENGTH,
    MAX_VALUES,
    combined,
    is_unassigned,
    read_attribute,
    read_open,
)


def declared(name: str) -> Attribute:
    place = USER.place(name)
    assert place is not None
    assert place.attribute is not None
    return place.attribute


def of_type(kind: AttributeType) -> Attribute:
    return Attribute(name="it", description="It.", type=kind)


@pytest.mark.parametrize(
    "kind, value",
    [
        (AttributeType.STRING, "Zoë  "),
        (AttributeType.STRING, "two\nlines\t"),
        (AttributeType.REFERENCE, "https://example.com/a"),
        (AttributeType.BOOLEAN, False),
        (AttributeType.INTEGER, 7),
        (AttributeType.DECIMAL, 7),
        (AttributeType.DECIMAL, 7.5),
        (AttributeType.DATE_TIME, "2026-01-31T08:00:00+01:00"),
        (AttributeType.BINARY, "aGk="),
        (AttributeType.BINARY, "_-"),
    ],
)
def test_a_value_that_fits_is_kept_as_it_was_sent(kind: AttributeType, value):
    kept = read_attribute(of_type(kind), value, "it")
    assert kept == value
    assert type(kept) is type(value)


@pytest.mark.parametrize("text, truth", [("True", True), ("False", False), ("true", True), ("FALSE", False)])
def test_a_boolean_sent_as_text_becomes_one(text: str, truth: bool):
    assert read_attribute(of_type(AttributeType.BOOLEAN), text, "it") is truth


@pytest.mark.parametrize(
    "kind, value, wanted",
    [
        (AttributeType.STRING, 7, "it must be a text, not a number."),
        (AttributeType.STRING, 7.5, "it must be a text, not a number."),
        (AttributeType.STRING, True, "it must be a text, not a boolean."),
        (AttributeType.STRING, ["a"], "it must be a text, not a list."),
        (AttributeType.STRING, {"value": "a"}, "it must be a text, not an object."),
        (AttributeType.STRING, "\x00", "it contains a control character."),
        (AttributeType.REFERENCE, 7, "it must be a text, not a number."),
        (AttributeType.BOOLEAN, 1, "it must be true or false."),
        (AttributeType.BOOLEAN, "yes", "it must be true or false."),
        (AttributeType.INTEGER, 7.5, "it must be a whole number."),
        (AttributeType.INTEGER, True, "it must be a whole number."),
        (AttributeType.DECIMAL, "7", "it must be a number, not a text."),
        (AttributeType.DECIMAL, True, "it must be a number, not a boolean."),
        (AttributeType.DATE_TIME, "today", "it must be a time such as"),
        (AttributeType.DATE_TIME, 7, "it must be a time such as"),
        (AttributeType.BINARY, "a b", "it must be base64."),
    ],
)
def test_a_value_of_another_type_is_refused_by_name(kind: AttributeType, value, wanted: str):
    with pytest.raises(InvalidValue) as refusal:
        read_attribute(of_type(kind), value, "it")
    assert refusal.value.detail.startswith(wanted)
    assert refusal.value.about["attribute"] == "it"


@pytest.mark.parametrize("value", [None, "", [], {}])
@pytest.mark.parametrize("name", ["title", "emails", "name", "active"])
def test_nothing_is_kept_of_an_empty_value(name: str, value):
    assert is_unassigned(value)
    assert read_attribute(declared(name), value, name) is None


@pytest.mark.parametrize(
    "value, kept",
    [
        ([{"Value": "a", "TYPE": "work"}], [{"value": "a", "type": "work"}]),
        ({"value": "a"}, [{"value": "a"}]),
        ("a", [{"value": "a"}]),
        (["a", "a", {"value": "b"}], [{"value": "a"}, {"value": "b"}]),
        ([{"value": "a", "primary": "True", "id": "1", "meta": {}}], [{"value": "a", "primary": True}]),
        ([{"value": "", "type": "work"}, {"value": None}, {}, None, {"unknown": 1}], None),
        ([{"type": "work", "display": None}], [{"type": "work"}]),
    ],
)
def test_several_values_are_kept_in_the_spelling_of_the_schema(value, kept):
    assert read_attribute(declared("emails"), value, "emails") == kept


@pytest.mark.parametrize(
    "name, value, place",
    [
        ("emails", [{"value": "a"}, {"value": 7}], "emails[1].value"),
        ("emails", [{"value": "a"}, 7], "emails[1]"),
        ("emails", True, "emails[0]"),
        ("addresses", ["a"], "addresses[0]"),
        ("name", "Ann", "name"),
        ("name", {"givenName": ["Ann"]}, "name.givenName"),
    ],
)
def test_a_wrong_part_is_named_in_full(name: str, value, place: str):
    with pytest.raises(InvalidValue) as refusal:
        read_attribute(declared(name), value, name)
    assert refusal.value.about["attribute"] == place
    assert place in refusal.value.detail


def test_read_only_parts_are_passed_over():
    manager = declared(f"{ENTERPRISE_USER_SCHEMA.uri}:manager")
    assert read_attribute(manager, {"value": "1", "displayName": "Bo"}, "manager") == {"value": "1"}


def test_a_required_part_must_be_there():
    part = Attribute(name="value", description="It.", required=True)
    attribute = Attribute(name="it", description="It.", type=AttributeType.COMPLEX, sub_attributes=(part,))
    assert read_attribute(attribute, {"value": "a"}, "it") == {"value": "a"}
    with pytest.raises(InvalidValue, match=r"it\.value is missing"):
        read_attribute(attribute, {"other": 1}, "it")


def test_an_object_of_unknown_parts_alone_is_refused_when_it_is_all_that_is_asked_for():
    with pytest.raises(InvalidValue, match="no part named givn"):
        read_attribute(declared("name"), {"givn": "Ann"}, "name", strict=True)
    assert read_attribute(declared("name"), {"givn": "Ann"}, "name") is None


def test_two_primary_values_are_refused():
    with pytest.raises(InvalidValue, match="Only one value of emails can be primary"):
        read_attribute(declared("emails"), [{"value": "a", "primary": True}, {"value": "b", "primary": True}], "emails")


@pytest.mark.parametrize("name, limit", [("userName", MAX_NAME_LENGTH), ("title", MAX_TEXT_LENGTH)])
def test_a_text_has_a_greatest_length(name: str, limit: int):
    assert read_attribute(declared(name), "x" * limit, name) == "x" * limit
    with pytest.raises(InvalidValue, match="longer than"):
        read_attribute(declared(name), "x" * (limit + 1), name)


def test_several_values_have_a_greatest_number():
    values = [str(number) for number in range(MAX_VALUES + 1)]
    assert read_attribute(declared("emails"), values[:-1], "emails")
    with pytest.raises(InvalidValue, match="more than 1,000 values"):
        read_attribute(declared("emails"), values, "emails")


@pytest.mark.parametrize(
    "old, parts, result",
    [
        ({"a": 1}, {"b": 2}, {"a": 1, "b": 2}),
        ({"a": 1}, {"a": None}, None),
        ({"value": 1, "type": "w"}, {"value": None}, None),
        ({"value": 1, "$ref": "r", "type": "w"}, {"value": 2}, {"value": 2, "type": "w"}),
        ({"value": 1, "$ref": "r"}, {"value": 1}, {"value": 1, "$ref": "r"}),
        ({"value": 1, "$ref": "r"}, {"value": 2, "$ref": "s"}, {"value": 2, "$ref": "s"}),
    ],
)
def test_parts_of_a_complex_value_are_changed_together(old, parts, result):
    assert combined(old, parts) == result


def test_an_unknown_value_is_kept_without_its_empty_parts():
    assert read_open({"a": [1, None, {"b": ""}], "c": {"d": []}, "e": 0, "f": False, "g": 1.5}, "x") == {
        "a": [1],
        "e": 0,
        "f": False,
        "g": 1.5,
    }
    assert read_open({"a": None}, "x") is None
    assert read_open([None], "x") is None


@pytest.mark.parametrize("value", ["\x00", {"a\x00": 1}, {"a": ["\x00"]}, {"a": "x" * (MAX_TEXT_LENGTH + 1)}])
def test_an_unknown_value_is_refused_for_what_cannot_be_stored(value):
    with pytest.raises(InvalidValue):
        read_open(value, "x")


def test_an_unknown_value_has_a_greatest_depth():
    value: object = "x"
    for _ in range(MAX_OPEN_DEPTH):
        value = [value]
    assert read_open(value, "x") == value
    with pytest.raises(InvalidValue, match="within one another"):
        read_open([value], "x")


json = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=3),
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(st.text(max_size=3), parts, max_size=3),
    max_leaves=10,
)


def empties(value) -> list[object]:
    if isinstance(value, dict):
        return [found for part in value.values() for found in ([part] if is_unassigned(part) else empties(part))]
    if isinstance(value, list):
        return [found for part in value for found in ([part] if is_unassigned(part) else empties(part))]
    return []


@given(json)
def test_nothing_empty_is_ever_kept(value):
    try:
        kept = read_open(value, "x")
    except InvalidValue:
        return
    assert kept is None or (not is_unassigned(kept) and not empties(kept))
    assert read_open(kept, "x") == kept


@pytest.mark.parametrize(
    "name, text",
    [
        ("userName", "\u4e00" * 400),
        ("externalId", "\u4e00" * 400),
        # One character that becomes eighteen where case does not count.
        ("displayName", "\ufdfa" * 40),
    ],
)
def test_what_is_looked_up_must_fit_an_index_in_bytes(name: str, text: str):
    assert len(text) < MAX_NAME_LENGTH
    with pytest.raises(InvalidValue, match="more than 1,000 bytes"):
        read_attribute(declared(name), text, name)
    assert read_attribute(declared(name), text[:5], name) == text[:5]


def test_an_email_address_is_looked_up_wherever_it_stands():
    address = {"value": "a" * (MAX_NAME_LENGTH + 1)}
    with pytest.raises(InvalidValue, match="longer than"):
        read_attribute(declared("emails"), [{"value": "a"}, address], "emails")
    assert read_attribute(declared("roles"), [address], "roles") == [address]
