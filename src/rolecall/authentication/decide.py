"""What does a key look like, and does a presented one have that look?"""

import hashlib
import secrets
import string
from typing import Final

from rolecall.authentication.errors import InvalidApiKey, MalformedApiKey

PREFIX: Final = "RLCL"
"""How every key begins, so that scanners and log filters know one."""

ID_LENGTH: Final = 12
SECRET_LENGTH: Final = 43
CHECK_LENGTH: Final = 5
KEY_LENGTH: Final = len(PREFIX) + ID_LENGTH + SECRET_LENGTH + CHECK_LENGTH

_ALPHABET: Final = string.ascii_uppercase + string.ascii_lowercase + string.digits + "+/"
_SECRET_START: Final = len(PREFIX) + ID_LENGTH


def new_key_text() -> str:
    """Return a new key: 64 characters of standard base64 (`RLCL`, id 12, secret 43 = 258 bits, check 5)."""
    body = PREFIX + "".join(secrets.choice(_ALPHABET) for _ in range(ID_LENGTH + SECRET_LENGTH))
    return body + _check_of(body)


def id_of(key_text: str) -> str:
    """Return the part of a key by which it is found.

    Raises: InvalidApiKey when it is not 64 characters of base64 that begin with `RLCL`;
    MalformedApiKey when the check characters do not fit.
    """
    if (
        len(key_text) != KEY_LENGTH
        or not key_text.startswith(PREFIX)
        or not key_text.isascii()
        or not key_text.replace("+", "0").replace("/", "0").isalnum()
    ):
        raise InvalidApiKey("Invalid API key: it must be 64 characters of base64 that begin with RLCL.")
    body = key_text[:-CHECK_LENGTH]
    if _check_of(body) != key_text[-CHECK_LENGTH:]:
        raise MalformedApiKey("Malformed API key: some characters are wrong or missing; copy it once more.")
    return key_text[len(PREFIX) : _SECRET_START]


def hash_of(secret_text: str) -> str:
    """Return what is kept of a secret of 256 random bits or more: its SHA-256, in hexadecimal."""
    return hashlib.sha256(secret_text.encode()).hexdigest()


def _check_of(body: str) -> str:
    number = int.from_bytes(hashlib.sha256(body.encode()).digest()[:8], "big")
    characters = []
    for _ in range(CHECK_LENGTH):
        number, index = divmod(number, len(_ALPHABET))
        characters.append(_ALPHABET[index])
    return "".join(characters)
