"""Is everybody told who wants to be, and nobody else, on either database?"""

from datetime import timedelta

import orjson
import pytest

from rolecall.authorization.actions import Action
from rolecall.directory import users
from rolecall.directory.errors import LastAdministrator
from rolecall.jobs import jobs
from rolecall.kernel.errors import Forbidden, NotFound
from rolecall.kernel.event import Severity
from rolecall.notifications import decide, deliveries, subscriptions
from rolecall.notifications.deliveries import MAX_ATTEMPTS
from rolecall.notifications.model import Change, Channel, DeliveryId, DeliveryState, SubscriptionId, Wanted
from rolecall.outbound.model import OutboundRule
from tests.make.actors import ADMINISTRATOR, all_but
from tests.make.directory import administrator, service_user
from tests.make.notifications import LOOPBACK, carry_out, key_ring, senders, subscribed
from tests.make.receivers import answering, receiving, taking_mail

CREATED = Wanted(types=("directory.user.created",))


@pytest.fixture
def keys(installed, tmp_path):
    return key_ring(installed, tmp_path)


def told(installed, **filters):
    return installed.ask(deliveries.list_deliveries, limit=100, **filters)


def test_an_event_goes_signed_to_the_webhook_that_wants_it(installed, keys):
    with receiving() as receiver:
        made = subscribed(installed, keys, url=f"{receiver.url}/hook", authorization="Splunk x", wanted=CREATED)
        user_id = service_user(installed)
        assert carry_out(installed, senders(installed, keys)) == 1
    (came,) = receiver.came
    (delivery,) = told(installed)
    assert came.path == "/hook"
    assert came.headers["authorization"] == "Splunk x"
    assert came.headers["content-type"] == "application/json"
    assert came.headers["webhook-id"] == delivery.id
    timestamp = int(came.headers["webhook-timestamp"])
    assert timestamp == int(installed.clock.now.timestamp())
    assert came.headers["webhook-signature"] == decide.signature_of(
        made.signing_key, message_id=delivery.id, timestamp=timestamp, body=came.body
    )
    said = orjson.loads(came.body)
    assert (said["type"], said["data"]["subject_id"]) == ("directory.user.created", user_id)
    assert said["data"]["request_id"] == ADMINISTRATOR.request_id
    assert said == delivery.body
    assert (delivery.state, delivery.status, delivery.attempt_count) == (DeliveryState.DELIVERED, 200, 1)
    assert (delivery.subscription_id, delivery.is_test, delivery.error) == (made.subscription.id, False, None)


def test_a_slack_webhook_gets_a_text(installed, keys):
    with receiving() as receiver:
        subscribed(installed, keys, channel=Channel.SLACK, url=receiver.url, wanted=CREATED)
        service_user(installed, "<!channel>")
        carry_out(installed, senders(installed, keys))
    (came,) = receiver.came
    said = orjson.loads(came.body)
    assert set(said) == {"text"}
    assert "user_name: &lt;!channel&gt;" in said["text"]
    assert "webhook-signature" not in came.headers


def test_a_mail_goes_to_its_recipients(installed, keys):
    with taking_mail() as mailbox:
        recipients = ("ada@example.com", "bob@example.com")
        subscribed(installed, keys, channel=Channel.EMAIL, recipients=recipients, wanted=CREATED)
        service_user(installed)
        carry_out(installed, senders(installed, keys, mail_port=mailbox.port))
    (mail,) = mailbox.mails
    (delivery,) = told(installed)
    assert mailbox.recipients == [list(recipients)]
    assert mail["Subject"] == "[Rolecall] INFO directory.user.created"
    assert mail["Message-ID"] == f"<{delivery.id}@example.com>"
    assert "user_name: robot" in mail.get_content()
    assert delivery.state is DeliveryState.DELIVERED


def test_a_mail_that_some_had_is_not_sent_again(installed, keys):
    with taking_mail(refused=frozenset({"bob@example.com"})) as mailbox:
        recipients = ("ada@example.com", "bob@example.com")
        subscribed(installed, keys, channel=Channel.EMAIL, recipients=recipients, wanted=CREATED)
        service_user(installed)
        using = senders(installed, keys, mail_port=mailbox.port)
        carry_out(installed, using)
        installed.clock.advance(timedelta(days=1))
        assert carry_out(installed, using) == 0
    assert len(mailbox.mails) == 1
    (delivery,) = told(installed)
    assert (delivery.state, delivery.error) == (
        DeliveryState.GIVEN_UP,
        "The mail server refused bob@example.com.",
    )


def test_only_who_wants_an_event_is_told(installed, keys):
    warned = subscribed(
        installed, keys, url="http://127.0.0.1:1/", wanted=Wanted(severities=frozenset({Severity.WARNING}))
    )
    everything = subscribed(installed, keys, name="All", url="http://127.0.0.1:1/")
    service_user(installed)
    assert [each.event_type for each in told(installed, subscription_id=warned.subscription.id)] == []
    types = {each.event_type for each in told(installed, subscription_id=everything.subscription.id)}
    assert types == {"notifications.subscription.created", "directory.user.created"}


