"""How is somebody called whose address somebody else has entered?

A name is resolved once, its addresses are looked at, and the connection goes to the very address that was found good:
a name that changes meanwhile leads nowhere else. Redirects are not followed, proxies of the environment not used.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final, TypeAlias
from urllib.parse import urlsplit

from rolecall.outbound.decide import is_listed, require_address, require_domain
from rolecall.outbound.errors import OutboundFailed, OutboundRefused
from rolecall.outbound.model import Address, OutboundRule, Reply, Target

if TYPE_CHECKING:
    import httpx2

Resolve: TypeAlias = Callable[[str, int], Awaitable[list[Address]]]
"""Returns the addresses of a host."""

SECONDS: Final = 20.0
"""For everything together: the name, the connection, the answer."""
_LARGEST_REPLY: Final = 64 * 1024
_KEPT: Final = 500
_LONGEST_URL: Final = 2_000


def parse_target(rule: OutboundRule, url: str) -> Target:
    """Return where a URL leads, when its text is allowed; `OutboundClient` looks at the address when it calls.

    Raises: OutboundRefused.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise _no_url() from error
    printable = url.isascii() and url.isprintable() and " " not in url
    if parts.scheme not in {"http", "https"} or not host or port == 0 or not printable or len(url) > _LONGEST_URL:
        raise _no_url()
    if parts.username is not None or parts.password is not None:
        raise OutboundRefused("The address must not hold a user or password: send those as an Authorization header.")
    tls = parts.scheme == "https"
    literal = _address_in(host)
    if literal is not None:
        require_address(rule, literal, tls=tls)
    if literal is None or not is_listed(rule, literal):
        require_domain(rule, host.rstrip("."))
        if not tls and not rule.networks:
            raise OutboundRefused("The address must begin with https://: anybody on the way could read what is sent.")
    return Target(url=url, scheme=parts.scheme, host=host, port=port or (443 if tls else 80))


async def resolve_by_system(host: str, port: int) -> list[Address]:
    """Return the addresses of a host in the system's order."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [ip_address(str(address[0]).partition("%")[0]) for *_, address in found]


class OutboundClient:
    """Sends to addresses that users have entered, within the rule of the installation."""

    def __init__(
        self,
        rule: OutboundRule,
        *,
        resolve: Resolve = resolve_by_system,
        tls: ssl.SSLContext | None = None,
        seconds: float = SECONDS,
    ) -> None:
        self.rule = rule
        self._resolve = resolve
        self._tls = tls
        self._seconds = seconds

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        """Send a body and return the answer, whatever its status. Waits, in a thread without event loop.

        Raises: OutboundRefused, OutboundFailed.
        """
        return self.send("POST", url, body, headers)

    def send(self, method: str, url: str, body: bytes, headers: Mapping[str, str], *, kept_bytes: int = _KEPT) -> Reply:
        """Do the same with any method; of the answer so much is kept, at most 64 KiB.

        Raises: OutboundRefused, OutboundFailed.
        """
        return asyncio.run(self._send_in_time(method, url, body, headers, kept_bytes))

    async def _send_in_time(
        self, method: str, url: str, body: bytes, headers: Mapping[str, str], kept_bytes: int
    ) -> Reply:
        import httpx2  # noqa: PLC0415  # only whoever sends something pays for loading it

        target = parse_target(self.rule, url)
        try:
            # The library's own limits are for each read: somebody who answers byte by byte would never reach them.
            async with asyncio.timeout(self._seconds):
                address = await self._find_address(target)
                return await self._send(method, target, address, body, headers, kept_bytes)
        except TimeoutError as error:
            raise OutboundFailed(f"No answer within {self._seconds:g} seconds.") from error
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
            raise OutboundFailed(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__) from error

    async def _find_address(self, target: Target) -> Address:
        """Return the first address of the host, when every one of them may be called."""
        addresses = await self._resolve(target.host, target.port)
        for address in addresses:
            # One bad address among good ones is how an attacker gets a second try.
            require_address(self.rule, address, tls=target.scheme == "https")
        if not addresses:
            raise OutboundFailed(f"{target.host} has no address.")
        return addresses[0]

    async def _send(
        self, method: str, target: Target, address: Address, body: bytes, headers: Mapping[str, str], kept_bytes: int
    ) -> Reply:
        import httpx2  # noqa: PLC0415  # as above

        url = httpx2.URL(target.url)
        # The library compresses and unpacks nothing that was not asked for: no small answer grows large here.
        host = {"Host": url.netloc.decode("ascii"), "Accept-Encoding": "identity"}
        sent = {"User-Agent": "Rolecall", **headers, **host}
        request = httpx2.Request(method, url.copy_with(host=str(address)), content=body, headers=sent)
        request.extensions["sni_hostname"] = target.host
        async with httpx2.AsyncClient(
            verify=self._tls or True, trust_env=False, follow_redirects=False, timeout=self._seconds
        ) as client:
            reply = await client.send(request, stream=True)
            try:
                return Reply(status=reply.status_code, text=await _beginning(reply, kept_bytes))
            finally:
                await reply.aclose()


async def _beginning(reply: "httpx2.Response", kept_bytes: int) -> str:
    """Return the first characters of a body, and read no more of it than is needed to end the call in order."""
    read = b""
    async for chunk in reply.aiter_raw():
        read += chunk
        if len(read) > _LARGEST_REPLY:
            break
    return read[:kept_bytes].decode("utf-8", "replace").replace("\x00", "")


def _address_in(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _no_url() -> OutboundRefused:
    return OutboundRefused(
        "The address must be a URL such as https://hooks.example.com/path, in ASCII, at most 2,000 characters.",
        attribute="url",
    )
