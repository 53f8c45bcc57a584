"""What can be done with teams, roles and mappings from the command line?"""

import re

import pytest

from rolecall.authorization.actor import SYSTEM
from rolecall.directory.groups import create_group
from rolecall.directory.provisioned_users import create_user
from rolecall.events.audit import list_records
from rolecall.graph.data_sources import register_provider
from tests.make.directory import group_profile, user_profile


@pytest.fixture
def pushed(rolecall, ada, on_installation):
    """Eve, pushed and in the group Sales."""

    def push(tx):
        eve = create_user(tx, user_profile("eve")).id
        return eve, create_group(tx, group_profile("Sales"), (eve,)).id

    return on_installation(push)


def made_id(ended):
    assert ended.code == 0, ended.err
    return re.search(r"id is (\S+)\.", ended.out)[1]


def test_a_team_is_made_shown_listed_changed_and_deleted(rolecall, ada, on_installation):
    okta = on_installation(lambda tx: register_provider(tx, name="Okta", kind="okta"))
    made = made_id(rolecall("admin", "teams", "create", "Sales", "--alias", "sales", "--provider", "Okta"))
    shown = rolecall("admin", "teams", "show", "sales", "--json").json
    assert (shown["id"], shown["policy_type"], shown["provider_ids"]) == (made, "PROVIDER_ID_SET", [okta.id])
    assert rolecall("admin", "teams", "change", "Sales", "--name", "Field", "--unbound", "--alias", "").code == 0
    shown = rolecall("admin", "teams", "show", "Field", "--json").json
    assert (shown["alias"], shown["policy_type"], shown["version"]) == (None, "UNBOUND", 2)
    assert rolecall("admin", "teams", "change", "Field", "--no-provider").code == 0
    assert "nothing" in rolecall("admin", "teams", "show", "Field").out
    assert rolecall("admin", "users", "assign", "ada", "--role", "viewer", "--team", "Field").code == 0
    counts = {team["name"]: team["user_count"] for team in rolecall("admin", "teams", "list", "--json").json["teams"]}
    assert counts == {"Root": 1, "Field": 1}
    assert "Field" in rolecall("admin", "teams", "list").out
    assert rolecall("admin", "teams", "delete", "Field", "--yes").code == 0
    assert rolecall("admin", "teams", "show", "Field").code == 3
    assert rolecall("admin", "teams", "delete", "Root", "--yes").code == 1


def test_a_role_is_made_shown_listed_changed_and_deleted(rolecall, ada):
    made = made_id(rolecall("admin", "roles", "create", "Auditor", "--action", "audit:read", "--action", "event:read"))
    assert rolecall("admin", "roles", "change", "auditor", "--action", "audit:read", "--description", "Reads").code == 0
    shown = rolecall("admin", "roles", "show", made, "--json").json
    assert (shown["actions"], shown["description"], shown["version"]) == (["audit:read"], "Reads", 2)
    assert "audit:read" in rolecall("admin", "roles", "show", "Auditor").out
    listed = rolecall("admin", "roles", "list", "--json").json["roles"]
    assert [role["id"] for role in listed if not role["built_in"]] == [made]
    assert "scim_provisioner" in rolecall("admin", "roles", "list").out
    assert rolecall("admin", "roles", "delete", "Auditor", "--yes").code == 0
    for arguments, code in (
        (("create", "King", "--action", "do:everything"), 2),
        (("create", "admin", "--action", "audit:read"), 4),
        (("create", "None"), 2),
        (("delete", "admin", "--yes"), 1),
        (("show", "Auditor"), 3),
    ):
        assert rolecall("admin", "roles", *arguments).code == code, arguments


