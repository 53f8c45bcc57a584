"""How are several kinds searched at once, and how is a query sent by POST (RFC 7644 §3.4.2.1, §3.4.3)?"""

from collections.abc import Sequence
from typing import Any

from rolecall.api.calls import Answer
from rolecall.api.scim.calls import ScimCall
from rolecall.api.scim.lists import Listing, answer_list
from rolecall.scim.search import parse_search


async def list_among(listings: Sequence[Listing[Any]], call: ScimCall) -> Answer:
    """GET /: one kind after the other, each in the order that was asked for."""
    return await answer_list(call, *listings)


async def search_among(listings: Sequence[Listing[Any]], call: ScimCall) -> Answer:
    """POST /.search, and the same below the endpoint of one kind."""
    call.parameters = await call.parsed(parse_search)
    return await answer_list(call, *listings)
