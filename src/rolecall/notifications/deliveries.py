"""How does an event get on its way to subscribers, and what has become of it?"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from rolecall.authorization.actions import Action
from rolecall.authorization.check import require
from rolecall.directory.model import GroupId, UserId
from rolecall.directory.subjects import find_group_subject, find_user_subject
from rolecall.jobs.queue import enqueue
from rolecall.kernel.document import Document
from rolecall.kernel.errors import NotFound
from rolecall.kernel.event import Event
from rolecall.kernel.ids import new_id
from rolecall.notifications import decide, scim_events, store
from rolecall.notifications.events import (
    DeliveryGivenUp,
    SubscriptionChanged,
    SubscriptionCreated,
    SubscriptionDeleted,
)
from rolecall.notifications.model import Channel, Delivery, DeliveryId, DeliveryState, Subscription, SubscriptionId
from rolecall.notifications.subscriptions import get_subscription
from rolecall.storage.transaction import ReadTx, WriteTx

DELIVER: Final = "notifications.deliver"
"""The kind of job that carries a delivery out."""
MAX_ATTEMPTS: Final = 16
"""Over six to eight hours: a receiver may be away for a working day's morning."""
_REMEMBERED: Final = timedelta(seconds=1)
_CHANGES: Final = (SubscriptionCreated, SubscriptionChanged, SubscriptionDeleted)


class Dispatcher:
    """Puts events on their way, in the transaction that records them.

    An installation without subscriptions pays one look-up a second for this: which ones there are is
    remembered so long. So what another process changes about them holds a second later.
    """

    def __init__(self) -> None:
        self._remembered: tuple[datetime, tuple[Subscription, ...]] | None = None

    def enqueue_deliveries(self, tx: WriteTx) -> None:
        """Add a delivery for each subscriber of each event of the transaction. A step before the commit."""
        if not tx.recorded:
            return
        for subscription in self._active(tx):
            for event in tx.recorded:
                if decide.wants(subscription.wanted, event):
                    body = _body_of(tx, subscription.channel, event)
                    if body is not None:
                        _add(tx, subscription.id, event_type=event.type, body=body, is_test=False)

    def _active(self, tx: WriteTx) -> tuple[Subscription, ...]:
        if any(isinstance(event, _CHANGES) for event in tx.recorded):
            # This may still be rolled back: nobody else may see it through us.
            self._remembered = None
            return store.list_active_subscriptions(tx)
        remembered = self._remembered
        if remembered is None or not timedelta() <= tx.now - remembered[0] < _REMEMBERED:
            remembered = self._remembered = tx.now, store.list_active_subscriptions(tx)
        return remembered[1]


def send_test(tx: WriteTx, subscription_id: SubscriptionId) -> DeliveryId:
    """Send something to try a subscription out, also one that is off; return the delivery, to see what becomes of it.

    Raises: Forbidden, NotFound.
    """
    require(tx.actor, Action.SUBSCRIPTION_CHANGE)
    subscription = get_subscription(tx, subscription_id)
    body = decide.body_of_test(subscription.name, tx.now)
    event_type = str(body["type"])
    if subscription.channel.tells_in_tokens:
        body = scim_events.claims_of_test(subscription.id, subscription.name, tx.now)
    return _add(tx, subscription_id, event_type=event_type, body=body, is_test=True)


def list_deliveries(
    tx: ReadTx, *, limit: int, subscription_id: SubscriptionId | None = None, before: DeliveryId | None = None
) -> tuple[Delivery, ...]:
    """Return the newest deliveries first, at most `limit`, made before the one with the id `before`.

    Raises: Forbidden.
    """
    require(tx.actor, Action.SUBSCRIPTION_LIST)
    return store.list_deliveries(tx, subscription_id=subscription_id, limit=limit, before=before)


def get_delivery(tx: ReadTx, delivery_id: DeliveryId) -> Delivery:
    """Return one delivery.

    Raises: Forbidden, NotFound.
    """
    require(tx.actor, Action.SUBSCRIPTION_LIST)
    delivery = store.find_delivery(tx, delivery_id)
    if delivery is None:
        raise NotFound(f"There is no delivery with the id {delivery_id}.", delivery_id=delivery_id)
    return delivery


def delete_deliveries(tx: WriteTx, *, before: datetime, limit: int) -> int:
    """Forget deliveries made before an instant, oldest first, at most `limit`; return how many.

    Raises: Forbidden.
    """
    require(tx.actor, Action.SUBSCRIPTION_CHANGE)
    return store.delete_deliveries(tx, before=before, limit=limit)


def find_to_deliver(tx: ReadTx, delivery_id: DeliveryId) -> tuple[Delivery, Subscription] | None:
    """Return a delivery and its subscription; None when either is gone. For the job: needs no action."""
    delivery = store.find_delivery(tx, delivery_id)
    subscription = None if delivery is None else store.find_subscription(tx, delivery.subscription_id)
    return None if delivery is None or subscription is None else (delivery, subscription)


def note_delivered(tx: WriteTx, delivery: Delivery, *, status: int | None) -> None:
    """Note that an attempt has succeeded. For the job: needs no action."""
    store.save_delivery(
        tx,
        replace(
            delivery,
            state=DeliveryState.DELIVERED,
            attempt_count=delivery.attempt_count + 1,
            status=status,
            error=None,
            attempted_at=tx.now,
        ),
    )


def note_failed(tx: WriteTx, delivery: Delivery, *, status: int | None, error: str, name: str, last: bool) -> None:
    """Note that an attempt has failed; after the `last` one the delivery is given up. For the job: needs no action."""
    store.save_delivery(
        tx,
        replace(
            delivery,
            state=DeliveryState.GIVEN_UP if last else DeliveryState.WAITING,
            attempt_count=delivery.attempt_count + 1,
            status=status,
            error=error,
            attempted_at=tx.now,
        ),
    )
    if last:
        tx.record(
            DeliveryGivenUp(
                subscription_id=delivery.subscription_id,
                name=name,
                delivery_id=delivery.id,
                event_type=delivery.event_type,
                error=error,
            )
        )


def _body_of(tx: WriteTx, channel: Channel, event: Event) -> "Document | None":
    """Return what is told of an event; None when this channel has no words for it. Tokens cost one look-up each."""
    if not channel.tells_in_tokens:
        return decide.body_of(event, tx.actor, tx.now)
    subject_id = event.subject_id()
    if subject_id is None or not scim_events.is_told(event):
        return None
    is_user = isinstance(event, scim_events.OF_USERS)
    subject = find_user_subject(tx, UserId(subject_id)) if is_user else find_group_subject(tx, GroupId(subject_id))
    if subject is None:
        return None
    return scim_events.claims_of(event, subject, tx.actor, tx.now, full=channel is Channel.SCIM_FULL)


def _add(tx: WriteTx, subscription_id: SubscriptionId, *, event_type: str, body: Document, is_test: bool) -> DeliveryId:
    delivery = Delivery(
        id=DeliveryId(new_id(tx.now)),
        subscription_id=subscription_id,
        event_type=event_type,
        is_test=is_test,
        body=body,
        state=DeliveryState.WAITING,
        attempt_count=0,
        status=None,
        error=None,
        created_at=tx.now,
        attempted_at=None,
    )
    store.insert_delivery(tx, delivery)
    # Whoever tries a subscription out waits for the answer, not for hours.
    enqueue(tx, kind=DELIVER, payload={"delivery_id": delivery.id}, max_attempts=1 if is_test else MAX_ATTEMPTS)
    return delivery.id
