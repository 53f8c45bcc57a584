"""What do other people's SCIM testers and strict clients say about the served product?"""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_models import (
    EnterpriseUser,
    Error,
    Group,
    ListResponse,
    PatchOp,
    PatchOperation,
    Resource,
    SearchRequest,
    User,
)
from scim2_tester import Status, check_server

from tests.conformance.explanations import read_explanations
from tests.conformance.scim_client import ENTERPRISE, ScimClient, fresh

JUDGED = Path(__file__).parents[1] / "fixtures" / "judges" / "scim_sanity.json"
GOOD = {Status.SUCCESS, Status.COMPLIANT}
CHECKS = {
    "check_add_attribute",
    "check_remove_attribute",
    "check_replace_attribute",
    "object_creation",
    "object_deletion",
    "object_list_with_attributes",
    "object_query",
    "object_query_with_attributes",
    "object_query_without_id",
    "object_replacement",
    "search_with_attributes",
}
"""What scim2-tester tries with each resource type, and what therefore must not be left out."""


@pytest.fixture
def http(served):
    with served.client() as http:
        ScimClient(http).empty()
        yield http


def test_scim2_tester_finds_nothing_wrong(http):
    results = check_server(SyncSCIMClient(http))
    print(Counter(result.status.name for result in results))
    bad = [result for result in results if result.status not in GOOD]
    assert bad == []
    for name in ("User", "Group"):
        tried = {result.title for result in results if result.resource_type == name and result.status in GOOD}
        assert tried >= CHECKS, f"{name}: not tried: {CHECKS - tried}"
    assert len(results) >= 100


def test_scim_sanity_finds_nothing_but_what_is_explained(served):
    """Each check that does not pass has its explanation in a file, and each explanation there is needed."""
    command = [sys.executable, "-m", "scim_sanity", "probe", served.base_url, "--token", served.api_key]
    finished = subprocess.run(
        [*command, "--json-output", "--i-accept-side-effects"], capture_output=True, text=True, timeout=120, check=False
    )
    checks = json.loads(finished.stdout)["results"]
    explanations = read_explanations(JUDGED)
    noted = {
        check["name"]: f"{check['status']}: {check.get('message')}" for check in checks if check["status"] != "pass"
    }
    assert {name: said for name, said in noted.items() if not explanations.explain(name, said)} == {}
    assert explanations.unused() == []
    assert sum(check["status"] == "pass" for check in checks) >= 25


@pytest.fixture
def client(http):
    """scim2-client with its checks on: it refuses any answer that strays from the schemas that it discovered."""
    client = SyncSCIMClient(http)
    client.discover()
    return client


def model(client: SyncSCIMClient, name: str) -> type[Resource]:
    found = client.get_resource_model(name)
    assert found is not None
    return found


def test_a_strict_client_goes_from_discovery_to_deletion(client):
    user_model, group_model = model(client, "User"), model(client, "Group")
    name = fresh("strict")
    user = client.create(
        user_model.model_validate(
            {"schemas": [str(User.__schema__), ENTERPRISE], "userName": name, ENTERPRISE: {"department": "Looms"}}
        )
    )
    assert user.user_name == name
    assert client.query(user_model, user.id) == user

    found = client.query(user_model, query_parameters=SearchRequest(filter=f'userName eq "{name}"'))
    assert isinstance(found, ListResponse)
    assert [one.id for one in found.resources] == [user.id]

    user.display_name = "Replaced"
    replaced = client.replace(user)
    assert replaced.display_name == "Replaced"
    assert replaced.meta.version != found.resources[0].meta.version

    group = client.create(
        group_model.model_validate({"displayName": fresh("strict"), "members": [{"value": user.id, "type": "User"}]})
    )
    assert [member.value for member in group.members] == [user.id]
    assert [entry.value for entry in client.query(user_model, user.id).groups] == [group.id]

    for resource in (group, client.query(user_model, user.id)):
        client.delete(type(resource), resource.id)
        gone = client.query(type(resource), resource.id, raise_scim_errors=False)
        assert isinstance(gone, Error)
        assert gone.status == 404


def test_a_strict_client_modifies_users_and_groups(client):
    user_model, group_model = model(client, "User"), model(client, "Group")
    user = client.create(user_model.model_validate({"userName": fresh("strict")}))
    change = PatchOp[user_model](
        operations=[
            PatchOperation[user_model](op=PatchOperation.Op.replace_, path="active", value=False),
            PatchOperation[user_model](op=PatchOperation.Op.add, path="displayName", value="Changed"),
        ]
    )
    changed = client.modify(user_model, user.id, change)
    assert (changed.active, changed.display_name) == (False, "Changed")

    group = client.create(group_model.model_validate({"displayName": fresh("strict")}))
    joining = PatchOp[group_model](
        operations=[PatchOperation[group_model](op=PatchOperation.Op.add, path="members", value=[{"value": user.id}])]
    )
    assert client.modify(group_model, group.id, joining) is None
    assert [member.value for member in client.query(group_model, group.id).members] == [user.id]


def test_a_strict_client_understands_every_refusal(client):
    user_model = model(client, "User")
    name = fresh("strict")
    client.create(user_model.model_validate({"userName": name}))
    conflict = client.create(user_model.model_validate({"userName": name}), raise_scim_errors=False)
    assert isinstance(conflict, Error)
    assert (conflict.status, conflict.scim_type) == (409, "uniqueness")
    wrong = client.query(
        user_model, query_parameters={"filter": "userName eq"}, check_request_payload=False, raise_scim_errors=False
    )
    assert isinstance(wrong, Error)
    assert (wrong.status, wrong.scim_type) == (400, "invalidFilter")


def test_the_strict_models_of_the_rfc_read_our_resources(http):
    scim = ScimClient(http)
    created = scim.create_user(name={"familyName": "Naïve"}, **{ENTERPRISE: {"department": "Looms"}})
    group = Group.model_validate(scim.create_group(members=[created["id"]]))
    user = User[EnterpriseUser].model_validate(scim.read(f"/Users/{created['id']}"))
    assert user.name.family_name == "Naïve"
    assert user[EnterpriseUser].department == "Looms"
    assert [(entry.value, entry.type) for entry in user.groups] == [(group.id, "direct")]
