"""How does the first administrator come in?"""

import secrets
from datetime import timedelta
from typing import Final

from rolecall.authentication import decide, store
from rolecall.authentication.api_keys import create_api_key
from rolecall.authentication.errors import AlreadySetUp, SetupLinkExpired
from rolecall.authentication.events import SetupCompleted, SetupLinkCreated
from rolecall.authentication.model import NewApiKey
from rolecall.authorization.actions import Action
from rolecall.authorization.check import require
from rolecall.authorization.roles import ADMIN
from rolecall.directory import users
from rolecall.directory.assignments import assign_role, count_administrators
from rolecall.kernel.clock import to_microseconds
from rolecall.storage.transaction import ReadTx, WriteTx

LIFE: Final = timedelta(hours=1)
_TOKEN_BYTES: Final = 32


def create_setup_link(tx: WriteTx) -> str:
    """Return the token of a new set-up link: valid for an hour, for one use. Earlier links end.

    Raises: Forbidden, AlreadySetUp when there is an active administrator.
    """
    require(tx.actor, Action.USER_CREATE)
    _require_no_administrator(tx)
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    store.replace_links(tx, decide.hash_of(token), to_microseconds(tx.now + LIFE))
    tx.record(SetupLinkCreated())
    return token


def check_setup_link(tx: ReadTx, token: str) -> None:
    """Return when the token of a set-up link is valid now.

    Raises: SetupLinkExpired.
    """
    if not store.has_link(tx, decide.hash_of(token)):
        raise _expired()


def redeem_setup_link(
    tx: WriteTx, token: str, *, user_name: str, given_name: str, family_name: str, display_name: str, email: str
) -> NewApiKey:
    """Make the first administrator, which is the break-glass user, and a personal key for it.

    The link is the credential; the caller acts for Rolecall itself.

    Raises: Forbidden, SetupLinkExpired, AlreadySetUp, BadUser, UserNameTaken.
    """
    require(tx.actor, Action.USER_CREATE)
    if not store.take_link(tx, decide.hash_of(token)):
        raise _expired()
    _require_no_administrator(tx)
    user = users.create_local_user(
        tx,
        user_name=user_name,
        given_name=given_name,
        family_name=family_name,
        display_name=display_name,
        email=email,
    )
    assign_role(tx, user.id, role=ADMIN)
    users.set_break_glass(tx, user.id)
    tx.record(SetupCompleted(user_id=user.id, user_name=user_name))
    return create_api_key(tx, user_id=user.id, name="First key, made at set-up", role=None)


def _require_no_administrator(tx: ReadTx) -> None:
    if count_administrators(tx) > 0:
        raise AlreadySetUp("Rolecall has an administrator already; the set-up link is only for the first one.")


def _expired() -> SetupLinkExpired:
    return SetupLinkExpired(
        "This set-up link is not valid any more: it works once, for one hour."
        " Make a new one with: rolecall admin setup-link"
    )
