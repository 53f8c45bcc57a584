"""What can be done with subscriptions to events over the REST API?"""

from typing import get_args

import pytest

from rolecall.api.rest.subscriptions import CategoryName, ChannelName, SeverityName
from rolecall.kernel.event import Category, Severity
from rolecall.notifications.deliveries import DELIVER
from rolecall.notifications.model import Channel
from tests.make.directory import service_user
from tests.make.rest import reason_of, refused

SUBSCRIPTIONS = "/api/v1/subscriptions"
EVERYTHING = {"categories": [], "severities": [], "types": []}
HOOK = {"name": "SIEM", "channel": "webhook", "webhook_url": "https://siem.example.com/in?key=hidden"}
MAIL = {"name": "Leavers", "channel": "email", "recipients": ["security@example.com"]}


def test_a_webhook_is_made_and_its_key_is_shown_once(api, installed):
    wanted = {"categories": ["SYSTEM"], "severities": ["WARNING", "ERROR"], "types": ["directory.user.*"]}
    made = api.post(SUBSCRIPTIONS, {**HOOK, "authorization": "Splunk x", "wanted": wanted})["value"]
    assert made == {
        "id": made["id"],
        "name": "SIEM",
        "channel": "webhook",
        "target": "https://siem.example.com/in?…",
        "wanted": {**wanted, "severities": ["ERROR", "WARNING"]},
        "is_active": True,
        "signing_key": made["signing_key"],
        "created_at": "2026-11-24T10:00:00.000Z",
        "updated_at": "2026-11-24T10:00:00.000Z",
        "version": 1,
    }
    assert made["signing_key"].startswith("whsec_")
    later = {**made, "signing_key": ""}
    assert api.get(f"{SUBSCRIPTIONS}/{made['id']}")["value"] == later
    assert api.walk(SUBSCRIPTIONS, filter='channel eq "webhook" and is_active eq true') == [later]
    assert "notifications.subscription.created" in installed.event_types()


def test_subscriptions_are_listed_page_after_page_by_name(api):
    for body in (HOOK, MAIL, {**HOOK, "name": "chat", "channel": "slack"}):
        api.post(SUBSCRIPTIONS, body)
    listed = api.walk(SUBSCRIPTIONS, page_size=1)
    assert [each["name"] for each in listed] == ["chat", "Leavers", "SIEM"]
    assert [each["target"] for each in listed] == [
        "https://siem.example.com/…",
        "security@example.com",
        "https://siem.example.com/in?…",
    ]
    assert {each["signing_key"] for each in listed} == {""}


def test_each_field_of_a_subscription_can_be_changed(api):
    hook = f"{SUBSCRIPTIONS}/{api.post(SUBSCRIPTIONS, HOOK)['value']['id']}"
    mail = f"{SUBSCRIPTIONS}/{api.post(SUBSCRIPTIONS, MAIL)['value']['id']}"
    changed = api.send("PATCH", hook, {"webhook_url": "https://example.com/new", "authorization": "x"})["value"]
    assert (changed["target"], changed["version"], changed["signing_key"]) == ("https://example.com/new", 2, "")
    only_types = {**EVERYTHING, "types": ["jobs.*"]}
    changed = api.send("PATCH", hook, {"wanted": {"types": ["jobs.*"]}, "is_active": False, "name": "Jobs"})["value"]
    assert (changed["wanted"], changed["is_active"], changed["name"]) == (only_types, False, "Jobs")
    assert changed["target"] == "https://example.com/new"
    changed = api.send("PATCH", mail, {"recipients": ["a@example.com", "b@example.com"]})["value"]
    assert (changed["target"], changed["wanted"]) == ("a@example.com, b@example.com", EVERYTHING)


