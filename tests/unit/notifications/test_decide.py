import base64
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar

import pytest

from rolecall.authorization.actor import SYSTEM, Actor, ActorKind
from rolecall.directory.events import GroupMembersChanged, ScimEnabled, UserDeactivated, UserProtected
from rolecall.directory.model import GroupId, UserId
from rolecall.kernel.event import Category, Event, Severity
from rolecall.notifications import decide
from rolecall.notifications.errors import BadSubscription
from rolecall.notifications.events import DeliveryGivenUp
from rolecall.notifications.model import DeliveryId, SubscriptionId, Wanted
from rolecall.outbound.errors import OutboundRefused
from rolecall.outbound.model import OutboundRule

NOW = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
LEFT = UserDeactivated(user_id=UserId("u"), user_name="ada", reason="left <the> company & more")
PROTECTED = UserProtected(user_id=UserId("u"), user_name="ada", attempt="delete", because="break_glass")
GIVEN_UP = DeliveryGivenUp(
    subscription_id=SubscriptionId("s"), name="n", delivery_id=DeliveryId("d"), event_type="a.b.c", error="e"
)
ANY = OutboundRule()


@dataclass(frozen=True, slots=True, kw_only=True)
class Odd(Event):
    type: ClassVar[str] = "test.odd.happened"
    at: datetime


@pytest.mark.parametrize(
    "wanted",
    [
        Wanted(),
        Wanted(types=("directory.user.deactivated",)),
        Wanted(types=("directory.group.*", "directory.user.*")),
        Wanted(types=("*",)),
        Wanted(severities=frozenset({Severity.INFO}), categories=frozenset({Category.SYSTEM})),
    ],
)
def test_an_event_that_fits_is_wanted(wanted):
    assert decide.wants(wanted, LEFT)


@pytest.mark.parametrize(
    "wanted",
    [
        Wanted(types=("directory.user",)),
        Wanted(types=("directory.group.*",)),
        Wanted(severities=frozenset({Severity.WARNING, Severity.ERROR})),
        Wanted(categories=frozenset({Category.NOTIFICATION})),
        Wanted(types=("*",), severities=frozenset({Severity.ERROR})),
    ],
)
def test_an_event_that_does_not_fit_in_one_respect_is_not_wanted(wanted):
    assert not decide.wants(wanted, LEFT)


def test_warnings_can_be_picked_out():
    wanted = Wanted(severities=frozenset({Severity.WARNING}))
    assert [decide.wants(wanted, event) for event in (LEFT, PROTECTED)] == [False, True]


def test_nobody_is_told_that_a_delivery_was_given_up():
    assert not decide.wants(Wanted(), GIVEN_UP)


def test_what_is_told_has_the_form_of_standard_webhooks():
    actor = Actor(kind=ActorKind.API_KEY, user_id="p", user_name="okta", request_id="r")
    assert decide.body_of(LEFT, actor, NOW) == {
        "type": "directory.user.deactivated",
        "timestamp": "2026-11-25T08:00:00.000Z",
        "data": {
            "category": "SYSTEM",
            "severity": "INFO",
            "subject_id": "u",
            "request_id": "r",
            "actor": {"kind": "api_key", "user_id": "p", "user_name": "okta"},
            "event": {"user_id": "u", "user_name": "ada", "reason": "left <the> company & more"},
        },
    }


def test_lists_stay_lists_and_what_json_lacks_becomes_text():
    changed = GroupMembersChanged(group_id=GroupId("g"), display_name="G", added=("a",), removed=())
    assert decide.body_of(changed, SYSTEM, NOW)["data"]["event"]["added"] == ["a"]
    assert decide.body_of(Odd(at=NOW), SYSTEM, NOW)["data"]["event"] == {"at": str(NOW)}


def test_people_are_told_in_lines():
    actor = Actor(kind=ActorKind.API_KEY, user_name="okta", request_id="r")
    line, text = decide.text_of(decide.body_of(LEFT, actor, NOW))
    assert line == "[Rolecall] INFO directory.user.deactivated"
    assert text.splitlines() == [
        line,
        "",
        "at: 2026-11-25T08:00:00.000Z",
        "by: okta",
        "user_id: u",
        "user_name: ada",
        "reason: left <the> company & more",
        "request: r",
    ]


