"""What can authentication refuse?"""

from typing import ClassVar

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


class BadApiKey(DomainError):
    """Something about a key that was to be made or changed is not as it must be."""

    kind = ErrorKind.INVALID
    code = "bad_api_key"


class KeyTooWide(DomainError):
    """A key that is limited makes, or brings back, no key that is less limited."""

    kind = ErrorKind.FORBIDDEN
    code = "key_too_wide"


class AddressNotAllowed(DomainError):
    """The key may not be used from where the call comes from."""

    kind = ErrorKind.FORBIDDEN
    code = "address_not_allowed"


class OAuthRefusal(DomainError):
    """What is told to a client that asks for an access token; `oauth` is its name in RFC 6749 §5.2."""

    oauth: ClassVar[str]


class InvalidClient(OAuthRefusal):
    """The client is unknown, or its secret is not valid."""

    kind = ErrorKind.UNAUTHENTICATED
    code = "invalid_client"
    oauth = "invalid_client"


class InvalidTokenRequest(OAuthRefusal):
    """The request for an access token lacks something, or says it twice."""

    kind = ErrorKind.INVALID
    code = "invalid_token_request"
    oauth = "invalid_request"


class UnsupportedGrant(OAuthRefusal):
    """Access tokens are given for client credentials only."""

    kind = ErrorKind.INVALID
    code = "unsupported_grant"
    oauth = "unsupported_grant_type"


class InvalidScope(OAuthRefusal):
    """The scope names an action that there is not, or that the client does not hold."""

    kind = ErrorKind.INVALID
    code = "invalid_scope"
    oauth = "invalid_scope"


class SetupLinkExpired(DomainError):
    """The set-up link is unknown, used, or older than an hour."""

    kind = ErrorKind.NOT_FOUND
    code = "setup_link_expired"


class AlreadySetUp(DomainError):
    """There is an administrator already, so the set-up link makes no other."""

    kind = ErrorKind.CONFLICT
    code = "already_set_up"
