"""How is a list answered that is short enough to be read whole: keys, teams, roles?"""

from collections.abc import Mapping, Sequence

from starlette.responses import Response

from rolecall.api.rest.calls import many
from rolecall.api.rest.filters import FilterField, parse_filter
from rolecall.api.rest.paging import Asked, Pages, parse_order
from rolecall.kernel.document import Json
from rolecall.kernel.predicate import Path, compile_matcher
from rolecall.kernel.text import comparison_form


def orders_of(fields: Sequence[FilterField]) -> Mapping[str, Path]:
    """Return what such a list can be sorted by: each of its fields."""
    return {field.name: field.path for field in fields}


def answer_page(
    items: Sequence[Mapping[str, Json]], fields: Sequence[FilterField], pages: Pages, asked: Asked, page_size: int
) -> Response:
    """Return the page that is asked for of all items, each with its `id`; their order counts unless told otherwise.

    An item that comes or goes meanwhile shifts no page; one that changes what it is sorted by may.

    Raises: InvalidArguments.
    """
    where = parse_filter(asked.filter, fields)
    chosen = [item for item in items if where is None or compile_matcher(where)(item)]
    path, descending = parse_order(asked.order_by, orders_of(fields))
    if path is not None:
        name = path[0]
        chosen.sort(key=lambda item: _sort_key(item.get(name)), reverse=descending)
    start = _start(chosen, asked.place)
    page = chosen[start : start + page_size]
    more = start + page_size < len(chosen)
    return many(list(page), pages.token(asked, [start + page_size, page[-1]["id"]]) if more else None)


def _start(chosen: Sequence[Mapping[str, Json]], place: Json) -> int:
    """Return where the page begins: behind the item that the last one ended with, or where that would be."""
    if not isinstance(place, list):
        return 0
    position, last = place
    for number, item in enumerate(chosen):
        if item["id"] == last:
            return number + 1
    # It is gone, and what stood behind it has moved up.
    return max(0, int(str(position)) - 1)


def _sort_key(value: Json) -> tuple[int, str]:
    return (0, "") if value is None else (1, comparison_form(str(value)))
