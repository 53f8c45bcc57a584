"""What surrounds each SCIM call: what was asked, who asks, what is written down of it?"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar
from urllib.parse import parse_qsl

import orjson
from starlette.requests import Request

from rolecall.api.scim.errors import UnsupportedMediaType
from rolecall.authorization.actor import Actor
from rolecall.directory.model import Expected
from rolecall.events.audit import CallJournal
from rolecall.events.model import Call
from rolecall.http.requests import read_body
from rolecall.kernel.document import Json
from rolecall.kernel.text import has_control_character
from rolecall.scim.errors import InvalidSyntax, InvalidValue
from rolecall.scim.projection import Projection, parse_projection
from rolecall.scim.schemas import ResourceType
from rolecall.scim.users import RequirementProfile
from rolecall.storage.transaction import ReadTx, WriteTx
from rolecall.storage.transactions import Transactions

T = TypeVar("T")

_MEDIA_TYPES: Final = frozenset({"application/scim+json", "application/json"})
_LARGEST_RECORDED_BODY: Final = 256 * 1024
_SECRET_ATTRIBUTES: Final = frozenset({"password"})
_MASK: Final = "[masked]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What goes back. An empty body has no content type."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] | None = None


@dataclass(slots=True, kw_only=True)
class ScimCall:
    """One call that has been authenticated, with all that an endpoint needs."""

    request: Request
    transactions: Transactions
    record: Call
    actor: Actor
    base_url: str
    """Ends in `/scim/v2`."""
    requirements: RequirementProfile
    max_body_bytes: int
    resource_id: str
    """What stands behind the endpoint in the path; empty when nothing does."""
    parameters: Mapping[str, str]

    def projection(self, resource_type: ResourceType) -> Projection:
        """Return which attributes the answer shall have.

        Raises: InvalidValue.
        """
        return parse_projection(
            self.parameters.get("attributes"), self.parameters.get("excludedAttributes"), resource_type
        )

    def expected(self) -> Expected:
        """Return which versions the caller is content to change (If-Match)."""
        given = self.request.headers.get("if-match")
        return Expected() if given is None or given.strip() == "*" else Expected(versions=_versions_in(given))

    def has_current(self, version: int) -> bool:
        """Return whether the caller holds this version already (If-None-Match)."""
        given = self.request.headers.get("if-none-match")
        return given is not None and (given.strip() == "*" or version in _versions_in(given))

    async def json(self) -> Json:
        """Return the body. Its record keeps no secret and no more than 256 KiB.

        Raises: BodyTooLarge, UnsupportedMediaType, InvalidSyntax, InvalidValue.
        """
        media_type = self.request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type and media_type not in _MEDIA_TYPES:
            raise UnsupportedMediaType(
                f"The media type {media_type} is not understood here; send application/scim+json."
            )
        body = await read_body(self.request, limit=self.max_body_bytes)
        try:
            value: Json = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise InvalidSyntax(f"The body is not JSON: {error}.") from error
        # Only an escape can bring a control character in: JSON does not allow it in clear.
        if b"\\u00" in body and _has_control_character(value):
            raise InvalidValue("A text in the body has a control character in it.")
        self.record.request = _recordable(value, body)
        return value

    async def look_up(self, ask: Callable[[ReadTx], T]) -> T:
        """Read a few rows by index."""
        return await self.transactions.look_up(self.actor, ask)

    async def read(self, ask: Callable[[ReadTx], T]) -> T:
        """Read what may need a scan."""
        return await self.transactions.read(self.actor, ask)

    async def write(self, change: Callable[[WriteTx], T], *, status: int) -> T:
        """Change something; the record of the call commits with it, saying `status`."""
        self.record.status = status
        return await self.transactions.write(self.actor, change, journal=CallJournal(self.record))


def parse_parameters(query: bytes) -> Mapping[str, str]:
    """Return the query's parameters; of repeated ones the last.

    Raises: InvalidSyntax for what is not UTF-8, InvalidValue for control characters.
    """
    try:
        pairs = parse_qsl(query.decode(), keep_blank_values=True, errors="strict")
    except (UnicodeDecodeError, ValueError) as error:
        raise InvalidSyntax("The query of the URL is not valid UTF-8.") from error
    for name, value in pairs:
        if has_control_character(value):
            raise InvalidValue(f"The parameter {name} has a control character in it.")
    return dict(pairs)


def _versions_in(header: str) -> frozenset[int]:
    """Return the versions that a list of entity tags names; what is no tag of ours names none."""
    tags = (tag.strip().removeprefix("W/").strip('"') for tag in header.split(","))
    return frozenset(int(tag) for tag in tags if tag.isdecimal() and tag.isascii() and len(tag) < 19)  # noqa: PLR2004  # fits 64 bits


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


def _recordable(value: Json, body: bytes) -> Json:
    if len(body) > _LARGEST_RECORDED_BODY:
        return {"omitted": f"a body of {len(body)} bytes", "sha256": hashlib.sha256(body).hexdigest()}
    return _masked(value) if b"assword" in body or b"ASSWORD" in body else value


def _masked(value: Json) -> Json:
    match value:
        case dict():
            if str(value.get("path", "")).lower() in _SECRET_ATTRIBUTES and "value" in value:
                return {**value, "value": _MASK}
            return {
                name: _MASK if name.lower().rpartition(":")[2] in _SECRET_ATTRIBUTES else _masked(part)
                for name, part in value.items()
            }
        case list():
            return [_masked(part) for part in value]
        case _:
            return value
