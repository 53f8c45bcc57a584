"""What can have happened to subscriptions?"""

from dataclasses import dataclass
from typing import ClassVar

from rolecall.kernel.event import Category, Event, Severity
from rolecall.notifications.model import DeliveryId, SubscriptionId


@dataclass(frozen=True, slots=True, kw_only=True)
class _SubscriptionEvent(Event):
    category: ClassVar[Category] = Category.NOTIFICATION
    subscription_id: SubscriptionId
    name: str

    def subject_id(self) -> str | None:
        """Return the subscription's id."""
        return self.subscription_id


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionCreated(_SubscriptionEvent):
    """Somebody is told of events from now on."""

    type: ClassVar[str] = "notifications.subscription.created"
    channel: str
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionChanged(_SubscriptionEvent):
    """A subscription changed; `attributes` names what."""

    type: ClassVar[str] = "notifications.subscription.changed"
    attributes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionDeleted(_SubscriptionEvent):
    """A subscription is gone, and with it its deliveries, also those under way."""

    type: ClassVar[str] = "notifications.subscription.deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryGivenUp(_SubscriptionEvent):
    """A subscriber could not be told of an event. This event itself is told to nobody: it could go in a circle."""

    type: ClassVar[str] = "notifications.delivery.given-up"
    severity: ClassVar[Severity] = Severity.WARNING
    delivery_id: DeliveryId
    event_type: str
    error: str
