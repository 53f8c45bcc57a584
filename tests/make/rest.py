"""How does a test call the REST API without a network?"""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from rolecall import main
from rolecall.authentication.api_keys import create_api_key
from rolecall.authorization.roles import RoleId
from rolecall.directory import assignments
from rolecall.settings import Settings
from tests.make.directory import administrator, service_user
from tests.make.transactions import Installed


@dataclass(slots=True, kw_only=True)
class RestClient:
    """The REST API of one installation, asked in this process with one key."""

    app: Any
    key: str

    def ask(self, method: str, path: str, *, key: str | None = None, **more: Any) -> httpx2.Response:
        """Send one request: with another key than its own if one is given, with none for an empty one."""
        secret = self.key if key is None else key
        headers = {"Authorization": f"Bearer {secret}"} if secret else {}
        headers |= more.pop("headers", {})

        async def go() -> httpx2.Response:
            transport = httpx2.ASGITransport(app=self.app, raise_app_exceptions=False)
            async with httpx2.AsyncClient(transport=transport, base_url="http://rolecall.test") as client:
                return await client.request(method, path, headers=headers, **more)

        return asyncio.run(go())

    def get(self, path: str, **parameters: Any) -> Any:
        """Return what a GET answers with; it succeeds."""
        return accepted(self.ask("GET", path, params=parameters))

    def send(self, method: str, path: str, body: Any = None, *, key: str | None = None) -> Any:
        """Return what a call with a body (none for None) answers with; it succeeds."""
        return accepted(self.ask(method, path, key=key, **({} if body is None else {"json": body})))

    def post(self, path: str, body: Any = None, *, key: str | None = None) -> Any:
        """Return what a POST answers with; it succeeds."""
        return self.send("POST", path, body, key=key)

    def walk(self, path: str, **parameters: Any) -> list[Any]:
        """Return every item of a list, read page after page as clients do."""
        items: list[Any] = []
        while True:
            page = self.get(path, **parameters)
            items += page["values"]
            if not page["has_more"]:
                return items
            parameters["page_token"] = page["next_page_token"]


def accepted(response: httpx2.Response) -> Any:
    """Return the body of an answer that says 200."""
    assert response.status_code == httpx2.codes.OK, response.text
    assert response.headers["content-type"] == "application/json"
    return response.json()


def refused(response: httpx2.Response, status: int, *fields: str) -> Mapping[str, Any]:
    """Return the body of a refusal, which has the documented shape and names these fields."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    body: dict[str, Any] = response.json()
    assert set(body) == {"code", "message", "request_id", "timestamp", "details"}
    assert body["request_id"] == response.headers["x-request-id"]
    named = [violation["field"] for detail in body["details"] for violation in detail.get("field_violations", ())]
    assert named == list(fields), body
    return body


def reason_of(body: Mapping[str, Any]) -> str:
    """Return the stable code of a refusal."""
    return str(body["details"][0]["reason"])


@contextmanager
def rest_client(installed: Installed, data_dir: Path) -> Iterator[RestClient]:
    """Offer the REST API over an installed database, with a key of an administrator."""
    settings = Settings(data_dir=data_dir, database_url=installed.database.plain_url)
    rolecall = main.build(settings, clock=installed.clock)
    try:
        rolecall.keys.ensure(installed.clock())
        root = administrator(installed)
        secret = installed.change(create_api_key, user_id=root, name="test", role=None).secret
        yield RestClient(app=rolecall.app, key=secret)
    finally:
        main.close(rolecall)


def key_of_role(installed: Installed, role: RoleId) -> str:
    """Return a key of a new service user that holds this role on Root and no other."""
    user_id = service_user(installed, f"robot {role}")
    installed.change(assignments.assign_role, user_id, role=role)
    secret: str = installed.change(create_api_key, user_id=user_id, name=role, role=None).secret
    return secret
