import pytest

from rolecall.scim.declarations import DeclarationFile, read_registry
from rolecall.scim.declared_values import InvalidDeclaration
from rolecall.scim.schemas import (
    ENTERPRISE_USER_SCHEMA,
    GROUP,
    GROUP_SCHEMA,
    USER,
    USER_SCHEMA,
    Attribute,
    AttributeType,
    Mutability,
    Returned,
    Uniqueness,
)
from tests.make.declared import CONFIG, SCHEMA, attribute, registry_of, resource_type, schema

A, B = "urn:x:A", "urn:x:B"
COMPLEX = {"type": "complex", "subAttributes": [attribute("y")]}


def refusal(*documents):
    with pytest.raises(InvalidDeclaration) as refused:
        registry_of(*documents)
    return str(refused.value)


def of_attribute(**fields):
    """The refusal of a schema with one attribute; without the place that is the same in all of them."""
    place = "x.json: [0].attributes[0]"
    text = refusal(schema(A, attribute("x") | fields), resource_type("Thing", A))
    assert text.startswith(place)
    return text.removeprefix(place)


def test_without_declarations_there_are_users_and_groups():
    registry = read_registry([])
    assert registry.resource_types == (USER, GROUP)
    assert dict(registry.advertised) == {}


def test_a_declared_type_has_the_attributes_of_its_schema_with_the_defaults_of_the_rfc():
    registry = registry_of(
        schema(A, attribute("plain"), attribute("link", type="reference"), name="N", description="D"),
        resource_type("Thing", A, description="Things"),
    )
    thing = registry.declared[0]
    assert registry.resource_types == (USER, GROUP, thing)
    assert (thing.name, thing.endpoint, thing.description) == ("Thing", "/Things", "Things")
    assert (thing.schema.uri, thing.schema.name, thing.schema.description) == (A, "N", "D")
    assert thing.schema.attributes == (
        Attribute(name="plain", description=""),
        Attribute(name="link", description="", type=AttributeType.REFERENCE, case_exact=True),
    )


def test_whatever_is_declared_of_an_attribute_is_taken():
    declared = attribute(
        "x",
        description="",
        type="complex",
        multiValued=True,
        required=True,
        mutability="immutable",
        returned="request",
        subAttributes=[
            attribute("$ref", type="reference", caseExact=False, referenceTypes=["User"]),
            attribute("value", uniqueness="server", canonicalValues=["a", "b"], description="V"),
        ],
    )
    thing = registry_of(schema(A, declared), resource_type("Thing", A)).declared[0]
    assert thing.schema.attributes == (
        Attribute(
            name="x",
            description="",
            type=AttributeType.COMPLEX,
            multi_valued=True,
            required=True,
            mutability=Mutability.IMMUTABLE,
            returned=Returned.REQUEST,
            sub_attributes=(
                Attribute(name="$ref", description="", type=AttributeType.REFERENCE, reference_types=("User",)),
                Attribute(name="value", description="V", uniqueness=Uniqueness.SERVER, canonical_values=("a", "b")),
            ),
        ),
    )


def test_files_and_documents_may_come_in_any_order():
    files = [
        DeclarationFile(
            name="type.json",
            content=b'{"schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],'
            b'"name": "Thing", "endpoint": "/Things", "schema": "URN:X:A", "description": null}',
        ),
        DeclarationFile(
            name="schema.json",
            content=b'[{"schemas": ["urn:ietf:params:scim:schemas:core:2.0:SCHEMA"],'
            b'"id": "urn:x:A", "name": "A", "attributes": [{"name": "x"}], "meta": {}}]',
        ),
    ]
    assert [kind.schema.uri for kind in read_registry(files).declared] == [A]


def test_users_and_groups_get_further_extensions_from_any_number_of_declarations():
    registry = registry_of(
        schema(A),
        schema(B),
        resource_type("User", None, A, id="User", endpoint="/Users", schema=USER_SCHEMA.uri),
        resource_type(
            "User", schemaExtensions=[{"schema": B, "required": True}, {"schema": ENTERPRISE_USER_SCHEMA.uri}]
        ),
        resource_type("Group", None, A),
        resource_type("Group"),
    )
    assert [extension.uri for extension in registry.user.extensions] == [ENTERPRISE_USER_SCHEMA.uri, A, B]
    assert registry.user.required_extensions == {B}
    assert [extension.uri for extension in registry.group.extensions] == [A]
    assert registry.declared == ()


