"""With which secret does this installation seal the cursors that it hands out?"""

import base64
import secrets
from typing import Final

from rolecall.authorization.actions import Action
from rolecall.authorization.check import require
from rolecall.directory.store import installation as store
from rolecall.directory.store.assignments import lock_root_team
from rolecall.storage.transaction import ReadTx, WriteTx

_CURSOR_KEY: Final = "cursor_key"
_KEY_BYTES: Final = 32


def find_cursor_key(tx: ReadTx) -> bytes | None:
    """Return the secret, or None before its first use. Needs no action: it never leaves this process."""
    kept = store.read_setting(tx, _CURSOR_KEY)
    return None if kept is None else base64.b64decode(kept)


def make_cursor_key(tx: WriteTx) -> bytes:
    """Return the secret, made and kept if there is none yet.

    Raises: Forbidden.
    """
    require(tx.actor, Action.SETTING_CHANGE)
    # Two processes must not each make one: the cursors of the loser would stop to be understood.
    lock_root_team(tx)
    key = find_cursor_key(tx)
    if key is None:
        key = secrets.token_bytes(_KEY_BYTES)
        store.save_setting(tx, _CURSOR_KEY, base64.b64encode(key).decode())
    return key
