"""How is a refusal told over the REST API?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import orjson

from rolecall.api import errors
from rolecall.api.calls import Dialect
from rolecall.api.errors import METHOD_NOT_ALLOWED, MethodNotAllowed
from rolecall.authentication.errors import OAuthRefusal
from rolecall.events.calls import Call
from rolecall.kernel.clock import Clock, to_rfc3339
from rolecall.kernel.document import Json
from rolecall.kernel.errors import DomainError, ErrorKind

JSON_MEDIA_TYPE: Final = "application/json"
FORM_MEDIA_TYPE: Final = "application/x-www-form-urlencoded"

TOLD: Final[Mapping[ErrorKind, tuple[int, str]]] = {
    ErrorKind.INVALID: (400, "InvalidArgument"),
    ErrorKind.UNAUTHENTICATED: (401, "Unauthenticated"),
    ErrorKind.FORBIDDEN: (403, "PermissionDenied"),
    ErrorKind.NOT_FOUND: (404, "NotFound"),
    ErrorKind.CONFLICT: (409, "AlreadyExists"),
    ErrorKind.STALE: (412, "Aborted"),
    ErrorKind.TOO_LARGE: (413, "OutOfRange"),
    ErrorKind.TOO_MANY: (429, "ResourceExhausted"),
    ErrorKind.UNSUPPORTED: (415, "Unimplemented"),
    ErrorKind.UNAVAILABLE: (503, "Unavailable"),
}
"""Status and `code` of each kind of refusal."""

FAILURE: Final = (500, "Internal")
_DETAIL_TYPE: Final = "type.googleapis.com/google.rpc"


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """One rule that one field breaks."""

    field: str
    description: str


class InvalidArguments(DomainError):
    """Parameters or body of a call are not as they must be; `details` names each field and the rule that it breaks."""

    kind = ErrorKind.INVALID
    code = "invalid_arguments"

    def __init__(self, detail: str, *, violations: Sequence[Violation] = ()) -> None:
        super().__init__(detail)
        self.violations = tuple(violations)


def bad_field(field: str, description: str) -> InvalidArguments:
    """Return the refusal of one field."""
    return InvalidArguments(f"{field}: {description}", violations=[Violation(field=field, description=description)])


def status_of(error: DomainError) -> int:
    """Return the HTTP status of a refusal."""
    return METHOD_NOT_ALLOWED if isinstance(error, MethodNotAllowed) else TOLD[error.kind][0]


def headers_of(error: DomainError) -> dict[str, str]:
    """Return the headers that go with a refusal."""
    return errors.headers_of(error, realm="Rolecall")


def rest_dialect(clock: Clock) -> Dialect:
    """Return how the REST API speaks of what is wrong; the clock tells the `timestamp`."""

    def render_refusal(error: DomainError, call: Call) -> bytes:
        further = {"error": error.oauth, "error_description": error.detail} if isinstance(error, OAuthRefusal) else {}
        return _render(TOLD[error.kind][1], error.detail, call, clock, _details_of(error), further)

    def render_failure(detail: str, call: Call) -> bytes:
        return _render(FAILURE[1], detail, call, clock, [])

    return Dialect(
        media_type=JSON_MEDIA_TYPE,
        accepted=frozenset({JSON_MEDIA_TYPE}),
        status_of=status_of,
        headers_of=headers_of,
        render_refusal=render_refusal,
        render_failure=render_failure,
        bad_syntax=InvalidArguments,
        bad_value=InvalidArguments,
    )


def _render(
    code: str, message: str, call: Call, clock: Clock, details: list[Json], further: Mapping[str, str] | None = None
) -> bytes:
    return orjson.dumps(
        {
            "code": code,
            "message": message,
            "request_id": call.request_id,
            "timestamp": to_rfc3339(clock()),
            "details": details,
            **(further or {}),
        }
    )


def _details_of(error: DomainError) -> list[Json]:
    """Return the stable code with what it is about, and whatever fields are at fault."""
    details: list[Json] = [
        {
            "@type": f"{_DETAIL_TYPE}.ErrorInfo",
            "reason": error.code,
            "domain": "rolecall",
            "metadata": {name: value for name, value in error.about.items() if name != "attribute"},
        }
    ]
    violations = _violations_of(error)
    if violations:
        details.append(
            {
                "@type": f"{_DETAIL_TYPE}.BadRequest",
                "field_violations": [{"field": each.field, "description": each.description} for each in violations],
            }
        )
    return details


def _violations_of(error: DomainError) -> tuple[Violation, ...]:
    if isinstance(error, InvalidArguments):
        return error.violations
    field = error.about.get("attribute")
    return () if field is None else (Violation(field=field, description=error.detail),)