def test_only_what_the_mask_names_is_changed_and_only_in_the_version_that_was_read(api):
    path = f"{SUBSCRIPTIONS}/{api.post(SUBSCRIPTIONS, HOOK)['value']['id']}"
    body = {"name": "Other", "is_active": False}
    changed = api.send("PATCH", f"{path}?update_mask=is_active&version=1", body)["value"]
    assert (changed["name"], changed["is_active"], changed["version"]) == ("SIEM", False, 2)
    refused(api.ask("PATCH", f"{path}?version=1", json=body), 412)
    refused(api.ask("PATCH", f"{path}?update_mask=wanted", json=body), 400, "update_mask")
    refused(api.ask("PATCH", path, json={"authorization": None}), 400, "authorization")
    assert api.get(path)["value"] == changed


@pytest.mark.parametrize(
    "change, field",
    [
        ({"webhook_url": None}, "webhook_url"),
        ({"webhook_url": "https://127.0.0.1/"}, "webhook_url"),
        ({"channel": "email"}, "webhook_url"),
        ({"recipients": ["a@example.com"]}, "recipients"),
        ({"channel": "email", "webhook_url": None, "recipients": ["nobody"]}, "recipients"),
        ({"channel": "slack", "authorization": "x"}, "authorization"),
        ({"authorization": "ü"}, "authorization"),
        ({"name": " "}, "name"),
        ({"wanted": {"types": ["?"]}}, "wanted.types"),
        ({"wanted": {"severities": ["LOUD"]}}, "wanted.severities.0"),
        ({"url": "https://example.com"}, "url"),
    ],
    ids=str,
)
def test_a_wrong_field_is_named_and_nothing_is_made(api, change, field):
    refused(api.ask("POST", SUBSCRIPTIONS, json={**HOOK, **change}), 400, field)
    assert api.walk(SUBSCRIPTIONS) == []


def test_a_name_is_taken_once(api):
    api.post(SUBSCRIPTIONS, HOOK)
    answer = refused(api.ask("POST", SUBSCRIPTIONS, json={**HOOK, "name": "siem"}), 409, "name")
    assert reason_of(answer) == "subscription_name_taken"


def test_a_test_is_on_its_way_and_deliveries_are_listed_newest_first(api, installed):
    made = api.post(SUBSCRIPTIONS, {**MAIL, "wanted": {"types": ["directory.user.created"]}})["value"]
    path = f"{SUBSCRIPTIONS}/{made['id']}"
    service_user(installed, "robot")
    told = api.walk(f"{path}/deliveries")
    sent = api.post(f"{path}:test")["value"]
    assert (sent["state"], sent["is_test"], sent["event_type"]) == ("waiting", True, "notifications.subscription.test")
    assert api.walk(f"{path}/deliveries", page_size=1) == [sent, *told]
    assert {job["payload"]["delivery_id"] for job in api.walk("/api/v1/jobs", filter=f'kind eq "{DELIVER}"')} == {
        each["id"] for each in [sent, *told]
    }


def test_a_page_of_deliveries_is_read_on_only_for_its_subscription(api):
    paths = [f"{SUBSCRIPTIONS}/{api.post(SUBSCRIPTIONS, body)['value']['id']}" for body in (HOOK, MAIL)]
    for _ in range(2):
        api.post(f"{paths[0]}:test")
    token = api.get(f"{paths[0]}/deliveries", page_size=1)["next_page_token"]
    response = api.ask("GET", f"{paths[1]}/deliveries", params={"page_token": token})
    refused(response, 400, "page_token")


def test_a_deleted_subscription_is_not_found(api):
    path = f"{SUBSCRIPTIONS}/{api.post(SUBSCRIPTIONS, HOOK)['value']['id']}"
    assert api.send("DELETE", path) == {}
    for method, more in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", ":test"), ("GET", "/deliveries")):
        refused(api.ask(method, f"{path}{more}", **({"json": {"name": "x"}} if method == "PATCH" else {})), 404)


def test_every_channel_category_and_severity_can_be_named():
    for names, things in ((ChannelName, Channel), (CategoryName, Category), (SeverityName, Severity)):
        assert set(get_args(names)) == {each.value for each in things}
