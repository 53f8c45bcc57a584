"""What does a key look like, and how may it be limited?"""

import hashlib
import secrets
import string
from collections.abc import Sequence
from datetime import datetime
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Final

from rolecall.authentication.errors import AddressNotAllowed, BadApiKey, InvalidApiKey, KeyTooWide, MalformedApiKey
from rolecall.authentication.model import KeyLimits, Network
from rolecall.authorization.actions import Action

PREFIX: Final = "RLCL"
"""How every key begins, so that scanners and log filters know one."""

TOKEN_PREFIX: Final = "RLCT"  # noqa: S105  # what everybody may know of one
"""How every access token begins; it looks like a key otherwise."""

ID_LENGTH: Final = 12
SECRET_LENGTH: Final = 43
CHECK_LENGTH: Final = 5
KEY_LENGTH: Final = len(PREFIX) + ID_LENGTH + SECRET_LENGTH + CHECK_LENGTH

_LETTERS_AND_DIGITS: Final = string.ascii_uppercase + string.ascii_lowercase + string.digits
_ALPHABET: Final = _LETTERS_AND_DIGITS + "+/"
_SECRET_START: Final = len(PREFIX) + ID_LENGTH


def new_key_text(*, prefix: str = PREFIX) -> str:
    """Return a new key: 64 characters of standard base64 (prefix 4, id 12, secret 43 = 258 bits, check 5)."""
    # An id stands in URLs, so it has neither slash nor plus.
    identifier = "".join(secrets.choice(_LETTERS_AND_DIGITS) for _ in range(ID_LENGTH))
    body = prefix + identifier + "".join(secrets.choice(_ALPHABET) for _ in range(SECRET_LENGTH))
    return body + _check_of(body)


def id_of(key_text: str, *, prefix: str = PREFIX) -> str:
    """Return the part of a key by which it is found.

    Raises: InvalidApiKey when it is not 64 characters of base64 that begin with `RLCL`;
    MalformedApiKey when the check characters do not fit.
    """
    if (
        len(key_text) != KEY_LENGTH
        or not key_text.startswith(prefix)
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


def check_limits(limits: KeyLimits, given: frozenset[Action], *, now: datetime) -> None:
    """Return when a key that gives this much can be limited so.

    Raises: BadApiKey.
    """
    if limits.expires_at is not None and limits.expires_at <= now:
        raise BadApiKey("This is no longer in the future.", attribute="expires_at")
    if limits.actions is None:
        return
    if not limits.actions:
        raise BadApiKey("A key needs at least one action.", attribute="actions")
    beyond = sorted(action.value for action in limits.actions - given)
    if beyond:
        raise BadApiKey(f"The key would not have these anyway: {', '.join(beyond)}.", attribute="actions")


def check_no_wider(limits: KeyLimits, others: KeyLimits) -> None:
    """Return when a key with these limits opens nothing that one with those others does not.

    Raises: KeyTooWide, naming the limit.
    """
    if others.actions is not None and (limits.actions is None or not limits.actions <= others.actions):
        raise KeyTooWide("The key that asks is narrowed to actions: name some of these.", attribute="actions")
    if others.expires_at is not None and (limits.expires_at is None or limits.expires_at > others.expires_at):
        raise KeyTooWide("The key that asks ends: the other cannot outlive it.", attribute="expires_at")
    if others.networks and not _lie_within(limits.networks, others.networks):
        raise KeyTooWide("The key that asks is bound to networks: name parts of these.", attribute="networks")


def check_address(networks: Sequence[Network], address: str, *, key_id: str) -> None:
    """Return when a key that is bound to these networks may be used from there.

    Raises: AddressNotAllowed.
    """
    if not networks:
        return
    try:
        seen = ip_address(address)
    except ValueError:
        # Over a Unix socket there is no address; then nobody can say that it is the right one.
        seen = None
    if seen is None or not any(seen in network for network in networks):
        raise AddressNotAllowed(f"The API key {key_id} may not be used from {address}.", api_key_id=key_id)


def _lie_within(networks: Sequence[Network], others: Sequence[Network]) -> bool:
    return bool(networks) and all(any(_is_part(network, other) for other in others) for network in networks)


def _is_part(network: Network, other: Network) -> bool:
    if isinstance(network, IPv4Network) and isinstance(other, IPv4Network):
        return network.subnet_of(other)
    if isinstance(network, IPv6Network) and isinstance(other, IPv6Network):
        return network.subnet_of(other)
    return False


def _check_of(body: str) -> str:
    number = int.from_bytes(hashlib.sha256(body.encode()).digest()[:8], "big")
    characters = []
    for _ in range(CHECK_LENGTH):
        number, index = divmod(number, len(_ALPHABET))
        characters.append(_ALPHABET[index])
    return "".join(characters)
