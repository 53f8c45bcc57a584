"""How does the body of a POST or PUT become a profile?"""

from collections.abc import Mapping, Sequence
from typing import Final

from rolecall.kernel.document import Document, Json
from rolecall.scim.demands import check_immutable, check_required, with_immutable
from rolecall.scim.errors import InvalidSyntax, InvalidValue
from rolecall.scim.names import is_open_uri, spelled
from rolecall.scim.schemas import MEMBERS, Place, ResourceType
from rolecall.scim.values import is_unassigned, read_attribute, read_open

# OneLogin's older template names the core schema as SCIM 1.1 did; what follows is SCIM 2.0.
_CORE_BEFORE_2_0: Final = "urn:scim:schemas:core:1.0"


def read_profile(body: Json, resource_type: ResourceType) -> dict[str, Json]:
    """Return what is kept of a resource that a client sent, `schemas` first, names in the schema's spelling.

    Left out are read-only attributes, attributes that the schemas do not have (RFC 7644 §3.3), and the members
    of a group; extensions that are not known here are kept as they are.

    Raises: InvalidSyntax, InvalidValue.
    """
    if not isinstance(body, Mapping):
        raise InvalidSyntax(f"The body must be a JSON object: a {resource_type.name}.")
    kept: dict[str, Json] = {}
    for key, value in body.items():
        place = resource_type.place(key)
        if key.lower() == "schemas":
            _check_schemas(value, resource_type)
        elif place is not None:
            _keep_declared(kept, place, value, resource_type)
        elif is_open_uri(key, resource_type):
            _keep(kept, key, read_open(_object(value, key), key))
    check_required(kept, resource_type)
    return with_schemas(kept, resource_type)


def replaced(before: Document, after: Document, resource_type: ResourceType) -> Document:
    """Return the profile that a PUT makes of one with another; what can be given only once stays (RFC 7644 §3.5.1).

    Raises: Mutability.
    """
    kept = with_immutable(before, after, resource_type)
    check_immutable(before, kept, resource_type)
    return kept if kept.keys() == after.keys() else with_schemas(kept, resource_type)


def with_schemas(attributes: Document, resource_type: ResourceType) -> dict[str, Json]:
    """Return the attributes with `schemas` in front: the core schema's URI and those of the extensions present."""
    extensions = [name for name in attributes if ":" in name]
    rest = {name: value for name, value in attributes.items() if name != "schemas"}
    return {"schemas": [resource_type.schema.uri, *extensions], **rest}


def _keep_declared(kept: dict[str, Json], place: Place, value: Json, resource_type: ResourceType) -> None:
    attribute = place.attribute
    if attribute is None:
        uri = place.path[0]
        inside: dict[str, Json] = {}
        for key, item in _object(value, uri).items():
            inner = resource_type.place(f"{uri}:{key}")
            if inner is not None and inner.parent is None and inner.attribute is not None:
                _keep(inside, inner.path[1], read_attribute(inner.attribute, item, spelled(inner.path)))
        _keep(kept, uri, inside or None)
    elif place.extension is None and place.parent is None and not attribute.read_only and attribute is not MEMBERS:
        _keep(kept, attribute.name, read_attribute(attribute, value, attribute.name))


def _keep(kept: dict[str, Json], name: str, value: Json) -> None:
    if value is not None:
        kept[name] = value


def _object(value: Json, name: str) -> Mapping[str, Json]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise InvalidValue(f"{name} must be an object with the attributes of that extension.", attribute=name)
    return value


def _check_schemas(value: Json, resource_type: ResourceType) -> None:
    if is_unassigned(value):
        return  # left out by clients that know only one kind of resource at each address
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise InvalidSyntax("schemas must be a list of URIs.", attribute="schemas")
    named = {uri.lower() if isinstance(uri, str) else "" for uri in value}
    if resource_type.schema.uri.lower() not in named and _CORE_BEFORE_2_0 not in named:
        raise InvalidValue(f"schemas does not name {resource_type.schema.uri}.", attribute="schemas")
