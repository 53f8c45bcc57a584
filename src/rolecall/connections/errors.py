"""What can be refused of a SCIM connection?"""

from rolecall.kernel.errors import DomainError, ErrorKind


class ConnectionNameTaken(DomainError):
    """Another SCIM connection has this name, in some spelling of case, width or composition."""

    kind = ErrorKind.CONFLICT
    code = "connection_name_taken"


class BadConnection(DomainError):
    """Something about a SCIM connection, or about what shall be linked to it, is not as it must be."""

    kind = ErrorKind.INVALID
    code = "bad_connection"


class ConnectionFixed(DomainError):
    """The SCIM connection cannot be changed or deleted in this way."""

    kind = ErrorKind.CONFLICT
    code = "connection_fixed"


class ConnectionInUse(DomainError):
    """Something still belongs to the SCIM connection that was to be deleted."""

    kind = ErrorKind.CONFLICT
    code = "connection_in_use"


class CallNotReplayable(DomainError):
    """What was written down of a SCIM call is not whole, or the key that it was made with is gone; `detail` says so."""

    kind = ErrorKind.CONFLICT
    code = "call_not_replayable"
