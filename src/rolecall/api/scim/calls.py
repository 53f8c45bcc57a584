"""What surrounds each SCIM call: what was asked, who asks, what is written down of it?"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar
from urllib.parse import parse_qsl

import orjson
from starlette.requests import ClientDisconnect, Request

from rolecall.api.recorder import Recorder
from rolecall.api.scim.cursors import CursorSeal
from rolecall.api.scim.errors import (
    UnsupportedContentEncoding,
    UnsupportedMediaType,
    headers_of,
    render_error,
    render_refusal,
    status_of,
)
from rolecall.authorization.actor import Actor
from rolecall.directory.model import Expected
from rolecall.events.audit import CallJournal
from rolecall.events.calls import Call
from rolecall.http.requests import read_body
from rolecall.kernel.document import Json
from rolecall.kernel.errors import DomainError, ErrorKind
from rolecall.kernel.text import has_control_character
from rolecall.scim.errors import InvalidSyntax, InvalidValue
from rolecall.scim.projection import Projection, parse_projection
from rolecall.scim.registry import Registry
from rolecall.scim.schemas import ResourceType
from rolecall.scim.users import RequirementProfile
from rolecall.storage.transaction import ReadTx, WriteTx
from rolecall.storage.transactions import Transactions
from rolecall.telemetry.logging import get_logger

T = TypeVar("T")

_MEDIA_TYPES: Final = frozenset({"application/scim+json", "application/json"})
_LARGE_BODY: Final = 64 * 1024
_DEEPEST: Final = 50
_LARGEST_RECORDED_BODY: Final = 256 * 1024
MASK: Final = "[masked]"
_log = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What goes back. An empty body has no content type."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] | None = None


@dataclass(slots=True, kw_only=True)
class ScimCall:
    """One call that has been authenticated, with all that an endpoint needs.

    It may have come as a request of its own or as one operation of a bulk request.
    """

    method: str
    json: Callable[[], Awaitable[Json]]
    """Returns the body and keeps it in the record; raises as `read_json` does."""
    transactions: Transactions
    recorder: Recorder
    cursor_seal: CursorSeal
    record: Call
    actor: Actor
    base_url: str
    """Ends in `/scim/v2`."""
    registry: Registry
    requirements: RequirementProfile
    max_body_bytes: int
    resource_id: str
    """What stands behind the endpoint in the path; empty when nothing does."""
    parameters: Mapping[str, str]
    if_match: str | None = None
    if_none_match: str | None = None

    def projection(self, resource_type: ResourceType) -> Projection:
        """Return which attributes the answer shall have.

        Raises: InvalidValue.
        """
        return parse_projection(
            self.parameters.get("attributes"), self.parameters.get("excludedAttributes"), resource_type
        )

    def expected(self) -> Expected:
        """Return which versions the caller is content to change (If-Match)."""
        given = self.if_match
        return Expected() if given is None or given.strip() == "*" else Expected(versions=_versions_in(given))

    def has_current(self, version: int) -> bool:
        """Return whether the caller holds this version already (If-None-Match)."""
        given = self.if_none_match
        return given is not None and (given.strip() == "*" or version in _versions_in(given))

    async def parsed(self, parse: Callable[[Json], T]) -> T:
        """Return what `parse` makes of the body; of a large one in a thread, so that others are served meanwhile."""
        body = await self.json()
        if self.record.body_bytes <= _LARGE_BODY:
            return parse(body)
        return await asyncio.to_thread(parse, body)

    async def look_up(self, ask: Callable[[ReadTx], T]) -> T:
        """Read a few rows by index."""
        return await self.transactions.look_up(self.actor, ask)

    async def read(self, ask: Callable[[ReadTx], T]) -> T:
        """Read what may need a scan."""
        return await self.transactions.read(self.actor, ask)

    async def write(self, change: Callable[[WriteTx], T], *, status: int, brief: bool = False) -> T:
        """Change something; the record of the call commits with it, saying `status`. `Transactions.write` has more."""
        self.record.status = status
        return await self.transactions.write(self.actor, change, journal=CallJournal(self.record), brief=brief)


async def read_json(request: Request, record: Call, *, limit: int, secrets: frozenset[str]) -> Json:
    """Return the body of a request. Its record keeps none of `secrets` and no more than 256 KiB.

    Raises: BodyTooLarge, UnsupportedMediaType, UnsupportedContentEncoding, InvalidSyntax, InvalidValue.
    """
    # A few bytes could unpack to gigabytes, so nothing is unpacked.
    encoding = request.headers.get("content-encoding", "").strip().lower()
    if encoding not in {"", "identity"}:
        raise UnsupportedContentEncoding(f"A body with the encoding {encoding} is not understood here; send it plain.")
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type and media_type not in _MEDIA_TYPES:
        raise UnsupportedMediaType(f"The media type {media_type} is not understood here; send application/scim+json.")
    body = await read_body(request, limit=limit)
    try:
        value: Json = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidSyntax(f"The body is not JSON: {error}.") from error
    record.body_bytes = len(body)
    if body.count(b"[") + body.count(b"{") > _DEEPEST and _is_deep(value):
        raise InvalidSyntax(f"The body is nested more than {_DEEPEST} levels deep.")
    # Only an escape can bring a control character in: JSON does not allow it in clear.
    if b"\\u00" in body and _has_control_character(value):
        raise InvalidValue("A text in the body has a control character in it.")
    record.request = recordable(value, body, secrets)
    return value


async def answered(record: Call, recorder: Recorder, serve: Callable[[], Awaitable[Answer]]) -> Answer:
    """Return the answer, which is a SCIM document whatever fails, and see that the call is written down."""
    try:
        answer = await serve()
        record.status = answer.status
    except DomainError as error:
        if error.kind is ErrorKind.UNAVAILABLE:
            record.fail(status_of(error), error.code, error.detail)
            _log.error("The database failed.", exc_info=error)
        elif not record.recorded:
            record.refuse(error)
        answer = Answer(status=status_of(error), body=render_refusal(error), headers=headers_of(error))
    except ClientDisconnect:
        record.give_up("client_disconnected")
        answer = Answer(status=400)
    except Exception as error:  # noqa: BLE001  # the edge: whatever fails, a SCIM error is the answer
        _log.exception("A SCIM call failed.")
        record.fail(500, type(error).__name__, None)
        detail = f"Something went wrong in Rolecall. Its log has more under the request id {record.request_id}."
        answer = Answer(status=500, body=render_error(500, detail))
    recorder.record(record)
    return answer


def parse_parameters(query: bytes) -> Mapping[str, str]:
    """Return the query's parameters; of repeated ones the last.

    Raises: InvalidSyntax for what is not UTF-8, InvalidValue for control characters.
    """
    if not query:
        return {}
    try:
        pairs = parse_qsl(query.decode(), keep_blank_values=True, errors="strict")
    except (UnicodeDecodeError, ValueError) as error:
        raise InvalidSyntax("The query of the URL is not valid UTF-8.") from error
    for name, value in pairs:
        if has_control_character(name) or has_control_character(value):
            raise InvalidValue(f"The parameter {name!r} has a control character in it.")
    return dict(pairs)


def _versions_in(header: str) -> frozenset[int]:
    """Return the versions that a list of entity tags names; what is no tag of ours names none."""
    tags = (tag.strip().removeprefix("W/").strip('"') for tag in header.split(","))
    return frozenset(int(tag) for tag in tags if tag.isdecimal() and tag.isascii() and len(tag) < 19)  # noqa: PLR2004  # fits 64 bits


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


def recordable(value: Json, body: bytes, secrets: frozenset[str]) -> Json:
    """Return what is written down of a body: nothing secret, and of a large one only its size and its hash.

    `secrets` are names of attributes in lower case.
    """
    if len(body) > _LARGEST_RECORDED_BODY:
        return {"omitted": f"a body of {len(body)} bytes", "sha256": hashlib.sha256(body).hexdigest()}
    lowered = body.lower()
    # An escape could spell the name in another way.
    named = b"\\u" in body or any(secret.encode() in lowered for secret in secrets)
    return _masked(value, secrets) if named else value


def _is_secret(path: str, secrets: frozenset[str]) -> bool:
    """Return whether the path, or the name, is of a secret attribute or leads into one."""
    attribute = path.strip().lower().partition("[")[0].rpartition(":")[2].partition(".")[0]
    return attribute in secrets


def _masked(value: Json, secrets: frozenset[str]) -> Json:
    match value:
        case dict():
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
