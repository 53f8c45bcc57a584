"""Are subscriptions kept as they were asked for, and their secrets from everybody, on either database?"""

from dataclasses import replace
from ipaddress import ip_network

import pytest

from rolecall.authorization.actions import Action
from rolecall.kernel.errors import Forbidden, NotFound, VersionConflict
from rolecall.kernel.event import Category, Severity
from rolecall.notifications import subscriptions
from rolecall.notifications.errors import BadSubscription, SubscriptionNameTaken
from rolecall.notifications.model import Change, Channel, Draft, SubscriptionId, Wanted
from rolecall.outbound.errors import OutboundRefused
from rolecall.outbound.model import OutboundRule
from rolecall.storage import resealing
from rolecall.storage.secrets import SealBroken, SecretKeyInUse, key_id_of
from tests.make.actors import all_but
from tests.make.notifications import LOOPBACK, key_ring, subscribed

URL = "https://hooks.example.com/rolecall?token=marker"
WANTED = Wanted(
    categories=frozenset({Category.SYSTEM}), severities=frozenset({Severity.WARNING}), types=("directory.*",)
)


@pytest.fixture
def keys(installed, tmp_path):
    return key_ring(installed, tmp_path)


def change(installed, keys, subscription_id, rule=LOOPBACK, version=None, **changed):
    return installed.change(
        subscriptions.change_subscription, keys, rule, subscription_id, Change(**changed), version=version
    )


def kept_secrets(installed, keys, subscription_id):
    return installed.ask(subscriptions.find_secrets, keys, subscription_id)


def test_a_webhook_is_kept_as_it_was_asked_for(installed, keys):
    made = subscribed(installed, keys, url=URL, authorization="Splunk marker", wanted=WANTED)
    subscription = made.subscription
    assert installed.ask(subscriptions.get_subscription, subscription.id) == subscription
    assert (subscription.name, subscription.channel, subscription.wanted) == ("Leavers", Channel.WEBHOOK, WANTED)
    assert (subscription.is_active, subscription.version) == (True, 1)
    assert subscription.target == "https://hooks.example.com/rolecall?…"
    secrets = kept_secrets(installed, keys, subscription.id)
    assert (secrets.url, secrets.authorization, secrets.signing_key) == (URL, "Splunk marker", made.signing_key)
    (event,) = installed.events()
    assert (event.type, event.category, event.subject_id) == (
        "notifications.subscription.created",
        "NOTIFICATION",
        subscription.id,
    )


def test_no_secret_of_a_subscription_is_in_the_database_in_clear(installed, keys):
    made = subscribed(installed, keys, url=URL, authorization="Splunk marker")
    subscribed(installed, keys, name="Slack", channel=Channel.SLACK, url="https://hooks.slack.com/services/T/marker")
    dump = "".join(
        str(installed.ask(lambda tx, table=table: tx.connection.execute(f"SELECT * FROM {table}").fetchall()))
        for table in ("subscription", "event", "audit_record", "job", "delivery")
    )
    assert "hooks.slack.com" in dump
    assert "marker" not in dump
    assert made.signing_key not in dump
    assert "marker" not in repr(kept_secrets(installed, keys, made.subscription.id))


def test_a_slack_address_is_shown_without_its_path(installed, keys):
    url = "https://hooks.slack.com/services/T0/B0/secret"
    made = subscribed(installed, keys, channel=Channel.SLACK, url=url)
    assert (made.subscription.target, made.signing_key) == ("https://hooks.slack.com/…", None)


def test_mail_needs_no_secret(installed, keys):
    made = subscribed(installed, keys, channel=Channel.EMAIL, recipients=("ada@example.com", "bob@example.com"))
    assert (made.subscription.target, made.signing_key) == ("ada@example.com, bob@example.com", None)
    assert kept_secrets(installed, keys, made.subscription.id) is None


@pytest.mark.parametrize(
    "said, sentence",
    [
        ({"channel": Channel.WEBHOOK}, "webhook_url: is required"),
        ({"channel": Channel.SLACK, "url": URL, "authorization": "x"}, "authorization: only a webhook"),
        (
            {"channel": Channel.EMAIL, "url": URL, "recipients": ("a@example.com",)},
            "webhook_url: e-mail has recipients",
        ),
        ({"channel": Channel.EMAIL}, "recipients: must be 1 to 20"),
        ({"channel": Channel.WEBHOOK, "url": URL, "recipients": ("a@example.com",)}, "recipients: only the channel"),
        ({"channel": Channel.WEBHOOK, "url": URL, "name": " "}, "name: "),
        ({"channel": Channel.WEBHOOK, "url": URL, "wanted": Wanted(types=("?",))}, "types: "),
        ({"channel": Channel.WEBHOOK, "url": URL, "authorization": "ü"}, "authorization: "),
    ],
)
def test_what_cannot_be_is_refused_with_the_field_and_changes_nothing(installed, keys, said, sentence):
    with pytest.raises(BadSubscription, match=sentence):
        subscribed(installed, keys, **said)
    assert installed.count_rows("subscription") == 0
    assert installed.events() == []


