import asyncio
import re
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from rolecall import main
from rolecall.authentication.setup_links import create_setup_link
from rolecall.authorization.actor import SYSTEM
from rolecall.migrations import migrate
from rolecall.settings import Settings

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@dataclass
class Site:
    """Rolecall's pages, asked without a network, at a time that the test decides."""

    rolecall: Any
    now: datetime = NOON

    def new_link(self):
        return self.rolecall.transactions.run_write(SYSTEM, create_setup_link)

    def later(self, **passed):
        self.now += timedelta(**passed)

    def read(self, ask):
        return self.rolecall.transactions.run_read(SYSTEM, ask)

    def get(self, path, **headers):
        return self._ask("GET", path, headers=headers)

    def post(self, path, data, **headers):
        return self._ask("POST", path, headers=headers, **{"content" if isinstance(data, bytes) else "data": data})

    def _ask(self, method, path, **more):
        async def go():
            transport = httpx2.ASGITransport(app=self.rolecall.app, raise_app_exceptions=False)
            async with httpx2.AsyncClient(transport=transport, base_url="http://rolecall.test") as client:
                return await client.request(method, path, **more)

        return asyncio.run(go())


@pytest.fixture(scope="session")
def migrated(tmp_path_factory):
    path = tmp_path_factory.mktemp("migrated") / "rolecall.sqlite3"
    migrate.upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture
def site(migrated, tmp_path):
    shutil.copy(migrated, tmp_path / "rolecall.sqlite3")
    made = Site(None)
    made.rolecall = main.build(Settings(data_dir=tmp_path), clock=lambda: made.now)
    yield made
    main.close(made.rolecall)


@pytest.fixture
def secret_in():
    def find(page):
        (secret,) = re.findall(r"RLCL[A-Za-z0-9+/]{60}", page.text.replace("&#43;", "+"))
        return secret

    return find
