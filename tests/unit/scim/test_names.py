import pytest

from rolecall.scim.names import is_attribute_name, is_open_uri, is_uri, resolve, spelled, suggestion, suggestion_within
from rolecall.scim.schemas import ENTERPRISE_USER_SCHEMA, GROUP, USER, USER_SCHEMA

URN = USER_SCHEMA.uri
ENTERPRISE = ENTERPRISE_USER_SCHEMA.uri


@pytest.mark.parametrize("name", ["userName", "$ref", "a-b_1"])
def test_attribute_names(name: str):
    assert is_attribute_name(name)


@pytest.mark.parametrize("name", ["", "1a", "a.b", "a b", "ä", "a:b"])
def test_what_is_no_attribute_name(name: str):
    assert not is_attribute_name(name)


@pytest.mark.parametrize("uri", ["urn:a:2.0:User", "http://schemas.example.com/2.0/Group"])
def test_uris(uri: str):
    assert is_uri(uri)


@pytest.mark.parametrize("uri", ["userName", "urn:", "urn:a b", 'urn:a"]', "urn:[a]", "urn:ä", "urn:" + "a" * 500])
def test_what_is_no_uri(uri: str):
    assert not is_uri(uri)


@pytest.mark.parametrize(
    "path, text",
    [
        (("userName",), "userName"),
        (("name", "givenName"), "name.givenName"),
        (("urn:a",), "urn:a"),
        (("urn:a", "b"), "urn:a:b"),
        (("urn:a", "b", "c"), "urn:a:b.c"),
    ],
)
def test_a_path_is_spelled_as_scim_writes_it(path: tuple[str, ...], text: str):
    assert spelled(path) == text


@pytest.mark.parametrize(
    "name, path",
    [
        ("urn:acme:2.0:User:badge", ("urn:acme:2.0:User", "badge")),
        ("urn:acme:2.0:User:car.plate", ("urn:acme:2.0:User", "car", "plate")),
        ("urn:acme:2.0:User", ("urn:acme:2.0:User",)),
        ("urn:acme:2.0", ("urn:acme:2.0",)),
        ("urn:acme", ("urn:acme",)),
        ("http://example.com/2.0/Person", ("http://example.com/2.0/Person",)),
        ("http://example.com/2.0/Person:badge", ("http://example.com/2.0/Person", "badge")),
        (f"{ENTERPRISE}Extra:badge", (f"{ENTERPRISE}Extra", "badge")),
    ],
)
def test_an_unknown_extension_ends_at_the_last_colon_or_with_the_type(name: str, path: tuple[str, ...]):
    place = resolve(name, USER)
    assert place is not None
    assert place.path == path
    assert place.extension == path[0]
    assert place.attribute is None


@pytest.mark.parametrize("name", ["departmnt", "", "a b", "name.first", f"{URN}:departmnt", f"{ENTERPRISE}:title", URN])
def test_what_means_nothing_is_not_resolved(name: str):
    assert resolve(name, USER) is None


@pytest.mark.parametrize(
    "name, hint",
    [
        ("usrname", " Did you mean userName?"),
        ("name.famlyName", " Did you mean name.familyName?"),
        ("departmnt", f" Did you mean {ENTERPRISE}:department?"),
        (f"{ENTERPRISE}:departmnt", f" Did you mean {ENTERPRISE}:department?"),
        ("qqqqqqqq", ""),
    ],
)
def test_the_nearest_name_is_suggested(name: str, hint: str):
    assert suggestion(name, USER) == hint


def test_the_nearest_sub_attribute_is_suggested():
    members = GROUP.place("members")
    assert members is not None
    assert suggestion_within("valu", members.attribute) == " Did you mean value?"
    assert suggestion_within("valu", None) == ""


@pytest.mark.parametrize(
    "uri, is_one",
    [
        ("urn:acme:2.0:User", True),
        (f"{ENTERPRISE}Extra", True),
        (ENTERPRISE.upper(), False),
        (f"{ENTERPRISE}:x", False),
        (ENTERPRISE.rpartition(":")[0], False),
        (URN, False),
        (f"{URN}Extra", False),
        ("userName", False),
    ],
)
def test_a_slip_in_a_declared_uri_is_no_new_extension(uri: str, is_one: bool):
    assert is_open_uri(uri, USER) is is_one
