"""What do clients see while the database fails, and afterwards?"""

import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import httpx2
import pytest

from tests.conformance.scim_client import USER, ScimClient, accepted, fresh
from tests.make.databases import fresh_postgresql, fresh_sqlite
from tests.make.served import serve

RECOVERY_SECONDS = 20.0
PROBE_SECONDS = 5.0
"""Whoever watches a service asks every few seconds and takes no answer for a dead one."""


@pytest.fixture
def served_on_postgresql(postgresql):
    with fresh_postgresql(postgresql) as database, serve(database) as served:
        yield served


def test_while_the_database_is_away_every_call_is_answered_and_nothing_is_claimed(served_on_postgresql, postgresql):
    served = served_on_postgresql
    name = urlsplit(served.database.plain_url).path.removeprefix("/")
    lost = {"schemas": [USER], "userName": fresh("lost")}
    with served.client() as http, ThreadPoolExecutor() as pool:
        scim = ScimClient(http)
        user = scim.create_user()
        path = f"/Users/{user['id']}"
        postgresql.refuse_connections(name)
        calls = (
            lambda: scim.get(path),
            lambda: scim.get("/Users"),
            lambda: scim.send("POST", "/Users", lost),
            lambda: scim.patch(path, {"op": "replace", "path": "active", "value": False}),
        )
        # At once, since each may wait a while for the database to come back.
        for response in pool.map(lambda call: call(), calls):
            assert response.status_code == 503, response.text
            assert int(response.headers["Retry-After"]) > 0
        assert probe(served, "/healthz") == 200
        assert probe(served, "/readyz") == 503
        postgresql.accept_connections(name)
        wait_until_ready(served)
        assert scim.read(path) == user
        assert scim.search("/Users", f'userName eq "{lost["userName"]}"') == []
        accepted(scim.send("POST", "/Users", lost), 201)


def test_a_destroyed_database_file_is_not_served_and_a_sentence_says_so():
    with fresh_sqlite() as database, serve(database) as served:
        served.kill()
        for file in served.data_dir.glob("rolecall.sqlite3*"):
            file.write_bytes(b"\xa5" * file.stat().st_size)
        with pytest.raises(AssertionError, match="serve ended"):
            served.start()
        assert "Traceback" not in served.output()
        assert served.output().strip().splitlines()[-1].startswith("rolecall: ")
        examined = served.run("admin", "doctor")
        assert examined.returncode == 6
        assert examined.stderr == ""
        assert "is damaged" in examined.stdout


def probe(served, path):
    return httpx2.get(f"{served.url}{path}", trust_env=False, timeout=PROBE_SECONDS).status_code


def wait_until_ready(served):
    deadline = time.monotonic() + RECOVERY_SECONDS
    while probe(served, "/readyz") != 200:
        assert time.monotonic() < deadline, f"not ready {RECOVERY_SECONDS} s after the database came back"
        time.sleep(0.2)
