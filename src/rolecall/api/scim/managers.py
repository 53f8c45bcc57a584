"""When are the managers of users looked up?"""

from collections.abc import Sequence

from rolecall.api.scim.calls import ScimCall
from rolecall.directory.display_names import list_display_names
from rolecall.directory.model import StoredUser
from rolecall.scim.managers import managers_named_by, with_managers
from rolecall.scim.projection import Projection
from rolecall.scim.schemas import ENTERPRISE_USER_SCHEMA
from rolecall.storage.transaction import ReadTx


def with_known_managers(
    tx: ReadTx, call: ScimCall, users: Sequence[StoredUser], projection: Projection
) -> tuple[StoredUser, ...]:
    """Return the users with what is known of their managers, by one statement, and none where none is wanted."""
    if projection.wants(ENTERPRISE_USER_SCHEMA.uri):
        named = managers_named_by(users)
        names = list_display_names(tx, named) if named else {}
        if names:
            return with_managers(users, names, call.base_url, projection)
    return tuple(users)
