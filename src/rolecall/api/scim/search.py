"""How is everything searched at once, and how is a query sent by POST (RFC 7644 §3.4.2.1, §3.4.3)?"""

from collections.abc import Mapping

from rolecall.api.calls import Answer
from rolecall.api.scim.calls import ScimCall
from rolecall.api.scim.groups import GROUPS, list_groups
from rolecall.api.scim.lists import answer_list
from rolecall.api.scim.users import USERS, list_users
from rolecall.scim.search import parse_search


async def list_everything(call: ScimCall) -> Answer:
    """GET /: users, then groups, each in the order that was asked for."""
    return await answer_list(call, USERS, GROUPS)


async def search_everything(call: ScimCall) -> Answer:
    """POST /.search."""
    call.parameters = await _parameters_in(call)
    return await list_everything(call)


async def search_users(call: ScimCall) -> Answer:
    """POST /Users/.search."""
    call.parameters = await _parameters_in(call)
    return await list_users(call)


async def search_groups(call: ScimCall) -> Answer:
    """POST /Groups/.search."""
    call.parameters = await _parameters_in(call)
    return await list_groups(call)


async def _parameters_in(call: ScimCall) -> Mapping[str, str]:
    return await call.parsed(parse_search)
