"""How is a delivery carried out?"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final
from urllib.parse import urlsplit

import orjson

from rolecall.directory.installation import get_installation
from rolecall.jobs.model import Job
from rolecall.jobs.queue import actor_for
from rolecall.kernel.clock import Clock
from rolecall.kernel.errors import DomainError
from rolecall.notifications import decide, deliveries
from rolecall.notifications.errors import BadSubscription
from rolecall.notifications.model import Channel, Delivery, DeliveryId, Secrets, Subscription
from rolecall.notifications.subscriptions import find_secrets
from rolecall.notifications.tokens import MEDIA_TYPE, sign
from rolecall.outbound.client import OutboundClient
from rolecall.outbound.errors import OutboundFailed, OutboundRefused
from rolecall.outbound.mail import Mailer
from rolecall.storage.secrets import KeyRing, SealBroken
from rolecall.storage.transaction import ReadTx
from rolecall.storage.transactions import Transactions

_GONE: Final = 410
_SUCCESS: Final = range(200, 300)
_NEVER_BETTER: Final = (OutboundRefused, SealBroken, BadSubscription)
_WORD: Final = re.compile(r"[A-Za-z0-9._~+-]{5,}")
"""What may be a secret, or a piece of one."""
_MASK: Final = "[masked]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Senders:
    """With what deliveries are carried out."""

    keys: KeyRing
    client: OutboundClient
    mailer: Mailer
    clock: Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome:
    status: int | None = None
    error: str | None = None
    again: bool = True
    """Whether another attempt is of use after an error."""


def deliver(transactions: Transactions, job: Job, *, senders: Senders) -> None:
    """Try once to deliver what the job names, and write down what became of it.

    Raises: OutboundFailed, to be tried again.
    """

    def load(tx: ReadTx) -> tuple[Delivery, Subscription] | None:
        return deliveries.find_to_deliver(tx, DeliveryId(str(job.payload["delivery_id"])))

    found = transactions.run_read(actor_for(job), load)
    if found is None:
        return
    delivery, subscription = found
    outcome = _try(transactions, job, delivery, subscription, senders)
    if outcome.error is None:
        noted = partial(deliveries.note_delivered, delivery=delivery, status=outcome.status)
        transactions.run_write(actor_for(job), noted)
        return
    last = not outcome.again or job.attempt >= job.max_attempts
    transactions.run_write(
        actor_for(job),
        partial(
            deliveries.note_failed,
            delivery=delivery,
            status=outcome.status,
            error=outcome.error,
            name=subscription.name,
            last=last,
        ),
    )
    if not last:
        raise OutboundFailed(outcome.error)


def _try(
    transactions: Transactions, job: Job, delivery: Delivery, subscription: Subscription, senders: Senders
) -> _Outcome:
    if not (subscription.is_active or delivery.is_test):
        return _Outcome(error="The subscription is off.", again=False)
    try:
        if subscription.channel is Channel.EMAIL:
            line, text = decide.text_of(delivery.body)
            recipients = tuple(subscription.target.split(", "))
            # The list of domains may have become shorter since these were entered.
            decide.checked_recipients(senders.client.rule, recipients)
            refused = senders.mailer.send(recipients, subject=line, text=text, message_id=delivery.id)
            # Once more would be a second mail for all the others.
            error = f"The mail server refused {', '.join(refused)}." if refused else None
            return _Outcome(error=error, again=False)

        def load(tx: ReadTx) -> Secrets | None:
            return find_secrets(tx, senders.keys, subscription.id)

        secrets = transactions.run_read(actor_for(job), load)
        if secrets is None:
            return _Outcome(error="The subscription has lost its address.", again=False)
        body = _body(delivery, subscription.channel)
        if subscription.channel.tells_in_tokens:
            issuer = transactions.run_read(actor_for(job), get_installation).public_url
            body = _token(delivery, subscription, issuer, senders)
        return _post(delivery, subscription.channel, secrets, body, senders)
    except OutboundFailed as error:
        return _Outcome(error=error.detail)
    except DomainError as error:
        # The rule forbids it, or the secrets cannot be read: somebody has to do something before it can work.
        return _Outcome(error=error.detail, again=not isinstance(error, _NEVER_BETTER))


def _body(delivery: Delivery, channel: Channel) -> bytes:
    told = {"text": decide.slack_text(delivery.body)} if channel is Channel.SLACK else delivery.body
    return orjson.dumps(told)


def _token(delivery: Delivery, subscription: Subscription, issuer: str | None, senders: Senders) -> bytes:
    """Return the delivery as a token: the same claims at every attempt, signed with the key of the moment."""
    claims = {"iss": issuer, "aud": subscription.target, "jti": delivery.id, **delivery.body}
    return sign(senders.keys, claims)


def _post(delivery: Delivery, channel: Channel, secrets: Secrets, body: bytes, senders: Senders) -> _Outcome:
    headers = dict(_headers(delivery, secrets, body, senders.clock))
    if channel.tells_in_tokens:
        headers |= {"Content-Type": MEDIA_TYPE, "Accept": "application/json"}
    reply = senders.client.post(secrets.url, body, headers)
    if reply.status in _SUCCESS:
        return _Outcome(status=reply.status)
    said = _without_secrets(reply.text, secrets)
    error = f"It answered {reply.status}: {said}" if said else f"It answered {reply.status}."
    return _Outcome(status=reply.status, error=error, again=reply.status != _GONE)


def _headers(delivery: Delivery, secrets: Secrets, body: bytes, clock: Clock) -> Mapping[str, str]:
    headers = {"Content-Type": "application/json"}
    if secrets.signing_key is not None:
        timestamp = int(clock().timestamp())
        headers |= {
            "webhook-id": delivery.id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": decide.signature_of(
                secrets.signing_key, message_id=delivery.id, timestamp=timestamp, body=body
            ),
        }
    if secrets.authorization is not None:
        headers["Authorization"] = secrets.authorization
    return headers


def _without_secrets(text: str, secrets: Secrets) -> str:
    """Return what somebody answered without what we sent: many a server repeats a request that it does not like."""
    parts = urlsplit(secrets.url)
    sent = " ".join([parts.path, parts.query, secrets.authorization or "", secrets.signing_key or ""])
    for word in sorted(_WORD.findall(sent), key=len, reverse=True):
        text = text.replace(word, _MASK)
    return text
