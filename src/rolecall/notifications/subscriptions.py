"""How does somebody ask to be told of events?"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import Final
from urllib.parse import urlsplit

import orjson

from rolecall.authorization.actions import Action
from rolecall.authorization.check import require
from rolecall.directory.installation import get_installation
from rolecall.kernel.errors import NotFound, VersionConflict
from rolecall.kernel.ids import new_id
from rolecall.notifications import decide, store
from rolecall.notifications.errors import BadSubscription, SubscriptionNameTaken
from rolecall.notifications.events import SubscriptionChanged, SubscriptionCreated, SubscriptionDeleted
from rolecall.notifications.model import (
    Change,
    Channel,
    Draft,
    NewSubscription,
    Secrets,
    Subscription,
    SubscriptionId,
)
from rolecall.outbound.client import parse_target
from rolecall.outbound.errors import OutboundRefused
from rolecall.outbound.model import OutboundRule
from rolecall.storage.errors import UniqueViolation
from rolecall.storage.secrets import KeyRing
from rolecall.storage.transaction import ReadTx, WriteTx

_HIDDEN: Final = "…"
_CHANGEABLE: Final = ("name", "target", "wanted", "is_active")


def create_subscription(tx: WriteTx, keys: KeyRing, rule: OutboundRule, draft: Draft) -> NewSubscription:
    """Tell somebody of events from now on.

    Raises: Forbidden, BadSubscription, SubscriptionNameTaken, OutboundRefused, SecretKeyMissing, BadKeyRing,
    UnsafeKeyFile.
    """
    require(tx.actor, Action.SUBSCRIPTION_CHANGE)
    if draft.channel.tells_in_tokens and get_installation(tx).public_url is None:
        raise BadSubscription(
            "channel: a token names the address of Rolecall as its issuer, which is not known yet:"
            " rolecall admin scim-setup --public-url.",
            attribute="channel",
        )
    secrets = _secrets_for(rule, draft.channel, url=draft.url, authorization=draft.authorization)
    subscription = Subscription(
        id=SubscriptionId(new_id(tx.now)),
        name=decide.checked_name(draft.name),
        channel=draft.channel,
        target=_target_of(rule, draft.channel, draft.recipients, secrets),
        wanted=decide.checked_wanted(draft.wanted),
        is_active=True,
        version=1,
        created_at=tx.now,
        changed_at=tx.now,
    )
    sealed = None if secrets is None else _seal(keys, subscription.id, secrets)
    try:
        store.insert_subscription(tx, subscription, sealed)
    except UniqueViolation as error:
        raise _name_taken(draft.name) from error
    tx.record(
        SubscriptionCreated(
            subscription_id=subscription.id,
            name=subscription.name,
            channel=subscription.channel.value,
            target=subscription.target,
        )
    )
    return NewSubscription(subscription=subscription, signing_key=None if secrets is None else secrets.signing_key)


def list_subscriptions(tx: ReadTx) -> tuple[Subscription, ...]:
    """Return all subscriptions by name.

    Raises: Forbidden.
    """
    require(tx.actor, Action.SUBSCRIPTION_LIST)
    return store.list_subscriptions(tx)


def get_subscription(tx: ReadTx, subscription_id: SubscriptionId) -> Subscription:
    """Return one subscription.

    Raises: Forbidden, NotFound.
    """
    require(tx.actor, Action.SUBSCRIPTION_LIST)
    subscription = store.find_subscription(tx, subscription_id)
    if subscription is None:
        raise _unknown(subscription_id)
    return subscription


def change_subscription(
    tx: WriteTx,
    keys: KeyRing,
    rule: OutboundRule,
    subscription_id: SubscriptionId,
    change: Change,
    *,
    version: int | None = None,
) -> Subscription:
    """Change what is given and leave the rest; `version` is the one that the caller has read, if it has.

    Raises: Forbidden, NotFound, VersionConflict, BadSubscription, SubscriptionNameTaken, OutboundRefused,
    SecretKeyMissing, SealBroken, BadKeyRing, UnsafeKeyFile.
    """
    require(tx.actor, Action.SUBSCRIPTION_CHANGE)
    before = _get_to_change(tx, subscription_id)
    if version is not None and version != before.version:
        raise VersionConflict(f"The subscription changed meanwhile: its version is {before.version}.")
    secrets = _changed_secrets(tx, keys, rule, before, change)
    after = replace(
        before,
        name=before.name if change.name is None else decide.checked_name(change.name),
        target=_changed_target(rule, before, change, secrets),
        wanted=before.wanted if change.wanted is None else decide.checked_wanted(change.wanted),
        is_active=before.is_active if change.is_active is None else change.is_active,
    )
    attributes = [name for name in _CHANGEABLE if getattr(before, name) != getattr(after, name)]
    if secrets is not None:
        store.save_secrets(tx, before.id, _seal(keys, before.id, secrets))
        attributes.append("secrets")
    if not attributes:
        return before
    after = replace(after, version=before.version + 1, changed_at=tx.now)
    try:
        store.save_subscription(tx, after)
    except UniqueViolation as error:
        raise _name_taken(after.name) from error
    tx.record(SubscriptionChanged(subscription_id=after.id, name=after.name, attributes=tuple(attributes)))
    return after


def delete_subscription(tx: WriteTx, subscription_id: SubscriptionId) -> None:
    """End a subscription. What is under way to it is not delivered any more.

    Raises: Forbidden, NotFound.
    """
    require(tx.actor, Action.SUBSCRIPTION_CHANGE)
    subscription = _get_to_change(tx, subscription_id)
    store.delete_subscription(tx, subscription_id)
    tx.record(SubscriptionDeleted(subscription_id=subscription_id, name=subscription.name))


def find_secrets(tx: ReadTx, keys: KeyRing, subscription_id: SubscriptionId) -> Secrets | None:
    """Return what a subscription keeps sealed, or None. For deliveries: needs no action.

    Raises: SecretKeyMissing, SealBroken, BadKeyRing, UnsafeKeyFile.
    """
    sealed = store.find_secrets(tx, subscription_id)
    if sealed is None:
        return None
    return Secrets(**orjson.loads(keys.unseal(sealed, place=store.place_of_secrets(subscription_id))))


def _secrets_for(rule: OutboundRule, channel: Channel, *, url: str | None, authorization: str | None) -> Secrets | None:
    if channel in {Channel.EMAIL, Channel.SLACK} and authorization is not None:
        raise BadSubscription(
            "authorization: only a webhook or a receiver of tokens can have one.", attribute="authorization"
        )
    if channel is Channel.EMAIL:
        if url is not None:
            raise BadSubscription("webhook_url: e-mail has recipients instead.", attribute="webhook_url")
        return None
    if url is None:
        raise BadSubscription("webhook_url: is required for this channel.", attribute="webhook_url")
    with _naming("webhook_url"):
        parse_target(rule, url)
    return Secrets(
        url=url,
        signing_key=decide.new_signing_key() if channel is Channel.WEBHOOK else None,
        authorization=decide.checked_authorization(authorization),
    )


def _changed_secrets(
    tx: WriteTx, keys: KeyRing, rule: OutboundRule, before: Subscription, change: Change
) -> Secrets | None:
    """Return the secrets as they shall be; None when they stay as they are, or there are none."""
    if change.url is None and change.authorization is None:
        return None
    kept = find_secrets(tx, keys, before.id)
    url = change.url or (None if kept is None else kept.url)
    anew = _secrets_for(rule, before.channel, url=url, authorization=change.authorization)
    if anew is None or kept is None:
        return anew
    return replace(anew, signing_key=kept.signing_key, authorization=anew.authorization or kept.authorization)


def _changed_target(rule: OutboundRule, before: Subscription, change: Change, secrets: Secrets | None) -> str:
    if change.recipients is None and secrets is None:
        return before.target
    if before.channel is not Channel.EMAIL and secrets is None:
        raise _no_recipients()
    return _target_of(rule, before.channel, change.recipients or (), secrets)


def _target_of(rule: OutboundRule, channel: Channel, recipients: tuple[str, ...], secrets: Secrets | None) -> str:
    """Return whom a subscription reaches, as it may be shown: of a URL nothing that may give access to it."""
    if secrets is None:
        with _naming("recipients"):
            return ", ".join(decide.checked_recipients(rule, recipients))
    if recipients:
        raise _no_recipients()
    parts = urlsplit(secrets.url)
    # The path of a Slack webhook is its password; other receivers have theirs in the query, if anywhere.
    shown = f"{parts.scheme}://{parts.netloc}"
    path = _HIDDEN if channel is Channel.SLACK else parts.path.removeprefix("/")
    return f"{shown}/{path}{'?' + _HIDDEN if parts.query and channel is not Channel.SLACK else ''}"


@contextmanager
def _naming(attribute: str) -> Iterator[None]:
    """Let a refusal of what may be called name the field that leads there."""
    try:
        yield
    except OutboundRefused as error:
        raise OutboundRefused(f"{attribute}: {error.detail}", attribute=attribute) from error


def _seal(keys: KeyRing, subscription_id: SubscriptionId, secrets: Secrets) -> str:
    return keys.seal(orjson.dumps(asdict(secrets)).decode(), place=store.place_of_secrets(subscription_id))


def _get_to_change(tx: WriteTx, subscription_id: SubscriptionId) -> Subscription:
    subscription = store.find_subscription_to_change(tx, subscription_id)
    if subscription is None:
        raise _unknown(subscription_id)
    return subscription


def _unknown(subscription_id: SubscriptionId) -> NotFound:
    return NotFound(f"There is no subscription with the id {subscription_id}.", subscription_id=subscription_id)


def _name_taken(name: str) -> SubscriptionNameTaken:
    return SubscriptionNameTaken(f"There is a subscription named {name} already.", attribute="name")


def _no_recipients() -> BadSubscription:
    return BadSubscription("recipients: only the channel email has some.", attribute="recipients")
