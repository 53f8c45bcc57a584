import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolecall.scim.errors import InvalidValue
from rolecall.scim.projection import parse_projection, project
from rolecall.scim.schemas import (
    ENTERPRISE_USER_SCHEMA,
    GROUP,
    USER,
    USER_SCHEMA,
    Attribute,
    AttributeType,
    ResourceType,
    Returned,
    Schema,
)

ENTERPRISE = ENTERPRISE_USER_SCHEMA.uri
ACME = "urn:acme:2.0:User"
ANN = {
    "schemas": [USER_SCHEMA.uri, ENTERPRISE, ACME],
    "id": "1",
    "userName": "ann",
    "name": {"givenName": "Ann", "familyName": "Lee"},
    "emails": [{"value": "a", "type": "work"}, {"value": "b"}],
    ENTERPRISE: {"department": "Sales", "manager": {"value": "2", "$ref": "r"}},
    ACME: {"badge": "B-7", "desk": "4"},
    "meta": {"resourceType": "User", "version": "1"},
}
ALWAYS = {"schemas": ANN["schemas"], "id": "1"}


def only(attributes: str):
    shown = project(ANN, parse_projection(attributes, None, USER))
    return {name: value for name, value in shown.items() if name not in ALWAYS}


def without(excluded: str):
    return project(ANN, parse_projection(None, excluded, USER))


@pytest.mark.parametrize(
    "attributes, shown",
    [
        ("userName", {"userName": "ann"}),
        (" USERNAME , meta.version", {"userName": "ann", "meta": {"version": "1"}}),
        ("name.givenName", {"name": {"givenName": "Ann"}}),
        ("name.givenName,name", {"name": ANN["name"]}),
        ("name,name.givenName", {"name": ANN["name"]}),
        ("emails.type", {"emails": [{"type": "work"}]}),
        ("emails.display", {}),
        (f"{USER_SCHEMA.uri}:userName", {"userName": "ann"}),
        (ENTERPRISE, {ENTERPRISE: ANN[ENTERPRISE]}),
        (f"{ENTERPRISE}:manager.value", {ENTERPRISE: {"manager": {"value": "2"}}}),
        (f"{ACME.upper()}:BADGE", {ACME: {"badge": "B-7"}}),
        (f"{ACME}:badge.colour", {}),
        (ACME, {ACME: ANN[ACME]}),
        ("nothing,title", {}),
    ],
)
def test_only_what_is_named_is_shown_beside_id_and_schemas(attributes: str, shown):
    assert only(attributes) == shown
    assert project(ANN, parse_projection(attributes, None, USER)).items() >= ALWAYS.items()


@pytest.mark.parametrize(
    "excluded, changed",
    [
        ("userName", {"userName": None}),
        ("name.givenName", {"name": {"familyName": "Lee"}}),
        ("emails.type", {"emails": [{"value": "a"}, {"value": "b"}]}),
        ("emails.value,emails.type", {"emails": None}),
        ("meta.version,meta.resourceType", {"meta": None}),
        (f"{ENTERPRISE}:department", {ENTERPRISE: {"manager": {"value": "2", "$ref": "r"}}}),
        (f"{ACME}:badge.colour", {}),
        (f"{ACME}:badge,{ACME}", {ACME: None}),
        ("id,schemas,nothing", {}),
    ],
)
def test_what_is_excluded_is_left_out_but_for_id_and_schemas(excluded: str, changed):
    wanted = {name: value for name, value in {**ANN, **changed}.items() if value is not None}
    assert without(excluded) == wanted


@pytest.mark.parametrize("attributes, excluded", [(None, None), ("", ""), (None, "")])
def test_everything_is_shown_when_nothing_is_asked(attributes, excluded):
    projection = parse_projection(attributes, excluded, USER)
    assert projection.whole
    assert project(ANN, projection) is ANN


def test_both_parameters_together_are_refused():
    with pytest.raises(InvalidValue, match="not both"):
        parse_projection("userName", "emails", USER)


@pytest.mark.parametrize(
    "attributes, excluded, wanted",
    [
        (None, None, True),
        (None, "members", False),
        (None, "MEMBERS", False),
        (None, "members.display", True),
        (None, "displayName", True),
        ("displayName", None, False),
        ("members", None, True),
        ("members.value", None, True),
    ],
)
def test_it_is_known_beforehand_whether_members_are_wanted(attributes, excluded, wanted: bool):
    projection = parse_projection(attributes, excluded, GROUP)
    assert projection.wants("members") is wanted
    assert projection.whole is (attributes is None and excluded is None)


SAFE = ResourceType(
    name="Safe",
    endpoint="/Safes",
    description="Safes",
    schema=Schema(
        uri="urn:example:Safe",
        name="Safe",
        description="Safes",
        attributes=(
            Attribute(name="label", description="Label."),
            Attribute(name="size", description="Size.", returned=Returned.REQUEST),
            Attribute(name="code", description="Code.", returned=Returned.NEVER),
            Attribute(
                name="lock",
                description="Lock.",
                type=AttributeType.COMPLEX,
                sub_attributes=(
                    Attribute(name="maker", description="Maker."),
                    Attribute(name="key", description="Key.", returned=Returned.NEVER),
                ),
            ),
        ),
    ),
)


@pytest.mark.parametrize(
    "attributes, excluded, names",
    [
        (None, None, {"id", "label", "lock"}),
        (None, "label", {"id", "lock"}),
        ("size", None, {"id", "size"}),
        ("size,code,lock", None, {"id", "size", "lock"}),
    ],
)
def test_a_declaration_decides_when_an_attribute_is_shown(attributes, excluded, names: set[str]):
    safe = {"id": "1", "label": "A", "size": 3, "code": "1234", "lock": {"maker": "M", "key": "K"}}
    projection = parse_projection(attributes, excluded, SAFE)
    assert not projection.whole
    shown = project(safe, projection)
    assert set(shown) == names
    assert shown.get("lock", {"maker": "M"}) == {"maker": "M"}


names = st.lists(
    st.sampled_from(["userName", "name.givenName", "name", "emails.value", "emails", ENTERPRISE, f"{ACME}:badge"]),
    min_size=1,
).map(",".join)


@given(names)
def test_what_is_shown_and_what_is_left_out_make_up_the_whole(listed: str):
    shown, rest = only(listed), without(listed)
    assert {*shown, *rest} == {*ANN} - ({*()} if shown else set())
    for name in ANN.keys() - ALWAYS.keys():
        if name in shown and name in rest:
            assert shown[name] != rest[name]
