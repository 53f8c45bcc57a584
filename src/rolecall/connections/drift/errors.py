"""What can be refused of an export, or of a repair?"""

from rolecall.kernel.errors import DomainError, ErrorKind


class BadExport(DomainError):
    """What was uploaded is no whole export of users and groups."""

    kind = ErrorKind.INVALID
    code = "bad_export"
