"""What does an installation remember about itself?"""

from dataclasses import dataclass
from typing import Final

from rolecall.authorization.actions import Action
from rolecall.authorization.check import require
from rolecall.directory.errors import BadSetting
from rolecall.directory.events import PublicUrlSet, ScimEnabled, ScimSwitchedOff, UsersAtOnceSet
from rolecall.directory.store import installation as store
from rolecall.kernel.event import Event
from rolecall.storage.transaction import ReadTx, WriteTx

_ACCESS_VERSION: Final = "access_version"
_PUBLIC_URL: Final = "public_url"
_SCIM_ENABLED: Final = "scim_enabled"
_USERS_AT_ONCE: Final = "users_at_once"
_DEFAULT_AT_ONCE: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """What is kept in the database about the installation as a whole."""

    public_url: str | None
    """Where people and providers reach it, without a trailing slash; used in every absolute URL."""
    scim_enabled: bool


def get_installation(tx: ReadTx) -> Installation:
    """Return what is remembered. Needs no action: every request depends on it."""
    kept = store.read_settings(tx)
    return Installation(public_url=kept.get(_PUBLIC_URL), scim_enabled=kept.get(_SCIM_ENABLED) == "true")


def set_public_url(tx: WriteTx, public_url: str) -> None:
    """Remember the address under which people and providers reach Rolecall.

    Raises: Forbidden.
    """
    require(tx.actor, Action.SETTING_CHANGE)
    public_url = public_url.rstrip("/")
    if get_installation(tx).public_url == public_url:
        return
    store.save_setting(tx, _PUBLIC_URL, public_url)
    tx.record(PublicUrlSet(public_url=public_url))


def enable_scim(tx: WriteTx) -> None:
    """Begin to take SCIM calls. Doing so already is no error.

    Raises: Forbidden.
    """
    require(tx.actor, Action.SETTING_CHANGE)
    switch_scim(tx, on=True)


def switch_scim(tx: WriteTx, *, on: bool) -> None:
    """Take SCIM calls from now on, or none any more. Needs no action: it follows from what was changed."""
    if get_installation(tx).scim_enabled is on:
        return
    store.save_setting(tx, _SCIM_ENABLED, "true" if on else "false")
    tx.record(ScimEnabled() if on else ScimSwitchedOff())


def set_users_at_once(tx: WriteTx, count: int) -> None:
    """Choose how many users' assignments are brought up to date in the very change that concerns them.

    Raises: Forbidden, BadSetting.
    """
    require(tx.actor, Action.SETTING_CHANGE)
    if count < 1:
        raise BadSetting("This must be at least 1.", attribute=_USERS_AT_ONCE)
    if users_at_once(tx) != count:
        store.save_setting(tx, _USERS_AT_ONCE, str(count))
        tx.record(UsersAtOnceSet(count=count))


def users_at_once(tx: ReadTx) -> int:
    """Return how many users' assignments are brought up to date in the very change that concerns them."""
    return int(store.read_setting(tx, _USERS_AT_ONCE) or _DEFAULT_AT_ONCE)


def access_version(tx: ReadTx) -> int:
    """Return a counter that rises whenever what a known credential opens may have changed.

    Whoever remembers how a credential was answered may go on doing so while this stays the same.
    """
    return int(store.read_setting(tx, _ACCESS_VERSION) or 0)


def raise_access_version(tx: WriteTx, _event: Event) -> None:
    """Let nobody go on with what was remembered of credentials. A reaction."""
    store.count_up(tx, _ACCESS_VERSION)
