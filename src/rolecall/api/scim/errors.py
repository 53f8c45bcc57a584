"""How is a refusal told over SCIM?"""

from collections.abc import Mapping
from typing import Final

import orjson

from rolecall.kernel.errors import DomainError, ErrorKind
from rolecall.scim.errors import ScimError
from rolecall.scim.messages import ERROR

STATUS: Final[Mapping[ErrorKind, int]] = {
    ErrorKind.INVALID: 400,
    ErrorKind.UNAUTHENTICATED: 401,
    ErrorKind.FORBIDDEN: 403,
    ErrorKind.NOT_FOUND: 404,
    ErrorKind.CONFLICT: 409,
    ErrorKind.STALE: 412,
    ErrorKind.TOO_LARGE: 413,
    ErrorKind.TOO_MANY: 429,
    ErrorKind.UNSUPPORTED: 415,
    ErrorKind.UNAVAILABLE: 503,
}

# RFC 7644 table 9, for refusals of rooms that know nothing of SCIM.
_SCIM_TYPE: Final[Mapping[str, str]] = {
    "user_name_taken": "uniqueness",
    "group_name_taken": "uniqueness",
    "value_taken": "uniqueness",
    "no_such_member": "invalidValue",
    "bad_user": "invalidValue",
    "list_too_slow": "tooMany",
}


class UnknownEndpoint(DomainError):
    """There is nothing at this path below /scim/v2."""

    kind = ErrorKind.NOT_FOUND
    code = "unknown_endpoint"


class MethodNotAllowed(DomainError):
    """The endpoint does not take this HTTP method; the answer's `Allow` header says which it takes."""

    kind = ErrorKind.UNSUPPORTED
    code = "method_not_allowed"


class UnsupportedMediaType(DomainError):
    """The body is neither application/scim+json nor application/json."""

    kind = ErrorKind.UNSUPPORTED
    code = "unsupported_media_type"


class UnsupportedContentEncoding(DomainError):
    """The body is compressed; the answer's `Accept-Encoding` header says that none is taken so."""

    kind = ErrorKind.UNSUPPORTED
    code = "unsupported_content_encoding"


class ScimDisabled(DomainError):
    """SCIM is switched off in this installation."""

    kind = ErrorKind.FORBIDDEN
    code = "scim_disabled"


def status_of(error: DomainError) -> int:
    """Return the HTTP status of a refusal."""
    return 405 if isinstance(error, MethodNotAllowed) else STATUS[error.kind]


def headers_of(error: DomainError) -> dict[str, str]:
    """Return the headers that go with a refusal."""
    match error.kind:
        case ErrorKind.UNAUTHENTICATED:
            return {"WWW-Authenticate": 'Bearer realm="Rolecall SCIM"'}
        case ErrorKind.UNAVAILABLE:
            return {"Retry-After": "5"}
        case ErrorKind.UNSUPPORTED if isinstance(error, MethodNotAllowed):
            return {"Allow": error.about["allow"]}
        case ErrorKind.UNSUPPORTED if isinstance(error, UnsupportedContentEncoding):
            return {"Accept-Encoding": "identity"}
        case _:
            return {}


def render_refusal(error: DomainError) -> bytes:
    """Return the SCIM error for a refusal (RFC 7644 §3.12)."""
    return render_error(status_of(error), error.detail, scim_type=scim_type_of(type(error)))


def scim_type_of(error: type[DomainError]) -> str | None:
    """Return the `scimType` of refusals of that class, if they have one (RFC 7644, table 9; RFC 9865 §5)."""
    return error.scim_type if issubclass(error, ScimError) else _SCIM_TYPE.get(error.code)


def render_error(status: int, detail: str, *, scim_type: str | None = None) -> bytes:
    """Return a SCIM error; its `status` is a string."""
    body = {"schemas": [ERROR], "status": str(status)}
    if scim_type is not None:
        body["scimType"] = scim_type
    body["detail"] = detail
    return orjson.dumps(body)
