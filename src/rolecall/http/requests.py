"""Who sent this request, under which id, and how much may it carry?"""

import asyncio
import secrets
import time
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final, TypeAlias
from urllib.parse import quote

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import Scope

from rolecall.kernel.errors import DomainError, ErrorKind

Network: TypeAlias = IPv4Network | IPv6Network

BODY_SECONDS: Final = 60.0
"""How long a body may take to arrive."""

UNKNOWN: Final = "unknown"
"""The address of a client that has none, as over a Unix socket."""


class BodyTooSlow(DomainError):
    """The body did not arrive within a minute; whoever sends so slowly keeps a connection from others."""

    kind = ErrorKind.INVALID
    code = "body_too_slow"


class BodyTooLarge(DomainError):
    """The body is larger than this installation accepts (setting `max_body_bytes`)."""

    kind = ErrorKind.TOO_LARGE
    code = "body_too_large"


def new_request_id() -> str:
    """Return 32 hexadecimal digits by which one request's answer, log lines and records can be found.

    Later ones sort later, to the millisecond: an index over millions of them is then written at its end only.
    Never the caller's own `X-Request-Id`: a caller could make two requests look like one.
    """
    return f"{time.time_ns() // 1_000_000:012x}{secrets.token_hex(10)}"


def request_id(scope: Scope) -> str:
    """Return the id that `http.envelope` gave to this request."""
    return str(scope["state"]["request_id"])


def path_as_sent(scope: Scope) -> str:
    """Return the path still percent-encoded, so that nothing in it can end a line or speak to a terminal."""
    raw = scope.get("raw_path")
    return quote(scope["path"]) if raw is None else raw.decode("latin-1")


def client_address(scope: Scope, trusted: Sequence[Network]) -> str:
    """Return the address of whoever sent the request, seen past `trusted` proxies.

    Each proxy appends to X-Forwarded-For the address that it saw, so the list is read from its end
    and only for as long as the address that vouches for it is trusted. What stands before is invention.
    """
    client = scope.get("client")
    seen = _parse_address(client[0]) if client else None
    if seen is None:
        return UNKNOWN
    if not _is_trusted(seen, trusted):
        return str(seen)
    forwarded = ",".join(Headers(scope=scope).getlist("x-forwarded-for")).split(",")
    while _is_trusted(seen, trusted) and forwarded:
        before = _parse_address(forwarded.pop())
        if before is None:
            break
        seen = before
    return str(seen)


def is_https(scope: Scope, trusted: Sequence[Network]) -> bool:
    """Return whether the client itself spoke HTTPS, if need be to a trusted proxy (X-Forwarded-Proto)."""
    client = scope.get("client") if trusted else None
    seen = _parse_address(client[0]) if client else None
    if seen is not None and _is_trusted(seen, trusted):
        said = Headers(scope=scope).get("x-forwarded-proto")
        if said is not None:
            return said.split(",")[-1].strip().lower() == "https"
    return str(scope.get("scheme")) == "https"


async def read_body(request: Request, *, limit: int) -> bytes:
    """Return the whole body, of which never more than `limit` bytes and one chunk are held.

    Raises: BodyTooLarge, also for a chunked body and before reading one that announces its size; BodyTooSlow.
    """
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await _read_whole_body(request, limit)
    except TimeoutError as error:
        raise BodyTooSlow(f"The request body did not arrive within {BODY_SECONDS:.0f} seconds.") from error


async def _read_whole_body(request: Request, limit: int) -> bytes:
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > limit:
        raise _too_large(limit)
    chunks = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        chunks.append(chunk)
    return b"".join(chunks)


def _too_large(limit: int) -> BodyTooLarge:
    return BodyTooLarge(f"The request body is larger than {limit} bytes, the most that is accepted.", limit=str(limit))


def _is_trusted(address: IPv4Address | IPv6Address, trusted: Sequence[Network]) -> bool:
    return any(address in network for network in trusted)


@lru_cache(maxsize=4096)  # the same few proxies and clients come again and again
def _parse_address(text: str) -> IPv4Address | IPv6Address | None:
    """Return the address in `1.2.3.4`, `1.2.3.4:80`, `::1`, `[::1]:80`; None when there is none."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    # A socket that listens on both families shows IPv4 clients as ::ffff:1.2.3.4.
    return getattr(address, "ipv4_mapped", None) or address
