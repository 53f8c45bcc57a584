"""What are users called of whom somebody else's profile speaks?"""

from collections.abc import Iterable, Mapping

from rolecall.authorization.actions import Action
from rolecall.authorization.check import require
from rolecall.directory.store import display_names as store
from rolecall.storage.transaction import ReadTx


def list_display_names(tx: ReadTx, user_ids: Iterable[str]) -> Mapping[str, str]:
    """Return the names of those users that SCIM owns, by id; ids of nobody are left out.

    Raises: Forbidden.
    """
    require(tx.actor, Action.PROVISIONED_READ)
    return store.list_display_names(tx, user_ids)
