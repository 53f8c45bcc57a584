"""Which calls are there on users and groups, alone as in a bulk request?"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final, TypeAlias

from rolecall.api.calls import Answer
from rolecall.api.scim import groups, users
from rolecall.api.scim.calls import ScimCall

Endpoint: TypeAlias = Callable[[ScimCall], Awaitable[Answer]]

COLLECTIONS: Final[Mapping[str, Mapping[str, Endpoint]]] = {
    "Users": {"GET": users.list_users, "POST": users.create_user},
    "Groups": {"GET": groups.list_groups, "POST": groups.create_group},
}
RESOURCES: Final[Mapping[str, Mapping[str, Endpoint]]] = {
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
}
