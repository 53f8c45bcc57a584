import pytest

from rolecall.directory.events import UserProtected
from rolecall.directory.model import UserId
from rolecall.kernel.errors import DomainError, ErrorKind, Forbidden, NotFound, Unavailable, VersionConflict


@pytest.mark.parametrize(
    "refusal, kind, code",
    [
        (NotFound, ErrorKind.NOT_FOUND, "not_found"),
        (Forbidden, ErrorKind.FORBIDDEN, "forbidden"),
        (VersionConflict, ErrorKind.STALE, "version_conflict"),
        (Unavailable, ErrorKind.UNAVAILABLE, "unavailable"),
    ],
)
def test_a_refusal_says_what_the_caller_can_do_and_has_a_stable_code(refusal, kind, code):
    error = refusal("A sentence.")
    assert isinstance(error, DomainError)
    assert (error.kind, error.code) == (kind, code)


def test_a_refusal_carries_its_sentence_its_events_and_what_it_is_about():
    event = UserProtected(user_id=UserId("1"), user_name="ada", attempt="delete", because="break_glass")
    error = Forbidden("No.", events=[event], user_id="1")
    assert str(error) == error.detail == "No."
    assert error.events == (event,)
    assert error.about == {"user_id": "1"}


def test_a_refusal_carries_nothing_unless_told():
    error = NotFound("No.")
    assert error.events == ()
    assert error.about == {}
