import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolecall.web.setup_form import LONGEST, SetupForm, field_of, parse_setup_form

GOOD = {"given_name": "Ada", "family_name": "Lovelace", "email": "ada@example.com"}


def test_blanks_around_what_was_typed_are_dropped():
    form, wrong = parse_setup_form({**GOOD, "given_name": "  Ada "})
    assert form.given_name == "Ada"
    assert not wrong


@pytest.mark.parametrize("name", ["given_name", "family_name", "email"])
def test_a_field_that_is_needed_is_asked_for(name):
    _, wrong = parse_setup_form({**GOOD, name: " "})
    assert list(wrong) == [name]


@pytest.mark.parametrize("email", ["ada", "ada@", "@example.com", "a b@example.com", "a@b@c"])
def test_what_cannot_be_an_address_is_none(email):
    _, wrong = parse_setup_form({**GOOD, "email": email})
    assert list(wrong) == ["email"]


def test_a_field_has_an_end_and_no_control_characters():
    _, wrong = parse_setup_form({**GOOD, "user_name": "x" * (LONGEST + 1), "display_name": "a\x00b"})
    assert set(wrong) == {"user_name", "display_name"}


def test_names_left_out_come_from_the_others():
    form = SetupForm(**GOOD)
    assert form.chosen_user_name() == "ada@example.com"
    assert form.chosen_display_name() == "Ada Lovelace"


@pytest.mark.parametrize(
    "attribute, field", [("userName", "user_name"), ("email", "email"), ("token", None), ("", None)]
)
def test_a_refusal_finds_the_field_that_it_is_about(attribute, field):
    assert field_of({"attribute": attribute}) == field


@given(st.dictionaries(st.sampled_from([*SetupForm.__dataclass_fields__, "other"]), st.text()))
def test_anything_can_be_typed_and_only_a_complete_form_has_nothing_wrong(sent):
    form, wrong = parse_setup_form(sent)
    if not wrong:
        assert form.given_name
        assert form.family_name
        assert "@" in form.email
