"""What does the path of a PATCH operation point at?"""

import re
from dataclasses import dataclass
from typing import Final

from rolecall.kernel.predicate import Path, Predicate
from rolecall.scim.errors import InvalidPath
from rolecall.scim.filters import parse_value_filter
from rolecall.scim.names import is_attribute_name, resolve, spelled, suggestion
from rolecall.scim.schemas import Attribute, AttributeType, Place, ResourceType

_SUB_ATTRIBUTE: Final = re.compile(r"\.([^.\[\]]+)")
_MAX_PATH_LENGTH: Final = 10_000
_SHOWN: Final = 200  # enough to recognise a path by


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributePath:
    """A path taken apart: `extension:name[where].sub_name`, each part in the schema's spelling.

    `name` is None when the whole extension is meant. The declarations are None for what no schema declares.
    """

    extension: str | None = None
    name: str | None = None
    where: Predicate | None = None
    sub_name: str | None = None
    attribute: Attribute | None = None
    sub_attribute: Attribute | None = None

    @property
    def names(self) -> Path:
        """The names alone, from the outside in."""
        return tuple(name for name in (self.extension, self.name, self.sub_name) if name is not None)

    def __str__(self) -> str:
        """Return the names as SCIM writes them, without the filter."""
        return spelled(self.names)


def parse_path(text: str, resource_type: ResourceType) -> AttributePath:
    """Return what the path (RFC 7644 §3.5.2, figure 7) points at.

    An extension that is declared nowhere is let through; where its URI ends is decided as in `names.resolve`.

    Raises: InvalidPath; InvalidFilter for the part in brackets.
    """
    if len(text) > _MAX_PATH_LENGTH:
        raise InvalidPath(f"The path is longer than {_MAX_PATH_LENGTH:,} characters.", path=_shown(text))
    opening = text.find("[")
    if opening < 0:
        return _from_place(_place(text, text, resource_type))
    closing = text.rfind("]")
    if closing < opening:
        raise InvalidPath(f"The path {_shown(text)} has no closing bracket.", path=_shown(text))
    place = _place(text[:opening], text, resource_type)
    if place.parent is not None or not _has_parts(place):
        raise InvalidPath(f"The path {_shown(text)} selects among values that have no parts.", path=_shown(text))
    where = parse_value_filter(text[opening + 1 : closing], place.attribute)
    sub_name, sub_attribute = _after_filter(text[closing + 1 :], text, place.attribute)
    return AttributePath(
        extension=place.extension,
        name=place.path[-1],
        where=where,
        sub_name=sub_name,
        attribute=place.attribute,
        sub_attribute=sub_attribute,
    )


def _place(name: str, text: str, resource_type: ResourceType) -> Place:
    place = resolve(name, resource_type)
    if place is None:
        if name.rpartition(":")[2].lower() == "password":
            raise InvalidPath(
                "Rolecall keeps no passwords that are pushed to it, so it cannot change one.", path=_shown(text)
            )
        hint = suggestion(name, resource_type)
        raise InvalidPath(
            f"The path {_shown(text)} names no attribute of {resource_type.name}.{hint}", path=_shown(text)
        )
    return place


def _shown(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _from_place(place: Place) -> AttributePath:
    names = place.path if place.extension is None else place.path[1:]
    return AttributePath(
        extension=place.extension,
        name=names[0] if names else None,
        sub_name=names[1] if len(names) > 1 else None,
        attribute=place.attribute if place.parent is None else place.parent,
        sub_attribute=place.attribute if place.parent is not None else None,
    )


def _has_parts(place: Place) -> bool:
    if place.attribute is not None:
        return place.attribute.type is AttributeType.COMPLEX
    return len(place.path) == 2  # noqa: PLR2004 - the URI and the name of an attribute of an unknown extension


def _after_filter(rest: str, text: str, attribute: Attribute | None) -> tuple[str | None, Attribute | None]:
    if not rest:
        return None, None
    match = _SUB_ATTRIBUTE.fullmatch(rest)
    name = match[1] if match is not None else ""
    if attribute is None:
        if is_attribute_name(name):
            return name, None
    else:
        sub = attribute.sub_attribute(name)
        if sub is not None:
            return sub.name, sub
    raise InvalidPath(f"The path {_shown(text)} does not end in the name of a sub-attribute.", path=_shown(text))
