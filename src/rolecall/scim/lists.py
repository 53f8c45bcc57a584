"""How is a part of a list asked for and answered?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rolecall.kernel.predicate import Path
from rolecall.scim.errors import InvalidValue
from rolecall.scim.messages import LIST_RESPONSE
from rolecall.scim.names import resolve, spelled, suggestion
from rolecall.scim.schemas import AttributeType, ResourceType

_LARGEST_INDEX: Final = 2**31 - 1  # what both databases can skip
_DIGITS: Final = 18  # more are more than anybody has


@dataclass(frozen=True, slots=True, kw_only=True)
class Paging:
    """Which part of a list is wanted: from position `start_index`, counted from 1, at most `count` (0: none)."""

    start_index: int
    count: int


def parse_paging(start_index: str | None, count: str | None, *, maximum: int, default: int) -> Paging:
    """Return what the parameters `startIndex` and `count` ask for (RFC 7644 §3.4.2.4).

    Too small is not wrong: a start before 1 is 1, a negative count is 0. More than `maximum` gets `maximum`.

    Raises: InvalidValue for what is no whole number.
    """
    start = whole_number("startIndex", start_index, 1)
    wanted = whole_number("count", count, default)
    return Paging(start_index=min(max(start, 1), _LARGEST_INDEX), count=min(max(wanted, 0), maximum))


def parse_sort(sort_by: str | None, sort_order: str | None, resource_type: ResourceType) -> tuple[Path | None, bool]:
    """Return the path to sort by, if any, and whether in descending order (RFC 7644 §3.4.2.3).

    Values of a complex multi-valued attribute are sorted by `value`.

    Raises: InvalidValue.
    """
    order = (sort_order or "ascending").lower()
    if order not in {"ascending", "descending"}:
        raise InvalidValue("sortOrder must be ascending or descending.", attribute="sortOrder")
    if not sort_by:
        return None, order == "descending"
    place = resolve(sort_by, resource_type)
    if place is None:
        hint = suggestion(sort_by, resource_type)
        raise InvalidValue(f"sortBy names no attribute of {resource_type.name}.{hint}", attribute="sortBy")
    path = place.path
    if place.attribute is None:
        if len(path) == 1:
            raise InvalidValue(f"{spelled(path)} cannot be sorted by.", attribute="sortBy")
    elif place.attribute.type is AttributeType.COMPLEX:
        if place.attribute.sub_attribute("value") is None:
            part = spelled((*path, place.attribute.sub_attributes[0].name))
            raise InvalidValue(f"{spelled(path)} has parts; sort by one, such as {part}.", attribute="sortBy")
        path = (*path, "value")
    named = resolve(spelled(path), resource_type)
    if named is not None and named.is_secret:
        raise InvalidValue(f"{spelled(path)} is never returned, so it cannot be sorted by.", attribute="sortBy")
    return path, order == "descending"


def whole_number(name: str, text: str | None, default: int) -> int:
    """Return the number that a parameter states; one that nobody has counts as very large.

    Raises: InvalidValue.
    """
    if text is None or text == "":
        return default
    digits = text.strip().removeprefix("-").removeprefix("+")
    if not (digits.isascii() and digits.isdigit()):
        raise InvalidValue(f"{name} must be a whole number.", attribute=name)
    number = int(digits) if len(digits) <= _DIGITS else _LARGEST_INDEX
    return -number if text.strip().startswith("-") else number


def render_list(resources: Sequence[bytes], total: int, start_index: int) -> bytes:
    """Return the ListResponse (RFC 7644 §3.4.2) around resources that are JSON already."""
    return b'{"schemas":["%b"],"totalResults":%d,"startIndex":%d,"itemsPerPage":%d,"Resources":[%b]}' % (
        LIST_RESPONSE.encode(),
        total,
        start_index,
        len(resources),
        b",".join(resources),
    )
