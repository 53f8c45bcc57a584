"""What does an event say in the words of RFC 9967, SCIM's profile for security event tokens?"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, TypeAlias

from rolecall.authorization.actor import Actor
from rolecall.directory.events import (
    GroupChanged,
    GroupCreated,
    GroupDeleted,
    GroupMembersChanged,
    UserChanged,
    UserCreated,
    UserDeactivated,
    UserDeleted,
    UserReactivated,
)
from rolecall.directory.subjects import Subject
from rolecall.kernel.document import Document, Json
from rolecall.kernel.event import Event

PREFIX: Final = "urn:ietf:params:scim:event:prov:"
VERIFICATION: Final = "https://schemas.openid.net/secevent/ssf/event-type/verification"
"""The event of a test: that of the Shared Signals Framework, since SCIM has none."""
_PATCH: Final = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
_Said: TypeAlias = tuple[str, dict[str, Json]]


def claims_of(event: Event, subject: Subject, actor: Actor, now: datetime, *, full: bool) -> "Document | None":
    """Return what is told of an event, but for who tells whom; None for one that SCIM has no words for.

    With `full`, values are told, else only the names of what changed.
    """
    say = _WORDS.get(type(event))
    if say is None:
        return None
    uri, said = say(event, subject, full)
    known_as: dict[str, Json] = {"format": "scim", "uri": subject.path}
    if subject.external_id is not None:
        known_as["externalId"] = subject.external_id
    claims: dict[str, Json] = {"iat": int(now.timestamp()), "sub_id": known_as, "events": {PREFIX + uri: said}}
    if actor.request_id is not None:
        claims["txn"] = actor.request_id
    return claims


def claims_of_test(subscription_id: str, name: str, now: datetime) -> Document:
    """Return what is told by a test of a subscription."""
    return {
        "iat": int(now.timestamp()),
        "sub_id": {"format": "opaque", "id": subscription_id},
        "events": {VERIFICATION: {"state": name}},
    }


OF_USERS: Final = (UserCreated, UserChanged, UserDeactivated, UserReactivated, UserDeleted)
"""The events whose subject is a user."""


def is_told(event: Event) -> bool:
    """Return whether SCIM has words for an event."""
    return type(event) in _WORDS


def _created(_event: Event, subject: Subject, full: bool) -> _Said:  # noqa: FBT001  # one of a table of functions
    if full:
        return "create:full", _with_version(subject, {"data": _whole(subject)})
    return "create:notice", _with_version(subject, {"attributes": ["id", *sorted(subject.profile)]})


def _changed(event: UserChanged | GroupChanged, subject: Subject, full: bool) -> _Said:  # noqa: FBT001  # as above
    # The whole of it is what a PUT would have said, whichever way the change came in.
    if full:
        return "put:full", _with_version(subject, {"data": _whole(subject)})
    return "patch:notice", _with_version(subject, {"attributes": list(event.attributes)})


def _members_changed(event: GroupMembersChanged, subject: Subject, full: bool) -> _Said:  # noqa: FBT001  # as above
    if not full:
        return "patch:notice", _with_version(subject, {"attributes": ["members"]})
    operations: list[Json] = [
        {"op": "remove", "path": f'members[value eq "{member}"]'} for member in sorted(event.removed)
    ]
    if event.added:
        added: list[Json] = [{"value": member} for member in sorted(event.added)]
        operations.append({"op": "add", "path": "members", "value": added})
    data: Json = {"schemas": [_PATCH], "Operations": operations}
    return "patch:full", _with_version(subject, {"data": data})


def _whole(subject: Subject) -> dict[str, Json]:
    return {**subject.profile, "id": subject.id}


def _with_version(subject: Subject, said: dict[str, Json]) -> dict[str, Json]:
    return said if subject.version is None else {**said, "version": f'W/"{subject.version}"'}


def _only(uri: str) -> Callable[[Any, Subject, bool], _Said]:
    return lambda _event, _subject, _full: (uri, {})


_WORDS: Final[Mapping[type[Event], Callable[[Any, Subject, bool], _Said]]] = {
    UserCreated: _created,
    UserChanged: _changed,
    UserDeactivated: _only("deactivate"),
    UserReactivated: _only("activate"),
    UserDeleted: _only("delete"),
    GroupCreated: _created,
    GroupChanged: _changed,
    GroupMembersChanged: _members_changed,
    GroupDeleted: _only("delete"),
}
