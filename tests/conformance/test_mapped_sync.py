"""Does everybody hold exactly what their groups give after a whole organisation was pushed, and a day later?

Runs bench/mapped_sync.py, whose model of who holds what is its own, at a small size.
"""

import argparse
import asyncio
import importlib
from pathlib import Path

import pytest

from tests.conformance.scim_client import fresh

BENCH = Path(__file__).resolve().parents[2] / "bench"


@pytest.fixture(scope="module")
def served(served_alone):
    """Alone: what is pushed must be all there is."""
    return served_alone


def test_a_mapped_organisation_holds_what_its_groups_give_and_the_comparison_would_tell(served, monkeypatch):
    monkeypatch.syspath_prepend(str(BENCH))
    mapped_sync = importlib.import_module("mapped_sync")
    key = served.run_json(
        "admin", "create-key", "--user-name", fresh("b"), "--role", "admin", "--create-user", "--json"
    )
    options = argparse.Namespace(
        base=f"{served.url}/scim/v2", token=key["api_key"], users=400, groups=210, memberships=1_500,
        connections=32, chunk=100, timeout=60, pid=None, json=None,
    )  # fmt: skip
    sync = mapped_sync.MappedSync(options)

    async def push_and_then_end_one_mapping():
        result = await sync.run()
        _, body = await sync.ask("GET", "/mappings?page_size=1")
        mapping = mapped_sync.json.loads(body)["values"][0]["id"]
        status, _ = await sync.ask("DELETE", f"/mappings/{mapping}")
        return result, status, await sync.compare()

    result, ended, (wrong_without_it, _held) = asyncio.run(push_and_then_end_one_mapping())
    assert result["wrong"] == []
    assert [phase["failed"] for phase in result["phases"]] == [None] * len(result["phases"])
    assert result["assignments_of_compared"] > options.users
    assert ended == 200
    assert wrong_without_it
