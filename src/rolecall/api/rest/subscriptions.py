"""Which calls are there on subscriptions to events, and on what became of deliveries?"""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, Literal

from fastapi import Path, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from rolecall.api.rest.calls import CurrentCall, many, nothing, one
from rolecall.api.rest.endpoints import Endpoint
from rolecall.api.rest.errors import bad_field
from rolecall.api.rest.filters import FieldType, FilterField, describe
from rolecall.api.rest.masks import Mask, Version, given_fields
from rolecall.api.rest.paging import MAX_FILTER, MAX_PAGE_SIZE, Pages, PageSize, PageToken, describe_order
from rolecall.api.rest.shapes import Body, Name, Shown, instant
from rolecall.api.rest.small_lists import answer_page, orders_of
from rolecall.authorization.actions import Action
from rolecall.kernel.document import Json
from rolecall.kernel.event import Category, Severity
from rolecall.notifications import deliveries, subscriptions
from rolecall.notifications.model import (
    Change,
    Channel,
    Delivery,
    DeliveryId,
    Draft,
    Subscription,
    SubscriptionId,
    Wanted,
)
from rolecall.storage.transaction import ReadTx, WriteTx

FIELDS: Final = (
    FilterField(name="id", type=FieldType.TEXT, path=("id",)),
    FilterField(name="name", type=FieldType.NAME, path=("name",)),
    FilterField(name="channel", type=FieldType.TEXT, path=("channel",)),
    FilterField(name="is_active", type=FieldType.TRUTH, path=("is_active",)),
    FilterField(name="created_at", type=FieldType.INSTANT, path=("created_at",)),
)

SubscriptionFilter = Annotated[str, Query(max_length=MAX_FILTER, description=describe(FIELDS))]
SubscriptionOrder = Annotated[str, Query(max_length=100, description=describe_order(orders_of(FIELDS)))]
SubscriptionIdInPath = Annotated[str, Path(alias="id", max_length=100, description="The subscription's id.")]
ChannelName = Literal["email", "webhook", "slack", "scim_notice", "scim_full"]
CategoryName = Literal["SYSTEM", "INTEGRATIONS", "RULE", "TAG", "NOTIFICATION"]
SeverityName = Literal["INFO", "WARNING", "ERROR"]
Recipients = list[Annotated[str, Field(max_length=320)]]
_WEBHOOK_URL: Final = "Where to, for all but e-mail. Kept sealed: what may give access to it is never shown again."
_AUTHORIZATION: Final = (
    "The whole value of the `Authorization` header of each request, not for e-mail and Slack. Never shown again."
)


class WantedBody(Body):
    """Which events are wanted: they must fit one of each kind that is named; an empty list admits all."""

    categories: list[CategoryName] = Field(default=[], max_length=20, description="Categories.")
    severities: list[SeverityName] = Field(default=[], max_length=20, description="Severities.")
    types: list[Annotated[str, Field(max_length=101)]] = Field(
        default=[], max_length=50, description="Types, or their beginnings: `directory.user.*`."
    )


class SubscriptionBody(Body):
    """Somebody to be told of events."""

    name: Name = Field(description="What it is for; unlike that of any other subscription.")
    channel: ChannelName = Field(
        description="How they are told. `scim_notice` and `scim_full`: by security event tokens on changes of users "
        "and groups that SCIM owns (RFC 9967, pushed as in RFC 8935), with the names of what changed, or with values."
    )
    recipients: Recipients = Field(default=[], max_length=20, description="Addresses, for e-mail.")
    webhook_url: str | None = Field(default=None, min_length=1, max_length=2000, description=_WEBHOOK_URL)
    authorization: str | None = Field(default=None, min_length=1, max_length=4000, description=_AUTHORIZATION)
    wanted: WantedBody = Field(default=WantedBody(), description="Which events; left out: all.")


class SubscriptionChange(Body):
    """What shall be otherwise with a subscription; what is not named stays. Its signing key always stays."""

    name: Name | None = Field(default=None, description="As when it is made.")
    recipients: Recipients | None = Field(default=None, max_length=20, description="As when it is made.")
    webhook_url: str | None = Field(default=None, min_length=1, max_length=2000, description=_WEBHOOK_URL)
    authorization: str | None = Field(default=None, min_length=1, max_length=4000, description=_AUTHORIZATION)
    wanted: WantedBody | None = Field(default=None, description="Which events, all of it anew.")
    is_active: bool | None = Field(default=None, description="False: nothing is delivered.")


class ShownWanted(Shown):
    """Which events are wanted; an empty list admits all."""

    categories: list[CategoryName]
    severities: list[SeverityName]
    types: list[str]


class ShownSubscription(Shown):
    """Somebody who is told of events."""

    id: str
    name: str
    channel: ChannelName
    target: str = Field(description="Whom it reaches: recipients, or the part of the URL that is no secret.")
    wanted: ShownWanted
    is_active: bool
    signing_key: str = Field(description="Of a webhook, in the answer that makes it; empty ever after.")
    created_at: str
    updated_at: str
    version: int


class OneSubscription(Shown):
    """One subscription."""

    value: ShownSubscription


