import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx2
import pytest

from rolecall import main
from rolecall.api.scim.cursors import CursorSeal
from rolecall.api.seals import binding
from rolecall.authentication import api_keys
from rolecall.authorization.actor import SYSTEM
from rolecall.authorization.roles import SCIM_PROVISIONER
from rolecall.directory import assignments, cursor_key, provisioned_users, users
from rolecall.directory.installation import enable_scim
from rolecall.directory.model import Position, Seek
from rolecall.kernel.errors import Forbidden
from rolecall.scim.cursors import CURSOR_TIMEOUT_SECONDS, Cursor, InvalidCursor
from rolecall.settings import Settings
from tests.make.actors import PROVISIONER
from tests.make.databases import SQLITE
from tests.make.directory import user_profile
from tests.make.transactions import SetClock

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
CURSOR = Cursor(number=1, seek=Seek(start=Position(key="geheim", id="7"), backwards=True), count=9, expires_at=NOON)


@pytest.fixture
def seal(installed):
    made = CursorSeal(installed.transactions)
    asyncio.run(made.prepare())
    return made


def test_a_cursor_is_opened_by_whom_it_was_sealed_for(seal):
    assert seal.open(seal.seal(CURSOR, b"mine"), b"mine") == CURSOR
    with pytest.raises(InvalidCursor):
        seal.open(seal.seal(CURSOR, b"mine"), b"theirs")


def test_a_sealed_cursor_tells_nothing_and_is_never_the_same(seal):
    one, two = seal.seal(CURSOR, b"mine"), seal.seal(CURSOR, b"mine")
    assert one != two
    assert "geheim" not in one


def test_no_character_of_a_cursor_can_be_changed_or_lost(seal):
    text = seal.seal(CURSOR, b"mine")
    for place in range(len(text) - 1):  # of the last one some bits count for nothing
        for other in ("A", "B", "-", ""):
            if other != text[place]:
                with pytest.raises(InvalidCursor):
                    seal.open(text[:place] + other + text[place + 1 :], b"mine")


@pytest.mark.parametrize("text", ["a", "é", " ", "A" * 10, "A" * 16, "A" * 40, "====", "\ud800"])
def test_what_was_never_sealed_is_refused(seal, text):
    with pytest.raises(InvalidCursor):
        seal.open(text, b"mine")


def test_the_key_is_made_once_and_kept(installed, seal):
    key = installed.ask(cursor_key.find_cursor_key)
    assert len(key) == 32
    assert installed.change(cursor_key.make_cursor_key) == key
    later = CursorSeal(installed.transactions)
    asyncio.run(later.prepare())
    assert later.open(seal.seal(CURSOR, b"mine"), b"mine") == CURSOR


def test_only_who_may_change_settings_makes_the_key(installed):
    assert installed.ask(cursor_key.find_cursor_key, actor=PROVISIONER) is None
    with pytest.raises(Forbidden):
        installed.change(cursor_key.make_cursor_key, actor=PROVISIONER)


def test_a_binding_tells_callers_and_queries_apart():
    actor = replace(PROVISIONER, api_key_id="k", user_id="u")
    bindings = {
        binding(actor, ["User"]),
        binding(actor, ["Group"]),
        binding(replace(actor, api_key_id="l"), ["User"]),
        binding(replace(actor, user_id="v"), ["User"]),
    }
    assert len(bindings) == 4
    assert binding(replace(actor, request_id="another"), ["User"]) == binding(actor, ["User"])


@pytest.fixture
def served(installed):
    """Return how to ask a Rolecall with three users whose clock a test moves."""
    assert installed.kind == SQLITE
    clock = SetClock()
    rolecall = main.build(Settings(data_dir=installed.database.directory), clock=clock)

    def prepared(tx):
        for number in range(3):
            provisioned_users.create_user(tx, user_profile(f"u{number}"))
        robot = users.create_service_user(tx, user_name="robot")
        assignments.assign_role(tx, robot.id, role=SCIM_PROVISIONER)
        enable_scim(tx)
        return api_keys.create_api_key(tx, user_id=robot.id, name="test", role=SCIM_PROVISIONER).secret

    key = rolecall.transactions.run_write(SYSTEM, prepared)

    def ask(**parameters):
        async def go():
            transport = httpx2.ASGITransport(app=rolecall.app, raise_app_exceptions=False)
            headers = {"Authorization": f"Bearer {key}"}
            async with httpx2.AsyncClient(transport=transport, base_url="http://rolecall.test") as client:
                return await client.get("/scim/v2/Users", params=parameters, headers=headers)

        return asyncio.run(go())

    yield clock, ask
    main.close(rolecall)


def test_a_cursor_expires(served):
    clock, ask = served
    cursor = ask(cursor="", count=2).json()["nextCursor"]
    clock.advance(timedelta(seconds=CURSOR_TIMEOUT_SECONDS))
    assert len(ask(cursor=cursor, count=2).json()["Resources"]) == 1
    clock.advance(timedelta(seconds=1))
    response = ask(cursor=cursor, count=2)
    assert (response.status_code, response.json()["scimType"]) == (400, "expiredCursor")
