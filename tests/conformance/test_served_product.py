"""Does the served product start, stop and present itself as its documentation says?"""

import httpx2
import pytest

from tests.conformance.scim_client import ScimClient, accepted, fresh, refused
from tests.make.databases import fresh_sqlite
from tests.make.served import serve


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_is_told_without_a_key(served, path):
    get, head = (httpx2.request(method, f"{served.url}{path}", trust_env=False) for method in ("GET", "HEAD"))
    assert (get.status_code, head.status_code, head.content) == (200, 200, b"")
    assert head.headers["Content-Length"] == get.headers["Content-Length"]


def test_what_is_outside_scim_does_not_answer_in_scim(served):
    response = httpx2.get(f"{served.url}/nothing-here", trust_env=False)
    assert response.status_code == 404
    assert "scim+json" not in response.headers["Content-Type"]


def test_a_stopped_product_starts_again_with_everything_that_it_had(served_alone):
    with served_alone.client() as http:
        scim = ScimClient(http)
        user = scim.create_user(displayName="kept")
        group = scim.create_group(members=[user["id"]])
    served_alone.stop()
    served_alone.start()
    with served_alone.client() as http:
        scim = ScimClient(http)
        assert scim.read(f"/Groups/{group['id']}") == group
        assert scim.read(f"/Users/{user['id']}")["displayName"] == "kept"


def test_scim_set_up_again_gives_a_second_key_and_leaves_the_first(served_alone):
    first = served_alone.api_key
    served_alone.set_up_scim()
    assert served_alone.api_key != first
    for key in (first, served_alone.api_key):
        with served_alone.client(key) as http:
            accepted(ScimClient(http).get("/Users?count=0"), 200)


def test_every_address_is_below_the_public_url_also_after_a_start_without_it():
    public = "https://access.example.com/behind"
    with fresh_sqlite() as database, serve(database, settings={"ROLECALL_PUBLIC_URL": public}) as served:
        assert served.base_url == f"{public}/scim/v2"
        served.base_url = f"{served.url}/scim/v2"
        for _ in range(2):
            with served.client() as http:
                scim = ScimClient(http)
                user = scim.create_user()
                group = scim.create_group(members=[user["id"]])
                read = scim.get(f"/Users/{user['id']}")
                assert read.json()["meta"]["location"] == f"{public}/scim/v2/Users/{user['id']}"
                assert read.json()["groups"][0]["$ref"] == f"{public}/scim/v2/Groups/{group['id']}"
                assert scim.read("/ServiceProviderConfig")["meta"]["location"].startswith(public)
            served.stop()
            served.settings = {}
            served.start()


def test_before_its_set_up_scim_is_closed():
    with fresh_sqlite() as database, serve(database, scim=False) as served:
        answer = served.run_json(
            "admin", "create-key", "--user-name", fresh("robot"), "--role", "admin", "--create-user", "--json"
        )
        served.base_url = f"{served.url}/scim/v2"
        with served.client(answer["api_key"]) as http:
            scim = ScimClient(http)
            refused(scim.get("/Users"), 403)
            served.run_text("admin", "scim-setup")
            accepted(scim.get("/Users"), 200)
