"""How does Rolecall call itself?

By the outbound client, but not within the outbound rule: that holds for addresses which users enter, and keeps them
out of the operator's network. The address here is the operator's own, in whatever network it lies, and paths and bodies
are Rolecall's. As ever, redirects are not followed, and a name is resolved once.
"""

import ssl
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Final

import orjson

from rolecall.connections.validation.model import OWN_NAME, Answer, Request, Way
from rolecall.kernel.document import Json
from rolecall.outbound.client import OutboundClient
from rolecall.outbound.errors import OutboundFailed, OutboundRefused
from rolecall.outbound.model import OutboundRule

_EVERYWHERE: Final = OutboundRule(networks=(ip_network("0.0.0.0/0"), ip_network("::/0")))
_LARGEST: Final = 32 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnAddress:
    """Where this process can be reached."""

    listening_url: str
    certificate: Path | None
    """The file with the certificate that it serves; None: it speaks plain HTTP."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Calls SCIM at one address with one credential."""

    client: OutboundClient
    base_url: str
    secret: str

    def call(self, request: Request) -> Answer:
        """Send a request and return what came back; when nothing did, why."""
        body = b"" if request.body is None else orjson.dumps(request.body)
        headers = {"Authorization": f"Bearer {self.secret}", "User-Agent": OWN_NAME, "Accept": "application/scim+json"}
        if body:
            headers["Content-Type"] = "application/scim+json"
        try:
            reply = self.client.send(
                request.method, f"{self.base_url}{request.path}", body, headers, kept_bytes=_LARGEST
            )
        except (OutboundFailed, OutboundRefused) as error:
            return Answer(status=None, body=error.detail)
        return Answer(status=reply.status, body=_read(reply.text))


def open_caller(own: OwnAddress, public_url: str | None, way: Way, secret: str) -> Caller:
    """Return what calls this process, in that way."""
    listening = way is Way.LISTENING or public_url is None
    url = own.listening_url if listening or public_url is None else public_url
    client = OutboundClient(_EVERYWHERE, tls=_trust(own, listening=listening))
    return Caller(client=client, base_url=f"{url.rstrip('/')}/scim/v2", secret=secret)


def _trust(own: OwnAddress, *, listening: bool) -> ssl.SSLContext | None:
    """Return whom to trust: whoever the machine trusts, and whoever presents the certificate that we serve."""
    if own.certificate is None or not own.certificate.exists():
        return None
    context = ssl.create_default_context()
    context.load_verify_locations(own.certificate)
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    # It is made for the public name; here it is recognised as a whole.
    context.check_hostname = not listening
    return context


def _read(text: str) -> Json:
    try:
        value: Json = orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
    return value
