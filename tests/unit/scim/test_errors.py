import re

import pytest

from rolecall.kernel.errors import ErrorKind
from rolecall.scim import cursors
from rolecall.scim.errors import ScimError

ERRORS = ScimError.__subclasses__()


def test_the_errors_of_cursors_are_among_them():
    assert {cursors.InvalidCursor, cursors.ExpiredCursor, cursors.InvalidCount} <= set(ERRORS)


def test_every_error_of_the_standard_but_uniqueness_is_defined_once():
    assert sorted(error.scim_type for error in ERRORS) == [
        *("expiredCursor", "invalidCount", "invalidCursor", "invalidFilter", "invalidPath", "invalidSyntax"),
        *("invalidValue", "invalidVers", "mutability", "noTarget", "tooMany"),
    ]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.__name__)
def test_the_code_is_the_scim_type_in_our_spelling(error: type[ScimError]):
    assert error.code == re.sub(r"([A-Z])", lambda letter: f"_{letter[1].lower()}", error.scim_type)


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.__name__)
def test_every_error_is_for_the_client_to_correct_and_cites_its_section(error: type[ScimError]):
    assert error("why").kind is ErrorKind.INVALID
    assert re.search(r"RFC (764[34]|9865) §", error.__doc__ or "")
