"""How long may a request's head be, and how long may it take to come?

uvicorn bounds neither: a client could fill the memory with headers, or hold connections open with nothing.
"""

import asyncio
from typing import Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

LARGEST_HEAD: Final = 64 * 1024
"""Bytes of request line and headers."""
HEAD_SECONDS: Final = 30.0
"""From the connection's start, or from a request's first byte, to the end of its headers."""


class _HeadTooLarge(Exception):
    """Stops the parser."""


class BoundedProtocol(HttpToolsProtocol):
    """HTTP/1.1 on httptools, with both bounds."""

    _head_bytes = 0
    _unparsed_bytes = 0
    _patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn's own
        """Begin to wait for a head."""
        super().connection_made(transport)
        self._be_patient()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        self._lose_patience()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what came. A single header that never ends stays inside the parser: what is there is counted."""
        self._unparsed_bytes += len(data)
        super().data_received(data)
        if self._unparsed_bytes > LARGEST_HEAD + len(data) and not self.transport.is_closing():
            self._head_bytes = self._unparsed_bytes
            self.send_400_response("Request header is too large.")

    def on_message_begin(self) -> None:
        """Begin to count and to wait."""
        super().on_message_begin()
        self._head_bytes = 0
        self._unparsed_bytes = 0
        self._be_patient()

    def on_url(self, url: bytes) -> None:
        """Count a part of the request line."""
        self._count(url)
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Count a header."""
        self._count(name, value)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Stop waiting: the head is there."""
        self._unparsed_bytes = 0
        self._lose_patience()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Pass on a part of the body; how large that may be is the application's business."""
        self._unparsed_bytes = 0
        super().on_body(body)

    def send_400_response(self, msg: str) -> None:
        """Answer what could not be parsed, 431 when it was too long."""
        if self._head_bytes <= LARGEST_HEAD:
            super().send_400_response(msg)
            return
        self.transport.write(STATUS_LINE[431] + b"content-length: 0\r\nconnection: close\r\n\r\n")
        self.transport.close()

    def _count(self, *parts: bytes) -> None:
        self._head_bytes += sum(len(part) for part in parts)
        self._unparsed_bytes = 0
        if self._head_bytes > LARGEST_HEAD:
            raise _HeadTooLarge

    def _be_patient(self) -> None:
        if self._patience is None:
            self._patience = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _lose_patience(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
