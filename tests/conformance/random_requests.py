"""Which requests can a client send, well formed or not, that two servers should answer alike?

Each function that is listed in `SHAPES` draws one request of one form. `{name}` in an address or a body
stands for the id that a server gave to the resource of that name, since two servers give different ones.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import quote, urlencode

from tests.conformance.scim_client import ENTERPRISE, GROUP, PATCH_OP, USER

NOBODY = "{nobody}"
"""Stands for an id that no resource has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request. `body` is JSON, or text that is sent as it is."""

    shape: str
    method: str
    path: str
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    sorted_by: str = ""
    """The attribute by which the resources in the answer must stand in order."""
    creates: str = ""
    """How the resource will be called that comes into being if the request succeeds."""


@dataclass(slots=True, kw_only=True)
class World:
    """What exists on both servers, and the dice."""

    random: Random
    users: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    made: int = 0

    def name(self, kind: str) -> str:
        self.made += 1
        return f"{kind}{self.made}"

    def user(self) -> str:
        return self.random.choice(self.users) if self.users else NOBODY.strip("{}")

    def group(self) -> str:
        return self.random.choice(self.groups) if self.groups else NOBODY.strip("{}")

    def one_of(self, *options: Any) -> Any:
        return self.random.choice(options)


FAMILIES = ("Novak", "Sørensen", "O'Neil", "van Dijk", "NOVAK")
GIVEN = ("Ada", "Emil", "Zoë", "ada", "Łukasz")
TITLES = ("Weaver", "Vice President", "weaver", "Head of R&D", 'the "Boss"', "back\\slash")
TYPES = ("work", "home", "other", "Work")
DEPARTMENTS = ("Looms", "Engines", "looms")


def email(world: World, *, primary: bool = False) -> dict[str, Any]:
    value: dict[str, Any] = {
        "value": f"{world.one_of('ada', 'Emil', 'x.y')}@{world.one_of('work', 'home')}.example",
        "type": world.one_of(*TYPES),
    }
    return value | {"primary": True} if primary else value


def _different(values: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Keep one value of each `value`, in any case, and of each type."""
    kept: dict[str, dict[str, Any]] = {}
    for value in values:
        if value["type"].lower() not in {one["type"].lower() for one in kept.values()}:
            kept.setdefault(value["value"].lower(), value)
    return list(kept.values())


def user_body(world: World, name: str) -> dict[str, Any]:
    """Draw a user that any server accepts."""
    random = world.random
    optional: dict[str, Callable[[], Any]] = {
        "externalId": lambda: f"ext-{name}",
        "displayName": lambda: f"{random.choice(GIVEN)} {random.choice(FAMILIES)}",
        "name": lambda: {"familyName": random.choice(FAMILIES), "givenName": random.choice(GIVEN)},
        "nickName": lambda: random.choice(GIVEN),
        "title": lambda: random.choice(TITLES),
        "userType": lambda: random.choice(("Employee", "Contractor")),
        "preferredLanguage": lambda: "da, en-gb;q=0.8",
        "locale": lambda: random.choice(("da-DK", "en-US")),
        "timezone": lambda: "Europe/Copenhagen",
        "profileUrl": lambda: "https://people.example/ada",
        "active": lambda: random.choice((True, False)),
        "emails": lambda: _different([email(world, primary=True), email(world), email(world)]),
        "phoneNumbers": lambda: [{"value": "tel:+45-11-22-33", "type": random.choice(("mobile", "fax"))}],
        "addresses": lambda: [{"streetAddress": "Main 1", "locality": "Aarhus", "country": "DK", "type": "work"}],
        "roles": lambda: [{"value": random.choice(("clerk", "chief"))}],
        "entitlements": lambda: [{"value": "badge", "display": "Badge"}],
        ENTERPRISE: lambda: {"employeeNumber": name, "department": random.choice(DEPARTMENTS)},
    }
    chosen = [key for key in optional if random.random() < 0.45]
    body = {"schemas": [USER], "userName": f"{name}@Example.com", "active": True}
    body |= {key: optional[key]() for key in chosen}
    if ENTERPRISE in body:
        body["schemas"] = [USER, ENTERPRISE]
    return body


