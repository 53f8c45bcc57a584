"""May this text be a name, and how are names compared?"""

from rolecall.kernel.errors import DomainError
from rolecall.kernel.text import comparison_form, has_control_character

LONGEST_NAME = 1000
"""Bytes, as given and in its comparison form: what is looked up by an index must fit into one."""


def check_name(error: type[DomainError], field: str, value: str) -> None:
    """Return when the text can be a name: not empty, not too long, without control characters.

    Raises: `error`, naming the field.
    """
    if not value.strip():
        raise error("This must not be empty.", attribute=field)
    check_text(error, field, value)


def check_text(error: type[DomainError], field: str, value: str) -> None:
    """Return when the text is not too long and without control characters; it may be empty.

    Raises: `error`, naming the field.
    """
    if max(len(value.encode(errors="replace")), len(comparison_form(value).encode(errors="replace"))) > LONGEST_NAME:
        raise error(f"This must not take more than {LONGEST_NAME} bytes.", attribute=field)
    if has_control_character(value):
        raise error("This must not contain control characters.", attribute=field)
