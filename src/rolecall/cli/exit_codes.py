"""With which code does `rolecall` end, so that scripts can tell what happened?"""

from enum import IntEnum

from rolecall.kernel.errors import DomainError, ErrorKind


class ExitCode(IntEnum):
    """The codes of every command."""

    OK = 0
    """Done, or nothing was to be done."""
    REFUSED = 1
    """A rule forbids it. A fault of Rolecall itself ends with this code too, after a traceback."""
    USAGE = 2
    """An option, a value or a setting is not what it must be."""
    NOT_FOUND = 3
    """There is no such user, group, key, file or database."""
    CONFLICT = 4
    """Something else holds that name or state already."""
    UNREACHABLE = 5
    """The database cannot be reached or written to, or the address cannot be listened on."""
    PROBLEMS_FOUND = 6
    """`rolecall admin doctor` or `rolecall admin audit verify` ran and found problems."""


def exit_code_of(error: DomainError) -> ExitCode:
    """Return the code that stands for a refusal."""
    match error.kind:
        case ErrorKind.INVALID | ErrorKind.TOO_LARGE | ErrorKind.UNSUPPORTED:
            return ExitCode.USAGE
        case ErrorKind.UNAUTHENTICATED | ErrorKind.FORBIDDEN | ErrorKind.TOO_MANY:
            return ExitCode.REFUSED
        case ErrorKind.NOT_FOUND:
            return ExitCode.NOT_FOUND
        case ErrorKind.CONFLICT | ErrorKind.STALE:
            return ExitCode.CONFLICT
        case ErrorKind.UNAVAILABLE:
            return ExitCode.UNREACHABLE
