import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolecall.kernel.text import comparison_form, has_control_character

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
EVERY_CHARACTER = [chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code <= 0xDFFF]


@pytest.mark.parametrize(
    "one, other",
    [
        ("Ada@Example.COM", "ada@example.com"),
        ("STRASSE", "straße"),
        ("Åse", "åse"),
        ("A\u030ase", "åse"),
        ("ＡＤＡ", "ada"),
        ("ﬁt", "FIT"),
        ("Ǆ", "ǆ"),
        ("ΣΊΣΥΦΟΣ", "σίσυφοσ"),
        ("İ", "i\u0307"),
        ("①", "1"),
    ],
)
def test_texts_that_differ_by_case_width_or_composition_have_one_form(one, other):
    assert comparison_form(one) == comparison_form(other)


@pytest.mark.parametrize("one, other", [("ada", "adä"), ("o", "0"), ("a", "а"), ("ada", "ada "), ("", " ")])
def test_texts_that_differ_otherwise_have_two_forms(one, other):
    assert comparison_form(one) != comparison_form(other)


@given(TEXTS)
def test_the_form_of_a_form_is_itself(text):
    assert comparison_form(comparison_form(text)) == comparison_form(text)


def test_the_form_of_a_form_is_itself_for_every_character():
    assert [each for each in EVERY_CHARACTER if comparison_form(comparison_form(each)) != comparison_form(each)] == []


@given(TEXTS)
def test_composition_makes_no_difference(text):
    forms = {comparison_form(unicodedata.normalize(name, text)) for name in ("NFC", "NFD", "NFKC", "NFKD")}
    assert forms == {comparison_form(text)}


@given(TEXTS)
def test_a_text_that_is_there_has_a_form_that_is_there(text):
    assert bool(comparison_form(text)) == bool(text)


@given(st.text(st.characters(max_codepoint=127), max_size=8))
def test_the_short_way_for_ascii_gives_what_the_long_way_gives(text):
    # An alphabet beyond ASCII takes the long way, and the separator keeps the two parts apart.
    assert comparison_form(text + "\u2603")[:-1] == comparison_form(text)


@pytest.mark.parametrize("text", ["", "Ada", "tab\t line\n return\r", "naïve", "😀", "\u00a0", "zero\u200bwidth"])
def test_ordinary_text_has_no_control_character(text):
    assert not has_control_character(text)


@pytest.mark.parametrize("text", ["\x00", "a\x1fb", "\x7f", "é\x00", "\x80", "\x9f", "\ud800", "a\udfff", "\x0b"])
def test_control_characters_and_lone_surrogates_are_found(text):
    assert has_control_character(text)


def test_the_only_ones_below_a_space_that_are_let_through_are_those_of_lines():
    assert {each for each in map(chr, range(32)) if not has_control_character(each)} == {"\t", "\n", "\r"}
