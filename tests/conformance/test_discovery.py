"""Does the server describe itself truly (RFC 7643 §5 to §7, RFC 7644 §4)?"""

import pytest

from tests.conformance.scim_client import ENTERPRISE, GROUP, LIST, USER, refused

CONFIG = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"
RESOURCE_TYPE = "urn:ietf:params:scim:schemas:core:2.0:ResourceType"
SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:Schema"


def nulls(value, place="$"):
    match value:
        case None:
            return [place]
        case dict():
            return [found for key, inner in value.items() for found in nulls(inner, f"{place}.{key}")]
        case list():
            return [found for number, inner in enumerate(value) for found in nulls(inner, f"{place}[{number}]")]
    return []


def test_the_configuration_says_what_is_supported(scim):
    config = scim.read("/ServiceProviderConfig")
    assert config["schemas"] == [CONFIG]
    for capability in ("patch", "filter", "sort", "etag"):
        assert config[capability]["supported"] is True, capability
    assert config["filter"]["maxResults"] > 0
    assert config["changePassword"]["supported"] is False
    assert {type(config["bulk"][name]) for name in ("maxOperations", "maxPayloadSize")} == {int}
    assert [scheme["type"] for scheme in config["authenticationSchemes"]] == ["oauthbearertoken"]
    assert config["meta"]["resourceType"] == "ServiceProviderConfig"


def test_bulk_is_answered_as_the_configuration_announces_it(scim):
    config = scim.read("/ServiceProviderConfig")
    response = scim.send("POST", "/Bulk", {"schemas": [], "Operations": []})
    assert config["bulk"]["supported"] is (response.status_code not in {404, 405, 501})


def test_the_resource_types_name_their_endpoints_and_schemas(scim):
    page = scim.read("/ResourceTypes")
    assert page["schemas"] == [LIST]
    types = {found["name"]: found for found in page["Resources"]}
    assert set(types) == {"User", "Group"}
    assert (types["User"]["endpoint"], types["User"]["schema"]) == ("/Users", USER)
    assert (types["Group"]["endpoint"], types["Group"]["schema"]) == ("/Groups", GROUP)
    assert ENTERPRISE in [extension["schema"] for extension in types["User"]["schemaExtensions"]]


def test_every_schema_of_a_resource_type_is_described(scim):
    described = {schema["id"] for schema in scim.read("/Schemas")["Resources"]}
    for found in scim.read("/ResourceTypes")["Resources"]:
        wanted = {found["schema"]} | {extension["schema"] for extension in found.get("schemaExtensions", [])}
        assert wanted <= described


@pytest.mark.parametrize(
    "endpoint, name",
    [
        ("/ResourceTypes", "User"),
        ("/ResourceTypes", "Group"),
        ("/Schemas", USER),
        ("/Schemas", ENTERPRISE),
        ("/Schemas", GROUP),
    ],
)
def test_each_description_can_be_read_alone_and_says_where_it_lives(scim, served, endpoint, name):
    alone = scim.read(f"{endpoint}/{name}")
    assert alone in scim.read(endpoint)["Resources"]
    assert alone["schemas"] == [SCHEMA if endpoint == "/Schemas" else RESOURCE_TYPE]
    assert alone["meta"]["location"] == f"{served.base_url}{endpoint}/{name}"


@pytest.mark.parametrize("path", ["/ServiceProviderConfig", "/ResourceTypes", "/Schemas"])
def test_descriptions_contain_no_nulls(scim, path):
    assert nulls(scim.read(path)) == []


@pytest.mark.parametrize("path", ["/ServiceProviderConfig", "/ResourceTypes", "/Schemas"])
def test_filtering_a_description_is_forbidden(scim, path):
    refused(scim.get(f'{path}?filter=id eq "x"'), 403)


@pytest.mark.parametrize("path", ["/ServiceProviderConfig", "/ResourceTypes", "/Schemas", "/Schemas/" + USER])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_descriptions_cannot_be_changed(scim, path, method):
    response = scim.send(method, path, None if method == "DELETE" else {})
    refused(response, 405)
    assert "GET" in response.headers["Allow"]


def test_an_unknown_schema_or_resource_type_is_not_found(scim):
    refused(scim.get("/Schemas/urn:example:nothing"), 404)
    refused(scim.get("/ResourceTypes/Widget"), 404)


def test_the_attributes_that_servers_and_clients_must_agree_on_are_described_as_they_behave(scim):
    attributes = {found["name"]: found for found in scim.read(f"/Schemas/{USER}")["attributes"]}
    assert attributes["userName"]["uniqueness"] == "server"
    assert attributes["userName"]["required"] is True
    assert attributes["userName"]["caseExact"] is False
    assert attributes["groups"]["mutability"] == "readOnly"
    assert attributes["emails"]["multiValued"] is True
    group = {found["name"]: found for found in scim.read(f"/Schemas/{GROUP}")["attributes"]}
    assert group["displayName"]["required"] is True
    assert {"value", "$ref", "type"} <= {found["name"] for found in group["members"]["subAttributes"]}


def test_nothing_is_seen_of_agents_where_nobody_declares_them(scim):
    for path in ("/Agents", "/AgenticApplications", f"/Schemas/{USER[:-4]}Agent", "/ResourceTypes/Agent"):
        refused(scim.get(path), 404)
