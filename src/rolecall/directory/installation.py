"""What does an installation remember about itself?"""

from dataclasses import dataclass
from typing import Final

from rolecall.authorization.actions import Action
from rolecall.authorization.check import require
from rolecall.directory.events import PublicUrlSet, ScimEnabled
from rolecall.directory.store import installation as store
from rolecall.kernel.event import Event
from rolecall.storage.transaction import ReadTx, WriteTx

_ACCESS_VERSION: Final = "access_version"
_PUBLIC_URL: Final = "public_url"
_SCIM_ENABLED: Final = "scim_enabled"


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
    if get_installation(tx).scim_enabled:
        return
    store.save_setting(tx, _SCIM_ENABLED, "true")
    tx.record(ScimEnabled())


def access_version(tx: ReadTx) -> int:
    """Return a counter that rises whenever what a known credential opens may have changed.

    Whoever remembers how a credential was answered may go on doing so while this stays the same.
    """
    return int(store.read_setting(tx, _ACCESS_VERSION) or 0)


def raise_access_version(tx: WriteTx, _event: Event) -> None:
    """Let nobody go on with what was remembered of credentials. A reaction."""
    store.count_up(tx, _ACCESS_VERSION)
