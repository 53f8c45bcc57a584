"""What can be done about subscriptions to events from the command line?"""

import sys
import time
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias

import typer

from rolecall.authorization.actor import COMMAND_LINE
from rolecall.cli.admin.installation import opened
from rolecall.cli.admin.tailing import plain
from rolecall.cli.changes import make_change
from rolecall.cli.exit_codes import ExitCode
from rolecall.cli.options import AsJson, DatabaseUrl, DataDir, Limit
from rolecall.cli.output import print_fields, print_json, print_table
from rolecall.kernel.event import Category, Severity
from rolecall.notifications.errors import BadSubscription
from rolecall.notifications.model import Channel, DeliveryState, Draft, SubscriptionId, Wanted

if TYPE_CHECKING:
    from rolecall.main import Rolecall
    from rolecall.notifications.model import Delivery, DeliveryId, Subscription

app = typer.Typer(help="Let people and programs be told of events, by mail, webhook or Slack.", no_args_is_help=True)

_PAUSE_SECONDS: Final = 0.2

SubscriptionArgument: TypeAlias = Annotated[
    str, typer.Argument(metavar="ID", help="The subscription's id, as `subscriptions list` shows it.")
]
Email: TypeAlias = Annotated[
    list[str] | None, typer.Option("--email", help="Tell this address by mail; may be given up to 20 times.")
]
_PRIVATELY: Final = "`-` reads it from standard input, where nobody else can see it."
Webhook: TypeAlias = Annotated[
    str | None, typer.Option("--webhook", help=f"Send signed requests to this URL. {_PRIVATELY}", show_default=False)
]
Slack: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--slack", help=f"Write to this incoming webhook of Slack or its like. {_PRIVATELY}", show_default=False
    ),
]
ScimEvents: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--scim-events",
        help=f"Push security event tokens (RFC 9967) on users and groups to this URL. {_PRIVATELY}",
        show_default=False,
    ),
]
Authorization: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--authorization",
        help=f"Send this as the Authorization header, with --webhook or --scim-events. {_PRIVATELY}",
        show_default=False,
    ),
]
Types: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--type", help="Only events of this type; `directory.user.*` takes all that begin so. Repeatable."),
]
Severities: TypeAlias = Annotated[
    list[Severity] | None, typer.Option("--severity", help="Only events of this severity. Repeatable.")
]
Categories: TypeAlias = Annotated[
    list[Category] | None, typer.Option("--category", help="Only events of this category. Repeatable.")
]


