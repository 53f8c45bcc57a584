"""How is a position in a list kept from being read, changed, or used by somebody else?"""

import base64
import binascii
import hashlib
import secrets
from collections.abc import Sequence
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from rolecall.api.units import UnitsOfWork
from rolecall.authorization.actor import SYSTEM, Actor
from rolecall.directory.cursor_key import find_cursor_key, make_cursor_key

_NONCE_BYTES: Final = 12


class Seal:
    """Seals by AES-GCM, bound to whoever may use it and for what. The key is made at first use."""

    def __init__(self, transactions: UnitsOfWork) -> None:
        self._transactions = transactions
        self._cipher: AESGCM | None = None

    async def prepare(self) -> None:
        """Get the key. To be called before anything is sealed or opened."""
        if self._cipher is None:
            key = await self._transactions.look_up(SYSTEM, find_cursor_key)
            if key is None:
                key = await self._transactions.write(SYSTEM, make_cursor_key)
            self._cipher = AESGCM(key)

    def seal(self, content: bytes, bound_to: bytes) -> str:
        """Return the content as a text of unreserved characters (RFC 3986 §2.3)."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = self._prepared.encrypt(nonce, content, bound_to)
        return base64.urlsafe_b64encode(nonce + sealed).decode().rstrip("=")

    def open(self, text: str, bound_to: bytes) -> bytes:
        """Return what was sealed for the same.

        Raises: ValueError, the same whatever is wrong with it.
        """
        try:
            raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
            return self._prepared.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], bound_to)
        except (ValueError, binascii.Error, InvalidTag) as error:
            raise ValueError("Not sealed here for this.") from error

    @property
    def _prepared(self) -> AESGCM:
        assert self._cipher is not None  # noqa: S101  # whoever uses the seal prepares it first
        return self._cipher


def binding(actor: Actor, query: Sequence[object]) -> bytes:
    """Return what a seal is bound to: a caller's credential, and a query whose parts tell themselves by `repr`."""
    return hashlib.sha256(repr((actor.api_key_id, actor.user_id, *query)).encode()).digest()
