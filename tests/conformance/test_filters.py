"""Does a filter select what RFC 7644 §3.4.2.2 says?"""

from collections.abc import Iterator

import httpx2
import pytest

from tests.conformance.scim_client import ENTERPRISE, ScimClient, fresh, refused, values
from tests.make.served import Served

Population = tuple[ScimClient, str]

PEOPLE = {
    "ada": {
        "externalId": "EXT-ada",
        "displayName": "Ada Lovelace",
        "title": "Analyst",
        "active": True,
        "name": {"givenName": "Ada", "familyName": "Lovelace"},
        "emails": [
            {"type": "work", "value": "ada@work.example", "primary": True},
            {"type": "home", "value": "ada@home.example"},
        ],
        ENTERPRISE: {"department": "Engines", "employeeNumber": "701"},
    },
    "bob": {
        "externalId": "ext-BOB",
        "displayName": 'Bob O\'Neil "the second"',
        "active": False,
        "name": {"givenName": "Bob", "familyName": "O'Neil"},
        "emails": [{"type": "home", "value": "bob@work.example"}],
        ENTERPRISE: {"department": "Looms", "employeeNumber": "88"},
    },
    "zoe": {
        "externalId": "EXT-zoe",
        "displayName": "Zoë Ångström",
        "title": "",
        "name": {"givenName": "Zoë", "familyName": "Ångström"},
        "emails": [{"type": "work", "value": "zoe+news@work.example"}],
        "phoneNumbers": [{"type": "mobile", "value": "tel:+46-8-1234"}],
    },
}


@pytest.fixture(scope="module")
def population(served: Served) -> Iterator[Population]:
    mark = fresh("filters")
    with served.client() as http:
        scim = ScimClient(http)
        for name, attributes in PEOPLE.items():
            scim.create_user(f"{name}@{mark}", **attributes)
        yield scim, mark


def who(population: Population, condition: str) -> set[str]:
    scim, mark = population
    found = scim.search("/Users", f'userName ew "@{mark}" and ({condition})')
    return {user["userName"].split("@")[0] for user in found}


@pytest.mark.parametrize(
    "condition, expected",
    [
        pytest.param('displayName eq "Ada Lovelace"', {"ada"}, id="eq"),
        pytest.param('displayName ne "Ada Lovelace"', {"bob", "zoe"}, id="ne"),
        pytest.param('displayName co "ove"', {"ada"}, id="co"),
        pytest.param('displayName sw "Bob"', {"bob"}, id="sw"),
        pytest.param('displayName ew "lace"', {"ada"}, id="ew"),
        pytest.param('displayName gt "Bob"', {"bob", "zoe"}, id="gt"),
        pytest.param('displayName ge "Ada Lovelace" and displayName le "Ada Lovelace"', {"ada"}, id="ge-and-le"),
        pytest.param('displayName lt "Bob"', {"ada"}, id="lt"),
        pytest.param("title pr", {"ada"}, id="pr-does-not-count-an-empty-text"),
        pytest.param("not (title pr)", {"bob", "zoe"}, id="not"),
        pytest.param("title eq null", {"bob", "zoe"}, id="eq-null-means-absent"),
        pytest.param("phoneNumbers pr", {"zoe"}, id="pr-of-a-multi-valued-attribute"),
    ],
)
def test_each_operator_selects_what_its_definition_says(population, condition, expected):
    assert who(population, condition) == expected


@pytest.mark.parametrize(
    "condition, expected",
    [
        ('displayName eq "ada lovelace"', {"ada"}),
        ('DISPLAYNAME EQ "ADA LOVELACE"', {"ada"}),
        ('name.familyName sw "ång"', {"zoe"}),
        ('externalId eq "EXT-ada"', {"ada"}),
        ('externalId eq "ext-ada"', set()),
        ('externalId sw "ext-"', {"bob"}),
    ],
)
def test_the_schema_says_whether_letters_case_matters(population, condition, expected):
    assert who(population, condition) == expected


