import asyncio

import orjson
import pytest
from starlette.applications import Starlette

from rolecall.api import health
from rolecall.api.admission import Admission
from rolecall.authentication import api_keys
from rolecall.authorization.roles import SCIM_PROVISIONER
from rolecall.directory import assignments
from rolecall.http.envelope import Envelope
from rolecall.storage.engine import SqliteDatabase
from rolecall.storage.transactions import Transactions
from rolecall.telemetry.metrics import Metrics
from tests.make.directory import administrator, service_user
from tests.make.transactions import SetClock

NEARBY, FAR_AWAY = "127.0.0.1", "192.0.2.1"


def get(transactions, path, *, client=NEARBY, headers=()):
    """Ask for a path; return the status and the body of the answer."""
    metrics = Metrics()
    app = Envelope(
        Starlette(routes=health.routes(transactions, Admission(transactions), metrics)),
        metrics=metrics,
        trusted_proxies=(),
    )
    sent = []

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers],
        "client": (client, 1),
        "server": ("127.0.0.1", 80),
        "scheme": "http",
    }
    asyncio.run(app(scope, receive, send))
    return sent[0]["status"], sent[1]["body"]


def bearer(key):
    return [("authorization", f"Bearer {key}")]


@pytest.fixture
def without_database(tmp_path):
    transactions = Transactions(SqliteDatabase(tmp_path / "missing" / "rolecall.sqlite3"), clock=SetClock())
    yield transactions
    transactions.close()


def test_a_process_with_its_database_is_alive_and_ready(installed):
    for path, status in (("/healthz", "alive"), ("/readyz", "ready")):
        code, body = get(installed.transactions, path, client=FAR_AWAY)
        assert (code, orjson.loads(body)["status"]) == (200, status)


def test_a_process_without_its_database_is_alive_and_not_ready(without_database):
    assert get(without_database, "/healthz")[0] == 200
    code, body = get(without_database, "/readyz")
    assert code == 503
    assert orjson.loads(body)["status"] == "not ready"


def test_the_metrics_are_for_this_machine(installed):
    for nearby in (NEARBY, "::1"):
        code, body = get(installed.transactions, "/metrics", client=nearby)
        assert code == 200
        assert b"# HELP" in body


@pytest.mark.parametrize("name", ["forwarded", "x-forwarded-for", "x-real-ip"])
def test_whoever_comes_through_a_proxy_on_this_machine_is_not_on_this_machine(installed, name):
    assert get(installed.transactions, "/metrics", headers=[(name, "127.0.0.1")])[0] == 401


def test_from_elsewhere_the_metrics_need_a_key_that_may_read_them(installed):
    reader, provisioner = administrator(installed), service_user(installed)
    installed.change(assignments.assign_role, provisioner, role=SCIM_PROVISIONER)
    keys = {
        user_id: installed.change(api_keys.create_api_key, user_id=user_id, name="k", role=None).secret
        for user_id in (reader, provisioner)
    }

    def status(headers):
        return get(installed.transactions, "/metrics", client=FAR_AWAY, headers=headers)[0]

    assert status([]) == 401
    assert status(bearer("nothing")) == 401
    assert status(bearer(keys[provisioner])) == 403
    assert status(bearer(keys[reader])) == 200
