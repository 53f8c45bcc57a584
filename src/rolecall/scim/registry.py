"""Which kinds of resource does one installation serve?"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from rolecall.kernel.document import Json
from rolecall.scim.schemas import GROUP, USER, Place, ResourceType, Returned

ELSEWHERE: Final = "\0elsewhere"
"""Begins the path of what only other kinds of resources have; no document has such a name."""

_ALWAYS_SECRET: Final = frozenset({"password"})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Registry:
    """Users, groups, and the kinds of resource that were declared, in the order in which they are listed."""

    user: ResourceType = USER
    group: ResourceType = GROUP
    declared: tuple[ResourceType, ...] = ()
    advertised: Mapping[str, Json] = field(default_factory=dict)
    """What declarations add to the ServiceProviderConfig."""
    endpoints: Mapping[str, str] = field(init=False, repr=False)
    """Each endpoint in its own spelling, such as `/Users`, by the same in lower case."""
    secrets: frozenset[str] = field(init=False, repr=False)
    """Names, in lower case, of attributes of which something is never returned, and so never written down."""
    _among: "Mapping[ResourceType, ResourceType]" = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Index what requests ask for."""
        kinds = self.resource_types
        among = {
            kind: _AmongOthers(
                name=kind.name,
                endpoint=kind.endpoint,
                description=kind.description,
                schema=kind.schema,
                extensions=kind.extensions,
                others=kinds,
            )
            for kind in kinds
        }
        object.__setattr__(self, "endpoints", {kind.endpoint.lower(): kind.endpoint for kind in kinds})
        object.__setattr__(self, "secrets", _ALWAYS_SECRET.union(*map(_secrets_of, kinds)))
        object.__setattr__(self, "_among", among)

    @property
    def resource_types(self) -> tuple[ResourceType, ...]:
        """Every kind of resource that is served."""
        return (self.user, self.group, *self.declared)

    def among_others(self, resource_type: ResourceType) -> ResourceType:
        """Return the kind as it is where all are searched at once: what only others have is below `ELSEWHERE`."""
        return self._among[resource_type]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _AmongOthers(ResourceType):
    """A kind of resource that also knows the names of the others."""

    others: tuple[ResourceType, ...]

    def place(self, name: str) -> Place | None:
        """Return the place here, else one below `ELSEWHERE`."""
        own = ResourceType.place(self, name)
        if own is not None:
            return own
        for other in self.others:
            place = other.place(name)
            if place is not None:
                return Place(path=(ELSEWHERE, *place.path), attribute=place.attribute, parent=place.parent)
        return None


def _secrets_of(resource_type: ResourceType) -> frozenset[str]:
    return frozenset(
        attribute.name.lower()
        for _, attribute in resource_type.attributes()
        if any(each.returned is Returned.NEVER for each in (attribute, *attribute.sub_attributes))
    )
