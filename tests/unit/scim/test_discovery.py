import pytest

from rolecall.scim.cursors import CURSOR_TIMEOUT_SECONDS
from rolecall.scim.discovery import resource_type_documents, schema_documents, service_provider_config
from rolecall.scim.patch import MAX_OPERATIONS
from rolecall.scim.registry import Registry
from rolecall.scim.schemas import ENTERPRISE_USER_SCHEMA, GROUP_SCHEMA, USER_SCHEMA
from tests.make.declared import DEVICE, MAILBOX, PAYROLL, WARRANTY, everything_declared

BASE = "https://rolecall.example/scim/v2"


def values_of(document):
    if isinstance(document, dict):
        for value in document.values():
            yield from values_of(value)
    elif isinstance(document, list | tuple):
        for value in document:
            yield from values_of(value)
    else:
        yield document


def attribute(schema: str, name: str):
    return next(found for found in schema_documents(Registry(), BASE)[schema]["attributes"] if found["name"] == name)


def test_the_configuration_says_what_is_supported():
    config = service_provider_config(Registry(), BASE, max_results=200, default_results=100, max_payload_bytes=1000)
    features = ("patch", "bulk", "filter", "changePassword", "sort", "etag")
    assert {feature: config[feature]["supported"] for feature in features} == {
        "patch": True,
        "bulk": True,
        "filter": True,
        "changePassword": False,
        "sort": True,
        "etag": True,
    }
    assert config["filter"]["maxResults"] == 200
    assert config["bulk"] == {"supported": True, "maxOperations": MAX_OPERATIONS, "maxPayloadSize": 1000}
    assert config["pagination"] == {
        "cursor": True,
        "index": True,
        "defaultPaginationMethod": "index",
        "defaultPageSize": 100,
        "maxPageSize": 200,
        "cursorTimeout": CURSOR_TIMEOUT_SECONDS,
    }
    assert [scheme["type"] for scheme in config["authenticationSchemes"]] == ["oauthbearertoken"]
    assert config["meta"]["location"] == f"{BASE}/ServiceProviderConfig"


def test_each_resource_type_says_where_it_is_and_what_it_extends():
    documents = resource_type_documents(Registry(), BASE)
    assert list(documents) == ["User", "Group"]
    user, group = documents.values()
    assert (user["id"], user["endpoint"], user["schema"]) == ("User", "/Users", USER_SCHEMA.uri)
    assert user["schemaExtensions"] == [{"schema": ENTERPRISE_USER_SCHEMA.uri, "required": False}]
    assert user["meta"] == {"resourceType": "ResourceType", "location": f"{BASE}/ResourceTypes/User"}
    assert (group["endpoint"], group["schema"]) == ("/Groups", GROUP_SCHEMA.uri)
    assert "schemaExtensions" not in group


def test_each_schema_is_found_by_its_uri():
    documents = schema_documents(Registry(), BASE)
    assert list(documents) == [USER_SCHEMA.uri, ENTERPRISE_USER_SCHEMA.uri, GROUP_SCHEMA.uri]
    for uri, document in documents.items():
        assert document["id"] == uri
        assert document["meta"] == {"resourceType": "Schema", "location": f"{BASE}/Schemas/{uri}"}


def test_an_attribute_is_described_in_full():
    assert attribute(USER_SCHEMA.uri, "userName") == {
        "name": "userName",
        "type": "string",
        "multiValued": False,
        "description": "Unique name to sign in with; two names that differ only in case are the same.",
        "required": True,
        "mutability": "readWrite",
        "returned": "default",
        "uniqueness": "server",
        "caseExact": False,
    }
    emails = attribute(USER_SCHEMA.uri, "emails")
    assert emails["multiValued"] is True
    kind = next(sub for sub in emails["subAttributes"] if sub["name"] == "type")
    assert kind["canonicalValues"] == ("work", "home", "other")
    assert attribute(USER_SCHEMA.uri, "profileUrl")["referenceTypes"] == ("external",)


@pytest.mark.parametrize("name", ["active", "emails"])
def test_case_is_said_only_of_what_has_one(name: str):
    assert "caseExact" not in attribute(USER_SCHEMA.uri, name)


def test_nothing_in_a_schema_is_null():
    assert all(value is not None for value in values_of(schema_documents(Registry(), BASE)))


def test_what_is_declared_is_described_as_it_was_declared():
    registry = everything_declared()
    documents = resource_type_documents(registry, BASE)
    assert list(documents) == ["User", "Group", "Device"]
    assert documents["Device"]["schemaExtensions"] == [{"schema": WARRANTY, "required": True}]
    assert documents["User"]["schemaExtensions"][-1] == {"schema": PAYROLL, "required": False}
    schemas = schema_documents(registry, BASE)
    assert set(schemas) - set(schema_documents(Registry(), BASE)) == {DEVICE, WARRANTY, PAYROLL, MAILBOX}
    pin = next(found for found in schemas[DEVICE]["attributes"] if found["name"] == "pin")
    assert (pin["mutability"], pin["returned"]) == ("writeOnly", "never")


def test_the_configuration_has_what_declarations_add():
    registry = Registry(advertised={"agentExtension": {"supported": True}})
    config = service_provider_config(registry, BASE, max_results=1, default_results=1, max_payload_bytes=1)
    assert config["agentExtension"] == {"supported": True}
    assert config["patch"] == {"supported": True}
