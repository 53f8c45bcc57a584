"""The rows of subscriptions and deliveries."""

from datetime import datetime
from typing import Any, Final

import orjson
from sqlalchemy import bindparam, delete, insert, select, true, update

from rolecall.kernel.clock import from_microseconds, to_microseconds
from rolecall.kernel.event import Category, Severity
from rolecall.kernel.text import comparison_form
from rolecall.notifications.model import (
    Channel,
    Delivery,
    DeliveryId,
    DeliveryState,
    Subscription,
    SubscriptionId,
    Wanted,
)
from rolecall.notifications.tables import delivery, subscription
from rolecall.storage.secrets import place_of
from rolecall.storage.statement import Row, Statement
from rolecall.storage.transaction import ReadTx, WriteTx

_S: Final = subscription.c
_D: Final = delivery.c
_SHOWN: Final = tuple(column for column in subscription.c if column.name not in {"name_key", "secrets"})
_CHANGED: Final = ("name", "name_key", "target", "wanted", "active", "version", "changed_at")
_ATTEMPTED: Final = ("state", "attempt_count", "status", "error", "attempted_at")

_INSERT: Final = Statement(insert(subscription).values({column.name: bindparam(column.name) for column in _S}))
_FIND: Final = Statement(select(*_SHOWN).where(_S.id == bindparam("id")))
_LOCK: Final = Statement(select(*_SHOWN).where(_S.id == bindparam("id")).with_for_update())
_LIST: Final = Statement(select(*_SHOWN).order_by(_S.name_key))
_LIST_ACTIVE: Final = Statement(select(*_SHOWN).where(_S.active == bindparam("active")).order_by(_S.id))
_UPDATE: Final = Statement(
    update(subscription).where(_S.id == bindparam("which")).values({name: bindparam(name) for name in _CHANGED})
)
_FIND_SECRETS: Final = Statement(select(_S.secrets).where(_S.id == bindparam("id")))
_UPDATE_SECRETS: Final = Statement(
    update(subscription).where(_S.id == bindparam("which")).values(secrets=bindparam("secrets"))
)
_DELETE: Final = Statement(delete(subscription).where(_S.id == bindparam("id")))
_DELETE_DELIVERIES: Final = Statement(delete(delivery).where(_D.subscription_id == bindparam("subscription_id")))

_INSERT_DELIVERY: Final = Statement(insert(delivery).values({column.name: bindparam(column.name) for column in _D}))
_FIND_DELIVERY: Final = Statement(select(delivery).where(_D.id == bindparam("id")))
_UPDATE_DELIVERY: Final = Statement(
    update(delivery).where(_D.id == bindparam("which")).values({name: bindparam(name) for name in _ATTEMPTED})
)
_FORGET: Final = Statement(
    delete(delivery).where(
        _D.id.in_(
            select(_D.id).where(_D.created_at < bindparam("before")).order_by(_D.created_at).limit(bindparam("limit"))
        )
    )
)


def insert_subscription(tx: WriteTx, added: Subscription, sealed: str | None) -> None:
    """Write a new subscription.

    Raises: UniqueViolation when its name is taken.
    """
    _INSERT.run(
        tx,
        id=added.id,
        channel=added.channel.value,
        secrets=sealed,
        created_at=to_microseconds(added.created_at),
        **_changing(added),
    )


def find_subscription(tx: ReadTx, subscription_id: SubscriptionId) -> Subscription | None:
    """Return a subscription, or None."""
    row = _FIND.row(tx, id=subscription_id)
    return None if row is None else _subscription_from(row)


def find_subscription_to_change(tx: WriteTx, subscription_id: SubscriptionId) -> Subscription | None:
    """Return a subscription, or None. Others who would change it wait."""
    row = _LOCK.row(tx, id=subscription_id)
    return None if row is None else _subscription_from(row)


def list_subscriptions(tx: ReadTx) -> tuple[Subscription, ...]:
    """Return all subscriptions by name."""
    return tuple(_subscription_from(row) for row in _LIST.rows(tx))


def list_active_subscriptions(tx: ReadTx) -> tuple[Subscription, ...]:
    """Return the subscriptions that are on, oldest first."""
    return tuple(_subscription_from(row) for row in _LIST_ACTIVE.rows(tx, active=1))


def save_subscription(tx: WriteTx, changed: Subscription) -> None:
    """Write what has changed about a subscription.

    Raises: UniqueViolation when its name is taken.
    """
    _UPDATE.run(tx, which=changed.id, **_changing(changed))


def place_of_secrets(subscription_id: SubscriptionId) -> str:
    """Return the place for which the secrets of a subscription are sealed."""
    return place_of(subscription.name, _S.secrets.name, subscription_id)