def test_without_a_name_the_kind_of_actor_is_told():
    assert "by: system" in decide.text_of(decide.body_of(ScimEnabled(), SYSTEM, NOW))[1]


def test_a_test_is_told_by_its_name():
    line, text = decide.text_of(decide.body_of_test("Leavers", NOW))
    assert line == "[Rolecall] INFO notifications.subscription.test"
    assert "name: Leavers" in text


def test_a_body_of_another_form_is_told_as_far_as_it_goes():
    line, text = decide.text_of({"type": "x", "timestamp": "t", "data": 1})
    assert (line, text) == ("[Rolecall] None x", "[Rolecall] None x\n\nat: t")


def test_nothing_in_a_slack_text_is_a_command():
    assert "left &lt;the&gt; company &amp; more" in decide.slack_text(decide.body_of(LEFT, SYSTEM, NOW))


def test_the_signature_is_that_of_the_standards_example():
    signature = decide.signature_of(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        message_id="msg_p5jXN8AQM9LWM0D4loKWxJek",
        timestamp=1614265330,
        body=b'{"test": 2432232314}',
    )
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_signing_keys_are_random_and_of_the_standards_form():
    first, second = decide.new_signing_key(), decide.new_signing_key()
    assert first != second
    assert len(base64.b64decode(first.removeprefix("whsec_"), validate=True)) == 32


def test_a_name_is_kept_without_blanks_around_it():
    assert decide.checked_name("  Leavers ") == "Leavers"


@pytest.mark.parametrize("name", ["", "  ", "x" * 201, "a\x00b"])
def test_a_name_that_cannot_be_is_refused(name):
    with pytest.raises(BadSubscription, match="name: "):
        decide.checked_name(name)


def test_recipients_are_kept_once_each_in_their_order():
    given = ["b@example.com", " a@example.com", "b@example.com"]
    assert decide.checked_recipients(ANY, given) == ("b@example.com", "a@example.com")


@pytest.mark.parametrize(
    "recipients",
    [
        [],
        [f"{number}@example.com" for number in range(21)],
        ["ada"],
        ["ada@localhost"],
        ["Ada <ada@example.com>"],
        ["a@example.com, b@example.com"],
        ["a@example.com\nBcc: b@example.com"],
        ["a@[127.0.0.1]"],
    ],
)
def test_recipients_that_cannot_be_are_refused(recipients):
    with pytest.raises(BadSubscription, match="recipients: "):
        decide.checked_recipients(ANY, recipients)


def test_recipients_of_other_domains_are_refused():
    rule = OutboundRule(domains=("example.com",))
    assert decide.checked_recipients(rule, ["ada@Mail.Example.com"]) == ("ada@Mail.Example.com",)
    with pytest.raises(OutboundRefused):
        decide.checked_recipients(rule, ["ada@example.org"])


@pytest.mark.parametrize("value", ["", "ü", "a\r\nb", "x" * 4_001])
def test_an_authorization_that_no_header_takes_is_refused(value):
    with pytest.raises(BadSubscription, match="authorization: "):
        decide.checked_authorization(value)


def test_an_authorization_is_kept_as_it_is():
    assert decide.checked_authorization("Splunk x=") == "Splunk x="
    assert decide.checked_authorization(None) is None


@pytest.mark.parametrize("types", [("Directory.user",), ("a b",), ("*.created",), ("a**",), ("",), ("a",) * 51])
def test_types_that_no_event_can_have_are_refused(types):
    with pytest.raises(BadSubscription, match="types: "):
        decide.checked_wanted(Wanted(types=types))


def test_types_and_beginnings_of_types_are_kept():
    wanted = Wanted(types=("*", "directory.*", "authentication.api-key.revoked"))
    assert decide.checked_wanted(wanted) is wanted
