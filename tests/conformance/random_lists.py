"""Which lists can a client ask for: filtered, sorted, in pages, in part?"""

from dataclasses import replace
from urllib.parse import urlencode

from tests.conformance.random_requests import DEPARTMENTS, FAMILIES, GIVEN, TITLES, TYPES, Request, World
from tests.conformance.scim_client import ENTERPRISE, USER

EMAIL_PARTS = (
    'type eq "work"',
    "primary eq true",
    'value co "ADA"',
    'type eq "work" and value ew "example"',
    "type pr",
)


def literal(text: str) -> str:
    """Write a text as a filter has it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def comparison(world: World, *, alone: bool = False) -> str:
    """Draw one comparison of a user that is right by grammar and type; of those that need explanation only `alone`."""
    word = world.one_of("eq", "ne", "co", "sw", "ew", "EQ", "Co")
    ordered = world.one_of("gt", "ge", "lt", "le")
    options = (
        f"userName {word} {literal(world.one_of(*(world.users or ['x'])) + '@example.com')}",
        f"userName {world.one_of('sw', 'co')} {literal('USER')}",
        f"title {word} {literal(world.one_of(*TITLES))}",
        f"name.familyName {word} {literal(world.one_of(*FAMILIES))}",
        f"name.givenName {word} {literal(world.one_of(*GIVEN)[:2])}",
        f"displayName {ordered} {literal(world.one_of('a', 'M', 'z'))}",
        f"userName {ordered} {literal('user5')}",
        f"externalId {world.one_of('eq', 'ne', 'sw')} {literal('ext-' + world.user())}",
        f"externalId eq {literal('EXT-' + world.user())}",
        f"active {world.one_of('eq', 'ne')} {world.one_of('true', 'false')}",
        f"{world.one_of('title', 'emails', 'name', 'active', 'name.familyName', 'emails.type', 'id')} pr",
        f"{ENTERPRISE if alone else 'roles'} pr",
        f"emails.value {world.one_of('eq', 'co', 'sw', 'EW')} {literal('ada@work.example')}",
        f"emails.type {world.one_of('eq', 'ne') if alone else 'eq'} {literal(world.one_of(*TYPES))}",
        f"emails[{world.one_of(*EMAIL_PARTS)}]",
        f"{ENTERPRISE}:department {word} {literal(world.one_of(*DEPARTMENTS))}",
        f"{USER}:userName sw {literal('user')}",
        f"{USER}:name.familyName eq {literal(world.one_of(*FAMILIES))}",
        f"USERNAME eq {literal(world.user() + '@example.com')}",
        f"meta.resourceType eq {literal(world.one_of('User', 'Group', 'user'))}",
        f"meta.created {ordered} {literal(world.one_of('2020-01-01T00:00:00Z', '2999-01-01T00:00:00+02:00'))}",
        f"roles.value eq {literal('clerk')}",
        f"addresses.country eq {literal('dk')}",
        f"schemas eq {literal(ENTERPRISE)}",
    )
    return world.random.choice(options)


def condition(world: World, depth: int = 2) -> str:
    """Draw a filter that is right by grammar and type."""
    kind = world.random.random()
    if depth == 0 or kind < 0.5:
        return comparison(world)
    if kind < 0.85:
        word = world.one_of("and", "or", "AND", "Or")
        return f"{condition(world, depth - 1)} {word} {condition(world, depth - 1)}"
    if kind < 0.95:
        return f"not ({condition(world, depth - 1)})"
    return f"({condition(world, depth - 1)})"


WRONG_FILTERS = {
    "ends early": "userName eq",
    "no operator": "userName",
    "unknown operator": 'userName like "x"',
    "bracket left open": '(userName eq "x"',
    "bracket too many": 'userName eq "x")',
    "value bracket left open": 'emails[type eq "work"',
    "quote left open": 'userName eq "x',
    "single quotes": "userName eq 'x'",
    "bare word": "userName eq x",
    "and without a right side": 'userName eq "x" and',
    "or without a left side": 'or userName eq "x"',
    "two filters": 'userName eq "x" userName eq "y"',
    "not without brackets": 'not userName eq "x"',
    "only brackets": "()",
    "unknown attribute": 'shoeSize eq "43"',
    "unknown sub-attribute": 'name.shoeSize eq "43"',
    "boolean against a text": 'active eq "yes"',
    "boolean by greater": "active gt false",
    "boolean within": 'active co "tru"',
    "text against a number": "userName eq 7",
    "text against a boolean": "userName eq true",
    "time that is none": 'meta.created gt "yesterday"',
    "time against a number": "meta.created gt 7",
    "complex as a whole": 'name eq "Ada"',
    "eq null": "title eq null",
    "ne null": "title ne null",
    "gt null": "title gt null",
    "pr with a value": 'title pr "x"',
    "boolean as text": 'active eq "true"',
    "boolean in capitals": "active eq TRUE",
    "number with leading zero": "userName eq 007",
    "bad escape": 'userName eq "\\x"',
    "password": 'password eq "x"',
    "only spaces": "   ",
    "attribute begins with a digit": '9x eq "x"',
    "double dot": 'name..familyName eq "x"',
    "multi-valued as a whole": 'emails eq "ada@work.example"',
    "sub-attribute after brackets": 'emails[type eq "work"].value eq "ada@work.example"',
    "brackets after a single value": 'name[familyName eq "Novak"]',
    "brackets on a text": 'userName[value eq "x"]',
    "value brackets within value brackets": 'emails[type[value eq "x"]]',
}


def filter_users(world: World) -> Request:
    text = condition(world)
    return _list("filter users", {"filter": text, "count": 100})


def filter_users_by_one(world: World) -> Request:
    text = comparison(world, alone=True)
    first = text.split("[")[0].split()[0].rpartition(":")[2] if not text.startswith(f"{ENTERPRISE} ") else "extension"
    return _list(f"filter users by {first.lower()}", {"filter": text, "count": 100})


def filter_wrongly(world: World) -> Request:
    label = world.random.choice(list(WRONG_FILTERS))
    return _list(f"filter: {label}", {"filter": WRONG_FILTERS[label]})


def filter_groups(world: World) -> Request:
    label, text = world.one_of(
        ("displayName", f"displayName {world.one_of('eq', 'sw', 'ne')} {literal(world.group().upper())}"),
        ("members", f"members eq {literal('{' + world.user() + '}')}"),
        ("members.value", f"members.value eq {literal('{' + world.user() + '}')}"),
        ("members in brackets", f"members[value eq {literal('{' + world.user() + '}')}]"),
        ("members pr", "members pr"),
        ("not members pr", "not (members pr)"),
        ("id and members", f'id eq "{{{world.group()}}}" and members.value eq "{{{world.user()}}}"'),
        ("externalId", "externalId pr"),
    )
    parameters = {"filter": text} | world.one_of({}, {"excludedAttributes": "members"}, {"attributes": "displayName"})
    return Request(shape=f"filter groups: {label}", method="GET", path=f"/Groups?{_query(parameters)}")


def page_of_users(world: World) -> Request:
    start = world.one_of("1", "2", "3", "100", "0", "-3")
    count = world.one_of("0", "1", "2", "1000", "-1")
    order = world.one_of("ascending", "descending", "")
    parameters = {"sortBy": world.one_of("userName", "USERNAME", f"{USER}:userName"), "startIndex": start}
    parameters |= {"count": count} if world.random.random() < 0.8 else {}
    parameters |= {"sortOrder": order} if order else {}
    return replace(_list("page of users in order", parameters), sorted_by="userName")


def sort_users(world: World) -> Request:
    by = world.one_of("title", "name.familyName", "displayName", "active", "emails", "emails.value", "externalId",
                      "meta.created", f"{ENTERPRISE}:department")  # fmt: skip
    order = world.one_of("ascending", "descending")
    request = _list(f"sort users by {by.rpartition(':')[2]}", {"sortBy": by, "sortOrder": order})
    return replace(request, sorted_by=by)


def list_oddly(world: World) -> Request:
    label, parameters = world.one_of(
        ("count is a word", {"count": "many"}),
        ("count is a fraction", {"count": "1.5"}),
        ("count empty", {"count": ""}),
        ("startIndex is a word", {"startIndex": "first"}),
        ("sortBy names a stranger", {"sortBy": "shoeSize"}),
        ("sortBy names a complex attribute", {"sortBy": "name"}),
        ("sortOrder is a word", {"sortBy": "userName", "sortOrder": "sideways"}),
        ("sortOrder alone", {"sortOrder": "descending"}),
        ("filter empty", {"filter": ""}),
        ("attributes and excludedAttributes", {"attributes": "userName", "excludedAttributes": "title"}),
        ("unknown parameter", {"colour": "green"}),
        ("parameter in other case", {"COUNT": "1"}),
    )
    return _list(f"list: {label}", parameters)


def list_in_part(world: World) -> Request:
    kind = world.one_of("attributes", "excludedAttributes")
    names = world.one_of("userName", "name.familyName", "emails", "emails.type", "userName,active", "id,title", "meta")
    return _list(f"list users: {kind}", {kind: names})


def _list(shape: str, parameters: dict[str, object]) -> Request:
    return Request(shape=shape, method="GET", path=f"/Users?{_query(parameters)}")


def _query(parameters: dict[str, object]) -> str:
    return urlencode(parameters, safe="{}")
