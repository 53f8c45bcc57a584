"""How are secrets kept that have to be read again, and with which keys?

What only has to be recognised, such as an API key, is kept as a hash and needs none of this.
"""

import base64
import fcntl
import os
import re
import secrets
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from rolecall.kernel.clock import to_rfc3339
from rolecall.kernel.errors import DomainError, ErrorKind

FILE: Final = "keys.json"
"""Name of the file in the data directory."""
_FORMAT: Final = 1
_OTHERS: Final = 0o077
_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_MARK: Final = "rlk1"
_KEY_ID: Final = re.compile(r"[a-z0-9-]{1,64}")


class UnsafeKeyFile(DomainError):
    """Others can read the file of the key ring, so its keys protect nothing."""

    kind = ErrorKind.INVALID
    code = "unsafe_key_file"


class BadKeyRing(DomainError):
    """The file of the key ring, or the variable ROLECALL_KEYS, does not hold a key ring."""

    kind = ErrorKind.INVALID
    code = "bad_key_ring"


class SecretKeyMissing(DomainError):
    """A secret cannot be read or kept, because the key ring lacks the key for it."""

    kind = ErrorKind.UNAVAILABLE
    code = "secret_key_missing"


class SealBroken(DomainError):
    """A sealed secret was changed, or was moved here from another row."""

    kind = ErrorKind.UNAVAILABLE
    code = "seal_broken"


class KeysAreFixed(DomainError):
    """The key ring comes from the variable ROLECALL_KEYS, which no command can change."""

    kind = ErrorKind.CONFLICT
    code = "keys_are_fixed"


class SecretKeyInUse(DomainError):
    """The key is the one that seals, or secrets are still sealed with it."""

    kind = ErrorKind.CONFLICT
    code = "secret_key_in_use"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Key:
    created_at: str
    secret: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ring:
    primary: str
    keys: Mapping[str, _Key]


class KeyRing:
    """Seals texts with AES-256-GCM. The keys are in a file of the owner's, or in `variable`, never in the database.

    Every key opens what it has sealed; the primary one seals. A file that another process has changed is
    read again by itself.
    """

    def __init__(self, path: Path, variable: str | None = None) -> None:
        self.path = path
        """The file; there need not be one when the keys come from the variable."""
        self._fixed = None if variable is None else _parse_ring(variable, "ROLECALL_KEYS")
        self._known: tuple[tuple[int, int], _Ring] | None = None

    @property
    def primary(self) -> str:
        """The id of the key that seals.

        Raises: SecretKeyMissing when there are no keys yet; BadKeyRing, UnsafeKeyFile.
        """
        return self._ring().primary

    @property
    def key_ids(self) -> Mapping[str, str]:
        """When each key was made, by id; none when there are no keys yet.

        Raises: BadKeyRing, UnsafeKeyFile.
        """
        if self._fixed is None and not self.path.exists():
            return {}
        return {key_id: key.created_at for key_id, key in self._ring().keys.items()}

    def ensure(self, now: datetime) -> None:
        """Make a first key when there is none. The file is there whole or not at all, also after a crash.

        Raises: BadKeyRing, UnsafeKeyFile for a file that cannot be used.
        """
        if self._fixed is None and not self.path.exists():
            with _turn(self.path), _draft(self.path, _with_new_key(None, now)) as draft:
                # Unlike a rename, a link never replaces what another process has put there meanwhile.
                with suppress(FileExistsError):
                    os.link(draft, self.path)
                draft.unlink()
        self._ring()

    def rotate(self, now: datetime) -> str:
        """Make a new key, which seals from now on; return its id. The old ones go on opening.

        Raises: KeysAreFixed; and as `primary`.
        """
        with self._changing() as ring:
            after = _with_new_key(ring, now)
            self._replace(after)
        return after.primary

    def forget(self, key_id: str) -> None:
        """Remove a key for good; whoever calls makes sure that nothing is sealed with it.

        Raises: KeysAreFixed, SecretKeyMissing, SecretKeyInUse for the key that seals; and as `primary`.
        """
        with self._changing() as ring:
            if key_id not in ring.keys:
                raise SecretKeyMissing(f"The key ring has no key {key_id}.", key_id=key_id)
            if key_id == ring.primary:
                raise SecretKeyInUse(f"The key {key_id} is the one that seals. Rotate first.", key_id=key_id)
            keys = {other: key for other, key in ring.keys.items() if other != key_id}
            self._replace(_Ring(primary=ring.primary, keys=keys))

    def seal(self, text: str, *, place: str) -> str:
        """Return the text sealed for one place (`place_of`): nowhere else can it be opened.

        Raises: as `primary`.
        """
        ring = self._ring()
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = AESGCM(ring.keys[ring.primary].secret).encrypt(nonce, text.encode(), _bound(ring.primary, place))
        return f"{prefix_of(ring.primary)}{base64.b64encode(nonce + sealed).decode()}"

    def unseal(self, sealed: str, *, place: str) -> str:
        """Return what was sealed for this place.

        Raises: SecretKeyMissing, SealBroken; and as `primary`.
        """
        key_id = key_id_of(sealed)
        key = self._ring().keys.get(key_id)
        if key is None:
            raise SecretKeyMissing(
                f"A secret is sealed with the key {key_id}, which the key ring lacks. Bring back the keys "
                "that belong to this database.",
                key_id=key_id,
            )
        try:
            content = base64.b64decode(sealed.removeprefix(prefix_of(key_id)), validate=True)
            opened = AESGCM(key.secret).decrypt(content[:_NONCE_BYTES], content[_NONCE_BYTES:], _bound(key_id, place))
        except (ValueError, InvalidTag) as error:
            raise SealBroken(f"The secret at {place} was changed, or belongs elsewhere. Set it anew.") from error
        return opened.decode()

    def derive(self, key_id: str, purpose: str) -> bytes:
        """Return a key of 32 bytes for one purpose, from which that of no other purpose can be told.

        Raises: SecretKeyMissing; and as `primary`.
        """
        key = self._ring().keys.get(key_id)
        if key is None:
            raise SecretKeyMissing(f"The key ring has no key {key_id}.", key_id=key_id)
        return HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=purpose.encode()).derive(key.secret)

    def _ring(self) -> _Ring:
        if self._fixed is not None:
            return self._fixed
        try:
            stat = self.path.stat()
        except FileNotFoundError as error:
            raise SecretKeyMissing(
                f"There is no key ring yet. {self.path} is made by `rolecall serve` and `rolecall admin migrate`."
            ) from error
        if stat.st_mode & _OTHERS:
            raise UnsafeKeyFile(f"Others can read {self.path}. Run: chmod 600 {self.path}")
        # A change always brings another file under the name, so another inode or another time.
        version = (stat.st_ino, stat.st_mtime_ns)
        if self._known is None or self._known[0] != version:
            self._known = version, _parse_ring(self.path.read_text("utf-8"), str(self.path))
        return self._known[1]

    @contextmanager
    def _changing(self) -> Iterator[_Ring]:
        if self._fixed is not None:
            raise KeysAreFixed(
                "The keys come from the variable ROLECALL_KEYS. Add a key there, name it `primary`, "
                "restart, and run `rolecall admin secrets rotate --resume`."
            )
        with _turn(self.path):
            yield self._ring()

    def _replace(self, ring: _Ring) -> None:
        with _draft(self.path, ring) as draft:
            draft.rename(self.path)


