"""Who lost what, when, and by which change?"""

import csv
import io
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from enum import Enum
from functools import cache, partial
from typing import Any, Final

from rolecall.authorization.actions import Action
from rolecall.authorization.check import require
from rolecall.authorization.roles import RoleId
from rolecall.directory.events import RoleRemoved, UserDeactivated, UserDeleted
from rolecall.directory.grounds import find_group
from rolecall.directory.model import ROOT_TEAM, SourceKind, TeamId, UserId
from rolecall.directory.store import roles as role_store
from rolecall.directory.store import teams as team_store
from rolecall.directory.store import users as store
from rolecall.events.log import list_events_of
from rolecall.events.model import LoggedEvent
from rolecall.kernel.clock import to_rfc3339
from rolecall.kernel.text import harmless_cell
from rolecall.storage.transaction import ReadTx

_API_KEY_REVOKED: Final = "authentication.api-key.revoked"
"""Of a room above this one, so by its name."""
_TYPES: Final = (UserDeactivated.type, UserDeleted.type, RoleRemoved.type, _API_KEY_REVOKED)


class Lost(Enum):
    """What kind of access was lost."""

    ALL_ACCESS = "all_access"
    API_KEY = "api_key"
    ROLE = "role"


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """One user lost one thing."""

    at: datetime
    user_id: str
    user_name: str | None
    """As it was then; None where only the id is known, and the user is gone."""
    lost: Lost
    what: str
    """The role and its team, or the key: by its id, with the name in brackets where it is known."""
    because: str
    """In the words of the change: the reason that was given, or the source that no longer gives the role.

    Of a group that is still there, its name follows in brackets.
    """
    by_kind: str
    """By what way the change came in: `api_key`, `command_line`, `system`, …"""
    by_user_id: str | None
    by_user_name: str | None
    event_type: str
    event_id: str
    request_id: str | None
    """Under which the audit log has the call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LossPage:
    """Some losses, oldest first, and where to go on."""

    losses: tuple[Loss, ...]
    next_after: int | None
    """To be given as `after`; None when this was the last page."""


def list_losses(tx: ReadTx, *, since: datetime, until: datetime, limit: int, after: int = 0) -> LossPage:
    """Return what users lost from `since` to before `until`, oldest first, as far as the event log reaches back.

    Raises: Forbidden.
    """
    require(tx.actor, Action.USER_LIST)
    events = list_events_of(tx, _TYPES, since=since, until=until, limit=limit, after=after)
    names = _Names(tx)
    losses = tuple(_loss_from(event, names) for event in events)
    return LossPage(losses=losses, next_after=events[-1].sequence if len(events) == limit else None)


def to_document(loss: Loss) -> dict[str, Any]:
    """Return a loss as JSON has it."""
    return {**asdict(loss), "at": to_rfc3339(loss.at), "lost": loss.lost.value}


def render_csv(losses: Iterable[Loss]) -> str:
    """Return losses as CSV (RFC 4180) with a line of headings. Nothing in it is a formula to a spreadsheet."""
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow([field.name for field in fields(Loss)])
    for loss in losses:
        writer.writerow([harmless_cell(value) for value in to_document(loss).values()])
    return written.getvalue()


class _Names:
    """The names that users, groups, teams and custom roles have now, each looked up once; None for what is gone."""

    def __init__(self, tx: ReadTx) -> None:
        self.of_user = cache(partial(_user_name, tx))
        self.of_group = cache(partial(_group_name, tx))
        self.of_team = cache(partial(_team_name, tx))
        self.of_role = cache(partial(_role_name, tx))


def _user_name(tx: ReadTx, user_id: str) -> str | None:
    user = store.find_user(tx, UserId(user_id))
    return None if user is None else user.user_name


def _group_name(tx: ReadTx, group_id: str) -> str | None:
    group = find_group(tx, group_id)
    return None if group is None else group.display_name


def _team_name(tx: ReadTx, team_id: str) -> str | None:
    team = team_store.find_team(tx, TeamId(team_id))
    return None if team is None else team.name


def _role_name(tx: ReadTx, role_id: str) -> str | None:
    role = role_store.find_role(tx, RoleId(role_id))
    return None if role is None else role.name


def _loss_from(event: LoggedEvent, names: _Names) -> Loss:
    data = event.data
    user_id = str(data["user_id"])
    lost, what, because = _lost_by(event, names)
    return Loss(
        at=event.happened_at,
        user_id=user_id,
        user_name=str(data["user_name"]) if "user_name" in data else names.of_user(user_id),
        lost=lost,
        what=what,
        because=because,
        by_kind=event.actor_kind,
        by_user_id=event.actor_user_id,
        by_user_name=None if event.actor_user_id is None else names.of_user(event.actor_user_id),
        event_type=event.type,
        event_id=event.id,
        request_id=event.request_id,
    )


def _lost_by(event: LoggedEvent, names: _Names) -> tuple[Lost, str, str]:
    """Return what an event took away, which one, and why."""
    data = event.data
    match event.type:
        case RoleRemoved.type:
            role, team, source = str(data["role"]), str(data["team_id"]), str(data["source"])
            place = "Root" if team == ROOT_TEAM else _with(names.of_team(team), team)
            return Lost.ROLE, f"{_with(names.of_role(role), role)} in {place}", _source_with_name(source, names)
        case UserDeactivated.type:
            return Lost.ALL_ACCESS, "everything, until it is reactivated", str(data["reason"])
        case UserDeleted.type:
            return Lost.ALL_ACCESS, "everything: the user was deleted", "deleted"
        case _:
            return Lost.API_KEY, f"{event.subject_id} ({data['name']})", str(data["because"])


def _source_with_name(source: str, names: _Names) -> str:
    kind, _, value = source.partition(":")
    return _with(names.of_group(value), source) if kind == SourceKind.SCIM_GROUP.value else source


def _with(name: str | None, text: str) -> str:
    return text if name is None else f"{text} ({name})"
