"""Who takes, on loopback, what the product sends out: webhooks and mails?"""

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from tests.make.served import free_port


@dataclass(frozen=True, slots=True, kw_only=True)
class Came:
    """A request that came."""

    path: str
    headers: dict[str, str]
    """By names in lower case."""
    body: bytes


class _Request(BaseHTTPRequestHandler):
    server: "Receiver"

    def do_POST(self) -> None:  # the library calls it so
        length = int(self.headers["Content-Length"])
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.came.append(Came(path=self.path, headers=headers, body=self.rfile.read(length)))
        self.server.answer(self)

    def log_message(self, *_: object) -> None:  # the library's own
        """Say nothing."""


class Receiver(ThreadingHTTPServer):
    """An HTTP server that notes what comes and answers as it is told."""

    daemon_threads = True

    def __init__(self, port: int, answer: Callable[[Any], None]) -> None:
        super().__init__(("127.0.0.1", port), _Request)
        self.came: list[Came] = []
        self.answer = answer
        self.stopped = False

    @property
    def url(self) -> str:
        """Where it is, without a path."""
        return f"http://127.0.0.1:{self.server_port}"


def answering(status: int, text: str = "") -> Callable[[Any], None]:
    """Answer each request so."""

    def answer(request: Any) -> None:
        request.send_response(status)
        request.send_header("Content-Length", str(len(text)))
        request.end_headers()
        request.wfile.write(text.encode())

    return answer


@contextmanager
def receiving(
    answer: Callable[[Any], None] | None = None, *, context: ssl.SSLContext | None = None, port: int = 0
) -> Iterator[Receiver]:
    """Serve on loopback for as long as the block lasts, over TLS when there is a context."""
    server = Receiver(port, answer or answering(200, "ok"))
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass(slots=True)
class Mailbox:
    """What a mail server took, and from whom."""

    port: int
    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    logins: list[tuple[str, str]] = field(default_factory=list)
    refused: frozenset[str] = frozenset()

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802  # the library calls it so
        """Take a recipient, or refuse it."""
        if address in self.refused:
            return "550 No such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802  # as above
        """Take a mail."""
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        self.recipients.append(list(envelope.rcpt_tos))
        return "250 OK"

    def authenticate(self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, said: Any) -> AuthResult:
        """Note who signs in; everybody may."""
        self.logins.append((said.login.decode(), said.password.decode()))
        return AuthResult(success=True)


@contextmanager
def taking_mail(
    *, refused: frozenset[str] = frozenset(), starttls: ssl.SSLContext | None = None, tls: ssl.SSLContext | None = None
) -> Iterator[Mailbox]:
    """Take mails on loopback for as long as the block lasts."""
    mailbox = Mailbox(port=free_port(), refused=refused)
    controller = Controller(
        mailbox,
        hostname="127.0.0.1",
        port=mailbox.port,
        ssl_context=tls,
        tls_context=starttls,
        require_starttls=starttls is not None,
        authenticator=mailbox.authenticate,
        auth_require_tls=starttls is not None,
    )
    controller.start()
    try:
        yield mailbox
    finally:
        controller.stop()