def test_a_declared_type_may_have_extensions_too():
    thing = registry_of(
        schema(A),
        schema(B, attribute("id")),
        resource_type("Thing", A, B, ENTERPRISE_USER_SCHEMA.uri.upper()),
    ).declared[0]
    assert [extension.uri for extension in thing.extensions] == [B, ENTERPRISE_USER_SCHEMA.uri]
    assert thing.required_extensions == frozenset()


def test_further_members_of_the_configuration_are_advertised():
    config = {"schemas": [CONFIG], "meta": {}, "agentExtension": {"supported": True}}
    assert dict(registry_of(config).advertised) == {"agentExtension": {"supported": True}}
    assert "patch: is what Rolecall says of itself" in refusal({"schemas": [CONFIG], "patch": {"supported": False}})


def test_a_file_that_is_not_json_is_refused():
    with pytest.raises(InvalidDeclaration, match=r"^x.json: is not JSON: ") as refused:
        read_registry([DeclarationFile(name="x.json", content=b"{")])
    assert refused.value.about == {"file": "x.json", "field": ""}


@pytest.mark.parametrize(
    "document, sentence",
    [
        (1, "x.json: [0]: must be a JSON object."),
        ({}, "x.json: [0]: schemas is missing."),
        ({"schemas": SCHEMA}, "x.json: [0].schemas: must be a list."),
        ({"schemas": [1]}, "x.json: [0].schemas[0]: must be a text without control characters, and not empty."),
        ({"schemas": ["urn:x"]}, "x.json: [0].schemas: must be one of"),
        ({"schemas": [SCHEMA, SCHEMA]}, "x.json: [0].schemas: must be one of"),
        ({"schemas": [SCHEMA], "id": "x"}, "x.json: [0].id: must be a URI such as urn:example:2.0:Device."),
        ({"schemas": [SCHEMA], "id": A, "names": "x"}, "x.json: [0].names: is not known here. Did you mean name?"),
        ({"schemas": [SCHEMA], "id": A, "zzzzz": 1}, "x.json: [0].zzzzz: is not known here."),
        (schema(A, name=None), "x.json: [0]: name is missing."),
        (schema(A, name="\x07"), "x.json: [0].name: must be a text"),
        (schema(A, attributes=[]), "x.json: [0].attributes: must declare one attribute or more."),
        (schema(A, attributes="x"), "x.json: [0].attributes: must be a list."),
        (schema(A, attribute("x"), attribute("X")), "x.json: [0].attributes[1]: X is declared twice"),
        (schema(USER_SCHEMA.uri), f"x.json: [0].id: {USER_SCHEMA.uri} is declared already."),
        (schema(A), "x.json: [0].id: is used by no resource type"),
    ],
)
def test_a_document_that_cannot_be_understood_is_refused_with_its_place(document, sentence: str):
    assert refusal(document).startswith(sentence)


@pytest.mark.parametrize(
    "fields, sentence",
    [
        ({"name": None}, ": name is missing."),
        ({"name": "a b"}, ".name: must be the name of an attribute"),
        ({"name": "$ref"}, ".name: must be the name of an attribute"),
        ({"type": "text"}, ".type: must be one of string, boolean, decimal, "),
        ({"multiValued": "true"}, ".multiValued: must be true or false."),
        ({"multivalued": True}, ".multivalued: is not known here. Did you mean multiValued?"),
        ({"mutability": "never"}, ".mutability: must be one of readOnly, "),
        ({"returned": 1}, ".returned: must be one of always, "),
        ({"uniqueness": "x"}, ".uniqueness: must be one of none, server, global."),
        ({"canonicalValues": [""]}, ".canonicalValues[0]: must be a text"),
        ({"referenceTypes": "User"}, ".referenceTypes: must be a list."),
        ({"description": 1}, ".description: must be a text"),
        ({"subAttributes": [attribute("y")]}, ".subAttributes: only an attribute of the type complex"),
        ({"type": "complex"}, ": subAttributes is missing."),
        (
            COMPLEX | {"subAttributes": [attribute("y") | COMPLEX]},
            ".subAttributes[0]: a sub-attribute cannot be complex",
        ),
        (COMPLEX | {"subAttributes": [attribute("$x")]}, ".subAttributes[0].name: must be the name of an attribute"),
        ({"required": True, "mutability": "readOnly"}, ": x is required and readOnly"),
        ({"mutability": "writeOnly"}, ": x is writeOnly, so its returned must be never."),
        ({"uniqueness": "server", "type": "boolean"}, ": x is boolean, so its uniqueness must be none."),
        (COMPLEX | {"uniqueness": "server"}, ": x is complex, so its uniqueness must be none."),
    ],
)
def test_an_attribute_that_could_not_be_kept_or_fulfilled_is_refused(fields, sentence: str):
    assert of_attribute(**fields).startswith(sentence)


