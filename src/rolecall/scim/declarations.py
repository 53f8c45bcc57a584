"""Which schemas and resource types does an installation declare, as data?"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import orjson

from rolecall.kernel.document import Json
from rolecall.scim.declared_schemas import read_schema
from rolecall.scim.declared_values import DeclaredValue
from rolecall.scim.discovery import CONFIG, RESOURCE_TYPE, SCHEMA
from rolecall.scim.registry import Registry
from rolecall.scim.schemas import (
    COMMON_ATTRIBUTES,
    ENTERPRISE_USER_SCHEMA,
    GROUP,
    GROUP_SCHEMA,
    USER,
    USER_SCHEMA,
    Attribute,
    ResourceType,
    Returned,
    Schema,
    Uniqueness,
)

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,99}", re.ASCII)
_TYPE_FIELDS: Final = ("schemas", "id", "name", "description", "endpoint", "schema", "schemaExtensions", "meta")
_EXTENSION_FIELDS: Final = ("schema", "required")
_TAKEN_ENDPOINTS: Final = frozenset({"/me", "/bulk", "/schemas", "/resourcetypes", "/serviceproviderconfig"})
_COMMON: Final = frozenset(attribute.name.lower() for attribute in COMMON_ATTRIBUTES)
_BUILT_IN: Final = {schema.uri.lower(): schema for schema in (USER_SCHEMA, GROUP_SCHEMA, ENTERPRISE_USER_SCHEMA)}
_CONFIG_FIELDS: Final = frozenset(
    {
        "schemas",
        "documentationuri",
        "patch",
        "bulk",
        "filter",
        "changepassword",
        "sort",
        "etag",
        "pagination",
        "authenticationschemes",
        "meta",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclarationFile:
    """A file of declarations: its name, for messages, and what is in it."""

    name: str
    content: bytes


@dataclass(slots=True, kw_only=True)
class _Declared:
    """What has been read so far."""

    schemas: dict[str, tuple[DeclaredValue, Schema]] = field(default_factory=dict)
    """By URI in lower case."""
    types: list[DeclaredValue] = field(default_factory=list)
    advertised: dict[str, Json] = field(default_factory=dict)


def read_registry(files: Iterable[DeclarationFile]) -> Registry:
    """Return users, groups, and what the files declare.

    A file has one JSON object, or a list of them: Schemas (RFC 7643 §7), ResourceTypes (§6), and
    ServiceProviderConfigs (§5), whose further members are advertised.

    Raises: InvalidDeclaration, which names file and field.
    """
    declared = _Declared()
    for file in files:
        for document in _documents_in(file):
            _take(document, declared)
    user, group = USER, GROUP
    others: list[ResourceType] = []
    for document in declared.types:
        name = document.required("name")
        if name.value == USER.name:
            user = _extended(user, document, declared)
        elif name.value == GROUP.name:
            group = _extended(group, document, declared)
        else:
            others.append(_read_type(document, declared, others))
    registry = Registry(user=user, group=group, declared=tuple(others), advertised=declared.advertised)
    _check_that_all_is_used(registry, declared)
    return registry


def _documents_in(file: DeclarationFile) -> Iterable[DeclaredValue]:
    whole = DeclaredValue(file=file.name, path="", value=None)
    try:
        whole = replace(whole, value=orjson.loads(file.content))
    except orjson.JSONDecodeError as error:
        whole.refuse(f"is not JSON: {error}.")
    return whole.items() if isinstance(whole.value, list) else (whole,)


def _take(document: DeclaredValue, declared: _Declared) -> None:
    kinds = document.required("schemas")
    match [uri.lower() for uri in kinds.texts()]:
        case [kind] if kind == SCHEMA.lower():
            schema = read_schema(document)
            if schema.uri.lower() in declared.schemas or schema.uri.lower() in _BUILT_IN:
                document.required("id").refuse(f"{schema.uri} is declared already.")
            declared.schemas[schema.uri.lower()] = (document, schema)
        case [kind] if kind == RESOURCE_TYPE.lower():
            document.members(_TYPE_FIELDS)
            declared.types.append(document)
        case [kind] if kind == CONFIG.lower():
            for name, value in document.members().items():
                if name.lower() not in _CONFIG_FIELDS:
                    declared.advertised[name] = value.value
                elif name.lower() not in {"schemas", "meta"}:
                    value.refuse("is what Rolecall says of itself, and cannot be declared.")
        case _:
            kinds.refuse(f"must be one of {SCHEMA}, {RESOURCE_TYPE} and {CONFIG}.")


def _read_type(document: DeclaredValue, declared: _Declared, others: Sequence[ResourceType]) -> ResourceType:
    members = document.members()
    name, endpoint, uri = (document.required(each) for each in ("name", "endpoint", "schema"))
    known = (USER, GROUP, *others)
    if _NAME.fullmatch(name.text()) is None:
        name.refuse("must be a letter, then letters, digits, - and _.")
    if name.text().lower() in {kind.name.lower() for kind in known}:
        name.refuse(f"there is a resource type {name.text()} already; the case of a name does not count.")
    if "id" in members and members["id"].value != name.value:
        members["id"].refuse("must be the same as name.")
    if not endpoint.text().startswith("/") or _NAME.fullmatch(endpoint.text()[1:]) is None:
        endpoint.refuse("must be a slash and one name, such as /Devices.")
    if endpoint.text().lower() in _TAKEN_ENDPOINTS.union(kind.endpoint.lower() for kind in known):
        endpoint.refuse(f"{endpoint.text()} is taken; the case of an endpoint does not count.")
    schema = declared.schemas.get(uri.text().lower())
    if schema is None:
        uri.refuse("names no schema that is declared.")
    for attribute in schema[1].attributes:
        if attribute.name.lower() in _COMMON:
            schema[0].refuse(f"{attribute.name} belongs to every resource, and is not declared.")
    extensions, required = _read_extensions(document, declared)
    return ResourceType(
        name=name.text(),
        endpoint=endpoint.text(),
        description=document.description(),
        schema=schema[1],
        extensions=extensions,
        required_extensions=required,
    )


def _extended(kind: ResourceType, document: DeclaredValue, declared: _Declared) -> ResourceType:
    """Return users or groups with further extensions; nothing else about them can be declared."""
    members = document.members()
    fixed: Mapping[str, str] = {"id": kind.name, "endpoint": kind.endpoint, "schema": kind.schema.uri}
    for name, value in fixed.items():
        if name in members and members[name].value != value:
            members[name].refuse(f"must be {value}.")
    extensions, required = _read_extensions(document, declared)
    new = tuple(extension for extension in extensions if extension not in kind.extensions)
    for extension in new:
        for attribute in extension.attributes:
            for each in (attribute, *attribute.sub_attributes):
                _check_extending(each, declared.schemas[extension.uri.lower()][0], kind)
    return replace(
        kind,
        extensions=(*kind.extensions, *new),
        required_extensions=kind.required_extensions | required,
    )


def _check_extending(attribute: Attribute, document: DeclaredValue, kind: ResourceType) -> None:
    if attribute.uniqueness is not Uniqueness.NONE:
        document.refuse(f"{attribute.name}: in an extension of {kind.name} the uniqueness must be none.")
    # Without its declaration an extension is one that nobody knows, and is shown as it is kept.
    if attribute.returned is Returned.NEVER:
        document.refuse(f"{attribute.name}: in an extension of {kind.name} returned cannot be never.")


def _read_extensions(document: DeclaredValue, declared: _Declared) -> tuple[tuple[Schema, ...], frozenset[str]]:
    extensions: list[Schema] = []
    required: set[str] = set()
    listed = document.members().get("schemaExtensions")
    for item in listed.items() if listed is not None else ():
        uri = item.required("schema", _EXTENSION_FIELDS)
        found = declared.schemas.get(uri.text().lower())
        enterprise = uri.text().lower() == ENTERPRISE_USER_SCHEMA.uri.lower()
        if found is None and not enterprise:
            uri.refuse("names no schema that is declared.")
        schema = found[1] if found is not None else ENTERPRISE_USER_SCHEMA
        if schema in extensions:
            uri.refuse("is named twice.")
        extensions.append(schema)
        members = item.members()
        if "required" in members and members["required"].truth():
            required.add(schema.uri)
    return tuple(extensions), frozenset(required)


def _check_that_all_is_used(registry: Registry, declared: _Declared) -> None:
    used = {schema.uri for kind in registry.resource_types for schema in (kind.schema, *kind.extensions)}
    for document, schema in declared.schemas.values():
        if schema.uri not in used:
            document.required("id").refuse("is used by no resource type; declare one that names it.")
