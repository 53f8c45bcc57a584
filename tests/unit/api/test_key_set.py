import asyncio
from datetime import UTC, datetime

import httpx2
import pytest
from joserfc.jwk import KeySet
from starlette.applications import Starlette

from rolecall.api import key_set
from rolecall.storage.secrets import FILE, KeyRing


def get(keys):
    async def ask():
        transport = httpx2.ASGITransport(app=Starlette(routes=key_set.routes(keys)))
        async with httpx2.AsyncClient(transport=transport, base_url="http://rolecall.test") as client:
            return await client.get(key_set.PATH)

    return asyncio.run(ask())


@pytest.fixture
def keys(tmp_path):
    return KeyRing(tmp_path / FILE)


def test_public_keys_are_there_for_everybody_and_may_be_remembered_a_while(keys):
    keys.ensure(datetime(2026, 11, 24, tzinfo=UTC))
    answer = get(keys)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/jwk-set+json")
    assert answer.headers["cache-control"] == "public, max-age=300"
    (published,) = KeySet.import_key_set(answer.json()).keys
    assert (published.kid, published.is_private) == (keys.primary, False)


def test_an_installation_whose_keys_cannot_be_used_has_none_to_show(keys):
    keys.ensure(datetime(2026, 11, 24, tzinfo=UTC))
    keys.path.chmod(0o644)
    answer = get(keys)
    assert (answer.status_code, answer.json()) == (503, {"keys": []})