def test_a_refusal_that_leaves_an_event_is_told(installed, keys):
    root = administrator(installed)
    subscribed(installed, keys, url="http://127.0.0.1:1/", wanted=Wanted(types=("directory.user.protected",)))
    with pytest.raises(LastAdministrator):
        installed.change(users.deactivate_user, root, reason="x")
    assert [each.event_type for each in told(installed)] == ["directory.user.protected"]


def test_what_is_rolled_back_is_not_told(installed, keys):
    subscribed(installed, keys, url="http://127.0.0.1:1/", wanted=CREATED)

    def fails(tx):
        users.create_service_user(tx, user_name="robot")
        raise NotFound("Refused.")

    with pytest.raises(NotFound):
        installed.change(fails)
    assert told(installed) == ()
    assert installed.count_rows("job") == 0


def test_without_subscriptions_nothing_is_written(installed):
    service_user(installed)
    assert (installed.count_rows("delivery"), installed.count_rows("job")) == (0, 0)


def test_a_subscription_that_is_off_or_gone_is_told_nothing(installed, keys):
    made = subscribed(installed, keys, url="http://127.0.0.1:1/", wanted=CREATED).subscription
    installed.change(subscriptions.change_subscription, keys, LOOPBACK, made.id, Change(is_active=False))
    service_user(installed, "first")
    assert told(installed) == ()
    installed.change(subscriptions.change_subscription, keys, LOOPBACK, made.id, Change(is_active=True))
    service_user(installed, "second")
    assert len(told(installed)) == 1
    installed.change(subscriptions.delete_subscription, made.id)
    service_user(installed, "third")
    assert told(installed) == ()
    assert carry_out(installed, senders(installed, keys)) == 1


def test_what_another_process_changes_holds_a_second_later(installed, keys):
    service_user(installed, "remembers that there is no subscription")
    subscribed(installed, keys, url="http://127.0.0.1:1/", wanted=CREATED)
    installed.change(lambda tx: tx.connection.execute("UPDATE subscription SET active = 0"))
    service_user(installed, "looks")
    installed.change(lambda tx: tx.connection.execute("UPDATE subscription SET active = 1"))
    service_user(installed, "still remembers")
    assert told(installed) == ()
    installed.clock.advance(timedelta(seconds=1))
    service_user(installed, "looks again")
    assert len(told(installed)) == 1


def test_a_delivery_is_given_up_while_it_waits_when_its_subscription_is_turned_off(installed, keys):
    with receiving() as receiver:
        made = subscribed(installed, keys, url=receiver.url, wanted=CREATED).subscription
        service_user(installed)
        installed.change(subscriptions.change_subscription, keys, LOOPBACK, made.id, Change(is_active=False))
        carry_out(installed, senders(installed, keys))
    assert receiver.came == []
    (delivery,) = told(installed)
    assert (delivery.state, delivery.error) == (DeliveryState.GIVEN_UP, "The subscription is off.")


def test_a_receiver_that_is_away_is_tried_again_until_it_is_back(installed, keys):
    with receiving(answering(503, "away")) as receiver:
        subscribed(installed, keys, url=receiver.url, wanted=CREATED)
        service_user(installed)
        using = senders(installed, keys)
        carry_out(installed, using)
        (delivery,) = told(installed)
        assert (delivery.state, delivery.status, delivery.error) == (
            DeliveryState.WAITING,
            503,
            "It answered 503: away",
        )
        assert carry_out(installed, using) == 0
        receiver.answer = answering(204)
        installed.clock.advance(timedelta(seconds=10))
        carry_out(installed, using)
    (delivery,) = told(installed)
    assert (delivery.state, delivery.status, delivery.attempt_count) == (DeliveryState.DELIVERED, 204, 2)
    assert delivery.error is None
    # Both attempts are one message: whoever got both knows.
    assert {came.headers["webhook-id"] for came in receiver.came} == {delivery.id}


def test_a_receiver_that_stays_away_is_given_up_and_that_is_told_to_nobody(installed, keys):
    with receiving(answering(500)) as receiver:
        made = subscribed(installed, keys, url=receiver.url).subscription
        using = senders(installed, keys)
        for _ in range(MAX_ATTEMPTS):
            assert carry_out(installed, using) == 1
            installed.clock.advance(timedelta(hours=2))
        assert carry_out(installed, using) == 0
    assert len(receiver.came) == MAX_ATTEMPTS
    (delivery,) = told(installed)
    assert (delivery.state, delivery.error) == (DeliveryState.GIVEN_UP, "It answered 500.")
    event = installed.events()[-1]
    assert (event.type, event.severity, event.subject_id) == (
        "notifications.delivery.given-up",
        "WARNING",
        made.id,
    )
    assert event.data["delivery_id"] == delivery.id