class ManySubscriptions(Shown):
    """A page of subscriptions."""

    values: list[ShownSubscription]
    next_page_token: str
    has_more: bool


class ShownDelivery(Shown):
    """One event on its way to one subscriber."""

    id: str = Field(description="Also the `webhook-id` of each attempt.")
    subscription_id: str
    event_type: str
    is_test: bool
    body: dict[str, object] = Field(description="What is told.")
    state: str = Field(description="`waiting` for an attempt, `delivered`, or `given_up`.")
    attempt_count: int
    http_status: int | None = Field(description="What the last attempt was answered.")
    error: str | None = Field(description="Why the last attempt failed.")
    created_at: str
    attempted_at: str | None


class OneDelivery(Shown):
    """One delivery."""

    value: ShownDelivery


class ManyDeliveries(Shown):
    """A page of deliveries."""

    values: list[ShownDelivery]
    next_page_token: str
    has_more: bool


async def list_subscriptions(
    call: CurrentCall,
    filter: SubscriptionFilter = "",  # noqa: A002  # its name on the wire
    order_by: SubscriptionOrder = "",
    page_size: PageSize = MAX_PAGE_SIZE,
    page_token: PageToken = "",
) -> Response:
    """List subscriptions by name; never their secrets."""
    pages = Pages(call=call, name="subscriptions")
    asked = await pages.asked(page_token, filter_text=filter, order_by=order_by)

    def ask(tx: ReadTx) -> list[dict[str, Json]]:
        return [_to_json(subscription) for subscription in subscriptions.list_subscriptions(tx)]

    return answer_page(await call.read(ask), FIELDS, pages, asked, page_size)


async def get_subscription(call: CurrentCall, subscription_id: SubscriptionIdInPath) -> Response:
    """Return one subscription; never its secrets."""
    wanted = SubscriptionId(subscription_id)
    return one(await call.look_up(lambda tx: _to_json(subscriptions.get_subscription(tx, wanted))))


async def create_subscription(call: CurrentCall, body: SubscriptionBody) -> Response:
    """Tell somebody of events from now on.

    A webhook is signed as Standard Webhooks says, with the `signing_key` that is in this answer only. Tokens are
    signed with keys whose public halves are at `/.well-known/jwks.json`.
    """
    draft = Draft(
        name=body.name,
        channel=Channel(body.channel),
        recipients=tuple(body.recipients),
        url=body.webhook_url,
        authorization=body.authorization,
        wanted=_wanted_in(body.wanted),
    )

    def create(tx: WriteTx) -> Json:
        made = subscriptions.create_subscription(tx, call.keys, call.rule, draft)
        call.record.subject_id = made.subscription.id
        return {**_to_json(made.subscription), "signing_key": made.signing_key or ""}

    return one(await call.write(create))


async def change_subscription(
    call: CurrentCall,
    subscription_id: SubscriptionIdInPath,
    body: SubscriptionChange,
    update_mask: Mask = "",
    version: Version = None,
) -> Response:
    """Change a subscription, or switch it off and on."""
    given = given_fields(body, update_mask)
    for name, value in given.items():
        if value is None:
            raise bad_field(name, "cannot be null.")
    recipients = given.get("recipients")
    change = Change(
        name=given.get("name"),
        recipients=None if recipients is None else tuple(recipients),
        url=given.get("webhook_url"),
        authorization=given.get("authorization"),
        wanted=_wanted_in(given["wanted"]) if "wanted" in given else None,
        is_active=given.get("is_active"),
    )
    call.record.subject_id = subscription_id

    def run(tx: WriteTx) -> Json:
        wanted = SubscriptionId(subscription_id)
        return _to_json(subscriptions.change_subscription(tx, call.keys, call.rule, wanted, change, version=version))

    return one(await call.write(run))


async def delete_subscription(call: CurrentCall, subscription_id: SubscriptionIdInPath) -> Response:
    """End a subscription. What is under way to it is not delivered any more."""
    call.record.subject_id = subscription_id
    await call.write(lambda tx: subscriptions.delete_subscription(tx, SubscriptionId(subscription_id)))
    return nothing()


async def test_subscription(call: CurrentCall, subscription_id: SubscriptionIdInPath) -> Response:
    """Send something to try a subscription out, also one that is off.

    The answer is the delivery, which is yet to be attempted: the list of deliveries says what became of it.
    """
    call.record.subject_id = subscription_id

    def send(tx: WriteTx) -> Json:
        delivery_id = deliveries.send_test(tx, SubscriptionId(subscription_id))
        return _delivery_json(deliveries.get_delivery(tx, delivery_id))

    return one(await call.write(send))


async def list_deliveries(
    call: CurrentCall,
    subscription_id: SubscriptionIdInPath,
    page_size: PageSize = MAX_PAGE_SIZE,
    page_token: PageToken = "",
) -> Response:
    """List what was told, or is yet to be, by a subscription, newest first."""
    pages = Pages(call=call, name=f"subscriptions/{subscription_id}/deliveries")
    asked = await pages.asked(page_token)
    before = None if asked.place is None else DeliveryId(str(asked.place))

    def ask(tx: ReadTx) -> tuple[Delivery, ...]:
        subscription = subscriptions.get_subscription(tx, SubscriptionId(subscription_id))
        return deliveries.list_deliveries(tx, limit=page_size + 1, subscription_id=subscription.id, before=before)

    found = await call.read(ask)
    page = found[:page_size]
    more = len(found) > page_size
    return many([_delivery_json(delivery) for delivery in page], pages.token(asked, page[-1].id) if more else None)


