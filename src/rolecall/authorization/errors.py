"""What can authorization refuse, beside a plain "forbidden"?"""

from rolecall.kernel.errors import DomainError, ErrorKind


class ActionNotHeld(DomainError):
    """By role, mapping or key, nobody grants an action that they do not hold themselves."""

    kind = ErrorKind.FORBIDDEN
    code = "action_not_held"
