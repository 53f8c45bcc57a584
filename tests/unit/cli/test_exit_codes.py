import pytest

from rolecall.cli.exit_codes import ExitCode, exit_code_of
from rolecall.directory.errors import LastAdministrator, UserNameTaken
from rolecall.kernel.errors import DomainError, ErrorKind, NotFound, Unavailable, VersionConflict
from rolecall.settings import InvalidSetting


@pytest.mark.parametrize(
    "refusal, code",
    [
        (LastAdministrator, ExitCode.REFUSED),
        (InvalidSetting, ExitCode.USAGE),
        (NotFound, ExitCode.NOT_FOUND),
        (UserNameTaken, ExitCode.CONFLICT),
        (VersionConflict, ExitCode.CONFLICT),
        (Unavailable, ExitCode.UNREACHABLE),
    ],
)
def test_a_refusal_ends_with_the_code_that_says_what_to_do(refusal, code):
    assert exit_code_of(refusal("x")) is code


@pytest.mark.parametrize("kind", ErrorKind)
def test_no_kind_of_refusal_looks_like_success_or_like_a_finding_of_doctor(kind):
    refusal = type("Refusal", (DomainError,), {"kind": kind, "code": "x"})
    assert exit_code_of(refusal("x")) not in {ExitCode.OK, ExitCode.PROBLEMS_FOUND}


def test_the_codes_are_those_that_scripts_rely_on():
    assert {code.name: int(code) for code in ExitCode} == {
        "OK": 0,
        "REFUSED": 1,
        "USAGE": 2,
        "NOT_FOUND": 3,
        "CONFLICT": 4,
        "UNREACHABLE": 5,
        "PROBLEMS_FOUND": 6,
    }