@pytest.mark.parametrize(
    "condition, expected",
    [
        ('name.givenName eq "Ada" or name.givenName eq "Bob" and active eq true', {"ada"}),
        ('(name.givenName eq "Ada" or name.givenName eq "Bob") and active eq false', {"bob"}),
        ('not (name.givenName eq "Ada") and not (name.givenName eq "Bob")', {"zoe"}),
        ('not (name.givenName eq "Ada" or name.givenName eq "Bob")', {"zoe"}),
        ('name.givenName eq "Ada" or name.givenName eq "Bob" or name.givenName eq "Zoë"', {"ada", "bob", "zoe"}),
    ],
)
def test_not_binds_before_and_and_before_or(population, condition, expected):
    assert who(population, condition) == expected


@pytest.mark.parametrize(
    "condition, expected",
    [
        ('emails[type eq "work" and value co "ada"]', {"ada"}),
        ('emails[type eq "work" and value eq "bob@work.example"]', set()),
        ('emails.type eq "work" and emails.value eq "bob@work.example"', set()),
        ('emails[type eq "home" or value co "+news"]', {"ada", "bob", "zoe"}),
        ('emails[not (type eq "work")]', {"ada", "bob"}),
        ("emails[primary eq true]", {"ada"}),
        ('emails[type eq "work"] and active eq true', {"ada", "zoe"}),
    ],
)
def test_a_value_filter_asks_one_single_value_for_everything(population, condition, expected):
    assert who(population, condition) == expected


@pytest.mark.parametrize(
    "condition, expected",
    [
        ('emails.value eq "zoe+news@work.example"', {"zoe"}),
        ('emails eq "bob@work.example"', {"bob"}),
        ('emails co "@work.example"', {"ada", "bob", "zoe"}),
    ],
)
def test_a_multi_valued_attribute_is_matched_by_any_of_its_values(population, condition, expected):
    assert who(population, condition) == expected


@pytest.mark.parametrize(
    "condition, expected",
    [
        (f'{ENTERPRISE}:department eq "engines"', {"ada"}),
        (f'{ENTERPRISE.upper()}:department eq "Engines"', {"ada"}),
        (f"{ENTERPRISE}:employeeNumber pr", {"ada", "bob"}),
        ('urn:ietf:params:scim:schemas:core:2.0:User:displayName sw "Bob"', {"bob"}),
    ],
)
def test_attributes_can_be_named_in_full_with_their_schema(population, condition, expected):
    assert who(population, condition) == expected


def test_booleans_are_compared_as_booleans(population):
    assert who(population, "active eq false") == {"bob"}
    assert who(population, "active ne false") == {"ada", "zoe"}


def test_texts_may_contain_escaped_quotes_backslashes_and_code_points(population):
    assert who(population, r"""displayName eq "Bob O'Neil \"the second\"" """) == {"bob"}
    assert who(population, r'displayName sw "Zo\u00eb"') == {"zoe"}


def test_texts_are_compared_after_unicode_normalisation(population):
    decomposed = "Zoe\u0308 A\u030angstro\u0308m"
    assert who(population, f'displayName eq "{decomposed}"') == {"zoe"}


def test_wildcards_of_the_database_mean_nothing_in_a_filter(population):
    assert who(population, 'displayName co "%"') == set()
    assert who(population, 'displayName co "A_a"') == set()


def test_a_plus_sign_in_a_query_string_is_a_space_and_its_code_is_a_plus(population):
    scim, mark = population
    answer = scim.read(f"/Users?filter=userName+ew+%22@{mark}%22+and+emails.value+eq+%22zoe%2Bnews@work.example%22")
    assert [user["userName"] for user in answer["Resources"]] == [f"zoe@{mark}"]


