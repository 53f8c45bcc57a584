"""Is each call of the REST API written down, and nothing secret with it?"""

import base64

import httpx2
import pytest

from tests.conformance.audit_log import find_results
from tests.conformance.scim_client import fresh
from tests.make.databases import ask_database

MARKER = "a-secret-that-nobody-may-find"
TOKEN = "/api/v1/oauth/token"


@pytest.fixture(scope="module")
def served(served_alone):
    """Alone: refusals without a key are counted over a minute, whichever test they come from."""
    return served_alone


@pytest.fixture(scope="module")
def client(served):
    answer = served.run_json(
        "admin", "create-key", "--user-name", fresh("rest"), "--role", "admin", "--create-user", "--json"
    )
    headers = {"Authorization": f"Bearer {answer['api_key']}"}
    with httpx2.Client(base_url=served.url, headers=headers, trust_env=False, timeout=30) as http:
        yield http


def test_reads_writes_and_refusals_are_recorded(served, client):
    listed = client.get("/api/v1/users", params={"page_size": 1})
    made = client.post("/api/preview/teamkeys", json={"name": "x", "role_id": "scim_provisioner"})
    wrong = client.get("/api/v1/users", params={"page_size": 0})
    nowhere = client.get("/api/v1/nothing")
    results = find_results(served, listed, made, wrong, nowhere)
    assert [(result["outcome"], result["status"]) for result in results] == [
        ("ok", 200),
        ("ok", 200),
        ("refused", 400),
        ("refused", 404),
    ]
    assert results[0]["target"] == "/api/v1/users?page_size=1"
    assert results[1]["subject_id"] == made.json()["value"]["id"]
    assert all(result["api_key_id"] for result in results)


def test_no_secret_that_is_sent_or_given_is_in_the_database_or_the_log(served, client):
    basic = base64.b64encode(f"x:{MARKER}".encode()).decode()
    form = {"grant_type": "client_credentials", "client_id": "x", "client_secret": MARKER}
    names = ("password", "access_key", "client_secret", "access_token", "signing_key", "webhook_url", "authorization")
    calls = [
        httpx2.post(served.url + TOKEN, data=form, trust_env=False),
        httpx2.post(served.url + TOKEN, data={"grant_type": form["grant_type"]}, auth=("x", MARKER), trust_env=False),
        httpx2.get(served.url + "/api/v1/users", headers={"Authorization": f"Bearer {MARKER}"}, trust_env=False),
        *(client.post("/api/preview/teamkeys", json={"name": "x", name: MARKER}) for name in names),
        *(client.post("/api/v1/teams", json={"name": "x", "deep": [{name.upper(): MARKER}]}) for name in names),
    ]
    assert all(call.status_code in {400, 401} for call in calls)
    made = client.post("/api/preview/teamkeys", json={"name": "k", "role_id": "scim_provisioner"}).json()["value"]
    given = {**form, "client_id": made["id"], "client_secret": made["access_key"]}
    token = httpx2.post(served.url + TOKEN, data=given, trust_env=False).json()["access_token"]
    subscription = subscribe(client)
    find_results(served, *calls)
    secrets = (MARKER, basic, made["access_key"][16:], token[16:], subscription["signing_key"])
    kept = served.output() + "".join(str(ask_database(served.database, f"SELECT * FROM {table}")) for table in TABLES)
    assert made["id"] in kept
    assert [secret for secret in secrets if secret in kept] == []


TABLES = ("audit_record", "event", "api_key", "access_token", "subscription", "delivery", "job")


def subscribe(client):
    """Return a subscription with secrets in each place where one can be; nothing is ever told by it."""
    path = "/api/v1/subscriptions"
    said = {"webhook_url": f"https://example.com/hook?key={MARKER}", "authorization": f"Splunk {MARKER}"}
    body = {"name": fresh("hook"), "channel": "webhook", "wanted": {"types": ["no.such.type"]}, **said}
    slack = {"channel": "slack", "webhook_url": f"https://example.com/{MARKER}"}
    assert client.post(
        path, json={**body, "name": "no such networks", "webhook_url": f"http://127.0.0.1/{MARKER}"}
    ).is_error
    assert client.post(path, json={"name": fresh("slack"), "wanted": body["wanted"], **slack}).is_success
    made = client.post(path, json=body).json()["value"]
    for name, value in said.items():
        assert client.patch(f"{path}/{made['id']}?update_mask={name}", json={name: value}).is_success
    assert MARKER not in client.get(path).text + client.get(f"{path}/{made['id']}").text
    assert made["signing_key"] not in client.get(path).text
    return made


def test_the_figures_have_one_row_for_all_ids(served, client):
    for number in range(3):
        client.get(f"/api/v1/users/nobody-{number}")
    figures = httpx2.get(f"{served.url}/metrics", trust_env=False).text
    assert 'route="/api/v1/users/{id}"' in figures
    assert "nobody-" not in figures
