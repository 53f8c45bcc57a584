import pytest

from rolecall.kernel.predicate import And, Compare, Not, Operator, Or, Present, compile_matcher
from rolecall.scim.errors import InvalidFilter, InvalidSyntax, InvalidValue
from rolecall.scim.messages import SEARCH_REQUEST
from rolecall.scim.registry import Registry
from rolecall.scim.schemas import ENTERPRISE_USER_SCHEMA, GROUP, GROUP_SCHEMA, USER
from rolecall.scim.search import parse_filter_among, parse_search, parse_sort_among

ENTERPRISE = ENTERPRISE_USER_SCHEMA.uri
BUILT_IN = Registry()
ALWAYS, NEVER = And(parts=()), Or(parts=())


def test_a_search_becomes_the_parameters_of_a_query():
    body = {
        "schemas": [SEARCH_REQUEST],
        "Attributes": ["userName", "emails.value"],
        "excludedAttributes": None,
        "filter": "userName pr",
        "sortBy": "userName",
        "sortOrder": "descending",
        "startIndex": 3,
        "count": "7",
        "cursor": "",
        "somethingElse": {"is": "ignored"},
    }
    assert parse_search(body) == {
        "attributes": "userName,emails.value",
        "filter": "userName pr",
        "sortBy": "userName",
        "sortOrder": "descending",
        "startIndex": "3",
        "count": "7",
        "cursor": "",
    }


@pytest.mark.parametrize("schemas", [None, [], [SEARCH_REQUEST.upper()], ["urn:other", SEARCH_REQUEST]])
def test_the_schema_of_a_search_may_be_left_out(schemas):
    assert parse_search({"schemas": schemas, "attributes": "id"}) == {"attributes": "id"}


@pytest.mark.parametrize("schemas", ["x", ["urn:other"], {"a": 1}, [1]])
def test_another_schema_is_refused(schemas):
    with pytest.raises(InvalidSyntax, match="SearchRequest"):
        parse_search({"schemas": schemas})


@pytest.mark.parametrize("body", [None, [], "text", 1])
def test_a_search_is_an_object(body):
    with pytest.raises(InvalidSyntax):
        parse_search(body)


@pytest.mark.parametrize(
    "name, value",
    [
        ("attributes", 1),
        ("attributes", ["a", 1]),
        ("filter", 1),
        ("cursor", ["x"]),
        ("count", True),
        ("count", 1.5),
        ("startIndex", []),
    ],
)
def test_a_parameter_of_another_type_is_refused(name: str, value):
    with pytest.raises(InvalidValue, match=name):
        parse_search({name: value})


@pytest.mark.parametrize(
    "text, for_users, for_groups",
    [
        ("userName pr", Present(path=("userName",)), NEVER),
        ("members pr", NEVER, Present(path=("members",))),
        ("not (members pr)", Not(part=NEVER), Not(part=Present(path=("members",)))),
        ("members ne null", NEVER, Compare(path=("members",), operator=Operator.NE, value=None)),
        ('members[value eq "x"]', NEVER, None),
        (f"{ENTERPRISE} pr", Present(path=(ENTERPRISE,)), NEVER),
        (f"{GROUP_SCHEMA.uri}:displayName pr", NEVER, Present(path=("displayName",))),
        ('meta.resourceType eq "user"', None, NEVER),
        ('meta.resourceType ne "User"', NEVER, ALWAYS),
        ('meta.resourceType eq "Group" or id pr', Or(parts=(NEVER, Present(path=("id",)))), None),
        ("userName pr and members pr", And(parts=(Present(path=("userName",)), NEVER)), None),
        (
            "urn:acme:2.0:Thing:x pr",
            Present(path=("urn:acme:2.0:Thing", "x")),
            Present(path=("urn:acme:2.0:Thing", "x")),
        ),
    ],
)
def test_what_only_others_have_is_absent(text: str, for_users, for_groups):
    for kind, expected in ((USER, for_users), (GROUP, for_groups)):
        if expected is not None:
            assert parse_filter_among(text, kind, BUILT_IN) == expected


def test_comparing_with_what_only_others_have_goes_by_absence():
    for text, holds in (('userName ne "x"', True), ('userName eq "x"', False), ("userName eq null", True)):
        assert compile_matcher(parse_filter_among(text, GROUP, BUILT_IN))({}) is holds


@pytest.mark.parametrize("kind", [USER, GROUP])
@pytest.mark.parametrize("text", ["usrName pr", "active co true", "members[nothing pr]"])
def test_what_no_kind_has_is_refused(text: str, kind):
    with pytest.raises(InvalidFilter):
        parse_filter_among(text, kind, BUILT_IN)


def test_sorting_by_what_only_others_have_leaves_the_order():
    assert parse_sort_among("userName", "descending", USER, BUILT_IN) == (("userName",), True)
    assert parse_sort_among("userName", "descending", GROUP, BUILT_IN) == (None, False)
    assert parse_sort_among(f"{ENTERPRISE}:manager", None, GROUP, BUILT_IN) == (None, False)
    assert parse_sort_among(None, None, GROUP, BUILT_IN) == (None, False)
    with pytest.raises(InvalidValue):
        parse_sort_among("usrName", None, GROUP, BUILT_IN)