def test_a_receiver_that_is_gone_for_good_is_given_up_at_once(installed, keys):
    with receiving(answering(410)) as receiver:
        subscribed(installed, keys, url=receiver.url, wanted=CREATED)
        service_user(installed)
        carry_out(installed, senders(installed, keys))
    (delivery,) = told(installed)
    assert (delivery.state, delivery.status) == (DeliveryState.GIVEN_UP, 410)


def test_a_rule_that_has_become_stricter_holds_for_what_waits(installed, keys):
    with receiving() as receiver:
        subscribed(installed, keys, url=receiver.url, wanted=CREATED)
        subscribed(installed, keys, name="Mail", channel=Channel.EMAIL, recipients=("ada@example.com",), wanted=CREATED)
        service_user(installed)
        carry_out(installed, senders(installed, keys, rule=OutboundRule(domains=("example.org",)), mail_port=1))
    assert receiver.came == []
    assert {each.state for each in told(installed)} == {DeliveryState.GIVEN_UP}
    assert {("not a public address" in each.error, "--outbound-domains" in each.error) for each in told(installed)} == {
        (True, False),
        (False, True),
    }


def test_a_receiver_that_repeats_what_it_got_reveals_no_secret(installed, keys):
    def echo(request):
        answering(401, f"No: {request.headers['Authorization']} at {request.path}")(request)

    with receiving(echo) as receiver:
        subscribed(installed, keys, url=f"{receiver.url}/marker1?key=marker2", authorization="marker3", wanted=CREATED)
        service_user(installed)
        carry_out(installed, senders(installed, keys))
    (delivery,) = told(installed)
    assert delivery.error == "It answered 401: No: [masked] at /[masked]?key=[masked]"
    (job,) = installed.ask(jobs.list_jobs, limit=9)
    assert "marker" not in f"{delivery} {job}"


def test_a_test_is_sent_also_by_a_subscription_that_is_off_and_tried_once(installed, keys):
    with receiving(answering(500)) as receiver:
        made = subscribed(installed, keys, url=receiver.url, wanted=CREATED).subscription
        installed.change(subscriptions.change_subscription, keys, LOOPBACK, made.id, Change(is_active=False))
        using = senders(installed, keys)
        failed = installed.change(deliveries.send_test, made.id)
        carry_out(installed, using)
        receiver.answer = answering(200)
        worked = installed.change(deliveries.send_test, made.id)
        carry_out(installed, using)
    assert installed.ask(deliveries.get_delivery, failed).state is DeliveryState.GIVEN_UP
    delivery = installed.ask(deliveries.get_delivery, worked)
    assert (delivery.state, delivery.is_test) == (DeliveryState.DELIVERED, True)
    assert orjson.loads(receiver.came[-1].body)["type"] == "notifications.subscription.test"
    with pytest.raises(NotFound):
        installed.change(deliveries.send_test, SubscriptionId("x"))
    with pytest.raises(NotFound):
        installed.ask(deliveries.get_delivery, DeliveryId("x"))


def test_deliveries_are_listed_newest_first_a_page_at_a_time_and_forgotten_in_the_end(installed, keys):
    subscribed(installed, keys, url="http://127.0.0.1:1/", wanted=CREATED)
    for number in range(3):
        installed.clock.advance(timedelta(days=1))
        service_user(installed, f"robot {number}")
    first = installed.ask(deliveries.list_deliveries, limit=2)
    second = installed.ask(deliveries.list_deliveries, limit=2, before=first[-1].id)
    names = [each.body["data"]["event"]["user_name"] for each in (*first, *second)]
    assert names == ["robot 2", "robot 1", "robot 0"]
    assert installed.change(deliveries.delete_deliveries, before=installed.clock.now, limit=1) == 1
    assert installed.change(deliveries.delete_deliveries, before=installed.clock.now, limit=9) == 1
    assert [each.id for each in told(installed)] == [first[0].id]


def test_deliveries_need_their_actions(installed_sqlite):
    for action, use_case, arguments in (
        (Action.SUBSCRIPTION_CHANGE, deliveries.send_test, {"subscription_id": SubscriptionId("x")}),
        (Action.SUBSCRIPTION_CHANGE, deliveries.delete_deliveries, {"before": None, "limit": 1}),
        (Action.SUBSCRIPTION_LIST, deliveries.list_deliveries, {"limit": 1}),
        (Action.SUBSCRIPTION_LIST, deliveries.get_delivery, {"delivery_id": DeliveryId("x")}),
    ):
        with pytest.raises(Forbidden):
            installed_sqlite.change(use_case, **arguments, actor=all_but(action))
