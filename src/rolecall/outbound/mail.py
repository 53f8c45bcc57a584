"""How does a mail leave?"""

import smtplib
import ssl
from dataclasses import dataclass, field
from email.message import EmailMessage
from enum import Enum
from typing import Final

from rolecall.outbound.errors import OutboundFailed

_SECONDS: Final = 20.0


class MailSecurity(Enum):
    """How the connection to the mail server is protected."""

    STARTTLS = "smtp"
    """It is turned into TLS before anything is said. A server that cannot is not used."""
    TLS = "smtps"
    NONE = "smtp-plain"
    """Not at all: for a server on this machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """The server that takes mails."""

    host: str
    port: int
    security: MailSecurity
    user: str | None
    password: str | None = field(default=None, repr=False)
    sender: str
    """The address in `From`."""


class Mailer:
    """Hands mails to the server that the operator has named; without one, none can be sent.

    The rule for outbound calls does not hold for that server: whoever runs Rolecall has chosen it.
    """

    def __init__(self, server: MailServer | None, *, tls: ssl.SSLContext | None = None) -> None:
        self._server = server
        self._tls = tls

    @property
    def is_set_up(self) -> bool:
        """Whether there is a mail server."""
        return self._server is not None

    def send(self, recipients: tuple[str, ...], *, subject: str, text: str, message_id: str) -> tuple[str, ...]:
        """Hand over one mail for all recipients; return those whom the server refused. The others have it. Waits.

        Raises: OutboundFailed, also when the server refuses all of them.
        """
        server = self._server
        if server is None:
            raise OutboundFailed("No mail server is set: --smtp-url.")
        message = EmailMessage()
        message["From"] = server.sender
        message["To"] = ", ".join(recipients)
        message["Subject"] = " ".join(subject.split())
        message["Message-ID"] = f"<{message_id}@{server.sender.rpartition('@')[2]}>"
        # RFC 3834: whoever answers by machine shall not.
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(text)
        try:
            return tuple(sorted(self._hand_over(server, message)))
        except (OSError, smtplib.SMTPException) as error:
            raise OutboundFailed(f"The mail server did not take it: {type(error).__name__}: {error}") from error

    def _hand_over(self, server: MailServer, message: EmailMessage) -> dict[str, tuple[int, bytes]]:
        with self._connected(server) as connection:
            if server.user is not None and server.password is not None:
                connection.login(server.user, server.password)
            return connection.send_message(message)

    def _connected(self, server: MailServer) -> smtplib.SMTP:
        tls = self._tls or ssl.create_default_context()
        if server.security is MailSecurity.TLS:
            return smtplib.SMTP_SSL(server.host, server.port, timeout=_SECONDS, context=tls)
        connection = smtplib.SMTP(server.host, server.port, timeout=_SECONDS)
        if server.security is MailSecurity.STARTTLS:
            try:
                connection.starttls(context=tls)
            except BaseException:
                connection.close()
                raise
        return connection