def test_an_empty_list_of_parts_of_a_plain_attribute_says_nothing():
    assert registry_of(schema(A, attribute("x", subAttributes=[])), resource_type("Thing", A)).declared != ()


@pytest.mark.parametrize(
    "declared, sentence",
    [
        (resource_type("a b", A), "name: must be a letter, then"),
        (resource_type("x" * 101, A), "name: must be a letter, then"),
        (resource_type("USER", A, endpoint="/Xs"), "name: there is a resource type USER already"),
        (resource_type("Thing", A, id="thing"), "id: must be the same as name."),
        (resource_type("Thing", A, endpoint="Things"), "endpoint: must be a slash and one name"),
        (resource_type("Thing", A, endpoint="/Things/"), "endpoint: must be a slash and one name"),
        (resource_type("Thing", A, endpoint="/users"), "endpoint: /users is taken"),
        (resource_type("Thing", A, endpoint="/bulk"), "endpoint: /bulk is taken"),
        (resource_type("Thing", B), "schema: names no schema that is declared."),
        (resource_type("Thing", A, schema=None), "schema is missing."),
        (resource_type("Thing", A, extensions=[]), "extensions: is not known here."),
        (resource_type("Thing", A, B), "schemaExtensions[0].schema: names no schema that is declared."),
        (resource_type("Thing", A, A, A), "schemaExtensions[1].schema: is named twice."),
        (resource_type("Thing", A, schemaExtensions=[{"schema": A, "require": True}]), "schemaExtensions[0].require:"),
        (resource_type("Thing", A, schemaExtensions=[{"schema": A, "required": 1}]), "schemaExtensions[0].required:"),
        (resource_type("User", None, A, endpoint="/People"), "endpoint: must be /Users."),
        (resource_type("Group", None, A, schema=A), f"schema: must be {GROUP_SCHEMA.uri}."),
        (resource_type("Group", None, B), "schemaExtensions[0].schema: names no schema that is declared."),
    ],
)
def test_a_resource_type_that_cannot_be_served_is_refused_with_its_place(declared, sentence: str):
    assert refusal(schema(A), declared).removeprefix("x.json: [1]").lstrip(":. ").startswith(sentence)


def test_no_two_declared_things_have_one_name():
    thing = resource_type("Thing", A)
    assert "there is a resource type thing already" in refusal(
        schema(A), thing, resource_type("thing", A, endpoint="/Other")
    )
    assert "/things is taken" in refusal(schema(A), thing, resource_type("Other", A, endpoint="/things"))
    assert "[1].id: URN:X:A is declared already." in refusal(schema(A), schema(A.upper()), thing)


def test_what_belongs_to_every_resource_is_not_declared():
    text = refusal(schema(A, attribute("Meta")), resource_type("Thing", A))
    assert text == "x.json: [0]: Meta belongs to every resource, and is not declared."


@pytest.mark.parametrize(
    "fields, sentence",
    [
        ({"uniqueness": "server"}, "x: in an extension of User the uniqueness must be none."),
        ({"returned": "never"}, "x: in an extension of User returned cannot be never."),
        (COMPLEX | {"subAttributes": [attribute("y", uniqueness="global")]}, "y: in an extension of User the uniq"),
    ],
)
def test_extensions_of_users_and_groups_have_nothing_unique_and_nothing_hidden(fields, sentence: str):
    text = refusal(schema(A, attribute("x") | fields), resource_type("User", None, A))
    assert text.removeprefix("x.json: [0]: ").startswith(sentence)
