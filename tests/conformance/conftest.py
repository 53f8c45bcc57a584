"""Which fixtures do the conformance tests share?"""

from collections.abc import Iterator

import pytest

from tests.conformance.scim_client import ScimClient
from tests.make.served import Served


@pytest.fixture
def scim(served: Served) -> Iterator[ScimClient]:
    """SCIM, with the key that `scim-setup` printed."""
    with served.client() as http:
        yield ScimClient(http)
