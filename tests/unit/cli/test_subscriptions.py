import io

import pytest

from rolecall.notifications.deliveries import get_delivery, note_delivered
from rolecall.notifications.model import DeliveryId

SLACK = "https://hooks.slack.com/services/T/B/secret"


@pytest.fixture
def installation(rolecall):
    rolecall("admin", "migrate")


def create(rolecall, *options):
    return rolecall("admin", "subscriptions", "create", *options)


def test_a_webhook_is_made_with_a_key_that_is_shown_once(rolecall, installation):
    made = create(rolecall, "--name", "Hook", "--webhook", "https://example.com/x", "--severity", "WARNING", "--json")
    assert made.json["signing_key"].startswith("whsec_")
    assert (made.json["target"], made.json["severities"]) == ("https://example.com/x", ["WARNING"])
    listed = rolecall("admin", "subscriptions", "list", "--json")
    assert "whsec_" not in listed.out
    (subscription,) = listed.json["subscriptions"]
    assert subscription == {name: value for name, value in made.json.items() if name != "signing_key"}
    shown = create(rolecall, "--name", "Another", "--webhook", "https://example.com/x").out
    assert "whsec_" in shown
    assert "only this once" in shown


def test_a_secret_address_can_come_by_standard_input_and_is_nowhere_shown(rolecall, installation, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{SLACK}\n"))
    made = create(rolecall, "--name", "Slack", "--slack", "-", "--type", "directory.*", "--category", "SYSTEM")
    assert "https://hooks.slack.com/…" in made.out
    listed = rolecall("admin", "subscriptions", "list").out
    assert "SYSTEM, directory.*" in listed
    audit = rolecall("admin", "audit", "tail", "--json").out
    assert "secret" not in made.out + listed + audit


def test_tokens_are_told_with_or_without_values_once_the_address_is_known(rolecall, installation):
    events = ("--scim-events", "https://example.com/events")
    assert "--public-url" in create(rolecall, "--name", "Early", *events).err
    rolecall("admin", "scim-setup", "--public-url", "https://rolecall.example.com")
    notice = create(rolecall, "--name", "Notice", *events, "--authorization", "Bearer x", "--json").json
    assert (notice["channel"], notice["signing_key"]) == ("scim_notice", None)
    assert create(rolecall, "--name", "Full", *events, "--with-values", "--json").json["channel"] == "scim_full"
    assert "Bearer x" not in rolecall("admin", "audit", "tail", "--json").out


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--webhook", "https://example.com/", "--with-values"],
        ["--scim-events", "https://example.com/", "--slack", SLACK],
        ["--email", "a@example.com", "--slack", SLACK],
        ["--webhook", "http://example.com/"],
        ["--webhook", "https://10.0.0.1/"],
        ["--email", "nobody"],
        ["--webhook", "https://example.com/", "--type", "?"],
        ["--slack", SLACK, "--authorization", "x"],
    ],
)
def test_what_cannot_be_is_refused(rolecall, installation, options):
    ended = create(rolecall, "--name", "x", *options)
    assert (ended.code, ended.out) == (2, "")
    assert rolecall("admin", "subscriptions", "list", "--json").json == {"subscriptions": []}


def test_a_subscription_is_switched_off_and_deleted(rolecall, installation):
    made = create(rolecall, "--name", "Mail", "--email", "a@example.com", "--email", "b@example.com", "--json").json
    assert made["target"] == "a@example.com, b@example.com"
    assert rolecall("admin", "subscriptions", "switch", made["id"], "--off").out.endswith("is off.\n")
    assert "off" in rolecall("admin", "subscriptions", "list").out
    assert rolecall("admin", "subscriptions", "switch", made["id"], "--on").out.endswith("is on.\n")
    assert rolecall("admin", "subscriptions", "delete", made["id"]).code == 0
    assert rolecall("admin", "subscriptions", "delete", made["id"]).code == 3
    assert rolecall("admin", "subscriptions", "switch", made["id"], "--on").code == 3


def test_a_test_that_nobody_carries_out_says_what_to_look_at(rolecall, installation, on_installation):
    made = create(rolecall, "--name", "Mail", "--email", "a@example.com", "--json").json
    ended = rolecall("admin", "subscriptions", "test", made["id"], "--wait", "0")
    assert (ended.code, "see that Rolecall serves" in ended.out) == (5, True)
    sent = rolecall("admin", "subscriptions", "test", made["id"], "--wait", "0", "--json").json
    assert (sent["state"], sent["test"]) == ("waiting", True)
    on_installation(lambda tx: note_delivered(tx, get_delivery(tx, DeliveryId(sent["id"])), status=None))
    listed = rolecall("admin", "subscriptions", "deliveries", "--subscription", made["id"], "--json").json["deliveries"]
    # The first is of the subscription itself, which wants to be told of everything.
    assert [each["state"] for each in listed] == ["delivered", "waiting", "waiting"]
    assert "notifications.subscription.test" in rolecall("admin", "subscriptions", "deliveries").out
    assert rolecall("admin", "subscriptions", "test", "nowhere").code == 3


def test_a_restored_backup_says_which_keys_are_missing(rolecall, installation, tmp_path, monkeypatch):
    create(rolecall, "--name", "Slack", "--slack", SLACK)
    (key,) = rolecall("admin", "secrets", "status", "--json").json["keys"]
    assert key["sealed"] == 1
    file = tmp_path / "x.backup"
    rolecall("admin", "backup", str(file))
    assert "hooks.slack.com/services" not in file.read_bytes().decode("latin-1")
    monkeypatch.setenv("ROLECALL_DATA_DIR", str(tmp_path / "new"))
    assert key["id"] in rolecall("admin", "restore", str(file)).out
    checks = rolecall("admin", "doctor", "--json").json["checks"]
    (found,) = [check for check in checks if check["subject"] == "key ring"]
    assert (found["verdict"], key["id"] in found["found"]) == ("problem", True)
    status = rolecall("admin", "secrets", "status").out
    assert "missing" in status
    rolecall("admin", "migrate")
    rotated = rolecall("admin", "secrets", "rotate")
    assert "1 secrets cannot be read" in rotated.out
    (tmp_path / "new" / "keys.json").write_bytes((tmp_path / "data" / "keys.json").read_bytes())
    assert rolecall("admin", "secrets", "rotate", "--json").json["resealed"] == 1
    (found,) = [each for each in rolecall("admin", "doctor", "--json").json["checks"] if each["subject"] == "key ring"]
    assert found["verdict"] == "ok"