def test_whom_the_rule_forbids_is_refused(installed_sqlite, tmp_path):
    keys = key_ring(installed_sqlite, tmp_path)
    rule = OutboundRule(domains=("example.com",))
    for said in (
        {"url": "https://example.org/"},
        {"url": "https://127.0.0.1/"},
        {"channel": Channel.EMAIL, "recipients": ("ada@example.org",)},
    ):
        field = "recipients" if "recipients" in said else "webhook_url"
        with pytest.raises(OutboundRefused, match=f"^{field}: ") as refusal:
            subscribed(installed_sqlite, keys, rule, **said)
        assert refusal.value.about == {"attribute": field}
    subscribed(installed_sqlite, keys, rule, url="https://hooks.example.com/")


def test_a_name_is_unique_whatever_its_case(installed, keys):
    first = subscribed(installed, keys, url=URL).subscription
    with pytest.raises(SubscriptionNameTaken):
        subscribed(installed, keys, name="LEAVERS", url=URL)
    other = subscribed(installed, keys, name="Another", url=URL).subscription
    with pytest.raises(SubscriptionNameTaken):
        change(installed, keys, other.id, name="leavers")
    assert [each.id for each in installed.ask(subscriptions.list_subscriptions)] == [other.id, first.id]


def test_what_is_given_changes_and_the_rest_stays(installed, keys):
    made = subscribed(installed, keys, url=URL, authorization="old")
    before = made.subscription
    after = change(installed, keys, before.id, name="New", wanted=WANTED, is_active=False, version=1)
    assert after == replace(before, name="New", wanted=WANTED, is_active=False, version=2)
    after = change(installed, keys, before.id, url="https://example.com/new")
    assert (after.target, after.version) == ("https://example.com/new", 3)
    secrets = kept_secrets(installed, keys, before.id)
    assert (secrets.url, secrets.authorization) == ("https://example.com/new", "old")
    assert secrets.signing_key == made.signing_key
    change(installed, keys, before.id, authorization="new")
    assert kept_secrets(installed, keys, before.id).authorization == "new"
    assert installed.ask(subscriptions.get_subscription, before.id).target == "https://example.com/new"
    changes = [event.data["attributes"] for event in installed.events()[1:]]
    assert changes == [["name", "wanted", "is_active"], ["target", "secrets"], ["secrets"]]


def test_recipients_of_a_mail_change(installed, keys):
    made = subscribed(installed, keys, channel=Channel.EMAIL, recipients=("ada@example.com",)).subscription
    assert change(installed, keys, made.id, recipients=("bob@example.com",)).target == "bob@example.com"
    with pytest.raises(BadSubscription, match="url"):
        change(installed, keys, made.id, url=URL)
    hook = subscribed(installed, keys, name="Hook", url=URL).subscription
    with pytest.raises(BadSubscription, match="recipients"):
        change(installed, keys, hook.id, recipients=("bob@example.com",))


def test_a_change_that_changes_nothing_makes_no_version(installed, keys):
    made = subscribed(installed, keys, url=URL).subscription
    assert change(installed, keys, made.id, name="Leavers", is_active=True) == made
    assert len(installed.events()) == 1


def test_a_version_that_is_not_the_present_one_changes_nothing(installed, keys):
    made = subscribed(installed, keys, url=URL).subscription
    with pytest.raises(VersionConflict):
        change(installed, keys, made.id, name="New", version=2)
    assert installed.ask(subscriptions.get_subscription, made.id) == made


def test_a_subscription_that_ends_is_gone(installed, keys):
    made = subscribed(installed, keys, url=URL).subscription
    installed.change(subscriptions.delete_subscription, made.id)
    assert installed.ask(subscriptions.list_subscriptions) == ()
    assert kept_secrets(installed, keys, made.id) is None
    assert installed.event_types()[-1] == "notifications.subscription.deleted"
    with pytest.raises(NotFound):
        installed.change(subscriptions.delete_subscription, made.id)
    with pytest.raises(NotFound):
        change(installed, keys, made.id, name="x")
    with pytest.raises(NotFound):
        installed.ask(subscriptions.get_subscription, made.id)


