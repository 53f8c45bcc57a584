"""What does a search by POST ask for, and what does a query mean to more than one kind of resource?"""

from collections.abc import Mapping, Sequence
from typing import Final, assert_never

from rolecall.kernel.document import Json
from rolecall.kernel.predicate import And, AnyValue, Compare, Not, Or, Path, Predicate, Present, compile_matcher
from rolecall.scim.errors import InvalidSyntax, InvalidValue
from rolecall.scim.filters import parse_filter
from rolecall.scim.lists import parse_sort
from rolecall.scim.messages import SEARCH_REQUEST, check_message
from rolecall.scim.registry import ELSEWHERE, Registry
from rolecall.scim.schemas import ResourceType

_LISTS: Final = ("attributes", "excludedAttributes")
_TEXTS: Final = ("filter", "sortBy", "sortOrder", "cursor")
_NUMBERS: Final = ("startIndex", "count")
_NAMES: Final[Mapping[str, str]] = {name.lower(): name for name in (*_LISTS, *_TEXTS, *_NUMBERS)}

_RESOURCE_TYPE: Final[Path] = ("meta", "resourceType")


def parse_search(body: Json) -> Mapping[str, str]:
    """Return the body of a SearchRequest (RFC 7644 §3.4.3) as the parameters of the same query by GET.

    Raises: InvalidSyntax, InvalidValue.
    """
    if not isinstance(body, Mapping):
        raise InvalidSyntax("The body must be a JSON object: a SearchRequest.")
    parameters: dict[str, str] = {}
    for key, value in body.items():
        if key.lower() == "schemas":
            check_message(value, SEARCH_REQUEST)
        name = _NAMES.get(key.lower())
        if name is not None and value is not None:
            parameters[name] = _parameter(name, value)
    return parameters


def parse_filter_among(text: str, resource_type: ResourceType, registry: Registry) -> Predicate:
    """Return what the filter means for one kind of resource where all are searched at once.

    What only others have is there without a value (RFC 7644 §3.4.2.1), and `meta.resourceType` is known
    beforehand, so neither needs to be looked for.

    Raises: InvalidFilter for what no kind has.
    """
    return _settled(parse_filter(text, registry.among_others(resource_type)), resource_type)


def parse_sort_among(
    sort_by: str | None, sort_order: str | None, resource_type: ResourceType, registry: Registry
) -> tuple[Path | None, bool]:
    """Return the same as `parse_sort`; no path where only others have the attribute.

    Raises: InvalidValue for what no kind has.
    """
    path, descending = parse_sort(sort_by, sort_order, registry.among_others(resource_type))
    return (None, False) if path is not None and path[0] == ELSEWHERE else (path, descending)


def _settled(predicate: Predicate, resource_type: ResourceType) -> Predicate:
    match predicate:
        case And(parts=parts):
            return And(parts=tuple(_settled(part, resource_type) for part in parts))
        case Or(parts=parts):
            return Or(parts=tuple(_settled(part, resource_type) for part in parts))
        case Not(part=part):
            return Not(part=_settled(part, resource_type))
        case Compare(path=path) | Present(path=path) | AnyValue(path=path):
            if path != _RESOURCE_TYPE and path[0] != ELSEWHERE:
                return predicate
            holds = compile_matcher(predicate)({"meta": {"resourceType": resource_type.name}})
            return And(parts=()) if holds else Or(parts=())
        case _:
            assert_never(predicate)


def _parameter(name: str, value: Json) -> str:
    if name in _LISTS:
        names = [value] if isinstance(value, str) else value
        if isinstance(names, Sequence) and all(isinstance(one, str) for one in names):
            return ",".join(str(one) for one in names)
        raise InvalidValue(f"{name} must be a list of attribute names.", attribute=name)
    if name in _NUMBERS:
        if isinstance(value, int | str) and not isinstance(value, bool):
            return str(value)
        raise InvalidValue(f"{name} must be a whole number.", attribute=name)
    if not isinstance(value, str):
        raise InvalidValue(f"{name} must be a text.", attribute=name)
    return value
