"""Which fixtures do the tests of the REST API share?"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.make.rest import RestClient, rest_client
from tests.make.transactions import Installed


@pytest.fixture
def api(installed: Installed, tmp_path: Path) -> Iterator[RestClient]:
    """The REST API over the test's database, with a key of an administrator named `root`."""
    with rest_client(installed, tmp_path) as client:
        yield client
