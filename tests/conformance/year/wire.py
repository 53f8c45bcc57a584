"""How do the clients of the year speak HTTP?"""

import http.client
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

SCIM = "application/scim+json"
JSON = "application/json"
TIMEOUT_SECONDS = 120.0
IDLE_SECONDS = 2.0
"""A connection that was not used for so long is opened anew: servers close idle ones after some seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back; `body` is None where there is none."""

    status: int
    body: Any

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300


Thief = Callable[[str, str, Any], Answer | None]
"""Sees each request (method, path, body) first. Where it returns an answer, the request is never sent."""


class Wire:
    """One connection to one base URL with one key, kept open; standard library only."""

    def __init__(self, url: str, key: str, media_type: str, agent: str) -> None:
        parts = urlsplit(url)
        self.prefix = parts.path.rstrip("/")
        self.connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=TIMEOUT_SECONDS)
        self.headers = {"Authorization": f"Bearer {key}", "Accept": media_type, "User-Agent": agent}
        self.media_type = media_type
        self.thief: Thief | None = None
        self.calls = 0
        self.used_at = 0.0

    def ask(self, method: str, path: str, body: Any = None) -> Answer:
        """Send one request, once: if the connection breaks, that is a failure."""
        if self.thief is not None and (stolen := self.thief(method, path, body)) is not None:
            return stolen
        self.calls += 1
        content, headers = None, self.headers
        if body is not None:
            content = json.dumps(body).encode()
            headers = {**headers, "Content-Type": f"{self.media_type}; charset=utf-8"}
        if time.monotonic() - self.used_at > IDLE_SECONDS:
            self.connection.close()
        try:
            self.connection.request(method, self.prefix + path, content, headers)
            response = self.connection.getresponse()
            text = response.read()
        except BaseException:
            self.connection.close()
            raise
        self.used_at = time.monotonic()
        return Answer(status=response.status, body=json.loads(text) if text else None)

    def close(self) -> None:
        self.connection.close()
