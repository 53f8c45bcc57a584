"""What can be refused of a validation?"""

from rolecall.kernel.errors import DomainError, ErrorKind


class ValidationRuns(DomainError):
    """The SCIM connection is being validated already."""

    kind = ErrorKind.CONFLICT
    code = "validation_runs"
