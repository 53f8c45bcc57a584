import pytest

from rolecall.scim.schemas import (
    ENTERPRISE_USER_SCHEMA,
    GROUP,
    GROUP_SCHEMA,
    USER,
    USER_SCHEMA,
    Attribute,
    AttributeType,
    Mutability,
    ResourceType,
    Returned,
    Schema,
    Uniqueness,
)

URN = USER_SCHEMA.uri
ENTERPRISE = ENTERPRISE_USER_SCHEMA.uri


def declared(resource_type: ResourceType, name: str) -> Attribute:
    place = resource_type.place(name)
    assert place is not None
    assert place.attribute is not None
    return place.attribute


@pytest.mark.parametrize(
    "spelling, path",
    [
        ("userName", ("userName",)),
        ("USERNAME", ("userName",)),
        (f"{URN}:userName", ("userName",)),
        (f"{URN.upper()}:username", ("userName",)),
        ("name.familyname", ("name", "familyName")),
        (f"{URN}:emails.value", ("emails", "value")),
        ("meta.lastModified", ("meta", "lastModified")),
        ("externalid", ("externalId",)),
        (f"{ENTERPRISE}:department", (ENTERPRISE, "department")),
        (f"{ENTERPRISE}:manager.$ref", (ENTERPRISE, "manager", "$ref")),
        (ENTERPRISE.upper(), (ENTERPRISE,)),
        ("Manager", (ENTERPRISE, "manager")),
        ("manager.value", (ENTERPRISE, "manager", "value")),
    ],
)
def test_a_name_is_found_in_every_spelling_and_any_case(spelling: str, path: tuple[str, ...]):
    place = USER.place(spelling)
    assert place is not None
    assert place.path == path


@pytest.mark.parametrize("name", ["departments", "name.first", "password", "", URN, f"{URN}:", "members"])
def test_what_is_not_declared_is_not_found(name: str):
    assert USER.place(name) is None


def test_a_core_attribute_comes_before_one_of_an_extension():
    both = ResourceType(
        name="Both",
        endpoint="/Boths",
        description="Both",
        schema=USER_SCHEMA,
        extensions=(Schema(uri="urn:x", name="X", description="X", attributes=(USER_SCHEMA.attributes[0],)),),
    )
    assert [getattr(both.place(name), "path", None) for name in ("userName", "urn:x:userName")] == [
        ("userName",),
        ("urn:x", "userName"),
    ]


def test_a_place_says_where_the_attribute_is_declared():
    place = USER.place(f"{ENTERPRISE}:manager.value")
    assert place is not None
    assert place.extension == ENTERPRISE
    assert place.parent == declared(USER, f"{ENTERPRISE}:manager")
    assert place.attribute == place.parent.sub_attribute("VALUE")


def test_every_user_attribute_of_the_standard_but_the_password_is_declared():
    assert [attribute.name for attribute in USER_SCHEMA.attributes] == [
        *("userName", "name", "displayName", "nickName", "profileUrl", "title", "userType", "preferredLanguage"),
        *("locale", "timezone", "active", "emails", "phoneNumbers", "ims", "photos", "addresses", "groups"),
        *("entitlements", "roles", "x509Certificates"),
    ]


def test_the_enterprise_extension_is_complete():
    assert [attribute.name for attribute in ENTERPRISE_USER_SCHEMA.attributes] == [
        *("employeeNumber", "costCenter", "organization", "division", "department", "manager"),
    ]


@pytest.mark.parametrize("resource_type, name", [(USER, "userName"), (GROUP, "displayName")])
def test_what_names_a_resource_is_required_unique_and_without_case(resource_type: ResourceType, name: str):
    attribute = declared(resource_type, name)
    assert attribute.required
    assert attribute.uniqueness is Uniqueness.SERVER
    assert not attribute.case_exact


@pytest.mark.parametrize("name", ["id", "externalId"])
def test_identifiers_are_compared_with_case(name: str):
    assert declared(USER, name).case_exact


@pytest.mark.parametrize("name", ["id", "schemas", "meta", "groups", f"{ENTERPRISE}:manager.displayName"])
def test_what_the_server_decides_is_read_only(name: str):
    assert declared(USER, name).read_only


def test_a_member_is_named_once_for_all():
    members = declared(GROUP, "members")
    mutability = {sub.name: sub.mutability for sub in members.sub_attributes}
    assert mutability == {
        "value": Mutability.IMMUTABLE,
        "$ref": Mutability.IMMUTABLE,
        "type": Mutability.IMMUTABLE,
        "display": Mutability.READ_ONLY,
    }


def test_only_id_and_schemas_are_always_returned():
    always = {attribute.name for _, attribute in USER.attributes() if attribute.returned is Returned.ALWAYS}
    assert always == {"id", "schemas"}


@pytest.mark.parametrize("schema", [USER_SCHEMA, ENTERPRISE_USER_SCHEMA, GROUP_SCHEMA], ids=lambda schema: schema.name)
def test_every_declaration_is_sound(schema):
    for attribute in schema.attributes:
        assert (attribute.type is AttributeType.COMPLEX) == bool(attribute.sub_attributes)
        for declaration in (attribute, *attribute.sub_attributes):
            assert declaration.description.endswith(".")
            assert (declaration.type is AttributeType.REFERENCE) == bool(declaration.reference_types)


def test_two_resource_types_are_the_same_only_if_they_are_one():
    copy = ResourceType(name=USER.name, endpoint=USER.endpoint, description=USER.description, schema=USER.schema)
    assert copy != USER
    assert len({USER, GROUP, copy}) == 3
