"""The names of users, without the rest of their rows."""

from collections.abc import Iterable
from typing import Final

import orjson
from sqlalchemy import bindparam, select

from rolecall.directory.tables import PROVISIONED, directory_user
from rolecall.storage.statement import Statement
from rolecall.storage.transaction import ReadTx
from rolecall.storage.types import listed

_U: Final = directory_user.c
_LIST: Final = Statement(
    select(_U.id, _U.display).where(_U.id.in_(select(listed(bindparam("ids")).c.value)), PROVISIONED)
)


def list_display_names(tx: ReadTx, user_ids: Iterable[str]) -> dict[str, str]:
    """Return what those of these users are called that SCIM owns, by id."""
    return dict(_LIST.rows(tx, ids=orjson.dumps(list(user_ids)).decode()))
