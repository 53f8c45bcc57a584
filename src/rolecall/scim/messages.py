"""Which messages does the protocol have besides resources, and does a body say which one it is (RFC 7644 §3.1)?"""

from collections.abc import Sequence
from typing import Final

from rolecall.kernel.document import Json
from rolecall.scim.errors import InvalidSyntax
from rolecall.scim.values import is_unassigned

_MESSAGES: Final = "urn:ietf:params:scim:api:messages:2.0:"
LIST_RESPONSE: Final = f"{_MESSAGES}ListResponse"
SEARCH_REQUEST: Final = f"{_MESSAGES}SearchRequest"
PATCH_OP: Final = f"{_MESSAGES}PatchOp"
BULK_REQUEST: Final = f"{_MESSAGES}BulkRequest"
BULK_RESPONSE: Final = f"{_MESSAGES}BulkResponse"
ERROR: Final = f"{_MESSAGES}Error"


def check_message(schemas: Json, uri: str) -> None:
    """Refuse a body whose `schemas` do not name the message that is expected at its address.

    Raises: InvalidSyntax.
    """
    if is_unassigned(schemas):
        return  # left out by some clients; the address and the method say enough
    named = schemas if isinstance(schemas, Sequence) and not isinstance(schemas, str) else ()
    if not any(isinstance(each, str) and each.lower() == uri.lower() for each in named):
        raise InvalidSyntax(f"schemas must name {uri}.", attribute="schemas")
