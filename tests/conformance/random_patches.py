"""Which changes can a client ask for with PATCH, of users and of groups?"""

from tests.conformance.random_requests import FAMILIES, GIVEN, NOBODY, TITLES, Request, World, email, patch_body
from tests.conformance.scim_client import ENTERPRISE, GROUP, PATCH_OP, USER

Operation = dict[str, object]
UNSETTLED = frozenset({
    "a value", "a primary value", "one value, no list", "without a path, many-valued", "in all values",
    "in the values selected", "the values selected", "in the values selected by two", "a part of the values selected",
})  # fmt: skip
"""What servers may do differently, so that it is looked at one at a time."""


def user_operation(world: World) -> tuple[str, Operation]:
    """Draw one operation on a user that the RFC describes, with its form."""
    title, family = world.one_of(*TITLES), world.one_of(*FAMILIES)
    word = world.one_of("add", "replace")
    return world.one_of(
        (f"{word} a text", {"op": word, "path": "title", "value": title}),
        (f"{word} a part", {"op": word, "path": "name.familyName", "value": family}),
        (f"{word} a complex value", {"op": word, "path": "name", "value": {"givenName": world.one_of(*GIVEN)}}),
        (f"{word} a boolean", {"op": word, "path": "active", "value": world.one_of(True, False)}),
        (f"{word} without a path", {"op": word, "value": {"title": title, "name": {"familyName": family}}}),
        (f"{word} without a path, many-valued", {"op": word, "value": {"emails": [email(world)]}}),
        (f"{word} by URN", {"op": word, "path": f"{USER}:title", "value": title}),
        (f"{word} in the extension", {"op": word, "path": f"{ENTERPRISE}:department", "value": "Looms"}),
        (f"{word} the extension without a path", {"op": word, "value": {ENTERPRISE: {"division": "North"}}}),
        (f"{word} in other case", {"op": word, "path": "TITLE", "value": title}),
        ("add a value", {"op": "add", "path": "emails", "value": [email(world)]}),
        ("add a value that is there", {"op": "add", "path": "roles", "value": [{"value": "clerk"}]}),
        ("add a primary value", {"op": "add", "path": "emails", "value": [email(world, primary=True)]}),
        ("add one value, no list", {"op": "add", "path": "emails", "value": email(world)}),
        ("replace all values", {"op": "replace", "path": "emails", "value": [email(world)]}),
        ("replace by an empty list", {"op": "replace", "path": "emails", "value": []}),
        ("replace in the values selected",
         {"op": "replace", "path": 'emails[type eq "work"].value', "value": "new@work.example"}),
        ("replace the values selected",
         {"op": "replace", "path": 'emails[type eq "work"]', "value": {"value": "n@work.example", "type": "work"}}),
        ("replace in all values", {"op": "replace", "path": "addresses.country", "value": "SE"}),
        ("replace in the values selected by two",
         {"op": "replace", "path": 'emails[type eq "home" and primary eq true].display', "value": "D"}),
        ("add in the values selected", {"op": "add", "path": 'emails[type eq "work"].display', "value": "D"}),
        ("remove a text", {"op": "remove", "path": "title"}),
        ("remove a part", {"op": "remove", "path": "name.familyName"}),
        ("remove a complex value", {"op": "remove", "path": "name"}),
        ("remove all values", {"op": "remove", "path": "emails"}),
        ("remove the values selected", {"op": "remove", "path": 'emails[type eq "work"]'}),
        ("remove a part of the values selected", {"op": "remove", "path": 'emails[type eq "work"].display'}),
        ("remove in the extension", {"op": "remove", "path": f"{ENTERPRISE}:department"}),
        ("remove the extension", {"op": "remove", "path": ENTERPRISE}),
    )  # fmt: skip


def patch_user(world: World) -> Request:
    label, operation = user_operation(world)
    path = f"/Users/{{{world.user()}}}"
    return Request(shape=f"patch user: {label}", method="PATCH", path=path, body=patch_body(operation))


def patch_user_with_several(world: World) -> Request:
    drawn = [user_operation(world) for _ in range(world.random.randint(2, 4))]
    settled = [operation for label, operation in drawn if label.partition(" ")[2] not in UNSETTLED]
    path = f"/Users/{{{world.user()}}}"
    return Request(
        shape="patch user: several operations",
        method="PATCH",
        path=path,
        body=patch_body(*(settled or [{"op": "remove", "path": "title"}])),
    )


