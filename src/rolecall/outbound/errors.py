"""Why can nobody be called, or why did it fail?"""

from rolecall.kernel.errors import DomainError, ErrorKind


class OutboundRefused(DomainError):
    """The address may not be called by the rule of this installation, or is none."""

    kind = ErrorKind.INVALID
    code = "outbound_refused"


class OutboundFailed(DomainError):
    """Whoever was called did not answer as HTTP wants it, or not in time."""

    kind = ErrorKind.UNAVAILABLE
    code = "outbound_failed"
