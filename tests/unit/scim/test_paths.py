import pytest

from rolecall.kernel.predicate import Compare, Operator
from rolecall.scim.errors import InvalidFilter, InvalidPath
from rolecall.scim.paths import parse_path
from rolecall.scim.schemas import ENTERPRISE_USER_SCHEMA, GROUP, USER, USER_SCHEMA

ENTERPRISE = ENTERPRISE_USER_SCHEMA.uri


@pytest.mark.parametrize(
    "text, extension, name, sub_name",
    [
        ("active", None, "active", None),
        (f"{USER_SCHEMA.uri}:Active", None, "active", None),
        ("NAME.GIVENNAME", None, "name", "givenName"),
        ("emails.value", None, "emails", "value"),
        (f"{ENTERPRISE}:department", ENTERPRISE, "department", None),
        (f"{ENTERPRISE.lower()}:Manager.Value", ENTERPRISE, "manager", "value"),
        (ENTERPRISE, ENTERPRISE, None, None),
        ("urn:acme:2.0:User", "urn:acme:2.0:User", None, None),
        ("urn:acme:2.0:User:badge", "urn:acme:2.0:User", "badge", None),
        ("urn:acme:2.0:User:car.plate", "urn:acme:2.0:User", "car", "plate"),
    ],
)
def test_a_path_without_a_filter_is_taken_apart(text, extension, name, sub_name):
    path = parse_path(text, USER)
    assert (path.extension, path.name, path.sub_name, path.where) == (extension, name, sub_name, None)


def test_a_path_carries_its_declarations():
    path = parse_path("emails.primary", USER)
    assert path.attribute is not None
    assert path.attribute.name == "emails"
    assert path.sub_attribute == path.attribute.sub_attribute("primary")
    assert parse_path("title", USER).sub_attribute is None


def test_a_filter_selects_among_values():
    path = parse_path('emails[type eq "work"].Value', USER)
    assert path.where == Compare(path=("type",), operator=Operator.EQ, value="work", fold=True)
    assert (path.name, path.sub_name) == ("emails", "value")
    assert str(path) == "emails.value"


def test_a_filter_may_hold_brackets_in_its_text():
    path = parse_path('emails[value eq "a]b[c"]', USER)
    assert path.where == Compare(path=("value",), operator=Operator.EQ, value="a]b[c", fold=True)
    assert path.sub_name is None


def test_a_filter_on_a_single_complex_attribute_of_an_extension():
    path = parse_path(f'{ENTERPRISE}:manager[value eq "1"]', USER)
    assert (path.extension, path.name) == (ENTERPRISE, "manager")
    assert str(path) == f"{ENTERPRISE}:manager"


def test_a_filter_on_an_attribute_of_an_unknown_extension():
    path = parse_path('urn:acme:2.0:User:cars[plate eq "B-1"].colour', USER)
    assert path.where == Compare(path=("plate",), operator=Operator.EQ, value="B-1", fold=True)
    assert path.names == ("urn:acme:2.0:User", "cars", "colour")


@pytest.mark.parametrize(
    "text",
    [
        *("", " active", "departmnt", "name.first", "title.value", "emails.value.x", "active]"),
        *('emails[type eq "work"', 'emails]type eq "work"[', 'emails[type eq "work"]value'),
        *('emails[type eq "work"].', 'emails[type eq "work"].nothing', 'emails[type eq "work"].value.x'),
        *('title[value eq "x"]', 'emails.value[value eq "x"]', f'{ENTERPRISE}[department eq "x"]'),
        *(f"{ENTERPRISE}.department", ENTERPRISE.rpartition(":")[0]),
        *("urn:ietf:params:scim:schemas:core:2.0:Group:displayName", "x" * 10_001),
        *('urn:acme:2.0:User[badge eq "x"]', 'urn:acme:2.0:User:car.plate[x eq "y"]'),
        'urn:acme:2.0:User:cars[plate eq "x"].1',
        f'emails[value eq "{"x" * 10_000}"]',
    ],
)
def test_a_path_that_points_at_nothing_is_refused(text: str):
    with pytest.raises(InvalidPath) as refusal:
        parse_path(text, USER)
    assert refusal.value.about["path"] == (text if len(text) < 200 else f"{text[:200]}…")
    assert len(refusal.value.detail) < 400


@pytest.mark.parametrize("text", ["emails[]", "emails[type]", 'emails[typ eq "work"]', 'emails[type eq "work"] or [x]'])
def test_a_filter_in_a_path_is_checked_as_a_filter(text: str):
    with pytest.raises(InvalidFilter):
        parse_path(text, USER)


def test_the_nearest_name_is_offered():
    with pytest.raises(InvalidPath, match=r"Did you mean displayName\?"):
        parse_path("displyname", GROUP)


@pytest.mark.parametrize("text", ["password", "PASSWORD", f"{USER_SCHEMA.uri}:password"])
def test_a_password_is_refused_with_the_reason(text: str):
    with pytest.raises(InvalidPath, match="keeps no passwords"):
        parse_path(text, USER)
