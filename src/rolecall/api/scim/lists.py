"""How is a list answered, by position or by cursor, of one kind of resource or of several?"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final, Generic, TypeAlias, TypeVar

from rolecall.api.calls import Answer
from rolecall.api.scim.calls import ScimCall
from rolecall.api.seals import binding
from rolecall.directory.model import ListRequest, Seek, Stretch
from rolecall.kernel.page import Page
from rolecall.kernel.predicate import Compare, Operator, Path
from rolecall.scim.cursors import (
    CURSOR_TIMEOUT_SECONDS,
    Cursor,
    check_cursor,
    parse_cursor_count,
    render_cursor_page,
)
from rolecall.scim.errors import InvalidValue
from rolecall.scim.filters import parse_filter
from rolecall.scim.lists import parse_paging, parse_sort, render_list
from rolecall.scim.projection import Projection
from rolecall.scim.registry import Registry
from rolecall.scim.schemas import ResourceType
from rolecall.scim.search import parse_filter_among, parse_sort_among
from rolecall.storage.transaction import ReadTx

T = TypeVar("T")

MAX_RESULTS: Final = 200
"""The most resources in one answer."""
DEFAULT_RESULTS: Final = 100
"""How many resources are in one answer when nobody says."""

_UNIQUE: Final[frozenset[Path]] = frozenset({("id",), ("userName",)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing(Generic[T]):
    """How one kind of resource is listed."""

    resource_type: ResourceType
    page: Callable[[ReadTx, ScimCall, ListRequest, Projection], Page[T]]
    walk: Callable[[ReadTx, ScimCall, ListRequest, Seek, Projection], Stretch[T]]
    render: Callable[[T, ScimCall, Projection], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """What is asked for of one kind of resource."""

    listing: Listing[Any]
    request: ListRequest
    projection: Projection


_Item: TypeAlias = tuple[_Wanted, Any]
_Place: TypeAlias = tuple[int, Seek]
"""Where to read on: in which of the lists, and from where in it."""


async def answer_list(call: ScimCall, *listings: Listing[Any]) -> Answer:
    """Return what the parameters ask for (RFC 7644 §3.4.2, RFC 9865), of several kinds one after the other.

    Raises: InvalidFilter, InvalidValue, InvalidCursor, ExpiredCursor, InvalidCount, ListTooSlow.
    """
    if "cursor" in call.parameters:
        return await _answer_by_cursor(call, listings)
    parameters = call.parameters
    paging = parse_paging(
        parameters.get("startIndex"), parameters.get("count"), maximum=MAX_RESULTS, default=DEFAULT_RESULTS
    )
    wanted = _wanted(call, listings, skip=paging.start_index - 1, limit=paging.count)

    def ask(tx: ReadTx) -> tuple[list[_Item], int]:
        items: list[_Item] = []
        total = 0
        for each in wanted:
            request = each.request
            if total:
                skip, limit = max(0, request.skip - total), request.limit - len(items)
                request = replace(request, skip=skip, limit=limit)
            page = each.listing.page(tx, call, request, each.projection)
            total += page.total
            items += [(each, item) for item in page.items]
        return items, total

    by_index = len(wanted) == 1 and _finds_one_user(wanted[0], call.registry)
    items, total = await (call.look_up if by_index else call.read)(ask)
    return Answer(status=200, body=render_list(_rendered(call, items), total, paging.start_index))


async def _answer_by_cursor(call: ScimCall, listings: Sequence[Listing[Any]]) -> Answer:
    parameters = call.parameters
    if "startIndex" in parameters:
        raise InvalidValue("Either startIndex or cursor can be given, not both.", attribute="cursor")
    count = parse_cursor_count(parameters.get("count"), maximum=MAX_RESULTS, default=DEFAULT_RESULTS)
    wanted = _wanted(call, listings, skip=0, limit=count)
    query = [(each.listing.resource_type.name, replace(each.request, limit=0)) for each in wanted]
    bound_to = binding(call.actor, query)
    await call.cursor_seal.prepare()
    given = call.cursor_seal.open(parameters["cursor"], bound_to) if parameters["cursor"] else None

    def ask(tx: ReadTx) -> tuple[_Walked, datetime]:
        if given is None:
            return _walk(tx, call, wanted, (0, Seek()), count), tx.now
        check_cursor(given, count=count, now=tx.now)
        return _walk(tx, call, wanted, (given.number, given.seek), count), tx.now

    walked, now = await call.read(ask)
    expires_at = now + timedelta(seconds=CURSOR_TIMEOUT_SECONDS)
    cursors = {
        name: call.cursor_seal.seal(
            Cursor(number=place[0], seek=place[1], count=count, expires_at=expires_at), bound_to
        )
        for name, place in (("previousCursor", walked.before), ("nextCursor", walked.after))
        if place is not None
    }
    return Answer(status=200, body=render_cursor_page(_rendered(call, walked.items), walked.total, cursors))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Walked:
    """One page of a walk through several lists."""

    items: list[_Item]
    total: int
    before: _Place | None
    after: _Place | None


def _walk(tx: ReadTx, call: ScimCall, wanted: Sequence[_Wanted], place: _Place, count: int) -> _Walked:
    begun, seek = place
    ahead = list(range(begun, -1, -1) if seek.backwards else range(begun, len(wanted)))
    passed = list(range(begun + 1, len(wanted)) if seek.backwards else range(begun - 1, -1, -1))
    stretches: dict[int, Stretch[Any]] = {}
    onward: _Place | None = None
    left = count
    for number in [*ahead, *passed]:
        start = seek if number == begun else Seek(backwards=seek.backwards)
        limit = left if number in ahead else 0
        each = wanted[number]
        stretch = each.listing.walk(tx, call, replace(each.request, limit=limit), start, each.projection)
        stretches[number] = stretch
        left -= len(stretch.items)
        if number in ahead and count and onward is None:
            further = stretch.before if seek.backwards else stretch.after
            if further is None and limit == 0 and stretch.total:
                further = start
            onward = None if further is None else (number, further)
    back = stretches[begun].after if seek.backwards else stretches[begun].before
    behind: _Place | None = None if back is None else (begun, back)
    if behind is None and count:
        turned = Seek(backwards=not seek.backwards)
        behind = next(((number, turned) for number in passed if stretches[number].total), None)
    items = [(wanted[number], item) for number in sorted(stretches) for item in stretches[number].items]
    total = sum(stretch.total for stretch in stretches.values())
    before, after = (onward, behind) if seek.backwards else (behind, onward)
    return _Walked(items=items, total=total, before=before, after=after)


def _wanted(call: ScimCall, listings: Sequence[Listing[Any]], *, skip: int, limit: int) -> list[_Wanted]:
    parameters = call.parameters
    sorting, filtering = parse_sort, parse_filter
    if len(listings) > 1:
        sorting = partial(parse_sort_among, registry=call.registry)
        filtering = partial(parse_filter_among, registry=call.registry)
    text = parameters.get("filter")
    wanted = []
    for listing in listings:
        kind = listing.resource_type
        sort_by, descending = sorting(parameters.get("sortBy"), parameters.get("sortOrder"), kind)
        request = ListRequest(
            where=filtering(text, kind) if text else None,
            sort_by=sort_by,
            descending=descending,
            skip=skip,
            limit=limit,
        )
        wanted.append(_Wanted(listing=listing, request=request, projection=call.projection(kind)))
    return wanted


def _rendered(call: ScimCall, items: Sequence[_Item]) -> list[bytes]:
    return [wanted.listing.render(item, call, wanted.projection) for wanted, item in items]


def _finds_one_user(wanted: _Wanted, registry: Registry) -> bool:
    """Return whether an index finds all that is asked for, so that nobody waits while it is read."""
    where = wanted.request.where
    return (
        wanted.listing.resource_type is registry.user
        and wanted.request.sort_by is None
        and isinstance(where, Compare)
        and where.operator is Operator.EQ
        and where.path in _UNIQUE
        and isinstance(where.value, str)
        and where.value != ""
    )
