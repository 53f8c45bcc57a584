"""Which part of a list does a call ask for?"""

from dataclasses import dataclass
from typing import Final

from rolecall.api.scim.calls import ScimCall
from rolecall.directory.model import ListRequest
from rolecall.kernel.predicate import Compare, Operator, Path, Predicate
from rolecall.scim.filters import parse_filter
from rolecall.scim.lists import parse_paging, parse_sort
from rolecall.scim.schemas import ResourceType

MAX_RESULTS: Final = 200
"""The most resources in one answer."""

_DEFAULT_RESULTS: Final = 100
_UNIQUE: Final[frozenset[Path]] = frozenset({("id",), ("userName",)})


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestedList:
    """What was asked for, and whether an index finds it at once."""

    request: ListRequest
    start_index: int
    by_index: bool


def requested_list(call: ScimCall, resource_type: ResourceType) -> RequestedList:
    """Return what the parameters of a list ask for (RFC 7644 §3.4.2).

    Raises: InvalidFilter, InvalidValue.
    """
    parameters = call.parameters
    paging = parse_paging(
        parameters.get("startIndex"), parameters.get("count"), maximum=MAX_RESULTS, default=_DEFAULT_RESULTS
    )
    sort_by, descending = parse_sort(parameters.get("sortBy"), parameters.get("sortOrder"), resource_type)
    text = parameters.get("filter")
    where = parse_filter(text, resource_type) if text else None
    return RequestedList(
        request=ListRequest(
            where=where,
            sort_by=sort_by,
            descending=descending,
            skip=paging.start_index - 1,
            limit=paging.count,
        ),
        start_index=paging.start_index,
        by_index=_names_one(where),
    )


def _names_one(where: Predicate | None) -> bool:
    return isinstance(where, Compare) and where.operator is Operator.EQ and where.path in _UNIQUE