def place_of(table: str, column: str, row_id: str) -> str:
    """Return the name of the place where a sealed text is kept; it is part of the seal."""
    return f"{table}.{column}/{row_id}"


def prefix_of(key_id: str) -> str:
    """Return how everything begins that this key has sealed."""
    return f"{_MARK}:{key_id}:"


def key_id_of(sealed: str) -> str:
    """Return which key has sealed a text.

    Raises: SealBroken.
    """
    mark, _, rest = sealed.partition(":")
    if mark != _MARK:
        raise SealBroken("What is kept in place of a sealed secret is none. Set it anew.")
    return rest.partition(":")[0]


def _bound(key_id: str, place: str) -> bytes:
    return f"{_MARK}:{key_id}:{place}".encode()


def _with_new_key(ring: _Ring | None, now: datetime) -> _Ring:
    key_id = f"{now:%Y%m%d}-{secrets.token_hex(4)}"
    key = _Key(created_at=to_rfc3339(now), secret=secrets.token_bytes(_KEY_BYTES))
    return _Ring(primary=key_id, keys={**(ring.keys if ring is not None else {}), key_id: key})


def _parse_ring(text: str, where: str) -> _Ring:
    try:
        said = orjson.loads(text)
        keys = {
            str(key_id): _Key(created_at=str(key["created_at"]), secret=base64.b64decode(key["secret"], validate=True))
            for key_id, key in said["keys"].items()
        }
        ring = _Ring(primary=str(said["primary"]), keys=keys)
        known = said["format"] == _FORMAT
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _bad(where) from error
    sound = all(_KEY_ID.fullmatch(key_id) and len(key.secret) == _KEY_BYTES for key_id, key in keys.items())
    if not (known and sound and ring.primary in keys):
        raise _bad(where)
    return ring


def _bad(where: str) -> BadKeyRing:
    return BadKeyRing(
        f'{where} holds no key ring: {{"format": 1, "primary": ID, "keys": {{ID: {{"created_at": …, "secret": …}}}}}} '
        "with secrets of 32 bytes in base64. Bring back the one that was there."
    )


def _render_ring(ring: _Ring) -> bytes:
    keys = {
        key_id: {"created_at": key.created_at, "secret": base64.b64encode(key.secret).decode()}
        for key_id, key in ring.keys.items()
    }
    said = {"format": _FORMAT, "primary": ring.primary, "keys": keys}
    return orjson.dumps(said, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


@contextmanager
def _turn(path: Path) -> Iterator[None]:
    """Let two that change the file do so one after the other, or the later would take back what the first did."""
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(directory, fcntl.LOCK_EX)
        yield
        os.fsync(directory)
    finally:
        os.close(directory)


@contextmanager
def _draft(path: Path, ring: _Ring) -> Iterator[Path]:
    """Yield a file beside `path` that holds the ring, is on disk, and is for its owner alone."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    draft = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(_render_ring(ring))
            file.flush()
            os.fsync(file.fileno())
        yield draft
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