def create_user(world: World) -> Request:
    name = world.name("user")
    return Request(shape="create user", method="POST", path="/Users", body=user_body(world, name), creates=name)


def create_user_in_odd_spelling(world: World) -> Request:
    name = world.name("user")
    body = user_body(world, name)
    odd: tuple[tuple[str, dict[str, Any]], ...] = (
        ("names in other case", {"USERNAME": body.pop("userName"), "displayname": "Ada", "Title": "Weaver"}),
        ("read-only attributes", {"id": "mine", "meta": {"version": "x"}, "groups": [{"value": "g"}]}),
        ("unknown attribute", {"shoeSize": 43}),
        ("nulls and empty values", {"title": None, "nickName": "", "emails": [], "name": {}}),
        ("one value where a list belongs", {"emails": {"value": "ada@work.example", "type": "work"}}),
        ("boolean as text", {"active": "False"}),
        ("schemas names a stranger", {"schemas": [USER, "urn:example:stranger:2.0:User"]}),
        ("password", {"password": "t1meMa$heen"}),
        ("manager", {"schemas": [USER, ENTERPRISE], ENTERPRISE: {"manager": {"value": f"{{{world.user()}}}"}}}),
    )
    label, change = world.one_of(*odd)
    if "USERNAME" not in change:
        body["userName"] = odd[0][1]["USERNAME"]
    body = {key: value for key, value in body.items() if key not in {"displayName", "title"}} | change
    return Request(shape=f"create user: {label}", method="POST", path="/Users", body=body, creates=name)


def create_wrong_user(world: World) -> Request:
    name = world.name("user")
    body = user_body(world, name)
    label, change = world.one_of(
        ("no userName", {"userName": None}),
        ("empty userName", {"userName": ""}),
        ("userName is a number", {"userName": 7}),
        ("userName is a list", {"userName": ["x"]}),
        ("userName taken", {"userName": f"{world.user()}@Example.com"}),
        ("userName taken in other case", {"userName": f"{world.user()}@example.COM"}),
        ("schemas of a group", {"schemas": [GROUP]}),
        ("schemas is a text", {"schemas": USER}),
        ("schemas empty", {"schemas": []}),
        ("active is no boolean", {"active": "maybe"}),
        ("active is a number", {"active": 1}),
        ("name is a text", {"name": "Ada Novak"}),
        ("title is an object", {"title": {"x": 1}}),
        ("title is a list", {"title": ["Weaver"]}),
        ("emails is a number", {"emails": 5}),
        ("email is a number", {"emails": [5]}),
        ("two primary addresses", {"emails": [{"value": "a@b.example", "primary": True}, email(world, primary=True)]}),
        ("certificate is no base64", {"x509Certificates": [{"value": "%%%"}]}),
        ("extension is a text", {"schemas": [USER, ENTERPRISE], ENTERPRISE: "Looms"}),
    )
    return Request(shape=f"create user: {label}", method="POST", path="/Users", body=body | change, creates=name)


def send_no_resource(world: World) -> Request:
    method, path = world.one_of(
        ("POST", "/Users"),
        ("POST", "/Groups"),
        ("PUT", f"/Users/{{{world.user()}}}"),
        ("PATCH", f"/Users/{{{world.user()}}}"),
    )
    label, body, media_type = world.one_of(
        ("not JSON", "{not json", "application/scim+json"),
        ("a list", [], "application/scim+json"),
        ("a text", '"text"', "application/scim+json"),
        ("null", "null", "application/scim+json"),
        ("nothing", "", "application/scim+json"),
        ("an empty object", {}, "application/scim+json"),
        ("XML", "<user/>", "application/xml"),
        ("a form", "userName=x", "application/x-www-form-urlencoded"),
    )
    shape = f"{method} {path.split('/')[1]}: body is {label}"
    return Request(shape=shape, method=method, path=path, body=body, headers={"Content-Type": media_type})


ATTRIBUTES = (
    "userName", "displayName", "name", "name.familyName", "emails", "emails.value", "active", "meta", "meta.created",
    "id", "schemas", "externalId", "USERNAME", "title", f"{ENTERPRISE}:department", ENTERPRISE, f"{USER}:userName",
    f"{USER}:name.givenName", "addresses.locality", "roles",
)  # fmt: skip


