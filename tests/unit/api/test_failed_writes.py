"""What is answered, and written down, when the database fails under a call?"""

import asyncio
import threading

import orjson
import pytest

from rolecall.api.admission import Admission
from rolecall.api.recorder import Recorder
from rolecall.api.scim.app import ScimApp
from rolecall.authentication import api_keys
from rolecall.authorization.actor import SYSTEM
from rolecall.authorization.roles import SCIM_PROVISIONER
from rolecall.directory import assignments, installation
from rolecall.events import audit
from rolecall.events.model import CallOutcome, Phase
from rolecall.scim.registry import Registry
from rolecall.scim.users import RequirementProfile
from rolecall.storage.engine import SqliteDatabase
from rolecall.storage.transactions import Transactions
from tests.make.directory import USER_SCHEMA, service_user
from tests.make.held import KEYS


class FillingDisk(SqliteDatabase):
    """An SQLite file on a disk that is full for as long as `is_full` says."""

    is_full = False

    def connect(self, *, read_only):
        connection = super().connect(read_only=read_only)
        if self.is_full and not read_only:
            connection.execute("PRAGMA max_page_count=1")  # SQLite takes it as: not one page more than there are
        return connection


async def call(app, name, secret, body):
    """Post a user; return the status and headers of the answer, and its body."""
    sent = []

    async def receive():
        return {"type": "http.request", "body": orjson.dumps(body), "more_body": False}

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/scim/v2/Users",
        "root_path": "/scim/v2",
        "query_string": b"",
        "headers": [(b"authorization", f"Bearer {secret}".encode()), (b"content-type", b"application/scim+json")],
        "server": ("127.0.0.1", 80),
        "scheme": "http",
        "state": {"request_id": name, "client_address": "192.0.2.1", "https": False},
    }
    await app(scope, receive, send)
    return sent[0]["status"], dict(sent[0]["headers"]), orjson.loads(sent[1]["body"])


def user(name, **attributes):
    return {"schemas": [USER_SCHEMA], "userName": name, **attributes}


LARGE = {"urn:example:x": {"note": ["x" * 1_000] * 500}}


@pytest.fixture
def key(installed):
    """A key that may provision, in an installation with SCIM switched on."""
    user_id = service_user(installed)
    installed.change(assignments.assign_role, user_id, role=SCIM_PROVISIONER)
    installed.change(installation.enable_scim)
    return installed.change(api_keys.create_api_key, user_id=user_id, name="k", role=None).secret


def post_on_a_full_disk(installed, key, bodies):
    """Post users that share one commit while the disk is full; return the answers when it no longer is."""
    database = FillingDisk(installed.transactions._database.path)
    transactions = Transactions(database, clock=installed.clock)
    held = threading.Event()

    async def run():
        recorder = Recorder(transactions, installed.clock)
        app = ScimApp(
            transactions,
            Admission(transactions),
            recorder,
            keys=KEYS,
            registry=Registry(),
            requirements=RequirementProfile.RFC,
            max_body_bytes=10_000_000,
        )
        database.is_full = True
        transactions.write_behind(SYSTEM, lambda _tx: held.wait(5) and None)
        calls = [asyncio.ensure_future(call(app, name, key, user(name, **rest))) for name, rest in bodies.items()]
        while len(transactions._loop_writer._queue) < len(calls):
            await asyncio.sleep(0.001)
        held.set()
        answers = await asyncio.gather(*calls)
        database.is_full = False
        recorder.close()
        return answers

    answers = asyncio.run(run())
    transactions.close()
    return answers


def results(installed):
    written = installed.ask(audit.list_records, limit=10)
    return {each.request_id: (each.status, each.outcome) for each in written if each.phase is Phase.RESULT}


def test_a_write_that_the_database_cannot_take_is_answered_503_and_written_down_later(installed, key):
    ((status, headers, body),) = post_on_a_full_disk(installed, key, {"large": LARGE})
    assert status == 503
    assert body["status"] == "503"
    assert headers[b"retry-after"] == b"5"
    assert results(installed) == {"large": (503, CallOutcome.FAILED)}
    assert installed.count_rows("directory_user") == 1


def test_whoever_shares_a_commit_that_fails_is_written_down_later_too(installed, key):
    answers = post_on_a_full_disk(installed, key, {"small": {}, "large": LARGE})
    assert [status for status, _headers, _body in answers] == [503, 503]
    assert installed.count_rows("directory_user") == 1
    assert results(installed) == {"small": (503, CallOutcome.FAILED), "large": (503, CallOutcome.FAILED)}
