"""Which attributes does an answer carry?"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final, TypeAlias

from rolecall.kernel.document import Document, Json
from rolecall.kernel.predicate import Path
from rolecall.scim.errors import InvalidValue
from rolecall.scim.names import resolve
from rolecall.scim.schemas import Attribute, Mutability, ResourceType, Returned

_Tree: TypeAlias = "dict[str, _Tree | None]"
"""Names in lower case; None stands for everything below."""

_MAX_NAMES: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Projection:
    """Which attributes are wanted. Made by `parse_projection`.

    With `only`, nothing else is; in any case nothing of `without`.
    """

    only: "_Tree | None"
    without: "_Tree"

    def asks_for(self, *path: str) -> bool:
        """Return whether that very attribute was named: what is returned on request only is, when it is."""
        below: _Tree | None = self.only
        for name in path:
            if not below or name.lower() not in below:
                return False
            below = below[name.lower()]
        return below is None

    @property
    def whole(self) -> bool:
        """Whether everything is wanted."""
        return self.only is None and not self.without

    def wants(self, name: str) -> bool:
        """Return whether anything of that attribute (core, or the URI of an extension) is wanted."""
        lowered = name.lower()
        if lowered in self.without and self.without[lowered] is None:
            return False
        return self.only is None or lowered in self.only


def parse_projection(attributes: str | None, excluded: str | None, resource_type: ResourceType) -> Projection:
    """Return what the parameters `attributes` and `excludedAttributes` ask for (RFC 7644 §3.9).

    Names that mean nothing are ignored. What is declared to be returned always is, and never is not.

    Raises: InvalidValue when both are given.
    """
    if attributes and excluded:
        raise InvalidValue("Either attributes or excludedAttributes can be given, not both.")
    if not attributes and not excluded:
        return _by_default(resource_type)
    always, on_request, never = _declared(resource_type)
    if attributes:
        wanted = _tree([*always, *_paths(attributes, resource_type)])
        return Projection(only=wanted, without=_tree(never))
    unwanted = [path for path in _paths(str(excluded), resource_type) if path not in always]
    return Projection(only=None, without=_tree([*on_request, *never, *unwanted]))


def project(resource: Document, projection: Projection) -> Document:
    """Return the part of the resource that is wanted."""
    if projection.only is not None:
        resource = _kept(resource, projection.only)
    return _dropped(resource, projection.without) if projection.without else resource


def _paths(names: str, resource_type: ResourceType) -> list[Path]:
    places = (resolve(name.strip(), resource_type) for name in names.split(",", _MAX_NAMES)[:_MAX_NAMES])
    return [place.path for place in places if place is not None]


@cache
def _by_default(resource_type: ResourceType) -> Projection:
    _, on_request, never = _declared(resource_type)
    return Projection(only=None, without=_tree([*on_request, *never]))


@cache
def _declared(resource_type: ResourceType) -> tuple[list[Path], list[Path], list[Path]]:
    found: dict[Returned, list[Path]] = {returned: [] for returned in Returned}
    for uri, attribute in resource_type.attributes():
        for path, declaration in _each(uri, attribute):
            # What nobody can write is not stored: it is made when it is asked for, so nothing need be taken away.
            if declaration.returned is not Returned.REQUEST or declaration.mutability is not Mutability.READ_ONLY:
                found[declaration.returned].append(path)
    return found[Returned.ALWAYS], found[Returned.REQUEST], found[Returned.NEVER]


def _each(uri: str | None, attribute: Attribute) -> Iterator[tuple[Path, Attribute]]:
    path = (attribute.name,) if uri is None else (uri, attribute.name)
    yield path, attribute
    for sub in attribute.sub_attributes:
        yield (*path, sub.name), sub


def _tree(paths: Sequence[Path]) -> _Tree:
    tree: _Tree = {}
    for path in paths:
        branch = tree
        for name in path[:-1]:
            below = branch.setdefault(name.lower(), {})
            if below is None:
                break
            branch = below
        else:
            branch[path[-1].lower()] = None
    return tree


def _kept(document: Document, tree: _Tree) -> dict[str, Json]:
    kept: dict[str, Json] = {}
    for name, value in document.items():
        if name.lower() not in tree:
            continue
        below = tree[name.lower()]
        part = value if below is None else _part(value, below, keep=True)
        if part is not None:
            kept[name] = part
    return kept


def _dropped(document: Document, tree: _Tree) -> dict[str, Json]:
    kept: dict[str, Json] = {}
    for name, value in document.items():
        below = tree.get(name.lower(), {})
        part = None if below is None else value if not below else _part(value, below, keep=False)
        if part is not None:
            kept[name] = part
    return kept


def _part(value: Json, tree: _Tree, *, keep: bool) -> Json:
    """Return the part of a complex value, or of each of several; None when nothing of it is left."""
    if isinstance(value, Mapping):
        return (_kept(value, tree) if keep else _dropped(value, tree)) or None
    if isinstance(value, Sequence) and not isinstance(value, str):
        parts = [_part(item, tree, keep=keep) for item in value]
        return [part for part in parts if part is not None] or None
    return None if keep else value
