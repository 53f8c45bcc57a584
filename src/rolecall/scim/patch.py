"""What does a PATCH request ask for?

Everything that can be refused without the resource is refused here, before anything is locked: shape,
paths, types, and what may never be changed. `patch_apply` does the rest.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from rolecall.kernel.document import Json
from rolecall.kernel.predicate import And, Compare, Matcher, Operator, Predicate, compile_matcher, paths_of
from rolecall.scim.errors import (
    InvalidFilter,
    InvalidPath,
    InvalidSyntax,
    InvalidValue,
    Mutability,
    NoTarget,
    ScimError,
    TooMany,
)
from rolecall.scim.members import read_members
from rolecall.scim.messages import PATCH_OP, check_message
from rolecall.scim.names import is_open_uri
from rolecall.scim.paths import AttributePath, parse_path
from rolecall.scim.schemas import MEMBERS, Attribute, AttributeType, ResourceType
from rolecall.scim.schemas import Mutability as Changes
from rolecall.scim.values import check_text, read_attribute, read_open, read_parts, read_single

MAX_OPERATIONS: Final = 1_000
"""Operations of one PATCH."""

# Okta puts `id` and `meta` into the value, authentik `schemas`, SailPoint `groups`, Okta a placeholder `password`.
_IGNORED_IN_VALUE: Final = frozenset({"id", "meta", "schemas", "groups", "password"})


class OperationName(Enum):
    """What a PATCH operation does (RFC 7644 §3.5.2)."""

    ADD = "add"
    REMOVE = "remove"
    REPLACE = "replace"


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """One attribute to change.

    `value` is what will be kept, so None unassigns; for members it is their ids. `parts` are the
    sub-attributes that a value has which `target.where` would select, and that `creates` one where none is;
    None when the filter does not say.
    """

    name: OperationName
    target: AttributePath
    value: Json = None
    matches: Matcher | None = None
    creates: bool = False
    parts: Mapping[str, Json] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation of the request; one without a path may edit many attributes, or none."""

    position: int
    edits: tuple[Edit, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Patch:
    """A PATCH request, in its order."""

    operations: tuple[Operation, ...]


def parse_patch(body: Json, resource_type: ResourceType) -> Patch:
    """Return what the body of a PATCH asks for, as RFC 7644 §3.5.2 has it and as providers send it.

    Raises: InvalidSyntax, InvalidPath, InvalidFilter, InvalidValue, NoTarget, Mutability, TooMany. Where one
        operation is to blame, the error is about its position (`operation`).
    """
    if not isinstance(body, Mapping):
        raise InvalidSyntax("The body must be a JSON object: a PatchOp.")
    fields = _by_lower_name(body)
    check_message(fields.get("schemas"), PATCH_OP)
    raw = fields.get("operations")
    if isinstance(raw, str) or not isinstance(raw, Sequence) or not raw:
        raise InvalidSyntax("Operations must be a list of one or more operations.", attribute="Operations")
    if len(raw) > MAX_OPERATIONS:
        raise TooMany(f"One PATCH takes at most {MAX_OPERATIONS:,} operations; this one has {len(raw):,}.")
    return Patch(operations=tuple(_operation(item, position, resource_type) for position, item in enumerate(raw)))


def is_membership(target: AttributePath) -> bool:
    """Return whether the path points at the members of a group, which are no part of its profile."""
    return target.attribute is MEMBERS


def _by_lower_name(fields: Mapping[str, Json]) -> Mapping[str, Json]:
    return {name.lower(): value for name, value in fields.items()}


def _operation(raw: Json, position: int, resource_type: ResourceType) -> Operation:
    try:
        return Operation(position=position, edits=tuple(_edits(raw, position, resource_type)))
    except ScimError as refusal:
        refusal.about["operation"] = str(position)
        raise


def _edits(raw: Json, position: int, resource_type: ResourceType) -> Iterator[Edit]:
    if not isinstance(raw, Mapping):
        raise InvalidSyntax(f"Operations[{position}] must be an object.")
    fields = _by_lower_name(raw)
    op, path, value = fields.get("op"), fields.get("path"), fields.get("value")
    # Entra sends op names capitalised; RFC 7644 §3.5.2 has lower case.
    name = _NAMES.get(op.lower()) if isinstance(op, str) else None
    if name is None:
        raise InvalidSyntax(f"The op of Operations[{position}] must be add, remove or replace.", attribute="op")
    if name is not OperationName.REMOVE and "value" not in fields:
        raise InvalidValue(f"Operations[{position}] has no value.", attribute="value")
    if path is None or path == "":
        if name is OperationName.REMOVE:
            raise NoTarget(f"Operations[{position}] does not say by a path what to remove.")
        return _edits_of_object(name, value, position, resource_type)
    if not isinstance(path, str):
        raise InvalidPath(f"The path of Operations[{position}] must be a text.")
    target = parse_path(path, resource_type)
    # Entra without the 2020 flag writes `Replace` to `emails[type eq "work"].value` to give a user its first
    # work address. RFC 7644 §3.5.2.3 wants noTarget there, and clients that follow it write the op in lower case.
    creates = name is OperationName.ADD or (op != name.value and _is_entra_shape(target))
    return _edits_at(name, target, value, resource_type, creates=creates)


_NAMES: Final[Mapping[str, OperationName]] = {name.value: name for name in OperationName}


def _edits_of_object(name: OperationName, value: Json, position: int, resource_type: ResourceType) -> Iterator[Edit]:
    """Yield the edits of an operation without a path, whose value holds attributes by name or by path.

    The RFC has no filters in these names. One that selects nothing creates, as every other name here does.
    """
    if not isinstance(value, Mapping):
        raise InvalidValue(f"Operations[{position}] has no path, so its value must be an object.", attribute="value")
    core = resource_type.schema.uri.lower()
    for key, item in value.items():
        lowered = key.lower()
        if _is_ignored(lowered.removeprefix(f"{core}:"), resource_type):
            continue
        if lowered == core:
            yield from _edits_of_object(name, item, position, resource_type)
        elif isinstance(item, Mapping) and is_open_uri(key, resource_type):
            yield from _edits_of_extension(name, key, item, resource_type)
        else:
            target = parse_path(key, resource_type)
            if item is not None or not is_membership(target):  # Okta sends `members: null` for "nothing to say"
                yield from _edits_at(name, target, item, resource_type, creates=True)


def _is_ignored(lowered: str, resource_type: ResourceType) -> bool:
    place = resource_type.place(lowered)
    unknown = place is None or place.attribute is None or place.attribute.read_only
    return unknown and lowered in _IGNORED_IN_VALUE


def _edits_at(
    name: OperationName, target: AttributePath, value: Json, resource_type: ResourceType, *, creates: bool
) -> Iterator[Edit]:
    if target.extension is not None and target.name is None and name is not OperationName.REMOVE and value is not None:
        if not isinstance(value, Mapping):
            raise InvalidValue(f"{target} must be an object with the attributes of that extension.")
        yield from _edits_of_extension(name, target.extension, value, resource_type)
        return
    _check_changeable(name, target)
    if name is OperationName.REMOVE:
        kept = _removed_values(target, value)
    elif is_membership(target):
        kept = read_members(value)
    else:
        kept = _kept(target, value)
        _check_unassigned(target, kept)
    where = target.where
    if name is not OperationName.REMOVE and where is not None and target.sub_name is None:
        _check_parts(target, kept)
    if where is None:
        yield Edit(name=name, target=target, value=kept)
        return
    yield Edit(
        name=name,
        target=target,
        value=kept,
        matches=compile_matcher(where),
        creates=creates,
        parts=_parts_selected(where, target.attribute),
    )


def _is_entra_shape(target: AttributePath) -> bool:
    where = target.where
    return isinstance(where, Compare) and where.operator is Operator.EQ and target.sub_name is not None


def _edits_of_extension(
    name: OperationName, uri: str, value: Mapping[str, Json], resource_type: ResourceType
) -> Iterator[Edit]:
    declared = resource_type.place(uri) is not None
    for key, item in value.items():
        # Whoever sends an extension as a resource of its own puts its URI into it.
        if key.lower() == "schemas":
            continue
        if declared:
            target = parse_path(f"{uri}:{key}", resource_type)
        else:
            target = AttributePath(extension=uri, name=check_text(key, uri))
        yield from _edits_at(name, target, item, resource_type, creates=True)


def _check_changeable(name: OperationName, target: AttributePath) -> None:
    attribute, sub = target.attribute, target.sub_attribute
    if attribute is None:
        return
    if attribute.read_only or (sub is not None and not _is_changeable(sub, of=attribute)):
        raise Mutability(f"{target} cannot be changed by a client.", attribute=str(target))
    if is_membership(target) and target.where is not None and name is not OperationName.REMOVE:
        raise Mutability("A member cannot be changed; remove it and add another.", attribute=str(target))
    if is_membership(target) and target.where is not None and ("$ref",) in paths_of(target.where):
        raise InvalidFilter("Members cannot be selected by $ref; select them by value.", attribute=str(target))
    if name is OperationName.REMOVE and sub is None and attribute.required:
        # RFC 7644 §3.5.2.2 names this error for required attributes.
        raise Mutability(f"{target} must have a value and cannot be removed.", attribute=str(target))


def _is_changeable(sub: Attribute, *, of: Attribute) -> bool:
    """Return whether the part of a value may be set; of one among several, what is immutable comes with the value."""
    return not sub.read_only and not (of.multi_valued and sub.mutability is Changes.IMMUTABLE)


def _never_unassigned(attribute: Attribute) -> bool:
    # A mapping that yields null must not end the access of a whole company: only `remove` takes `active` away.
    return attribute.required or (attribute.name == "active" and attribute.type is AttributeType.BOOLEAN)


def _check_unassigned(target: AttributePath, kept: Json) -> None:
    declared = target.attribute if target.sub_name is None else target.sub_attribute
    if kept is None and declared is not None and _never_unassigned(declared):
        raise InvalidValue(f"{target} must have a value.", attribute=str(target))


def _check_parts(target: AttributePath, kept: Json) -> None:
    """Refuse to set, in values that are there already, parts that cannot change."""
    attribute = target.attribute
    if attribute is None or not isinstance(kept, Mapping):
        return
    for name in kept:
        sub = attribute.sub_attribute(name)
        if sub is not None and not _is_changeable(sub, of=attribute):
            raise Mutability(f"{target}.{name} cannot be changed by a client.", attribute=f"{target}.{name}")


def _removed_values(target: AttributePath, value: Json) -> Json:
    """Return the values that alone are to be removed, or None for all.

    Entra, JumpCloud and authentik list them in the value; the RFC knows no value here.
    """
    attribute = target.attribute
    if value is None or (target.where is not None and target.sub_name is None):
        return None
    if target.sub_name is not None:
        attribute = target.sub_attribute
        if attribute is None:
            return None
    if attribute is None:
        return read_open(value, str(target))
    if is_membership(target):
        return read_members(value)
    return (read_attribute(attribute, value, str(target)) or []) if attribute.multi_valued else None


def _kept(target: AttributePath, value: Json) -> Json:
    attribute, sub, name = target.attribute, target.sub_attribute, str(target)
    if attribute is None:
        return read_open(value, name)
    if sub is not None:
        return read_attribute(sub, value, name) if sub.multi_valued else read_single(sub, value, name)
    if attribute.multi_valued and target.where is None:
        return read_attribute(attribute, value, name, strict=True)
    if attribute.type is AttributeType.COMPLEX:
        return None if value is None or value == "" else read_parts(attribute, value, name, strict=True)
    return read_single(attribute, value, name)


def _parts_selected(where: Predicate, attribute: Attribute | None) -> Mapping[str, Json] | None:
    """Return the sub-attributes that a value must have to be selected, when the filter is made of `eq` alone."""
    match where:
        case Compare(path=(name,), operator=Operator.EQ, value=str() | bool() | int() | float() as value):
            sub = attribute.sub_attribute(name) if attribute is not None else None
            return None if sub is not None and sub.read_only else {name: value}
        case And(parts=parts):
            selected: dict[str, Json] = {}
            for part in parts:
                inner = _parts_selected(part, attribute)
                if inner is None:
                    return None
                selected.update(inner)
            return selected
        case _:
            return None