def read_user(world: World) -> Request:
    path = f"/Users/{{{world.user()}}}"
    kind = world.one_of("whole", "attributes", "attributes", "excludedAttributes", "excludedAttributes", "odd")
    if kind == "whole":
        return Request(shape="read user", method="GET", path=path)
    if kind == "odd":
        label, query = world.one_of(
            ("attributes and excludedAttributes", {"attributes": "userName", "excludedAttributes": "title"}),
            ("attributes names a stranger", {"attributes": "shoeSize"}),
            ("excludedAttributes names a stranger", {"excludedAttributes": "shoeSize"}),
            ("attributes empty", {"attributes": ""}),
            ("attributes with spaces", {"attributes": "userName, displayName"}),
        )
        return Request(shape=f"read user: {label}", method="GET", path=f"{path}?{urlencode(query)}")
    names = world.random.sample(ATTRIBUTES, k=world.random.randint(1, 3))
    return Request(shape=f"read user: {kind}", method="GET", path=f"{path}?{kind}={quote(','.join(names))}")


def read_what_is_not_there(world: World) -> Request:
    label, method, path = world.one_of(
        ("unknown user", "GET", f"/Users/{NOBODY}"),
        ("unknown group", "GET", f"/Groups/{NOBODY}"),
        ("unknown user", "DELETE", f"/Users/{NOBODY}"),
        ("unknown group", "DELETE", f"/Groups/{NOBODY}"),
        ("unknown endpoint", "GET", "/Devices"),
        ("method not allowed", "PUT", "/Users"),
        ("method not allowed", "DELETE", "/Users"),
        ("method not allowed", "POST", f"/Users/{{{world.user()}}}"),
        ("a user among the groups", "GET", f"/Groups/{{{world.user()}}}"),
        ("deeper than anything", "GET", f"/Users/{{{world.user()}}}/emails"),
        ("unknown schema", "GET", "/Schemas/urn:example:nothing"),
        ("unknown resource type", "GET", "/ResourceTypes/Device"),
        ("filter on schemas", "GET", '/Schemas?filter=id+eq+"x"'),
        ("filter on resource types", "GET", '/ResourceTypes?filter=id+eq+"x"'),
    )
    return Request(shape=f"{method} {label}", method=method, path=path)


def put_user(world: World) -> Request:
    target = world.user()
    label, change = world.one_of(
        ("valid", {}),
        ("valid", {}),
        ("valid", {}),
        ("another id in the body", {"id": "another"}),
        ("no userName", {"userName": None}),
        ("userName taken", {"userName": f"{world.user()}@Example.com"}),
        ("userName in other case", {"userName": f"{target.upper()}@EXAMPLE.com"}),
    )
    return Request(
        shape=f"replace user: {label}",
        method="PUT",
        path=f"/Users/{{{target}}}",
        body=user_body(world, target) | change,
    )


def delete_user(world: World) -> Request:
    return Request(shape="delete user", method="DELETE", path=f"/Users/{{{world.user()}}}")


def conditional(world: World) -> Request:
    path = f"/Users/{{{world.user()}}}"
    return world.one_of(
        Request(shape="If-Match: stale", method="PUT", path=path, body=user_body(world, "cond"),
                headers={"If-Match": 'W/"stale"'}),
        Request(shape="If-Match: any", method="PATCH", path=path, headers={"If-Match": "*"},
                body=patch_body({"op": "replace", "path": "title", "value": "Weaver"})),
        Request(shape="If-Match: stale, patch", method="PATCH", path=path, headers={"If-Match": 'W/"stale"'},
                body=patch_body({"op": "replace", "path": "title", "value": "Weaver"})),
        Request(shape="If-Match: stale, delete", method="DELETE", path=path, headers={"If-Match": 'W/"stale"'}),
        Request(shape="If-None-Match: any", method="GET", path=path, headers={"If-None-Match": "*"}),
        Request(shape="If-None-Match: stale", method="GET", path=path, headers={"If-None-Match": 'W/"stale"'}),
    )  # fmt: skip


def patch_body(*operations: Any) -> dict[str, Any]:
    return {"schemas": [PATCH_OP], "Operations": list(operations)}
