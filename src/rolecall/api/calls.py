"""What surrounds each call of a machine, whatever it speaks: its record, its body, its answer?"""

import hashlib
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final, Protocol
from urllib.parse import parse_qsl

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.types import Scope, Send

from rolecall.api.errors import UnsupportedContentEncoding, UnsupportedMediaType
from rolecall.events.calls import Call
from rolecall.http.requests import path_as_sent, read_body, request_id
from rolecall.kernel.document import Json
from rolecall.kernel.errors import DomainError, ErrorKind
from rolecall.kernel.text import has_control_character
from rolecall.telemetry.logging import get_logger

_DEEPEST: Final = 50
_LARGEST_RECORDED_BODY: Final = 256 * 1024
_LONGEST_TARGET: Final = 4000
_WITHOUT_LENGTH: Final = frozenset({204, 304})
MASK: Final = "[masked]"
_log = get_logger(__name__)

SECRET_NAMES: Final = frozenset(
    {"access_key", "access_token", "authorization", "client_secret", "password", "signing_key", "webhook_url"}
)
"""Whatever stands under one of these names, in any case, is never written down, whatever the front."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What goes back. An empty body has no content type."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How one front says what is wrong with a call, and which bodies it understands."""

    media_type: str
    """Of its answers; also what a caller is told to send."""
    accepted: frozenset[str]
    status_of: Callable[[DomainError], int]
    headers_of: Callable[[DomainError], Mapping[str, str]]
    render_refusal: Callable[[DomainError, Call], bytes]
    render_failure: Callable[[str, Call], bytes]
    """Renders the sentence that goes with a 500."""
    bad_syntax: Callable[[str], DomainError]
    bad_value: Callable[[str], DomainError]


class Records(Protocol):
    """Takes the records of calls; `api.recorder.Recorder` is one."""

    def record(self, call: Call) -> None:
        """Take a call that has ended."""


def record_of(
    scope: Scope,
    headers: Mapping[str, str],
    status_of: Callable[[DomainError], int],
    *,
    secrets: frozenset[str] = SECRET_NAMES,
) -> Call:
    """Return the record of a call that has just come in, with nobody as its actor yet.

    A query that names one of `secrets`, which are in lower case, is left out.
    """
    path = path_as_sent(scope)
    query = scope["query_string"].decode("latin-1")
    if query:
        lowered = query.lower()
        if any(secret in lowered for secret in secrets):
            query = MASK
    target = f"{path}?{query}" if query else path
    return Call(
        request_id=request_id(scope),
        method=scope["method"],
        target=target[:_LONGEST_TARGET],
        address=scope["state"]["client_address"],
        user_agent=headers.get("user-agent", "")[:_LONGEST_TARGET] or None,
        status_of=status_of,
    )


async def answered(record: Call, recorder: Records, serve: Callable[[], Awaitable[Answer]], dialect: Dialect) -> Answer:
    """Return the answer, in the front's own form whatever fails, and see that the call is written down."""
    try:
        answer = await serve()
        record.status = answer.status
    except DomainError as error:
        if error.kind is ErrorKind.UNAVAILABLE:
            record.fail(dialect.status_of(error), error.code, error.detail)
            _log.error("The database failed.", exc_info=error)
        elif not record.recorded:
            record.refuse(error)
        answer = Answer(
            status=dialect.status_of(error),
            body=dialect.render_refusal(error, record),
            headers=dialect.headers_of(error),
        )
    except ClientDisconnect:
        record.give_up("client_disconnected")
        answer = Answer(status=400)
    except Exception as error:  # noqa: BLE001  # the edge: whatever fails, the caller gets an answer in its own form
        _log.exception("A call failed.")
        record.fail(500, type(error).__name__, None)
        detail = f"Something went wrong in Rolecall. Its log has more under the request id {record.request_id}."
        answer = Answer(status=500, body=dialect.render_failure(detail, record))
    recorder.record(record)
    return answer


@cache
def _wire_name(name: str) -> bytes:
    return name.lower().encode("latin-1")


async def send_answer(answer: Answer, send: Send, *, media_type: str, with_body: bool = True) -> None:
    """Send the answer; what its headers do not say of the media type is `media_type`. To a HEAD goes no body."""
    headers = [(_wire_name(name), value.encode("latin-1")) for name, value in (answer.headers or {}).items()]
    if answer.body and not any(name == b"content-type" for name, _value in headers):
        headers.append((b"content-type", media_type.encode()))
    if answer.status not in _WITHOUT_LENGTH:
        headers.append((b"content-length", b"%d" % len(answer.body)))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body if with_body else b""})


async def read_json(
    request: Request, record: Call, *, limit: int, dialect: Dialect, secrets: frozenset[str] = SECRET_NAMES
) -> Json:
    """Return the body of a request. Its record keeps none of `secrets` and no more than 256 KiB.

    Raises: BodyTooLarge, BodyTooSlow, UnsupportedMediaType, UnsupportedContentEncoding, and the dialect's bad syntax
    and bad value.
    """
    check_body_headers(request.headers, dialect)
    return json_in(await read_body(request, limit=limit), record, dialect=dialect, secrets=secrets)


