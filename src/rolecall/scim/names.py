"""What does an attribute name mean, and how is it spelled?"""

import difflib
import re
from collections.abc import Mapping
from functools import cache
from typing import Final

from rolecall.kernel.predicate import Path
from rolecall.scim.schemas import Attribute, Place, ResourceType

_NAME: Final = re.compile(r"[A-Za-z$][A-Za-z0-9_$-]*", re.ASCII)
_NAMES: Final = re.compile(rf"({_NAME.pattern})(?:\.({_NAME.pattern}))?", re.ASCII)
OPEN_URI: Final = r"[A-Za-z][A-Za-z0-9+.-]*:[A-Za-z0-9._~:/?#@!$&'()*+,;=%-]+"
"""The form of a schema's URI, as a regular expression."""
_URI: Final = re.compile(OPEN_URI, re.ASCII)
_MAX_URI_LENGTH: Final = 500
_CORE: Final = "urn:ietf:params:scim:schemas:core:"
_MAX_NAME_LENGTH: Final = 100


def is_attribute_name(text: str) -> bool:
    """Return whether the text could be the name of an attribute (RFC 7643 §2.1; `$ref` counts)."""
    return _NAME.fullmatch(text) is not None


def is_uri(text: str) -> bool:
    """Return whether the text could be the URI of a schema. Quotes and brackets never stand in one."""
    return len(text) <= _MAX_URI_LENGTH and _URI.fullmatch(text) is not None


def is_open_uri(text: str, resource_type: ResourceType) -> bool:
    """Return whether the text could be the URI of an extension that no schema here declares.

    What begins like a core schema, or is the beginning of one that is declared, is a slip, not a new extension.
    """
    lowered = f"{text.lower()}:"
    declared = [f"{schema.uri.lower()}:" for schema in (resource_type.schema, *resource_type.extensions)]
    slip = lowered.startswith(_CORE) or any(uri.startswith(lowered) or lowered.startswith(uri) for uri in declared)
    return not slip and is_uri(text)


def spelled(path: Path) -> str:
    """Return the path as SCIM writes it: `name.givenName`, or `urn:…:User:manager.value`."""
    first, *rest = path
    if rest and ":" in first:
        return f"{first}:{'.'.join(rest)}"
    return ".".join(path)


def resolve(name: str, resource_type: ResourceType) -> Place | None:
    """Return the place that the name means, declared or in an extension unknown here; None when it means nothing.

    An unknown URI ends at the last colon, or with the resource type's name (`urn:…:2.0:User`).
    """
    return resource_type.place(name) or _open_place(name, resource_type)


def suggestion(name: str, resource_type: ResourceType) -> str:
    """Return ` Did you mean …?` with the declared name nearest to this one, or nothing."""
    return _nearest(name.rpartition(":")[2], _spellings(resource_type))


def suggestion_within(name: str, attribute: Attribute | None) -> str:
    """Return ` Did you mean …?` with the sub-attribute named nearest to this, or nothing."""
    subs = () if attribute is None else attribute.sub_attributes
    return _nearest(name, {sub.name.lower(): sub.name for sub in subs})


def _nearest(name: str, spellings: Mapping[str, str]) -> str:
    for near in difflib.get_close_matches(name[:_MAX_NAME_LENGTH].lower(), spellings, n=1):
        return f" Did you mean {spellings[near]}?"
    return ""


@cache
def _spellings(resource_type: ResourceType) -> Mapping[str, str]:
    """Return the full spelling of each declared name by its own, without extension and in lower case."""
    spellings = {}
    for uri, attribute in resource_type.attributes():
        prefix = () if uri is None else (uri,)
        spellings[attribute.name.lower()] = spelled((*prefix, attribute.name))
        for sub in attribute.sub_attributes:
            spellings[f"{attribute.name}.{sub.name}".lower()] = spelled((*prefix, attribute.name, sub.name))
    return spellings


def _open_place(name: str, resource_type: ResourceType) -> Place | None:
    if not is_open_uri(name, resource_type):
        return None
    uri, _, rest = name.rpartition(":")
    inside = _NAMES.fullmatch(rest)
    if inside is None or not is_uri(uri) or rest.lower() == resource_type.name.lower():
        return Place(path=(name,), extension=name)
    return _inside(uri, inside) if is_open_uri(uri, resource_type) else None


def _inside(uri: str, names: re.Match[str]) -> Place:
    path = (uri, *(name for name in names.groups() if name is not None))
    return Place(path=path, extension=uri)