def test_instants_are_compared_as_instants_whatever_their_spelling(scim):
    user = scim.create_user()
    created = user["meta"]["created"]
    elsewhere = created.replace("Z", "+00:00")
    mine = f'id eq "{user["id"]}" and '
    assert len(scim.search("/Users", f'{mine}meta.created eq "{elsewhere}"')) == 1
    assert len(scim.search("/Users", f'{mine}meta.created ge "{created}"')) == 1
    assert len(scim.search("/Users", f'{mine}meta.created gt "{created}"')) == 0
    assert len(scim.search("/Users", f'{mine}meta.lastModified gt "2011-05-13T04:42:34Z"')) == 1
    assert len(scim.search("/Users", f'{mine}meta.lastModified lt "2011-05-13T04:42:34Z"')) == 0


def test_groups_are_found_by_name_id_and_member(scim):
    user, other = scim.create_user(), scim.create_user()
    group = scim.create_group(members=[user["id"]])
    by_name = f'displayName eq "{group["displayName"].upper()}"'
    for condition in (
        by_name,
        f'members.value eq "{user["id"]}"',
        f'members eq "{user["id"]}"',
        f'members[value eq "{user["id"]}"]',
        f'id eq "{group["id"]}" and members eq "{user["id"]}"',
    ):
        assert values(scim.search("/Groups", condition), "id") == {group["id"]}, condition
    assert scim.search("/Groups", f'id eq "{group["id"]}" and members eq "{other["id"]}"') == []


def test_users_are_found_by_the_group_they_are_in(scim):
    user = scim.create_user()
    group = scim.create_group(members=[user["id"]])
    assert values(scim.search("/Users", f'groups.value eq "{group["id"]}"'), "id") == {user["id"]}


def test_nothing_that_matches_is_an_empty_list_and_not_an_error(scim):
    answer = scim.page("/Users", filter='userName eq "nobody@nowhere.example"')
    assert (answer["totalResults"], answer["Resources"]) == (0, [])


@pytest.mark.parametrize(
    "condition",
    [
        "userName",
        "userName eq",
        "userName eq Anna",
        'userName like "a"',
        'userName eq "a',
        'userName eq "a" and',
        'userName eq "a" or or userName eq "b"',
        '(userName eq "a"',
        'userName eq "a")',
        'emails[type eq "work"',
        'not userName eq "a"',
        'eq "a"',
        "[]",
        'userName eq "a" userName eq "b"',
        'usrName eq "a"',
        "userName eq 7",
        "active gt true",
        'active eq "perhaps"',
        'meta.created gt "yesterday"',
        r'userName eq "\x"',
        'name eq "Ada"',
    ],
)
def test_a_filter_that_makes_no_sense_is_refused_as_invalid_filter(scim, condition):
    response = scim.get(f"/Users?{_query(condition)}")
    assert refused(response, 400, "invalidFilter")


def test_the_refusal_of_a_filter_shows_the_place(scim):
    condition = 'userName eq "a" and usrName eq "b"'
    detail = refused(scim.get(f"/Users?{_query(condition)}"), 400, "invalidFilter")
    assert "usrName" in detail
    assert "userName" in detail


@pytest.mark.parametrize(
    "condition",
    [
        pytest.param("(" * 5000 + 'userName eq "a"' + ")" * 5000, id="parentheses"),
        pytest.param(" and ".join(['userName eq "a"'] * 2000), id="comparisons"),
        pytest.param("not (" * 500 + 'userName eq "a"' + ")" * 500, id="negations"),
        pytest.param(f'userName eq "{"a" * 20_000}"', id="length"),
    ],
)
def test_an_excessive_filter_is_refused_and_the_server_goes_on(scim, condition):
    # A server may refuse the request line itself when it is longer than it reads.
    response = scim.get(f"/Users?{_query(condition)}")
    assert response.status_code in {400, 414}, response.text
    assert scim.page("/Users", count=0)["Resources"] == []


def _query(condition):
    return str(httpx2.QueryParams(filter=condition))
