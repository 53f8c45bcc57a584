"""Who is a user's manager, as far as this directory knows?

What a client stored stays as it was sent: a manager is looked up only when the user is shown.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

import orjson

from rolecall.directory.model import StoredUser
from rolecall.kernel.document import Document, Json
from rolecall.scim.projection import Projection
from rolecall.scim.schemas import ENTERPRISE_USER_SCHEMA, USER

_URI: Final = ENTERPRISE_USER_SCHEMA.uri
_MARK: Final = '"manager"'
"""Stands in the JSON of everybody who has one; whoever does not need not be parsed."""


def managers_named_by(users: Iterable[StoredUser]) -> frozenset[str]:
    """Return the ids that the managers of these users are given by."""
    return frozenset(_manager_id(orjson.loads(user.profile)) for user in users if _MARK in user.profile) - {""}


def with_managers(
    users: Sequence[StoredUser], names: Mapping[str, str], base_url: str, projection: Projection
) -> tuple[StoredUser, ...]:
    """Return the users with `$ref`, and if asked for `displayName`, of those managers whose names are known, by id.

    `base_url` ends in `/scim/v2`.
    """
    named = projection.asks_for(_URI, "manager", "displayName")
    return tuple(_with_manager(user, names, base_url, named=named) if _MARK in user.profile else user for user in users)


def _with_manager(user: StoredUser, names: Mapping[str, str], base_url: str, *, named: bool) -> StoredUser:
    profile = orjson.loads(user.profile)
    manager_id = _manager_id(profile)
    if manager_id not in names:
        return user
    manager = profile[_URI]["manager"]
    manager["$ref"] = f"{base_url}{USER.endpoint}/{manager_id}"
    if named:
        manager["displayName"] = names[manager_id]
    return replace(user, profile=orjson.dumps(profile).decode())


def _manager_id(profile: Document) -> str:
    found: Json = profile
    for name in (_URI, "manager", "value"):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found if isinstance(found, str) else ""
