"""What are subscriptions and deliveries?"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import NewType

from rolecall.kernel.document import Document
from rolecall.kernel.event import Category, Severity

SubscriptionId = NewType("SubscriptionId", str)
DeliveryId = NewType("DeliveryId", str)


class Channel(Enum):
    """How a subscriber is told."""

    EMAIL = "email"
    WEBHOOK = "webhook"
    """A signed HTTP request (Standard Webhooks)."""
    SLACK = "slack"
    """An incoming webhook of Slack, or of what understands the same: Mattermost, Rocket.Chat, …"""
    SCIM_NOTICE = "scim_notice"
    """Security event tokens (RFC 9967, pushed as in RFC 8935) on changes of users and groups: what has changed."""
    SCIM_FULL = "scim_full"
    """The same with the values."""

    @property
    def tells_in_tokens(self) -> bool:
        """Whether it tells only what SCIM has words for, signed with the installation's own key."""
        return self in {Channel.SCIM_NOTICE, Channel.SCIM_FULL}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which events a subscriber wants. What is empty admits all."""

    categories: frozenset[Category] = frozenset()
    severities: frozenset[Severity] = frozenset()
    types: tuple[str, ...] = ()
    """Types of events, or their beginnings followed by `*`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """Somebody wants to be told of events."""

    id: SubscriptionId
    name: str
    channel: Channel
    target: str
    """Whom it reaches, as it may be shown: recipients, or the part of the address that is no secret."""
    wanted: Wanted
    is_active: bool
    version: int
    created_at: datetime
    changed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """What of a subscription is kept sealed."""

    url: str = field(repr=False)
    signing_key: str | None = field(default=None, repr=False)
    """`whsec_…`; only webhooks have one."""
    authorization: str | None = field(default=None, repr=False)
    """The whole value of the header `Authorization` that goes with each request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What somebody says of a new subscription. `recipients` for e-mail, else `url`."""

    name: str
    channel: Channel
    recipients: tuple[str, ...] = ()
    url: str | None = field(default=None, repr=False)
    authorization: str | None = field(default=None, repr=False)
    """For webhooks only."""
    wanted: Wanted = field(default_factory=Wanted)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What shall be otherwise about a subscription; None leaves it as it is. The signing key always stays."""

    name: str | None = None
    recipients: tuple[str, ...] | None = None
    url: str | None = field(default=None, repr=False)
    authorization: str | None = field(default=None, repr=False)
    wanted: Wanted | None = None
    is_active: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSubscription:
    """A subscription that was just made, with the key for checking signatures, which is shown only now."""

    subscription: Subscription
    signing_key: str | None = field(repr=False)


class DeliveryState(Enum):
    """What has become of a delivery."""

    WAITING = "waiting"
    """For its first or its next attempt."""
    DELIVERED = "delivered"
    GIVEN_UP = "given_up"
    """It failed too often, or another attempt is of no use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One event on its way to one subscriber."""

    id: DeliveryId
    """Also the `webhook-id` of every attempt, and the id of the mail: by it a double is known."""
    subscription_id: SubscriptionId
    event_type: str
    is_test: bool
    body: Document
    """What is told: `type`, `timestamp`, `data`."""
    state: DeliveryState
    attempt_count: int
    status: int | None
    """What the last attempt was answered, over HTTP."""
    error: str | None
    """Why the last attempt failed."""
    created_at: datetime
    attempted_at: datetime | None
