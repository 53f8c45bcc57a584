"""What can authentication refuse?"""

from rolecall.kernel.errors import DomainError, ErrorKind


class MissingCredential(DomainError):
    """The call carries no bearer key."""

    kind = ErrorKind.UNAUTHENTICATED
    code = "missing_credential"


class InvalidApiKey(DomainError):
    """What was sent is not of the form of a key."""

    kind = ErrorKind.UNAUTHENTICATED
    code = "invalid_api_key"


class MalformedApiKey(DomainError):
    """The key has the right form, but its check characters do not fit: most often a copying error."""

    kind = ErrorKind.UNAUTHENTICATED
    code = "malformed_api_key"


class UnknownApiKey(DomainError):
    """The key is unknown, revoked, expired, or its user has no access. Which, is not said."""

    kind = ErrorKind.UNAUTHENTICATED
    code = "unknown_api_key"


class RoleNotHeld(DomainError):
    """A key can only be narrowed to a role that its user holds in its team."""

    kind = ErrorKind.INVALID
    code = "role_not_held"


class SetupLinkExpired(DomainError):
    """The set-up link is unknown, used, or older than an hour."""

    kind = ErrorKind.NOT_FOUND
    code = "setup_link_expired"


class AlreadySetUp(DomainError):
    """There is an administrator already, so the set-up link makes no other."""

    kind = ErrorKind.CONFLICT
    code = "already_set_up"
