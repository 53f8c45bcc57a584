"""With which key are security event tokens signed, and by what does a receiver check them?

ES256 by a key that follows from the key ring: it is kept nowhere, in no table and in no file of its own. A key of the
ring that no longer seals goes on being published until it is forgotten, so tokens under way stay valid.
"""

import base64
from collections.abc import Mapping
from itertools import count
from typing import Final

import orjson
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from rolecall.kernel.document import Document, Json
from rolecall.storage.secrets import KeyRing

MEDIA_TYPE: Final = "application/secevent+jwt"
_PURPOSE: Final = "rolecall security event tokens"
_CURVE: Final = ec.SECP256R1()
_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Of the curve: a private key lies below it."""
_BYTES: Final = 32


def sign(keys: KeyRing, claims: Document) -> bytes:
    """Return a token (RFC 8417) of these claims in the compact form of JWS.

    Raises: SecretKeyMissing, BadKeyRing, UnsafeKeyFile.
    """
    key_id = keys.primary
    header = {"alg": "ES256", "kid": key_id, "typ": "secevent+jwt"}
    signed = b".".join(_encoded(orjson.dumps(each)) for each in (header, claims))
    r, s = decode_dss_signature(_private_key(keys, key_id).sign(signed, ec.ECDSA(SHA256())))
    return b".".join((signed, _encoded(r.to_bytes(_BYTES) + s.to_bytes(_BYTES))))


def key_set(keys: KeyRing) -> Mapping[str, Json]:
    """Return the public keys (RFC 7517), by which everybody can check what was signed.

    Raises: SecretKeyMissing, BadKeyRing, UnsafeKeyFile.
    """
    return {"keys": [_public(keys, key_id) for key_id in keys.key_ids]}


def _public(keys: KeyRing, key_id: str) -> dict[str, Json]:
    numbers = _private_key(keys, key_id).public_key().public_numbers()
    x, y = (_encoded(number.to_bytes(_BYTES)).decode() for number in (numbers.x, numbers.y))
    return {"kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": key_id, "use": "sig", "alg": "ES256"}


def _private_key(keys: KeyRing, key_id: str) -> ec.EllipticCurvePrivateKey:
    # Numbers that are no key are passed over, not folded: so each key is as likely as any other.
    numbers = (int.from_bytes(keys.derive(key_id, f"{_PURPOSE} {number}")) for number in count())
    return ec.derive_private_key(next(each for each in numbers if 0 < each < _ORDER), _CURVE)


def _encoded(content: bytes) -> bytes:
    return base64.urlsafe_b64encode(content).rstrip(b"=")
