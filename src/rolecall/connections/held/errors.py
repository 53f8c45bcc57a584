"""Which refusals are there about held changes?"""

from rolecall.kernel.errors import DomainError, ErrorKind
from rolecall.storage.errors import Remembered


class ChangeIsHeld(Remembered):
    """Too many people would lose an assignment by this change; it waits until an administrator decides."""

    kind = ErrorKind.CONFLICT
    code = "change_held"


class AlreadyDecided(DomainError):
    """The held change was released or dropped before."""

    kind = ErrorKind.CONFLICT
    code = "held_change_decided"