def _wanted_in(body: WantedBody) -> Wanted:
    return Wanted(
        categories=frozenset(Category(name) for name in body.categories),
        severities=frozenset(Severity(name) for name in body.severities),
        types=tuple(body.types),
    )


def _to_json(subscription: Subscription) -> dict[str, Json]:
    wanted = subscription.wanted
    return {
        "id": subscription.id,
        "name": subscription.name,
        "channel": subscription.channel.value,
        "target": subscription.target,
        "wanted": {
            "categories": sorted(each.value for each in wanted.categories),
            "severities": sorted(each.value for each in wanted.severities),
            "types": list(wanted.types),
        },
        "is_active": subscription.is_active,
        "signing_key": "",
        "created_at": instant(subscription.created_at),
        "updated_at": instant(subscription.changed_at),
        "version": subscription.version,
    }


def _delivery_json(delivery: Delivery) -> dict[str, Json]:
    return {
        "id": delivery.id,
        "subscription_id": delivery.subscription_id,
        "event_type": delivery.event_type,
        "is_test": delivery.is_test,
        "body": delivery.body,
        "state": delivery.state.value,
        "attempt_count": delivery.attempt_count,
        "http_status": delivery.status,
        "error": delivery.error,
        "created_at": instant(delivery.created_at),
        "attempted_at": instant(delivery.attempted_at),
    }


_SUBSCRIPTION: Final[dict[str, Any]] = {
    "id": "019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6a7b",
    "name": "SIEM",
    "channel": "webhook",
    "target": "https://siem.example.com/rolecall",
    "wanted": {"categories": [], "severities": ["WARNING", "ERROR"], "types": []},
    "is_active": True,
    "signing_key": "",
    "created_at": "2026-11-24T10:00:00.000Z",
    "updated_at": "2026-11-24T10:00:00.000Z",
    "version": 1,
}
_DELIVERY: Final[dict[str, Any]] = {
    "id": "019ab3c4-5d6e-7f80-9a1b-000000000001",
    "subscription_id": "019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6a7b",
    "event_type": "notifications.subscription.test",
    "is_test": True,
    "body": {
        "type": "notifications.subscription.test",
        "timestamp": "2026-11-24T10:00:00.000Z",
        "data": {"category": "NOTIFICATION", "severity": "INFO", "event": {"name": "SIEM"}},
    },
    "state": "waiting",
    "attempt_count": 0,
    "http_status": None,
    "error": None,
    "created_at": "2026-11-24T10:00:00.000Z",
    "attempted_at": None,
}
_DELIVERED: Final = {
    "state": "delivered",
    "attempt_count": 1,
    "http_status": 204,
    "attempted_at": "2026-11-24T10:00:01.000Z",
}
_LIST: Final = "/api/v1/subscriptions"
_PATH: Final = f"{_LIST}/{{id:opaque}}"


def _read(path: str, run: Callable[..., Any], answers: type[BaseModel], example: Mapping[str, Any]) -> Endpoint:
    return Endpoint(method="GET", path=path, needs=Action.SUBSCRIPTION_LIST, run=run, answers=answers, example=example)


ENDPOINTS: Final = (
    _read(
        _LIST,
        list_subscriptions,
        ManySubscriptions,
        {"values": [_SUBSCRIPTION], "next_page_token": "", "has_more": False},
    ),
    Endpoint(
        method="POST",
        path=_LIST,
        needs=Action.SUBSCRIPTION_CHANGE,
        run=create_subscription,
        answers=OneSubscription,
        example={"value": _SUBSCRIPTION | {"signing_key": "whsec_…"}},
        refusals=(409,),
    ),
    _read(_PATH, get_subscription, OneSubscription, {"value": _SUBSCRIPTION}),
    Endpoint(
        method="PATCH",
        path=_PATH,
        needs=Action.SUBSCRIPTION_CHANGE,
        run=change_subscription,
        answers=OneSubscription,
        example={"value": _SUBSCRIPTION | {"is_active": False, "version": 2}},
        refusals=(409, 412),
    ),
    Endpoint(
        method="DELETE",
        path=_PATH,
        needs=Action.SUBSCRIPTION_CHANGE,
        run=delete_subscription,
        answers=None,
    ),
    Endpoint(
        method="POST",
        path=f"{_PATH}:test",
        needs=Action.SUBSCRIPTION_CHANGE,
        run=test_subscription,
        answers=OneDelivery,
        example={"value": _DELIVERY},
    ),
    _read(
        f"{_PATH}/deliveries",
        list_deliveries,
        ManyDeliveries,
        {"values": [_DELIVERY | _DELIVERED], "next_page_token": "", "has_more": False},
    ),
)
