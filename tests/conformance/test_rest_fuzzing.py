"""Does the REST API keep its own word, whatever its OpenAPI document allows to be sent, and beyond?"""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conformance.scim_client import fresh
from tests.make.databases import fresh_sqlite
from tests.make.served import serve

SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")
EXAMPLES = 10
LIMIT_SECONDS = 300


@pytest.fixture(scope="module")
def served():
    """Alone, since what is made here by the hundred would be in the way elsewhere; the database makes no difference."""
    with fresh_sqlite() as database, serve(database, scim=False) as running:
        yield running


@pytest.fixture(scope="module")
def rest_key(served):
    """A key that may do everything, of a machine: nothing sent at random can lock anybody out."""
    answer = served.run_json(
        "admin", "create-key", "--user-name", fresh("fuzzer"), "--role", "admin", "--create-user", "--json"
    )
    return answer["api_key"]


def test_every_answer_is_one_that_the_document_describes(served, rest_key, tmp_path):
    finished = subprocess.run(
        [
            SCHEMATHESIS,
            "run",
            f"{served.url}/openapi.json",
            f"--header=Authorization: Bearer {rest_key}",
            f"--max-examples={EXAMPLES}",
            "--phases=examples,coverage,fuzzing",
            "--mode=all",
            "--generation-deterministic",
            "--request-timeout=30",
            # A filter and a page token have a grammar that JSON Schema cannot tell: most texts are neither.
            "--exclude-checks=positive_data_acceptance",
            "--continue-on-failure",
            "--no-color",
        ],
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        cwd=tmp_path,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout[-20_000:] + finished.stderr[-5_000:]
    assert served.process.poll() is None
