"""What can be wrong with a call before anybody knows what it is about, whatever it speaks?"""

from typing import Final

from rolecall.kernel.errors import DomainError, ErrorKind


class UnknownEndpoint(DomainError):
    """There is nothing at this path."""

    kind = ErrorKind.NOT_FOUND
    code = "unknown_endpoint"


class MethodNotAllowed(DomainError):
    """The endpoint does not take this HTTP method; the answer's `Allow` header says which it takes."""

    kind = ErrorKind.UNSUPPORTED
    code = "method_not_allowed"


class UnsupportedMediaType(DomainError):
    """The body is of a media type that is not understood here."""

    kind = ErrorKind.UNSUPPORTED
    code = "unsupported_media_type"


class UnsupportedContentEncoding(DomainError):
    """The body is compressed; the answer's `Accept-Encoding` header says that none is taken so."""

    kind = ErrorKind.UNSUPPORTED
    code = "unsupported_content_encoding"


class TooManyCalls(DomainError):
    """The SCIM connection has used up its calls a minute; the answer's `Retry-After` header says when to go on."""

    kind = ErrorKind.TOO_MANY
    code = "too_many_calls"


METHOD_NOT_ALLOWED: Final = 405
"""The one status that its kind alone does not tell."""


def headers_of(error: DomainError, *, realm: str) -> dict[str, str]:
    """Return the headers that go with a refusal."""
    match error.kind:
        case ErrorKind.UNAUTHENTICATED:
            return {"WWW-Authenticate": f'Bearer realm="{realm}"'}
        case ErrorKind.UNAVAILABLE:
            return {"Retry-After": "5"}
        case ErrorKind.TOO_MANY if isinstance(error, TooManyCalls):
            return {"Retry-After": error.about["retry_after"]}
        case ErrorKind.UNSUPPORTED if isinstance(error, MethodNotAllowed):
            return {"Allow": error.about["allow"]}
        case ErrorKind.UNSUPPORTED if isinstance(error, UnsupportedContentEncoding):
            return {"Accept-Encoding": "identity"}
        case _:
            return {}
