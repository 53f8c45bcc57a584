"""Which calls are there on resources, alone as in a bulk request?"""

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from rolecall.api.calls import Answer
from rolecall.api.scim import groups, users
from rolecall.api.scim.calls import ScimCall
from rolecall.api.scim.declared import calls_on
from rolecall.api.scim.groups import groups_listing
from rolecall.api.scim.lists import Listing
from rolecall.api.scim.users import users_listing
from rolecall.scim.registry import Registry

Endpoint: TypeAlias = Callable[[ScimCall], Coroutine[Any, Any, Answer]]
Methods: TypeAlias = Mapping[str, Endpoint]


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceRoutes:
    """The calls on every kind of resource, by the endpoint without its slash and the HTTP method."""

    collections: Mapping[str, Methods]
    resources: Mapping[str, Methods]
    listings: tuple[Listing[Any], ...]
    """How each kind is listed, in the order in which they are listed together."""


def routes_to(registry: Registry) -> ResourceRoutes:
    """Return the calls on what the registry has."""
    declared = {kind.endpoint.removeprefix("/"): calls_on(kind) for kind in registry.declared}
    return ResourceRoutes(
        collections={
            "Users": {"GET": users.list_users, "POST": users.create_user},
            "Groups": {"GET": groups.list_groups, "POST": groups.create_group},
            **{name: {"GET": calls.list, "POST": calls.create} for name, calls in declared.items()},
        },
        resources={
            "Users": {
                "GET": users.get_user,
                "PUT": users.replace_user,
                "PATCH": users.patch_user,
                "DELETE": users.delete_user,
            },
            "Groups": {
                "GET": groups.get_group,
                "PUT": groups.replace_group,
                "PATCH": groups.patch_group,
                "DELETE": groups.delete_group,
            },
            **{
                name: {"GET": calls.get, "PUT": calls.replace, "PATCH": calls.patch, "DELETE": calls.delete}
                for name, calls in declared.items()
            },
        },
        listings=(
            users_listing(registry.user),
            groups_listing(registry.group),
            *(each.listing for each in declared.values()),
        ),
    )
