"""Which events does a subscriber want, what is told, and how is it signed?"""

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from rolecall.authorization.actor import Actor
from rolecall.kernel.clock import to_rfc3339
from rolecall.kernel.document import Document, Json
from rolecall.kernel.event import Event
from rolecall.kernel.text import has_control_character
from rolecall.notifications.errors import BadSubscription
from rolecall.notifications.events import DeliveryGivenUp
from rolecall.notifications.model import Wanted
from rolecall.outbound.decide import require_domain
from rolecall.outbound.model import OutboundRule

KEY_PREFIX: Final = "whsec_"
_KEY_BYTES: Final = 32
_LONGEST_NAME: Final = 200
_MOST_RECIPIENTS: Final = 20
_MOST_TYPES: Final = 50
_LONGEST_AUTHORIZATION: Final = 4_000
_LONGEST_TEXT: Final = 3_000
_MAIL_ADDRESS: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@([A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+)")
_TYPE: Final = re.compile(r"[a-z][a-z0-9_.-]{0,99}\*?|\*")


def wants(wanted: Wanted, event: Event) -> bool:
    """Return whether a subscriber is told of an event."""
    return (
        not isinstance(event, DeliveryGivenUp)
        and (not wanted.categories or event.category in wanted.categories)
        and (not wanted.severities or event.severity in wanted.severities)
        and (not wanted.types or any(_fits(pattern, event.type) for pattern in wanted.types))
    )


def body_of(event: Event, actor: Actor, now: datetime) -> Document:
    """Return what is told of an event, in the form of Standard Webhooks."""
    return {
        "type": event.type,
        "timestamp": to_rfc3339(now),
        "data": {
            "category": event.category.value,
            "severity": event.severity.value,
            "subject_id": event.subject_id(),
            "request_id": actor.request_id,
            "actor": {"kind": actor.kind.value, "user_id": actor.user_id, "user_name": actor.user_name},
            "event": {name: _plain(value) for name, value in event.data().items()},
        },
    }


def body_of_test(name: str, now: datetime) -> Document:
    """Return what is told by a test of the subscription of that name."""
    return {
        "type": "notifications.subscription.test",
        "timestamp": to_rfc3339(now),
        "data": {"category": "NOTIFICATION", "severity": "INFO", "event": {"name": name}},
    }


def text_of(body: Document) -> tuple[str, str]:
    """Return what is told, for people: one line, and all of it."""
    data = body["data"]
    told = data if isinstance(data, dict) else {}
    line = f"[Rolecall] {told.get('severity')} {body['type']}"
    actor = told.get("actor")
    fields: dict[str, Json] = {"at": body["timestamp"]}
    if isinstance(actor, dict):
        fields["by"] = actor.get("user_name") or actor.get("kind")
    event = told.get("event")
    fields |= event if isinstance(event, dict) else {}
    fields["request"] = told.get("request_id")
    lines = [f"{name}: {value}" for name, value in fields.items() if value is not None]
    return line, "\n".join([line, "", *lines])[:_LONGEST_TEXT]


def slack_text(body: Document) -> str:
    """Return what is told as Slack takes it: nothing in it is a link, a mention or a command."""
    _line, text = text_of(body)
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def new_signing_key() -> str:
    """Return a new key for signatures: `whsec_` and 32 random bytes in base64."""
    return KEY_PREFIX + base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode()


def signature_of(signing_key: str, *, message_id: str, timestamp: int, body: bytes) -> str:
    """Return the value of `webhook-signature` (Standard Webhooks, HMAC-SHA256)."""
    key = base64.b64decode(signing_key.removeprefix(KEY_PREFIX))
    digest = hmac.digest(key, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256)
    return f"v1,{base64.b64encode(digest).decode()}"


def checked_name(name: str) -> str:
    """Return the name without blanks around it.

    Raises: BadSubscription.
    """
    name = name.strip()
    if not name or len(name) > _LONGEST_NAME or has_control_character(name):
        raise BadSubscription(f"name: must have 1 to {_LONGEST_NAME} characters.", attribute="name")
    return name


def checked_recipients(rule: OutboundRule, recipients: Iterable[str]) -> tuple[str, ...]:
    """Return the addresses, each once, in their order.

    Raises: BadSubscription, OutboundRefused for a domain that may not be written to.
    """
    found = tuple(dict.fromkeys(recipient.strip() for recipient in recipients))
    if not 1 <= len(found) <= _MOST_RECIPIENTS:
        raise BadSubscription(f"recipients: must be 1 to {_MOST_RECIPIENTS} addresses.", attribute="recipients")
    for recipient in found:
        match = _MAIL_ADDRESS.fullmatch(recipient)
        if match is None:
            raise BadSubscription(f"recipients: {recipient!r} is no e-mail address.", attribute="recipients")
        require_domain(rule, match[1].lower())
    return found


def checked_authorization(value: str | None) -> str | None:
    """Return the header's value.

    Raises: BadSubscription.
    """
    if value is not None and not (value.isascii() and value.isprintable() and 0 < len(value) <= _LONGEST_AUTHORIZATION):
        raise BadSubscription(
            "authorization: must be printable ASCII, as it stands in the header.", attribute="authorization"
        )
    return value


def checked_wanted(wanted: Wanted) -> Wanted:
    """Return what is wanted, when each type has the form of one.

    Raises: BadSubscription.
    """
    if len(wanted.types) > _MOST_TYPES:
        raise BadSubscription(f"types: must be at most {_MOST_TYPES}.", attribute="wanted.types")
    for pattern in wanted.types:
        if not _TYPE.fullmatch(pattern):
            raise BadSubscription(
                f"types: {pattern!r} is no type of event, such as directory.user.deactivated or directory.user.*",
                attribute="wanted.types",
            )
    return wanted


def _fits(pattern: str, event_type: str) -> bool:
    if pattern.endswith("*"):
        return event_type.startswith(pattern.removesuffix("*"))
    return event_type == pattern


def _plain(value: object) -> Json:
    """Return a field of an event as JSON: events hold texts, numbers and lists of them."""
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)
