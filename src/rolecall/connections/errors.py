"""What can be refused of a SCIM connection?"""

from rolecall.kernel.errors import DomainError, ErrorKind


class ConnectionNameTaken(DomainError):
    """Another SCIM connection has this name, in some spelling of case, width or composition."""

    kind = ErrorKind.CONFLICT
    code = "connection_name_taken"
