import pytest

from rolecall.kernel.errors import DomainError, ErrorKind
from rolecall.kernel.names import LONGEST_NAME, check_name, check_text


class Bad(DomainError):
    """Not as it must be."""

    kind = ErrorKind.INVALID
    code = "bad"


@pytest.mark.parametrize("value", ["", " ", "\t"])
def test_a_name_must_not_be_empty_but_a_text_may(value):
    with pytest.raises(Bad) as refused:
        check_name(Bad, "name", value)
    assert refused.value.about == {"attribute": "name"}
    check_text(Bad, "name", value)


@pytest.mark.parametrize("value", ["a\x00", "\x1b[1m", "\ud800", "x" * (LONGEST_NAME + 1), "\ufdfa" * 60])
def test_what_cannot_be_kept_or_looked_up_is_neither(value):
    for check in (check_name, check_text):
        with pytest.raises(Bad):
            check(Bad, "name", value)


@pytest.mark.parametrize("value", ["a", "x" * LONGEST_NAME, "Größe", "開発"])
def test_whatever_people_call_things_is_a_name(value):
    check_name(Bad, "name", value)
