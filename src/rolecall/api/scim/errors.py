"""How is a refusal told over SCIM?"""

from collections.abc import Mapping
from typing import Final

import orjson

from rolecall.api import errors
from rolecall.api.calls import Dialect
from rolecall.api.errors import METHOD_NOT_ALLOWED, MethodNotAllowed
from rolecall.events.calls import Call
from rolecall.kernel.errors import DomainError, ErrorKind
from rolecall.scim.errors import InvalidSyntax, InvalidValue, ScimError
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


class ScimDisabled(DomainError):
    """SCIM is switched off in this installation."""

    kind = ErrorKind.FORBIDDEN
    code = "scim_disabled"


def status_of(error: DomainError) -> int:
    """Return the HTTP status of a refusal."""
    return METHOD_NOT_ALLOWED if isinstance(error, MethodNotAllowed) else STATUS[error.kind]


def headers_of(error: DomainError) -> dict[str, str]:
    """Return the headers that go with a refusal."""
    return errors.headers_of(error, realm="Rolecall SCIM")


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


def _render_refusal(error: DomainError, _call: Call) -> bytes:
    return render_refusal(error)


def _render_failure(detail: str, _call: Call) -> bytes:
    return render_error(500, detail)


SCIM: Final = Dialect(
    media_type="application/scim+json",
    accepted=frozenset({"application/scim+json", "application/json"}),
    status_of=status_of,
    headers_of=headers_of,
    render_refusal=_render_refusal,
    render_failure=_render_failure,
    bad_syntax=InvalidSyntax,
    bad_value=InvalidValue,
)
"""How SCIM speaks of what is wrong."""