ODD_OPERATIONS: dict[str, object] = {
    "capital op": {"op": "Replace", "path": "title", "value": "Weaver"},
    "unknown op": {"op": "move", "path": "title", "value": "x"},
    "no op": {"path": "title", "value": "x"},
    "remove without a path": {"op": "remove"},
    "add without a value": {"op": "add", "path": "title"},
    "replace without a value": {"op": "replace", "path": "title"},
    "replace by null": {"op": "replace", "path": "title", "value": None},
    "replace by an empty text": {"op": "replace", "path": "title", "value": ""},
    "add null": {"op": "add", "path": "title", "value": None},
    "remove userName": {"op": "remove", "path": "userName"},
    "replace userName by null": {"op": "replace", "path": "userName", "value": None},
    "remove active": {"op": "remove", "path": "active"},
    "change id": {"op": "replace", "path": "id", "value": "x"},
    "change meta": {"op": "replace", "path": "meta.created", "value": "2020-01-01T00:00:00Z"},
    "change groups": {"op": "add", "path": "groups", "value": [{"value": "x"}]},
    "change schemas": {"op": "add", "path": "schemas", "value": ["urn:example:x"]},
    "unknown path": {"op": "replace", "path": "shoeSize", "value": 43},
    "unknown sub-attribute": {"op": "replace", "path": "name.shoeSize", "value": "43"},
    "unknown attribute without a path": {"op": "replace", "value": {"shoeSize": 43}},
    "path of a stranger's schema": {"op": "add", "path": "urn:example:stranger:2.0:User:x", "value": "y"},
    "path is a number": {"op": "replace", "path": 7, "value": "x"},
    "path is empty": {"op": "replace", "path": "", "value": {"title": "Weaver"}},
    "path bracket left open": {"op": "replace", "path": 'emails[type eq "work"', "value": "x"},
    "path with a wrong filter": {"op": "replace", "path": "emails[type like].value", "value": "x"},
    "path selects on a text": {"op": "replace", "path": 'title[value eq "x"]', "value": "x"},
    "path selects by a stranger": {"op": "replace", "path": 'emails[shoeSize eq "x"].value', "value": "x"},
    "replace where nothing matches": {"op": "replace", "path": 'emails[type eq "nowhere"].value', "value": "x@y.z"},
    "add where nothing matches": {"op": "add", "path": 'emails[type eq "nowhere"].value', "value": "x@y.z"},
    "remove where nothing matches": {"op": "remove", "path": 'emails[type eq "nowhere"]'},
    "text for a boolean": {"op": "replace", "path": "active", "value": "False"},
    "word for a boolean": {"op": "replace", "path": "active", "value": "maybe"},
    "number for a text": {"op": "replace", "path": "title", "value": 7},
    "object for a text": {"op": "replace", "path": "title", "value": {"x": 1}},
    "text for a complex value": {"op": "replace", "path": "name", "value": "Ada"},
    "text without a path": {"op": "replace", "value": "Ada"},
    "dotted name without a path": {"op": "replace", "value": {"name.givenName": "Ada"}},
    "URN name without a path": {"op": "replace", "value": {f"{ENTERPRISE}:department": "Looms"}},
    "remove with a list of values": {"op": "remove", "path": "roles", "value": [{"value": "clerk"}]},
    "manager as a text": {"op": "add", "path": f"{ENTERPRISE}:manager", "value": "someone"},
    "password": {"op": "replace", "path": "password", "value": "x"},
    "operation is a text": "replace",
    "the whole extension as a path": {"op": "add", "path": ENTERPRISE, "value": {"division": "North"}},
    "two primary addresses": {"op": "replace", "path": "emails", "value": [
        {"value": "a@b.c", "primary": True}, {"value": "d@e.f", "primary": True}]},
}  # fmt: skip


def patch_user_oddly(world: World) -> Request:
    label = world.random.choice(list(ODD_OPERATIONS))
    path = f"/Users/{{{world.user()}}}"
    return Request(shape=f"patch user: {label}", method="PATCH", path=path, body=patch_body(ODD_OPERATIONS[label]))


def patch_with_odd_envelope(world: World) -> Request:
    title = {"op": "replace", "path": "title", "value": "Weaver"}
    label, body = world.one_of(
        ("no schemas", {"Operations": [title]}),
        ("wrong schemas", {"schemas": [USER], "Operations": [title]}),
        ("no operations", {"schemas": [PATCH_OP]}),
        ("empty operations", {"schemas": [PATCH_OP], "Operations": []}),
        ("operations is an object", {"schemas": [PATCH_OP], "Operations": title}),
        ("lower-case operations", {"schemas": [PATCH_OP], "operations": [title]}),
        ("second operation fails", patch_body(title, {"op": "replace", "path": "shoeSize", "value": 1})),
        ("unknown user", patch_body(title)),
    )
    path = f"/Users/{NOBODY}" if label == "unknown user" else f"/Users/{{{world.user()}}}"
    return Request(shape=f"patch: {label}", method="PATCH", path=path, body=body)


