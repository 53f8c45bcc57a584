"""How can a test send what no well-behaved HTTP client would, and see whether the connection survives?"""

import json
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from typing import Any
from urllib.parse import urlsplit

from tests.conformance.scim_client import ERROR, MEDIA_TYPE

SECONDS = 30.0
IDLE_SECONDS = 2.0
"""A connection that was idle for longer may have been closed by the server, which is no fault."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RawAnswer:
    status: int
    headers: Mapping[str, str]
    content: bytes

    def json(self) -> Any:
        return json.loads(self.content)


class RawConnection:
    """One keep-alive connection that writes requests as they are given, byte for byte."""

    def __init__(self, base_url: str, api_key: str) -> None:
        parts = urlsplit(base_url)
        self.base_path = parts.path
        self._authorization = f"Bearer {api_key}".encode()
        self._address = (str(parts.hostname), int(parts.port or 80))
        self._connect()

    def send(
        self, method: str, target: str | bytes, content: bytes | None = None, headers: Mapping[str, bytes] | None = None
    ) -> RawAnswer:
        """Send a request to a target below the SCIM base URL and return the answer; it must be a whole one.

        When the connection breaks, that is an error, and the next request gets a new one.
        """
        sent = {"Host": b"127.0.0.1", "Authorization": self._authorization, "Content-Type": MEDIA_TYPE.encode()}
        sent |= headers or {}
        if content is not None:
            sent["Content-Length"] = str(len(content)).encode()
        path = target.encode("ascii") if isinstance(target, str) else target
        lines = [b"%b %b%b HTTP/1.1" % (method.encode(), self.base_path.encode(), path)]
        lines += [b"%b: %b" % (name.encode(), value) for name, value in sent.items()]
        if time.monotonic() - self._used_at > IDLE_SECONDS:
            self.close()
            self._connect()
        try:
            self._socket.sendall(b"\r\n".join(lines) + b"\r\n\r\n" + (content or b""))
            response = HTTPResponse(self._socket, method=method)
            response.begin()
            headers = {name.lower(): value for name, value in response.getheaders()}
            return RawAnswer(status=response.status, headers=headers, content=response.read())
        except (OSError, HTTPException):
            self.close()
            self._connect()
            raise
        finally:
            self._used_at = time.monotonic()

    def _connect(self) -> None:
        self._socket = socket.create_connection(self._address, timeout=SECONDS)
        self._used_at = time.monotonic()

    def close(self) -> None:
        self._socket.close()


def assert_is_scim_document(answer: RawAnswer) -> None:
    """Hold an answer against what is true of every answer below the SCIM base URL, whatever was asked."""
    assert answer.status < 500, answer
    assert answer.headers.get("x-request-id"), answer
    assert answer.headers.get("connection", "keep-alive") == "keep-alive", answer
    if answer.content:
        assert answer.headers["content-type"].split(";")[0] == MEDIA_TYPE, answer
        assert answer.json()["schemas"], answer
    else:
        assert answer.status in {204, 304}, answer
    if answer.status >= 400:
        error = answer.json()
        assert error["schemas"] == [ERROR], answer
        assert error["status"] == str(answer.status), answer
        assert error["detail"].strip(), answer
