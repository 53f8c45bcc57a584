"""When are two texts the same to a person, and which are harmless?"""

import unicodedata
from typing import Final

_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")


def comparison_form(text: str) -> str:
    """Return the form in which texts are compared without regard to case: Unicode's NFKC_Casefold.

    Two texts that a person cannot tell apart by case, width or composition have one form
    (Unicode §3.13, D145). The form of a form is itself.
    """
    if text.isascii():
        return text.lower()
    once = unicodedata.normalize("NFKC", unicodedata.normalize("NFD", text).casefold())
    return unicodedata.normalize("NFKC", once.casefold())


def has_control_character(text: str) -> bool:
    """Return whether the text holds a control character other than tab, line feed, carriage return.

    NUL cannot be stored by PostgreSQL, and the others only ever come from broken senders or attackers.
    Lone surrogates count too: they cannot be written as UTF-8.
    """
    if text.isascii() and text.isprintable():
        return False
    return any(
        (character < " " and character not in "\t\n\r")
        or "\x7f" <= character <= "\x9f"
        or "\ud800" <= character <= "\udfff"
        for character in text
    )


def harmless_cell(value: object) -> object:
    """Return a cell of a table that no spreadsheet takes for a formula: what is in it comes from outside."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA_STARTS) else value