def check_body_headers(headers: Mapping[str, str], dialect: Dialect) -> None:
    """Refuse a body that is not understood; names of `headers` are in lower case.

    Raises: UnsupportedMediaType, UnsupportedContentEncoding.
    """
    # A few bytes could unpack to gigabytes, so nothing is unpacked.
    encoding = headers.get("content-encoding", "").strip().lower()
    if encoding not in {"", "identity"}:
        raise UnsupportedContentEncoding(f"A body with the encoding {encoding} is not understood here; send it plain.")
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type and media_type not in dialect.accepted:
        raise UnsupportedMediaType(f"The media type {media_type} is not understood here; send {dialect.media_type}.")


def json_in(body: bytes, record: Call, *, dialect: Dialect, secrets: frozenset[str] = SECRET_NAMES) -> Json:
    """Return what a body says, and keep it in the record as `read_json` does.

    Raises: the dialect's bad syntax and bad value.
    """
    try:
        value: Json = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise dialect.bad_syntax(f"The body is not JSON: {error}.") from error
    record.body_bytes = len(body)
    if body.count(b"[") + body.count(b"{") > _DEEPEST and _is_deep(value):
        raise dialect.bad_syntax(f"The body is nested more than {_DEEPEST} levels deep.")
    # Only an escape can bring a control character in: JSON does not allow it in clear.
    if b"\\u00" in body and _has_control_character(value):
        raise dialect.bad_value("A text in the body has a control character in it.")
    record.request = recordable(value, body, secrets)
    return value


def parse_parameters(query: bytes, dialect: Dialect) -> Mapping[str, str]:
    """Return the query's parameters; of repeated ones the last.

    Raises: the dialect's bad syntax for what is not UTF-8, its bad value for control characters.
    """
    if not query:
        return {}
    try:
        pairs = parse_qsl(query.decode(), keep_blank_values=True, errors="strict")
    except (UnicodeDecodeError, ValueError) as error:
        raise dialect.bad_syntax("The query of the URL is not valid UTF-8.") from error
    for name, value in pairs:
        if has_control_character(name) or has_control_character(value):
            raise dialect.bad_value(f"The parameter {name!r} has a control character in it.")
    return dict(pairs)


def recordable(value: Json, body: bytes, secrets: frozenset[str] = SECRET_NAMES) -> Json:
    """Return what is written down of a body: nothing secret, and of a large one only its size and its hash.

    `secrets` are names of attributes in lower case.
    """
    if len(body) > _LARGEST_RECORDED_BODY:
        return {"omitted": f"a body of {len(body)} bytes", "sha256": hashlib.sha256(body).hexdigest()}
    # An escape could spell the name in another way.
    lowered = body.lower()
    named = b"\\u" in body or any(secret.encode() in lowered for secret in secrets)
    return _masked(value, secrets) if named else value


def missing_of(target: str | None, request: Json) -> str | None:
    """Return what is missing in what `record_of` and `recordable` let be written down of a call; None: nothing."""
    if target is None or len(target) >= _LONGEST_TARGET:
        return "its address was too long to be written down whole"
    if MASK in target or _has_mask(request):
        return "something secret in it was masked"
    if isinstance(request, dict) and request.keys() == {"omitted", "sha256"}:
        return "its body was too large to be written down"
    return None


def _has_mask(value: Json) -> bool:
    return value == MASK or any(map(_has_mask, _parts_of(value)))


def _is_deep(value: Json) -> bool:
    """Return whether the value is nested deeper than is accepted, without going as deep to find out."""
    level: list[Json] = [value]
    for _ in range(_DEEPEST):
        level = [part for each in level for part in _parts_of(each)]
        if not level:
            return False
    return True


def _parts_of(value: Json) -> Iterable[Json]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _has_control_character(value: Json) -> bool:
    match value:
        case str():
            return has_control_character(value)
        case dict():
            return any(_has_control_character(name) or _has_control_character(part) for name, part in value.items())
        case list():
            return any(_has_control_character(part) for part in value)
        case _:
            return False


def _is_secret(path: str, secrets: frozenset[str]) -> bool:
    """Return whether the path, or the name, is of a secret attribute or leads into one."""
    attribute = path.strip().lower().partition("[")[0].rpartition(":")[2].partition(".")[0]
    return attribute in secrets


def _masked(value: Json, secrets: frozenset[str]) -> Json:
    match value:
        case dict():
            # SCIM's PATCH names in `path` what stands in `value`.
            aims_at_secret = any(
                _is_secret(str(part), secrets) for name, part in value.items() if name.lower() == "path"
            )
            return {
                name: MASK
                if _is_secret(name, secrets) or (aims_at_secret and name.lower() == "value")
                else _masked(part, secrets)
                for name, part in value.items()
            }
        case list():
            return [_masked(part, secrets) for part in value]
        case _:
            return value
