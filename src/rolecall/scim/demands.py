"""What must hold of a resource after a change, besides that each value fits its attribute?"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TypeAlias

import orjson

from rolecall.directory.model import ResourceKind, UniqueAttribute, UniqueValue
from rolecall.kernel.document import Document, Json, is_same
from rolecall.kernel.predicate import Path, values_at
from rolecall.kernel.text import comparison_form
from rolecall.scim.errors import InvalidValue
from rolecall.scim.errors import Mutability as NotMutable
from rolecall.scim.names import spelled
from rolecall.scim.schemas import Attribute, AttributeType, Mutability, ResourceType, Uniqueness

_Declared: TypeAlias = tuple[tuple[Path, Attribute], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Demands:
    """The declarations that demand something, each with the path of its attribute."""

    required: _Declared
    required_parts: _Declared
    """Complex attributes with parts that every value of theirs must have."""
    immutable: _Declared
    immutable_parts: _Declared
    """Complex attributes that can change, with parts that cannot."""
    unique: _Declared


def check_required(profile: Document, resource_type: ResourceType) -> None:
    """Refuse a profile that lacks an extension, an attribute or a part that it must have.

    What an extension requires, it requires of resources that have that extension.

    Raises: InvalidValue.
    """
    for path in _missing_in(profile, resource_type):
        raise _missing(path)


def check_still_there(before: Document, after: Document, resource_type: ResourceType) -> None:
    """Refuse a change after which something is missing that was not missing before.

    What a declaration began to require later must not stand in the way of, say, a deactivation.

    Raises: InvalidValue.
    """
    missing = list(_missing_in(after, resource_type))
    already = set(_missing_in(before, resource_type)) if missing else set()
    for path in missing:
        if path not in already:
            raise _missing(path)


def check_immutable(before: Document, after: Document, resource_type: ResourceType) -> None:
    """Refuse a change of what can be given once and then stays (RFC 7643 §7).

    Of several values, those with the same `value` are the same one; without a `value` they have no name.

    Raises: Mutability.
    """
    demands = _demands_of(resource_type)
    for path, _ in demands.immutable:
        old = _at(before, path)
        if old is not None and not is_same(old, _at(after, path)):
            raise _fixed(path)
    for path, attribute in demands.immutable_parts:
        news = {_name_of(value, attribute): value for value in _objects(_at(after, path))}
        for old in _objects(_at(before, path)):
            new = news.get(_name_of(old, attribute))
            if new is None:
                continue
            for sub in attribute.sub_attributes:
                fixed = sub.mutability is Mutability.IMMUTABLE and sub.name in old
                if fixed and not is_same(old[sub.name], new.get(sub.name)):
                    raise _fixed((*path, sub.name))


def with_immutable(before: Document, after: Document, resource_type: ResourceType) -> dict[str, Json]:
    """Return what replaces a profile, with what it left out and nobody can take away."""
    kept = dict(after)
    for path, _ in _demands_of(resource_type).immutable:
        old = _at(before, path)
        if old is None or _at(kept, path) is not None:
            continue
        if len(path) == 1:
            kept[path[0]] = old
        else:
            kept[path[0]] = {**_parts(kept.get(path[0])), path[1]: old}
    return kept


def kind_of(resource_type: ResourceType) -> ResourceKind:
    """Return what the directory needs to know to keep resources of the type."""
    return ResourceKind(
        name=resource_type.name,
        unique=tuple(
            UniqueAttribute(
                path=path,
                name=spelled(path),
                folded=None if attribute.type is AttributeType.INTEGER else not attribute.case_exact,
            )
            for path, attribute in _demands_of(resource_type).unique
        ),
        unique_values=lambda profile: _unique_values(profile, resource_type),
    )


def _unique_values(profile: Document, resource_type: ResourceType) -> tuple[UniqueValue, ...]:
    found = (
        UniqueValue(attribute=spelled(path), key=_key_of(value, attribute))
        for path, attribute in _demands_of(resource_type).unique
        for value in values_at(profile, path)
    )
    return tuple(dict.fromkeys(found))


def _missing_in(profile: Document, resource_type: ResourceType) -> Iterator[Path]:
    demands = _demands_of(resource_type)
    for uri in resource_type.required_extensions:
        if uri not in profile:
            yield (uri,)
    for path, _ in demands.required:
        if (len(path) == 1 or path[0] in profile) and _at(profile, path) is None:
            yield path
    for path, attribute in demands.required_parts:
        for value in _objects(_at(profile, path)):
            for sub in attribute.sub_attributes:
                if sub.required and sub.name not in value:
                    yield (*path, sub.name)


@cache
def _demands_of(resource_type: ResourceType) -> _Demands:
    tops = [
        ((attribute.name,) if uri is None else (uri, attribute.name), attribute)
        for uri, attribute in resource_type.attributes()
        if not attribute.read_only
    ]
    subs = [((*path, sub.name), sub) for path, attribute in tops for sub in attribute.sub_attributes]
    return _Demands(
        required=tuple((path, attribute) for path, attribute in tops if attribute.required),
        required_parts=_with_part(tops, lambda sub: sub.required),
        immutable=tuple(each for each in tops if each[1].mutability is Mutability.IMMUTABLE),
        immutable_parts=_with_part(tops, lambda sub: sub.mutability is Mutability.IMMUTABLE),
        unique=tuple(each for each in (*tops, *subs) if each[1].uniqueness is not Uniqueness.NONE),
    )


def _with_part(declared: Sequence[tuple[Path, Attribute]], holds: Callable[[Attribute], bool]) -> _Declared:
    return tuple((path, attribute) for path, attribute in declared if any(map(holds, attribute.sub_attributes)))


def _at(profile: Document, path: Path) -> Json:
    value: Json = profile
    for name in path:
        value = _parts(value).get(name)
    return value


def _parts(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, Mapping) else {}


def _objects(value: Json) -> Iterator[Mapping[str, Json]]:
    """Yield the values of a complex attribute, of which there may be one, several, or none."""
    values = value if isinstance(value, Sequence) and not isinstance(value, str) else (value,)
    yield from (each for each in values if isinstance(each, Mapping))


def _name_of(value: Mapping[str, Json], attribute: Attribute) -> str:
    """Return what tells a value from the others of its attribute."""
    if not attribute.multi_valued:
        return ""
    return orjson.dumps(value.get("value", value), option=orjson.OPT_SORT_KEYS).decode()


def _key_of(value: Json, attribute: Attribute) -> str:
    if isinstance(value, str):
        return value if attribute.case_exact else comparison_form(value)
    return orjson.dumps(value).decode()


def _missing(path: Path) -> InvalidValue:
    return InvalidValue(f"{spelled(path)} is missing.", attribute=spelled(path))


def _fixed(path: Path) -> NotMutable:
    return NotMutable(f"{spelled(path)} has a value already, and cannot be changed.", attribute=spelled(path))