def find_secrets(tx: ReadTx, subscription_id: SubscriptionId) -> str | None:
    """Return the sealed secrets of a subscription, or None when it has none."""
    sealed: str | None = _FIND_SECRETS.value(tx, id=subscription_id)
    return sealed


def save_secrets(tx: WriteTx, subscription_id: SubscriptionId, sealed: str) -> None:
    """Write the sealed secrets of a subscription."""
    _UPDATE_SECRETS.run(tx, which=subscription_id, secrets=sealed)


def delete_subscription(tx: WriteTx, subscription_id: SubscriptionId) -> None:
    """Delete a subscription and its deliveries."""
    _DELETE_DELIVERIES.run(tx, subscription_id=subscription_id)
    _DELETE.run(tx, id=subscription_id)


def insert_delivery(tx: WriteTx, added: Delivery) -> None:
    """Write a new delivery."""
    _INSERT_DELIVERY.run(
        tx,
        id=added.id,
        subscription_id=added.subscription_id,
        event_type=added.event_type,
        test=int(added.is_test),
        body=orjson.dumps(added.body).decode(),
        created_at=to_microseconds(added.created_at),
        **_attempted(added),
    )


def find_delivery(tx: ReadTx, delivery_id: DeliveryId) -> Delivery | None:
    """Return a delivery, or None."""
    row = _FIND_DELIVERY.row(tx, id=delivery_id)
    return None if row is None else _delivery_from(row)


def list_deliveries(
    tx: ReadTx, *, subscription_id: SubscriptionId | None, limit: int, before: DeliveryId | None
) -> tuple[Delivery, ...]:
    """Return deliveries, newest first."""
    wanted = select(delivery).order_by(_D.id.desc()).limit(limit)
    wanted = wanted.where(true() if subscription_id is None else _D.subscription_id == subscription_id)
    if before is not None:
        wanted = wanted.where(_D.id < before)
    return tuple(_delivery_from(row) for row in Statement(wanted).rows(tx))


def save_delivery(tx: WriteTx, changed: Delivery) -> None:
    """Write what an attempt has changed about a delivery."""
    _UPDATE_DELIVERY.run(tx, which=changed.id, **_attempted(changed))


def delete_deliveries(tx: WriteTx, *, before: datetime, limit: int) -> int:
    """Delete deliveries made before an instant, oldest first, at most `limit`; return how many."""
    return _FORGET.run(tx, before=to_microseconds(before), limit=limit).rowcount


def _changing(kept: Subscription) -> dict[str, Any]:
    wanted = {
        "categories": sorted(each.value for each in kept.wanted.categories),
        "severities": sorted(each.value for each in kept.wanted.severities),
        "types": kept.wanted.types,
    }
    return {
        "name": kept.name,
        "name_key": comparison_form(kept.name),
        "target": kept.target,
        "wanted": orjson.dumps(wanted).decode(),
        "active": int(kept.is_active),
        "version": kept.version,
        "changed_at": to_microseconds(kept.changed_at),
    }


def _subscription_from(row: Row) -> Subscription:
    values: dict[str, Any] = dict(zip((column.name for column in _SHOWN), row, strict=True))
    wanted = orjson.loads(values["wanted"])
    return Subscription(
        id=SubscriptionId(values["id"]),
        name=values["name"],
        channel=Channel(values["channel"]),
        target=values["target"],
        wanted=Wanted(
            categories=frozenset(Category(each) for each in wanted["categories"]),
            severities=frozenset(Severity(each) for each in wanted["severities"]),
            types=tuple(wanted["types"]),
        ),
        is_active=bool(values["active"]),
        version=values["version"],
        created_at=from_microseconds(values["created_at"]),
        changed_at=from_microseconds(values["changed_at"]),
    )


def _attempted(kept: Delivery) -> dict[str, Any]:
    return {
        "state": kept.state.value,
        "attempt_count": kept.attempt_count,
        "status": kept.status,
        "error": kept.error,
        "attempted_at": None if kept.attempted_at is None else to_microseconds(kept.attempted_at),
    }


def _delivery_from(row: Row) -> Delivery:
    values: dict[str, Any] = dict(zip(_D.keys(), row, strict=True))
    return Delivery(
        id=DeliveryId(values["id"]),
        subscription_id=SubscriptionId(values["subscription_id"]),
        event_type=values["event_type"],
        is_test=bool(values["test"]),
        body=orjson.loads(values["body"]),
        state=DeliveryState(values["state"]),
        attempt_count=values["attempt_count"],
        status=values["status"],
        error=values["error"],
        created_at=from_microseconds(values["created_at"]),
        attempted_at=None if values["attempted_at"] is None else from_microseconds(values["attempted_at"]),
    )
