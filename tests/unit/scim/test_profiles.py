import pytest

from rolecall.scim.errors import InvalidSyntax, InvalidValue
from rolecall.scim.profiles import read_profile, with_schemas
from rolecall.scim.schemas import ENTERPRISE_USER_SCHEMA, GROUP, GROUP_SCHEMA, USER, USER_SCHEMA

URN = USER_SCHEMA.uri
ENTERPRISE = ENTERPRISE_USER_SCHEMA.uri
ACME = "urn:example:acme:2.0:User"


def test_names_get_the_spelling_of_the_schema_and_schemas_come_first():
    profile = read_profile({"USERNAME": "ann", "Name": {"GIVENNAME": "Ann"}, "schemas": [URN]}, USER)
    assert list(profile.items()) == [("schemas", [URN]), ("userName", "ann"), ("name", {"givenName": "Ann"})]


def test_what_the_server_decides_and_what_nobody_knows_is_left_out():
    body = {
        "userName": "ann",
        "id": "1",
        "meta": {"version": "x"},
        "groups": [{"value": "g"}],
        "password": "secret",
        "favouriteColour": "red",
        "department": "outside its extension",
        "name.givenName": "Ann",
        f"{URN}:unknown": 1,
        "members": [{"value": "u"}],
    }
    assert read_profile(body, USER) == {"schemas": [URN], "userName": "ann"}


def test_extensions_are_kept_and_named_in_schemas():
    body = {
        "userName": "ann",
        ENTERPRISE.upper(): {"Department": "Sales", "manager": "u2", "unknown": 1, "manager.value": "x"},
        ACME: {"badge": "B-7", "none": None},
        "urn:example:empty": {},
        "urn:example:null": None,
    }
    assert read_profile(body, USER) == {
        "schemas": [URN, ENTERPRISE, ACME],
        "userName": "ann",
        ENTERPRISE: {"department": "Sales", "manager": {"value": "u2"}},
        ACME: {"badge": "B-7"},
    }


def test_an_extension_of_which_nothing_is_kept_is_not_named():
    assert read_profile({"userName": "ann", ENTERPRISE: {"unknown": 1}}, USER)["schemas"] == [URN]
    assert read_profile({"userName": "ann", ENTERPRISE: None}, USER)["schemas"] == [URN]


def test_an_attribute_by_its_full_name_is_kept():
    assert read_profile({"userName": "ann", f"{URN}:title": "Dr"}, USER)["title"] == "Dr"


def test_the_members_of_a_group_are_no_part_of_its_profile():
    body = {"displayName": "Staff", "externalId": "7", "members": [{"value": "u"}]}
    assert read_profile(body, GROUP) == {"schemas": [GROUP_SCHEMA.uri], "displayName": "Staff", "externalId": "7"}


@pytest.mark.parametrize(
    "schemas",
    [None, [], [URN], [URN.upper(), "urn:other", 7], ["urn:scim:schemas:core:1.0"]],
)
def test_schemas_may_be_missing_and_may_name_more(schemas):
    assert read_profile({"userName": "ann", "schemas": schemas}, USER)["schemas"] == [URN]


def test_schemas_of_another_resource_are_refused():
    with pytest.raises(InvalidValue, match="does not name"):
        read_profile({"userName": "ann", "schemas": [GROUP_SCHEMA.uri]}, USER)


@pytest.mark.parametrize("schemas", [URN, {"value": URN}, 7])
def test_schemas_that_are_no_list_are_refused(schemas):
    with pytest.raises(InvalidSyntax, match="list of URIs"):
        read_profile({"userName": "ann", "Schemas": schemas}, USER)


@pytest.mark.parametrize("body", [None, [], "x", 7])
def test_a_body_that_is_no_object_is_refused(body):
    with pytest.raises(InvalidSyntax, match="a User"):
        read_profile(body, USER)


@pytest.mark.parametrize("body", [{}, {"userName": ""}, {"userName": None}])
def test_a_required_attribute_must_be_there(body):
    with pytest.raises(InvalidValue, match="userName is missing"):
        read_profile(body, USER)


@pytest.mark.parametrize(
    "body, place",
    [
        ({"userName": 7}, "userName"),
        ({"userName": "a", "emails": [{"value": 7}]}, "emails[0].value"),
        ({"userName": "a", ENTERPRISE: "x"}, ENTERPRISE),
        ({"userName": "a", ENTERPRISE: {"manager": {"value": 1}}}, f"{ENTERPRISE}:manager.value"),
        ({"userName": "a", ACME: "x"}, ACME),
        ({"userName": "a", ACME: {"badge": "\x00"}}, f"{ACME}.badge"),
    ],
)
def test_a_wrong_value_is_refused_by_its_full_name(body, place: str):
    with pytest.raises(InvalidValue) as refusal:
        read_profile(body, USER)
    assert refusal.value.about["attribute"] == place


def test_schemas_follow_the_extensions():
    assert with_schemas({"schemas": ["old"], "userName": "ann", ACME: {}}, USER) == {
        "schemas": [URN, ACME],
        "userName": "ann",
        ACME: {},
    }