def test_subscriptions_need_their_actions(installed_sqlite, tmp_path):
    keys, nobodys = key_ring(installed_sqlite, tmp_path), SubscriptionId("x")
    draft = Draft(name="x", channel=Channel.WEBHOOK, url=URL)
    for action, use_case, arguments in (
        (Action.SUBSCRIPTION_CHANGE, subscriptions.create_subscription, (keys, LOOPBACK, draft)),
        (Action.SUBSCRIPTION_CHANGE, subscriptions.change_subscription, (keys, LOOPBACK, nobodys, Change())),
        (Action.SUBSCRIPTION_CHANGE, subscriptions.delete_subscription, (nobodys,)),
        (Action.SUBSCRIPTION_LIST, subscriptions.list_subscriptions, ()),
        (Action.SUBSCRIPTION_LIST, subscriptions.get_subscription, (nobodys,)),
        (Action.KEY_RING_CHANGE, resealing.count_by_key, ()),
        (Action.KEY_RING_CHANGE, resealing.rotate_key, (keys,)),
        (Action.KEY_RING_CHANGE, resealing.reseal_slice, (keys,)),
        (Action.KEY_RING_CHANGE, resealing.forget_key, (keys, "x")),
    ):
        with pytest.raises(Forbidden):
            installed_sqlite.change(use_case, *arguments, actor=all_but(action))


def reseal(installed, keys):
    """Seal everything anew, slice by slice; return what each slice did."""
    done, after = [], (0, "")
    while after is not None:
        done.append(installed.change(resealing.reseal_slice, keys, after=after))
        after = done[-1].next_after
    return done


def test_a_rotation_brings_every_secret_to_the_new_key(installed, keys, monkeypatch):
    monkeypatch.setattr(resealing, "_AT_ONCE", 2)
    old = keys.primary
    made = [subscribed(installed, keys, name=f"Hook {number}", url=URL) for number in range(5)]
    subscribed(installed, keys, name="Mail", channel=Channel.EMAIL, recipients=("ada@example.com",))
    assert installed.ask(resealing.count_by_key) == {old: 5}
    new = installed.change(resealing.rotate_key, keys)
    with pytest.raises(SecretKeyInUse, match="5 secrets"):
        installed.change(resealing.forget_key, keys, old)
    # Interrupted after one slice, and begun anew; where nothing is sealed, slices are empty.
    place = (0, "")
    while not (slice_ := installed.change(resealing.reseal_slice, keys, after=place)).resealed:
        place = slice_.next_after
    assert slice_.resealed == 2
    assert installed.ask(resealing.count_by_key) == {old: 3, new: 2}
    assert sum(slice_.resealed for slice_ in reseal(installed, keys)) == 3
    assert installed.ask(resealing.count_by_key) == {new: 5}
    installed.change(resealing.forget_key, keys, old)
    for each in made:
        assert kept_secrets(installed, keys, each.subscription.id).signing_key == each.signing_key
    assert installed.event_types()[-2:] == ["storage.secret-key.made", "storage.secret-key.forgotten"]


def test_what_no_key_opens_is_counted_and_stays(installed, keys):
    made = [subscribed(installed, keys, name=name, url=URL).subscription for name in ("a", "b")]
    installed.change(
        lambda tx: tx.connection.execute(
            "UPDATE subscription SET secrets = (SELECT secrets FROM subscription WHERE name = 'b') WHERE name = 'a'"
        )
    )
    with pytest.raises(SealBroken):
        kept_secrets(installed, keys, made[0].id)
    old = keys.primary
    new = installed.change(resealing.rotate_key, keys)
    done = reseal(installed, keys)
    assert (sum(each.resealed for each in done), sum(each.unreadable for each in done)) == (1, 1)
    assert installed.ask(resealing.count_by_key) == {old: 1, new: 1}
    assert key_id_of(keys.seal("x", place="y")) == new


def test_networks_of_the_rule_allow_what_is_not_public(installed_sqlite, tmp_path):
    keys = key_ring(installed_sqlite, tmp_path)
    rule = OutboundRule(networks=(ip_network("10.0.0.0/8"),))
    assert subscribed(installed_sqlite, keys, rule, url="http://10.1.2.3/x").subscription.target == "http://10.1.2.3/x"