@app.command("create")
def create(
    context: typer.Context,
    *,
    name: Annotated[str, typer.Option("--name", help="What it is for; shown in lists.", show_default=False)],
    email: Email = None,
    webhook: Webhook = None,
    slack: Slack = None,
    scim_events: ScimEvents = None,
    with_values: Annotated[
        bool, typer.Option("--with-values", help="Put values into the tokens, not only the names of what changed.")
    ] = False,
    authorization: Authorization = None,
    types: Types = None,
    severities: Severities = None,
    categories: Categories = None,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Tell somebody of events from now on: exactly one of --email, --webhook, --slack, --scim-events.

    A webhook's signing key is printed once; with it the receiver checks what it gets (Standard Webhooks). Tokens are
    checked with the public keys at /.well-known/jwks.json.
    """
    from rolecall.notifications.subscriptions import create_subscription

    channel, url = _channel_of(email, webhook, slack, scim_events)
    if with_values and channel is not Channel.SCIM_NOTICE:
        raise BadSubscription("--with-values: only tokens have a choice of what they tell; name --scim-events.")
    channel = Channel.SCIM_FULL if with_values else channel
    draft = Draft(
        name=name,
        channel=channel,
        recipients=tuple(email or ()),
        url=_read(url),
        authorization=_read(authorization),
        wanted=Wanted(
            categories=frozenset(categories or ()), severities=frozenset(severities or ()), types=tuple(types or ())
        ),
    )
    with opened(data_dir, database_url) as rolecall:
        rolecall.keys.ensure(rolecall.clock())
        made = make_change(rolecall, context, lambda tx: create_subscription(tx, rolecall.keys, rolecall.rule, draft))
    if as_json:
        print_json({**_to_json(made.subscription), "signing_key": made.signing_key})
        return
    fields = {"Id": made.subscription.id, "Tells": made.subscription.target}
    print_fields(fields if made.signing_key is None else {**fields, "Signing key": made.signing_key})
    print(f"\nTry it out: rolecall admin subscriptions test {made.subscription.id}")
    if made.signing_key is not None:
        print("The signing key is shown only this once.")


@app.command("list")
def list_subscriptions(*, data_dir: DataDir = None, database_url: DatabaseUrl = None, as_json: AsJson = False) -> None:
    """List subscriptions; never their secrets."""
    from rolecall.notifications.subscriptions import list_subscriptions as list_them

    with opened(data_dir, database_url) as rolecall:
        found = rolecall.transactions.run_read(COMMAND_LINE, list_them)
    if as_json:
        print_json({"subscriptions": [_to_json(each) for each in found]})
        return
    print_table(
        ("ID", "NAME", "TELLS", "OF", "STATE"),
        [(each.id, each.name, each.target, _of(each.wanted), "on" if each.is_active else "off") for each in found],
        empty="No subscriptions yet.",
    )


@app.command("switch")
def switch(
    context: typer.Context,
    subscription_id: SubscriptionArgument,
    *,
    on: Annotated[bool, typer.Option("--on/--off", help="Whether it tells anybody.", show_default=False)],
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Turn a subscription on or off. While it is off, what happens is not told, also not later."""
    from rolecall.notifications.model import Change
    from rolecall.notifications.subscriptions import change_subscription

    with opened(data_dir, database_url) as rolecall:
        keys, rule, identifier = rolecall.keys, rolecall.rule, SubscriptionId(subscription_id)
        change = Change(is_active=on)
        make_change(rolecall, context, lambda tx: change_subscription(tx, keys, rule, identifier, change))
    print(f"The subscription {subscription_id} is {'on' if on else 'off'}.")


@app.command("delete")
def delete(
    context: typer.Context,
    subscription_id: SubscriptionArgument,
    *,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """End a subscription, and forget its deliveries."""
    from rolecall.notifications.subscriptions import delete_subscription

    with opened(data_dir, database_url) as rolecall:
        make_change(rolecall, context, lambda tx: delete_subscription(tx, SubscriptionId(subscription_id)))
    print(f"The subscription {subscription_id} is gone.")


@app.command("test")
def send_test(
    context: typer.Context,
    subscription_id: SubscriptionArgument,
    *,
    wait: Annotated[int, typer.Option("--wait", min=0, max=600, help="Seconds to wait for what becomes of it.")] = 30,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Send something to try a subscription out, and say what became of it. A server must run: it does the sending.

    Ends with code 5 when it was not delivered.
    """
    from rolecall.notifications.deliveries import send_test as send_it

    with opened(data_dir, database_url) as rolecall:
        delivery_id = make_change(rolecall, context, lambda tx: send_it(tx, SubscriptionId(subscription_id)))
        delivery = _wait_for(rolecall, delivery_id, wait)
    if as_json:
        print_json(_delivery_to_json(delivery))
    elif delivery.state is DeliveryState.DELIVERED:
        print("Delivered.")
    elif delivery.state is DeliveryState.WAITING:
        print("Still waiting: see that Rolecall serves, and `rolecall admin subscriptions deliveries`.")
    else:
        print(f"Not delivered. {delivery.error}")
    if delivery.state is not DeliveryState.DELIVERED:
        raise typer.Exit(ExitCode.UNREACHABLE)


@app.command("deliveries")
def list_deliveries(
    *,
    subscription_id: Annotated[
        str | None, typer.Option("--subscription", metavar="ID", help="Only those of this subscription.")
    ] = None,
    limit: Limit = 50,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """List what was told to whom, the newest first, and what became of it."""
    from rolecall.notifications.deliveries import list_deliveries as list_them

    wanted = None if subscription_id is None else SubscriptionId(subscription_id)
    with opened(data_dir, database_url) as rolecall:
        found = rolecall.transactions.run_read(
            COMMAND_LINE, lambda tx: list_them(tx, limit=limit, subscription_id=wanted)
        )
    if as_json:
        print_json({"deliveries": [_delivery_to_json(each) for each in found]})
        return
    print_table(
        ("ID", "AT", "SUBSCRIPTION", "EVENT", "STATE", "ATTEMPTS", "ANSWER", "ERROR"),
        [
            (
                each.id,
                plain(each.created_at),
                each.subscription_id,
                each.event_type,
                each.state.value,
                each.attempt_count,
                each.status,
                each.error,
            )
            for each in found
        ],
        empty="Nothing was told to anybody yet.",
    )


def _channel_of(
    email: list[str] | None, webhook: str | None, slack: str | None, scim_events: str | None
) -> tuple[Channel, str | None]:
    given = [
        (channel, url)
        for channel, url, there in (
            (Channel.EMAIL, None, bool(email)),
            (Channel.WEBHOOK, webhook, webhook is not None),
            (Channel.SLACK, slack, slack is not None),
            (Channel.SCIM_NOTICE, scim_events, scim_events is not None),
        )
        if there
    ]
    if len(given) != 1:
        raise BadSubscription("Name exactly one of --email, --webhook, --slack and --scim-events.")
    return given[0]


def _read(given: str | None) -> str | None:
    return sys.stdin.readline().strip() if given == "-" else given


def _wait_for(rolecall: "Rolecall", delivery_id: "DeliveryId", seconds: int) -> "Delivery":
    from rolecall.notifications.deliveries import get_delivery

    deadline = time.monotonic() + seconds
    while True:
        delivery = rolecall.transactions.run_read(COMMAND_LINE, lambda tx: get_delivery(tx, delivery_id))
        if delivery.state is not DeliveryState.WAITING or time.monotonic() > deadline:
            return delivery
        time.sleep(_PAUSE_SECONDS)


def _of(wanted: Wanted) -> str:
    parts = [
        *sorted(each.value for each in wanted.severities),
        *sorted(each.value for each in wanted.categories),
        *wanted.types,
    ]
    return ", ".join(parts) or "everything"


def _to_json(subscription: "Subscription") -> dict[str, Any]:
    wanted = subscription.wanted
    return {
        "id": subscription.id,
        "name": subscription.name,
        "channel": subscription.channel.value,
        "target": subscription.target,
        "categories": sorted(each.value for each in wanted.categories),
        "severities": sorted(each.value for each in wanted.severities),
        "types": wanted.types,
        "active": subscription.is_active,
        "version": subscription.version,
        "created_at": plain(subscription.created_at),
        "changed_at": plain(subscription.changed_at),
    }


def _delivery_to_json(delivery: "Delivery") -> dict[str, Any]:
    return {
        "id": delivery.id,
        "subscription_id": delivery.subscription_id,
        "event_type": delivery.event_type,
        "test": delivery.is_test,
        "body": delivery.body,
        "state": delivery.state.value,
        "attempts": delivery.attempt_count,
        "status": delivery.status,
        "error": delivery.error,
        "created_at": plain(delivery.created_at),
        "attempted_at": plain(delivery.attempted_at),
    }
