"""Is what happens told by the product as people run it, and are its secrets nowhere to be found, on either database?"""

import time

import orjson
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet
from standardwebhooks import Webhook, WebhookVerificationError

from tests.make.databases import ask_database
from tests.make.jobs import wait_until
from tests.make.receivers import answering, receiving, taking_mail
from tests.make.served import serve

PERSON = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "ada@example.com"}


@pytest.fixture
def receiver():
    with receiving() as running:
        yield running


@pytest.fixture
def mailbox():
    with taking_mail() as running:
        yield running


@pytest.fixture
def product(database, mailbox):
    settings = {
        "ROLECALL_OUTBOUND_NETWORKS": "127.0.0.0/8",
        "ROLECALL_SMTP_URL": f"smtp-plain://127.0.0.1:{mailbox.port}",
        "ROLECALL_MAIL_FROM": "rolecall@example.com",
        "ROLECALL_LOG_FORMAT": "json",
    }
    with serve(database, settings=settings) as running:
        yield running


def subscriptions(product, *arguments):
    return product.run_json("admin", "subscriptions", *arguments, "--json")


def everything_in(database):
    tables = ("subscription", "delivery", "event", "audit_record", "job", "installation")
    return "".join(str(ask_database(database, f"SELECT * FROM {table}")) for table in tables)


def test_a_change_over_scim_is_told_by_webhook_and_by_mail(product, receiver, mailbox):
    wanted = ("--type", "directory.user.*")
    hook = subscriptions(product, "create", "--name", "Hook", "--webhook", receiver.url, *wanted)
    subscriptions(product, "create", "--name", "Mail", "--email", "ada@example.com", *wanted)
    # What this process did not do itself it notices within a second.
    product.run_text("admin", "subscriptions", "test", hook["id"])
    with product.client() as client:
        wait_until(lambda: client.post("/Users", json=PERSON | {"userName": str(len(receiver.came))}).is_success)
        wait_until(lambda: len(receiver.came) > 1 and mailbox.mails)
    (came,) = receiver.came[1:]
    said = Webhook(hook["signing_key"]).verify(came.body, came.headers)
    assert (said["type"], said["data"]["actor"]["user_name"]) == ("directory.user.created", "scim")
    with pytest.raises(WebhookVerificationError):
        Webhook(hook["signing_key"]).verify(came.body + b" ", came.headers)
    assert mailbox.mails[0]["Subject"] == "[Rolecall] INFO directory.user.created"
    with product.client() as client:
        metrics = client.get(f"{product.url}/metrics").text
    assert 'rolecall_jobs_total{kind="notifications.deliver",outcome="done"}' in metrics


def test_a_receiver_of_tokens_checks_them_with_the_keys_that_the_product_publishes(product, receiver):
    made = subscriptions(product, "create", "--name", "Tokens", "--scim-events", receiver.url)
    # What this process did not do itself it notices within a second.
    product.run_text("admin", "subscriptions", "test", made["id"])
    with product.client() as client:

        def is_told():
            client.post("/Users", json=PERSON | {"userName": f"user {time.monotonic_ns()}"})
            return len(receiver.came) > 1

        wait_until(is_told)
        published = client.get(f"{product.url}/.well-known/jwks.json").json()
    token = jwt.decode(receiver.came[1].body.decode(), KeySet.import_key_set(published), algorithms=["ES256"])
    assert token.header["typ"] == "secevent+jwt"
    assert token.claims["iss"] == product.base_url.removesuffix("/scim/v2")
    assert list(token.claims["events"]) == ["urn:ietf:params:scim:event:prov:create:notice"]


def test_what_is_secret_about_a_subscription_is_in_no_table_and_no_log(product, receiver):
    receiver.answer = lambda request: answering(401, f"{request.headers['Authorization']} {request.path}")(request)
    hook = subscriptions(
        product, "create", "--name", "Hook", "--webhook", f"{receiver.url}/marker-url?k=marker-query",
        "--authorization", "Splunk marker-header",
    )  # fmt: skip
    subscriptions(product, "create", "--name", "Slack", "--slack", f"{receiver.url}/services/marker-slack")
    ended = product.run("admin", "subscriptions", "test", hook["id"])
    assert (ended.returncode, "It answered 401" in ended.stdout) == (5, True)
    with product.client() as client:
        client.post("/Users", json=PERSON)
    wait_until(lambda: len(receiver.came) > 2)
    assert {came.headers.get("authorization") for came in receiver.came} == {"Splunk marker-header", None}
    product.stop()
    found = everything_in(product.database) + product.log.read_text() + ended.stderr
    assert "rolecall admin subscriptions create" in found
    secrets = ("marker-query", "marker-header", "marker-slack", hook["signing_key"].removeprefix("whsec_"))
    assert [secret for secret in secrets if secret in found] == []
    key_ring = orjson.loads((product.data_dir / "keys.json").read_bytes())
    assert [key for key in key_ring["keys"].values() if key["secret"] in found] == []


def test_keys_are_rotated_while_it_serves(product, receiver):
    hook = subscriptions(product, "create", "--name", "Hook", "--webhook", receiver.url)
    product.run_text("admin", "subscriptions", "test", hook["id"])
    rotated = product.run_json("admin", "secrets", "rotate", "--json")
    assert rotated["resealed"] == 1
    product.run_text("admin", "subscriptions", "test", hook["id"])
    (before, after) = product.run_json("admin", "secrets", "status", "--json")["keys"]
    assert {before["sealed"], after["sealed"]} == {0, 1}
