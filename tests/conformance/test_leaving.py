"""Does the served product let a provider with two thousand users leave, through `kill -9`, and bring all of it back?"""

import httpx2
import pytest

from tests.conformance.scim_client import USER, ScimClient, accepted
from tests.make.databases import ask_database
from tests.make.jobs import wait_until

USERS, GROUPS, AT_ONCE = 2_000, 20, 1_000
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
SECONDS = 180.0
"""More than the lease of a job whose runner was killed, and its work on a loaded machine."""
ROWS = (
    "SELECT id, state, connection_id, profile FROM directory_user ORDER BY id",
    "SELECT id, display, connection_id, profile FROM directory_group ORDER BY id",
    "SELECT group_id, member_id, added_at FROM group_member ORDER BY 1, 2",
    "SELECT user_id, team_id, role_id, source, since_at FROM assignment ORDER BY 1, 2, 3, 4",
    "SELECT name, value FROM total ORDER BY name",
    "SELECT id, state FROM scim_connection ORDER BY id",
    "SELECT count(*) FROM scim_left",
)


@pytest.fixture
def served(served_alone):
    return served_alone


class Provider:
    """An identity provider with many users in groups of a hundred, one of which gives a role; and one beside it."""

    def __init__(self, served):
        self.served = served
        key = served.run_json(
            "admin", "create-key", "--user-name", "boss", "--role", "admin", "--create-user", "--json"
        )
        headers = {"Authorization": f"Bearer {key['api_key']}"}
        self.rest = httpx2.Client(base_url=served.url, headers=headers, trust_env=False, timeout=120)
        self.id, self.other = (self.connection(name) for name in ("Okta", "Entra"))
        self.key = self.post(f"/{self.id}:rotate", {})["access_key"]
        with served.client(self.key) as http:
            http.timeout = 120
            scim = ScimClient(http)
            users = [each for start in range(0, USERS, AT_ONCE) for each in self.push_users(scim, start)]
            size = USERS // GROUPS
            for number in range(GROUPS):
                members = users[number * size : (number + 1) * size]
                scim.create_group(f"Group {number}", members)
        served.run_text("admin", "mappings", "create", "Group 1", "--gives", "Root:viewer")

    def connection(self, name):
        return self.post("", {"name": name, "state": "ON"})["id"]

    def push_users(self, scim, start):
        operations = [
            {
                "method": "POST",
                "path": "/Users",
                "bulkId": str(number),
                "data": {"schemas": [USER], "userName": f"user-{number}", "externalId": f"x-{number}"},
            }
            for number in range(start, start + AT_ONCE)
        ]
        answer = accepted(scim.send("POST", "/Bulk", {"schemas": [BULK], "Operations": operations}), 200)
        return [each["location"].rpartition("/")[2] for each in answer["Operations"]]

    def post(self, path, body):
        response = self.rest.post(f"/api/v1/scim_connections{path}", json=body)
        assert response.status_code == 200, response.text
        return response.json()["value"]

    def leaving(self):
        response = self.rest.get(f"/api/v1/scim_connections/{self.id}/leaving")
        return response.json()["value"] if response.status_code == 200 else None

    def rows(self):
        return [ask_database(self.served.database, query) for query in ROWS]

    def is_heard(self):
        with self.served.client(self.key) as http:
            return http.get("/Users", params={"count": 0}).status_code == 200

    def kill(self):
        self.served.kill()
        self.served.start()


@pytest.fixture
def provider(served):
    made = Provider(served)
    yield made
    made.rest.close()


def test_two_thousand_users_leave_each_way_through_a_crash_and_come_back(provider):
    before = provider.rows()
    assert provider.is_heard()
    ways = (
        ({"users": "HAND_OVER", "assignments": "KEEP", "to_connection_id": provider.other}, True),
        ({"users": "KEEP_AS_LOCAL", "assignments": "KEEP"}, False),
        ({"users": "DEACTIVATE", "assignments": "REMOVE"}, False),
    )
    for way, with_crash in ways:
        preview = provider.post(f"/{provider.id}:decommission", {**way, "preview": True})
        is_hard = way["users"] == "DEACTIVATE"
        assert preview["radius"]["user_counts"]["deactivated"] == (USERS if is_hard else 0)
        assert preview["radius"]["losing_people_count"] == (USERS // GROUPS if is_hard else 0)
        assert provider.rows() == before

        begun = provider.post(f"/{provider.id}:decommission", way)
        assert (begun["phase"], begun["total_count"]) == ("LEAVING", USERS + GROUPS)
        assert not provider.is_heard()
        if with_crash:
            wait_until(lambda: provider.leaving()["done_count"] > 0, SECONDS)
            provider.kill()
        wait_until(lambda: provider.leaving()["phase"] == "LEFT", SECONDS)
        left = provider.leaving()
        assert (left["done_count"], left["kept_back"]) == (USERS + GROUPS, [])
        assert_has_left(provider, way)

        provider.post(f"/{provider.id}:recommission", {})
        if with_crash:
            provider.kill()
        wait_until(lambda: provider.leaving() is None, SECONDS)
        assert provider.rows() == before
        assert provider.is_heard()


def assert_has_left(provider, way):
    query = "SELECT state, connection_id, count(*) FROM directory_user WHERE kind = 'person' GROUP BY 1, 2"
    owner = {"HAND_OVER": provider.other, "KEEP_AS_LOCAL": None, "DEACTIVATE": provider.id}[way["users"]]
    state = "deactivated" if way["users"] == "DEACTIVATE" else "active"
    assert ask_database(provider.served.database, query) == [(state, owner, USERS)]
    sources = "SELECT count(*) FROM assignment WHERE role_id = 'viewer'"
    held = 0 if way["assignments"] == "REMOVE" else USERS // GROUPS
    assert ask_database(provider.served.database, sources) == [(held,)]
