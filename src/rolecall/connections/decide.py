"""What shall a SCIM connection be after a change, and which change is refused?"""

from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import datetime, timedelta
from typing import Final

from rolecall.authorization.actions import Action
from rolecall.authorization.actor import Actor
from rolecall.connections.errors import BadConnection, ConnectionFixed, ConnectionInUse
from rolecall.connections.model import (
    LONGEST_PATTERN,
    MOST_CALLS,
    MOST_HOURS,
    MOST_PATTERNS,
    Connection,
    ConnectionDraft,
    ConnectionState,
    Dialect,
    TrafficNote,
)
from rolecall.directory.errors import BreakGlassUser
from rolecall.directory.model import DEFAULT_CONNECTION, ConnectionId, User, UserKind, UserState
from rolecall.kernel.names import check_name
from rolecall.kernel.text import has_control_character

_WORDS: Final = (
    ("okta", Dialect.OKTA),
    ("onelogin", Dialect.ONELOGIN),
    ("jumpcloud", Dialect.JUMPCLOUD),
    ("keycloak", Dialect.KEYCLOAK),
    ("authentik", Dialect.AUTHENTIK),
    ("sailpoint", Dialect.SAILPOINT),
    ("rippling", Dialect.RIPPLING),
    ("pingfederate", Dialect.PING),
    ("pingone", Dialect.PING),
    ("google", Dialect.GOOGLE),
    ("azure", Dialect.ENTRA),
    ("entra", Dialect.ENTRA),
)


def new_connection(connection_id: ConnectionId, draft: ConnectionDraft, *, now: datetime) -> Connection:
    """Return a connection that comes to be now.

    Raises: BadConnection.
    """
    _check(draft)
    if draft.state is ConnectionState.DECOMMISSIONED:
        raise BadConnection("A new connection is ON or OFF.", attribute="state")
    return Connection(id=connection_id, draft=draft, version=1, created_at=now, changed_at=now)


def changed_connection(connection: Connection, draft: ConnectionDraft, *, now: datetime) -> Connection:
    """Return the connection with another draft; the same object when nothing differs.

    Raises: BadConnection, ConnectionFixed.
    """
    if draft == connection.draft:
        return connection
    _check(draft)
    states = (connection.draft.state, draft.state)
    if states[0] is not states[1] and ConnectionState.DECOMMISSIONED in states:
        raise ConnectionFixed(
            "A connection is not decommissioned, or brought back, by changing its state:"
            " `rolecall admin connections decommission`, `recommission`."
        )
    return replace(connection, draft=draft, version=connection.version + 1, changed_at=now)


def acting_within(actor: Actor, connection_id: str | None) -> Actor:
    """Return the same actor, pushing as a connection does: within the limits of what that may touch.

    None: as a key does that belongs to no connection. Whoever calls this has checked that the actor may.
    """
    provisioning = {Action.PROVISIONED_READ, Action.PROVISIONED_WRITE}
    return replace(actor, connection_id=connection_id, actions=actor.actions | provisioning)


def in_state(connection: Connection, state: ConnectionState, *, now: datetime) -> Connection:
    """Return the connection in a state that only leaving and coming back give."""
    draft = replace(connection.draft, state=state)
    return replace(connection, draft=draft, version=connection.version + 1, changed_at=now)


def check_in_use(connection: Connection) -> None:
    """Return when a connection can still be given credentials and users.

    Raises: ConnectionFixed.
    """
    if connection.draft.state is ConnectionState.DECOMMISSIONED:
        raise ConnectionFixed(f"The connection {connection.name} is decommissioned.")


def check_deletion(connection: Connection, *, owns: bool, has_keys: bool) -> None:
    """Return when nothing is left that a deleted connection would leave behind.

    Raises: ConnectionFixed, ConnectionInUse.
    """
    if connection.id == DEFAULT_CONNECTION:
        raise ConnectionFixed("The default connection is always there; switch it off instead.")
    if owns or has_keys:
        left = "Users, groups or resources" if owns else "Credentials"
        raise ConnectionInUse(f"{left} belong to this connection; only one that has nothing left can be deleted.")


def linked_user(user: User, connection: Connection, *, now: datetime) -> User:
    """Return the user as one that the connection owns; the same object when it does already.

    Raises: BadConnection, BreakGlassUser.
    """
    if user.connection_id == connection.id:
        return user
    if user.break_glass:
        raise BreakGlassUser("The break-glass user belongs to no connection, so that none can touch it.")
    if user.kind is not UserKind.PERSON or user.state is UserState.DELETED:
        raise BadConnection("Only a person can be linked to a connection.", attribute="user_id")
    return replace(user, connection_id=connection.id, version=user.version + 1, changed_at=now)


def noticed(connection: Connection, note: TrafficNote) -> Connection:
    """Return the connection with what was noticed of its calls; its version stays."""
    heard = connection.silence_told_at
    return replace(
        connection,
        last_call_at=max(connection.last_call_at or note.last_call_at, note.last_call_at),
        dialect_seen=note.dialect or connection.dialect_seen or Dialect.OTHER,
        silence_told_at=None if heard is not None and note.last_call_at > heard else heard,
    )


def is_silent(connection: Connection, *, now: datetime) -> bool:
    """Return whether a connection has been silent for longer than it may, and nobody was told yet.

    One that was changed meanwhile, switched on for example, has all its hours before it again.
    """
    hours = connection.draft.silent_after_hours
    if not connection.is_on or not hours or connection.silence_told_at is not None:
        return False
    since = max(connection.last_call_at or connection.created_at, connection.changed_at)
    return now - since >= timedelta(hours=hours)


def dialect_of(user_agent: str, target: str) -> Dialect | None:
    """Return whose calls these are, by the name that they give and by Entra's flag in the address; None: unknown."""
    if "aadoptscim062020" in target.lower():
        return Dialect.ENTRA_2020
    name = user_agent.lower()
    return next((dialect for word, dialect in _WORDS if word in name), None)


def differing(before: ConnectionDraft, after: ConnectionDraft) -> tuple[str, ...]:
    """Return the names of what differs, in alphabetical order."""
    names = (each.name for each in fields(before))
    return tuple(sorted(name for name in names if getattr(before, name) != getattr(after, name)))


def _check(draft: ConnectionDraft) -> None:
    check_name(BadConnection, "name", draft.name)
    _check_patterns("user_scope", draft.push_scope.users)
    _check_patterns("group_scope", draft.push_scope.groups)
    if not 0 <= draft.rate_limit <= MOST_CALLS:
        raise BadConnection(f"This must be from 0 to {MOST_CALLS}.", attribute="rate_limit")
    if not 0 <= draft.silent_after_hours <= MOST_HOURS:
        raise BadConnection(f"This must be from 0 to {MOST_HOURS}.", attribute="silent_after_hours")
    if draft.guard_people < 0:
        raise BadConnection("This must not be below 0.", attribute="guard_people")
    if not 0 <= draft.guard_percent <= 100:  # noqa: PLR2004  # per cent
        raise BadConnection("This must be from 0 to 100.", attribute="guard_percent")


def _check_patterns(attribute: str, patterns: Sequence[str]) -> None:
    if len(patterns) > MOST_PATTERNS:
        raise BadConnection(f"At most {MOST_PATTERNS} patterns can be named.", attribute=attribute)
    for pattern in patterns:
        if not pattern or len(pattern) > LONGEST_PATTERN or has_control_character(pattern):
            raise BadConnection(
                f"Each pattern must have 1 to {LONGEST_PATTERN} characters, none of them a control character.",
                attribute=attribute,
            )
