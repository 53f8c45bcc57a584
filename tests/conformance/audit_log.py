"""How do tests read the audit log of a served installation?"""

import json
import time
from typing import Any

import httpx2

from tests.make.served import Served

PATIENCE_SECONDS = 10.0
"""Records of reads and of refusals may follow their answer by about a second."""


def read_records(served: Served, newest: int = 1_000_000) -> list[dict[str, Any]]:
    """Return the newest audit records, the oldest of them first, as the command line shows them."""
    lines = served.run_text("admin", "audit", "tail", "--lines", str(newest), "--json").splitlines()
    return [json.loads(line) for line in lines]


def find_results(served: Served, *responses: httpx2.Response) -> list[dict[str, Any]]:
    """Return the result of each call, in the order of the answers, waiting for what is not there yet."""
    wanted = [response.headers["X-Request-Id"] for response in responses]
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        records = read_records(served, 300)
        found = [results_of(records, request_id) for request_id in wanted]
        if all(found):
            assert {len(results) for results in found} == {1}, f"more than one result of a call: {found}"
            return [results[0] for results in found]
        assert time.monotonic() < deadline, f"no result of some of {wanted} within {PATIENCE_SECONDS} s"


def results_of(records: list[dict[str, Any]], request_id: str) -> list[dict[str, Any]]:
    """Return the results of one call; a call has one, or none yet."""
    return [record for record in records if (record["request_id"], record["phase"]) == (request_id, "result")]