def member(world: World, name: str | None = None) -> dict[str, object]:
    return {"value": f"{{{name or world.user()}}}"}


def create_group(world: World) -> Request:
    name = world.name("group")
    body: dict[str, object] = {"schemas": [GROUP], "displayName": name}
    taken = world.group()
    label, change = world.one_of(
        ("no members", {}),
        ("members", {"members": [member(world, one) for one in dict.fromkeys([world.user(), world.user()])]}),
        ("members", {"members": [member(world)], "externalId": f"ext-{name}"}),
        ("empty members", {"members": []}),
        ("a member twice", {"members": [member(world, (world.users or ["nobody"])[0])] * 2}),
        ("a group as a member", {"members": [member(world, taken)]}),
        ("an unknown member", {"members": [{"value": NOBODY}]}),
        ("a member with type and display", {"members": [member(world) | {"type": "User", "display": "Someone"}]}),
        ("no displayName", {"displayName": None}),
        ("displayName is a number", {"displayName": 7}),
        ("displayName taken", {"displayName": taken}),
        ("members is a text", {"members": "x"}),
        ("a member without value", {"members": [{"display": "x"}]}),
        ("a member as a text", {"members": [f"{{{world.user()}}}"]}),
    )
    return Request(shape=f"create group: {label}", method="POST", path="/Groups", body=body | change, creates=name)


def read_group(world: World) -> Request:
    path = f"/Groups/{{{world.group()}}}"
    label, query = world.one_of(
        ("whole", ""), ("excludedAttributes=members", "?excludedAttributes=members"),
        ("attributes=members", "?attributes=members"), ("attributes=displayName", "?attributes=displayName"),
        ("attributes=members.value", "?attributes=members.value"),
    )  # fmt: skip
    return Request(shape=f"read group: {label}", method="GET", path=path + query)


def patch_group(world: World) -> Request:
    who = member(world)
    others = [member(world, one) for one in dict.fromkeys([world.user(), world.user()])]
    label, operation = world.one_of(
        ("add a member", {"op": "add", "path": "members", "value": [who]}),
        ("add members", {"op": "add", "path": "members", "value": others}),
        ("add members without a path", {"op": "add", "value": {"members": [who]}}),
        ("remove one by value", {"op": "remove", "path": f'members[value eq "{who["value"]}"]'}),
        ("remove by a list of values", {"op": "remove", "path": "members", "value": [who]}),
        ("remove all", {"op": "remove", "path": "members"}),
        ("replace all", {"op": "replace", "path": "members", "value": others}),
        ("replace by none", {"op": "replace", "path": "members", "value": []}),
        ("rename", {"op": "replace", "path": "displayName", "value": world.name("renamed")}),
        ("rename without a path", {"op": "replace", "value": {"displayName": world.name("renamed")}}),
        ("rename to a name taken", {"op": "replace", "path": "displayName", "value": world.group()}),
        ("remove displayName", {"op": "remove", "path": "displayName"}),
        ("add an unknown member", {"op": "add", "path": "members", "value": [{"value": NOBODY}]}),
        ("add a group", {"op": "add", "path": "members", "value": [member(world, world.group())]}),
        ("change a member", {"op": "replace", "path": f'members[value eq "{who["value"]}"].value', "value": "x"}),
        ("remove by $ref null", {"op": "add", "path": "members", "value": [who | {"$ref": None}]}),
        ("members null without a path", {"op": "replace", "value": {"members": None, "externalId": "e"}}),
    )
    path = f"/Groups/{{{world.group()}}}"
    return Request(shape=f"patch group: {label}", method="PATCH", path=path, body=patch_body(operation))


def put_group(world: World) -> Request:
    target = world.group()
    label, change = world.one_of(
        ("valid", {"members": [member(world)]}),
        ("without members", {}),
        ("no displayName", {"displayName": None}),
    )
    body = {"schemas": [GROUP], "displayName": target} | change
    return Request(shape=f"replace group: {label}", method="PUT", path=f"/Groups/{{{target}}}", body=body)


def delete_group(world: World) -> Request:
    return Request(shape="delete group", method="DELETE", path=f"/Groups/{{{world.group()}}}")