def test_a_mapping_is_foreseen_made_explained_changed_and_deleted(rolecall, pushed):
    eve, group = pushed
    foreseen = rolecall("admin", "mappings", "preview", "Sales", "--gives", "Root:viewer", "--json").json
    assert [each["user_id"] for each in foreseen["gains"]] == [eve]
    (gain,) = foreseen["gains"]
    assert (gain["user_name"], gain["team_name"], gain["role_name"]) == ("eve", "Root", "Viewer")
    shown = rolecall("admin", "mappings", "preview", "Sales", "--gives", "Root:viewer").out
    assert re.search(r"^ *\+ +eve +Root +Viewer *$", shown, re.MULTILINE)
    assert "0 losses, 1 gains." in shown
    assert [each["id"] for each in rolecall("admin", "mappings", "unmapped", "--json").json["groups"]] == [group]
    made = made_id(rolecall("admin", "mappings", "create", "Sales", "--gives", "Root:viewer"))
    assert "0 of 0 groups." in rolecall("admin", "mappings", "unmapped").out
    shown = rolecall("admin", "users", "show", "eve", "--explain", "--json").json
    (held,) = shown["team_roles"]
    (source,) = held["sources"]
    assert (held["team_name"], held["role_id"], shown["is_active"]) == ("Root", "viewer", True)
    assert (source["kind"], source["id"], source["name"]) == ("SCIM_GROUP", group, "Sales")
    assert [step["name"] for step in source["path"]] == ["Sales"]
    assert [each["id"] for each in source["mappings"]] == [made]
    told = rolecall("admin", "users", "show", "eve", "--explain").out
    assert re.search(r"Sales \(since .*\) -> mapping NAME 'Sales' \(since .*\) -> assigned ", told)
    assert "by hand" in rolecall("admin", "users", "show", "ada", "--explain").out
    new = ("--match", "S.*", "--by", "PATTERN", "--gives", "Root:operator")
    changed = rolecall("admin", "mappings", "change", made, *new)
    assert changed.code == 0, changed.err
    shown = rolecall("admin", "mappings", "show", made, "--json").json
    assert (shown["match_kind"], shown["match_value"], shown["version"]) == ("PATTERN", "S.*", 2)
    assert [each["role_id"] for each in shown["assignments"]] == ["operator"]
    lost = rolecall(
        "admin", "mappings", "preview", "Other", "--gives", "Root:viewer", "--instead-of", made, "--json"
    ).json["losses"]
    assert [each["role_id"] for each in lost] == ["operator"]
    assert "Root:Operator" in rolecall("admin", "mappings", "list").out
    assert rolecall("admin", "mappings", "delete", made).code == 0
    assert rolecall("admin", "mappings", "list", "--json").json == {"mappings": []}
    assert rolecall("admin", "mappings", "list").out == "No mappings yet.\n"
    nobody = rolecall("admin", "mappings", "preview", "Other", "--gives", "Root:viewer").out
    assert nobody == "Nobody would gain or lose anything.\n0 losses, 0 gains.\n"


@pytest.mark.parametrize(
    "arguments, code",
    [
        (("create", "Sales", "--gives", "viewer"), 2),
        (("create", "Sales", "--gives", "Nowhere:viewer"), 3),
        (("create", "Sales", "--gives", "Root:king"), 3),
        (("create", "(", "--by", "PATTERN", "--gives", "Root:viewer"), 2),
        (("create", "Sales", "--source", "MANUAL", "--gives", "Root:viewer"), 2),
        (("create", "Sales"), 2),
        (("show", "nowhere"), 3),
        (("approve", "nowhere"), 3),
    ],
)
def test_what_cannot_be_mapped_is_refused(rolecall, ada, arguments, code):
    ended = rolecall("admin", "mappings", *arguments)
    assert (ended.code, ended.out) == (code, "")
    assert ended.err


def test_groups_map_by_themselves_once_chosen_and_what_raises_access_waits(rolecall, ada, on_installation):
    assert rolecall("admin", "mappings", "choose", "--convention", "--group-teams", "viewer").code == 0
    chosen = rolecall("admin", "mappings", "choices", "--json").json
    assert chosen == {"convention": True, "group_team_role": "viewer", "users_at_once": 1000}
    for name in ("Root:admin", "Root:operator", "Support"):
        on_installation(lambda tx, name=name: create_group(tx, group_profile(name), ()))
    assert "Support" in rolecall("admin", "teams", "list").out
    (first,) = rolecall("admin", "mappings", "waiting", "--json").json["mappings"]
    assert (first["state"], first["made_by"]) == ("waiting", "convention")
    assert rolecall("admin", "mappings", "refuse", first["id"]).code == 0
    assert rolecall("admin", "mappings", "approve", first["id"]).code == 0
    assert rolecall("admin", "mappings", "approve", first["id"]).code == 4
    assert rolecall("admin", "mappings", "choose", "--no-convention", "--no-group-teams").code == 0
    assert "no" in rolecall("admin", "mappings", "choices").out


def test_what_was_left_for_slices_is_brought_to_its_end(rolecall, pushed, on_installation):
    eve, _ = pushed
    assert rolecall("admin", "mappings", "choose", "--users-at-once", "1").code == 0

    def more(tx):
        bob = create_user(tx, user_profile("bob")).id
        create_group(tx, group_profile("Both"), (eve, bob))

    on_installation(more)
    rolecall("admin", "mappings", "create", "Both", "--gives", "Root:viewer")
    assert rolecall("admin", "users", "show", "bob", "--json").json["team_roles"] == []
    assert "after 2 slices" in rolecall("admin", "mappings", "reconcile").out
    assert len(rolecall("admin", "users", "show", "bob", "--json").json["team_roles"]) == 1
    assert rolecall("admin", "mappings", "choose", "--users-at-once", "0").code == 2


def test_each_change_is_in_the_audit_log_with_what_was_asked(rolecall, ada, on_installation):
    rolecall("admin", "roles", "create", "Auditor", "--action", "audit:read", "--action", "event:read")
    rolecall("admin", "mappings", "create", "Sales", "--gives", "Root:viewer")
    rows = on_installation(lambda tx: list_records(tx, limit=10))
    told = {row.target: row.request for row in rows if row.request and row.actor_kind != SYSTEM.kind.value}
    assert told["rolecall admin roles create"]["action"] == "audit:read, event:read"
    assert told["rolecall admin mappings create"]["gives"] == "Root:viewer"
