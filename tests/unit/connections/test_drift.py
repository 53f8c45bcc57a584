"""What does an export say, and in what do we differ from it?"""

from datetime import UTC, datetime

import pytest

from rolecall.connections.drift import decide
from rolecall.connections.drift.csv_exports import parse_tables
from rolecall.connections.drift.errors import BadExport
from rolecall.connections.drift.exports import joined, parse_export
from rolecall.connections.drift.model import DriftKind, Holdings
from rolecall.directory.decide import new_group, new_user
from rolecall.directory.model import DEFAULT_CONNECTION, UserKind
from rolecall.scim.schemas import ENTERPRISE_USER_SCHEMA, GROUP, USER
from tests.make.directory import group_profile, user_profile

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
WORK = ENTERPRISE_USER_SCHEMA.uri
LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"


def held_user(user_id, name, **attributes):
    profile = user_profile(name, **attributes)
    return new_user(user_id, profile, kind=UserKind.PERSON, connection_id=DEFAULT_CONNECTION, now=NOW)


def held_group(group_id, name, **attributes):
    return new_group(group_id, group_profile(name, **attributes), connection_id=DEFAULT_CONNECTION, now=NOW)


def holdings(*users, groups=(), **members):
    return Holdings(users=users, groups=groups, members={name: frozenset(ids) for name, ids in members.items()})


def found(export, held):
    return [
        (each.kind.value, each.name, each.member_id or each.attributes)
        for each in decide.compare(parse_export(export), held).findings
    ]


def test_what_is_as_the_export_says_is_no_difference():
    held = holdings(held_user("u1", "ada", externalId="x1"), groups=(held_group("g1", "Engineers"),), g1=["u1"])
    export = {
        "users": [user_profile("ada", externalId="x1", active=True)],
        "groups": [group_profile("engineers") | {"displayName": "Engineers", "members": [{"value": "x1"}]}],
    }
    assert found(export, held) == []


def test_missing_extra_and_different_users_are_found():
    held = holdings(
        held_user("u1", "ada", externalId="x1", title="Countess"),
        held_user("u2", "left"),
        held_user("u3", "gone", active=False),
    )
    export = {"users": [user_profile("ada", externalId="x1", title="Dr"), user_profile("new")]}
    assert found(export, held) == [
        ("USER_MISSING", "new", ()),
        ("USER_DIFFERENT", "ada", ("title",)),
        ("USER_EXTRA", "left", ()),
    ]


def test_missing_extra_and_different_groups_and_members_are_found():
    groups = (held_group("g1", "Old name", externalId="e1"), held_group("g2", "Extra"))
    held = holdings(held_user("u1", "ada"), held_user("u2", "bob", externalId="b"), groups=groups, g1=["u1"])
    export = {
        "groups": [
            group_profile("New name", externalId="e1") | {"members": [{"value": "b"}, {"value": "nobody"}]},
            group_profile("Missing") | {"members": [{"value": "u1"}]},
        ]
    }
    assert found(export, held) == [
        ("GROUP_MISSING", "Missing", ()),
        ("GROUP_DIFFERENT", "Old name", ("displayName",)),
        ("MEMBER_MISSING", "Old name", "u2"),
        ("MEMBER_EXTRA", "Old name", "u1"),
        ("GROUP_EXTRA", "Extra", ()),
    ]
    compared = decide.compare(parse_export(export), held)
    assert (compared.unknown_members, compared.users, compared.groups) == (1, 0, 2)
    assert compared.findings[0].members == ("u1",)
    assert compared.findings[2].member_name == "bob"


def test_a_group_may_be_a_member_and_is_known_by_the_name_that_the_export_has_for_it():
    groups = (held_group("g1", "Outer"), held_group("g2", "Inner"))
    export = {
        "groups": [
            group_profile("Outer", id="at provider 1") | {"members": [{"value": "at provider 2"}]},
            group_profile("Inner", id="at provider 2"),
        ]
    }
    assert found(export, holdings(groups=groups)) == [("MEMBER_MISSING", "Outer", "g2")]


def test_a_member_who_is_missing_itself_is_passed_over_until_it_is_there():
    export = {
        "users": [user_profile("new", id="n")],
        "groups": [
            group_profile("Engineers") | {"members": [{"value": "n"}, {"value": "m"}]},
            group_profile("Missing", id="m"),
        ],
    }
    held = holdings(groups=(held_group("g1", "Engineers"),))
    compared = decide.compare(parse_export(export), held)
    assert [each.kind for each in compared.findings] == [DriftKind.USER_MISSING, DriftKind.GROUP_MISSING]
    assert compared.unknown_members == 0


def test_what_the_export_does_not_speak_of_is_not_compared():
    held = holdings(
        held_user("u1", "ada", title="Countess", **{WORK: {"department": "A", "costCenter": "1"}}),
        groups=(held_group("g1", "Engineers"),),
        g1=["u1"],
    )
    assert found({"users": [user_profile("ada", **{WORK: {"department": "A"}})]}, held) == []
    assert found({"users": [user_profile("ada", **{WORK: {"department": "B"}})]}, held) == [
        ("USER_DIFFERENT", "ada", (WORK,))
    ]
    assert found({"groups": [group_profile("Engineers")]}, held) == []
    assert found({"groups": [group_profile("Engineers") | {"members": []}]}, held) == [
        ("MEMBER_EXTRA", "Engineers", "u1")
    ]


def test_nobody_stands_for_two_of_the_export():
    held = holdings(held_user("u1", "ada", externalId="x1"))
    export = {"users": [user_profile("countess", externalId="x1"), user_profile("ada")]}
    assert found(export, held) == [("USER_MISSING", "ada", ()), ("USER_DIFFERENT", "ada", ("userName",))]


def test_a_correction_leaves_alone_what_the_provider_does_not_speak_of():
    before = {"userName": "ada", "title": "Countess", WORK: {"department": "A", "costCenter": "1"}}
    assert decide.corrected(before, {"title": "Dr", WORK: {"department": "B"}}) == {
        "userName": "ada",
        "title": "Dr",
        WORK: {"department": "B", "costCenter": "1"},
    }
    assert decide.corrected({"userName": "ada"}, {WORK: {"department": "B"}})[WORK] == {"department": "B"}


def test_nothing_remembers_what_caused_something_to_be_missing():
    assert decide.causes_of(DriftKind.USER_MISSING) == frozenset()
    assert "directory.group.members-changed" in decide.causes_of(DriftKind.MEMBER_EXTRA)


def test_an_export_may_be_a_list_response_of_users_and_groups():
    mixed = {"schemas": [LIST], "totalResults": 2, "Resources": [user_profile("ada"), group_profile("Engineers")]}
    export = parse_export(mixed)
    assert [each.profile["userName"] for each in export.users] == ["ada"]
    assert [each.profile["displayName"] for each in export.groups] == ["Engineers"]
    assert parse_export({"Resources": [user_profile("ada")]}).groups is None
    assert parse_export({"Resources": [group_profile("A")]}).users is None
    listed = {"users": {"totalResults": 1, "Resources": [user_profile("ada", password="x", **{"urn:x": {"a": 1}})]}}
    assert set(parse_export(listed).users[0].profile) == {"schemas", "userName"}


@pytest.mark.parametrize(
    "export, place",
    [
        ([], "users"),
        ({}, "users"),
        ({"users": "all"}, "users"),
        ({"users": {"totalResults": 2, "Resources": [user_profile("ada")]}}, "users"),
        ({"users": [user_profile("ada"), {"schemas": [USER.schema.uri]}]}, "users[1]"),
        ({"users": [user_profile("ada"), user_profile("ADA")]}, "users[1]"),
        ({"groups": [{"schemas": [GROUP.schema.uri]}]}, "groups[0]"),
        ({"groups": [group_profile("A"), group_profile("a")]}, "groups[1]"),
        ({"Resources": [{"schemas": ["urn:other"]}]}, "Resources[0].schemas"),
        ({"Resources": ["ada"]}, "Resources[0].schemas"),
    ],
)
def test_what_is_no_whole_export_is_refused_with_its_place(export, place):
    with pytest.raises(BadExport) as refused:
        parse_export(export)
    assert refused.value.about["attribute"] == place


def test_parts_of_an_export_are_joined_and_nobody_is_in_two():
    users, groups = parse_export({"users": [user_profile("ada")]}), parse_export({"groups": [group_profile("A")]})
    both = joined([users, groups])
    assert (len(both.users), len(both.groups)) == (1, 1)
    assert joined([users]).groups is None
    assert joined([groups]).users is None
    with pytest.raises(BadExport):
        joined([users, users])


USERS_CSV = "\ufeffuserName,externalId,active,givenName,title\nada,x1,TRUE,Ada,\nbob,,no,,Dr\n"
GROUPS_CSV = "displayName,externalId\nEngineers,e1\nEmpty,\n"
MEMBERS_CSV = "group,member\nEngineers,ada\nEngineers,Empty\nEngineers,nobody\n"


def test_tables_say_the_same_as_json():
    users = [
        user_profile("ada", externalId="x1", name={"givenName": "Ada"}, active=True),
        user_profile("bob", title="Dr", active=False),
    ]
    groups = [group_profile("Engineers", externalId="e1"), group_profile("Empty")]
    named = [{"value": each} for each in ("ada", "Empty", "nobody")]
    assert parse_tables([USERS_CSV]) == {"users": users}
    assert parse_tables([GROUPS_CSV]) == {"groups": groups}
    assert parse_tables([MEMBERS_CSV, GROUPS_CSV]) == {
        "groups": [groups[0] | {"members": named}, groups[1] | {"members": []}]
    }


def test_members_may_be_known_by_their_names():
    held = holdings(held_user("u1", "ada"), groups=(held_group("g1", "Engineers"), held_group("g2", "Empty")))
    compared = decide.compare(parse_export(parse_tables([GROUPS_CSV, MEMBERS_CSV])), held)
    members = [each.member_id for each in compared.findings if each.kind is DriftKind.MEMBER_MISSING]
    assert (members, compared.unknown_members) == (["g2", "u1"], 1)
    missing = parse_export(parse_tables([USERS_CSV, GROUPS_CSV, MEMBERS_CSV]))
    assert decide.compare(missing, holdings()).unknown_members == 1


@pytest.mark.parametrize(
    "tables, place",
    [
        ([""], "table"),
        (["name\nada\n"], "table"),
        (["userName,mail\nada,x\n"], "users[1]"),
        (["userName,title\n,x\n"], "users[2]"),
        (["userName,active\nada,maybe\n"], "users[2]"),
        (["userName\nada,x\n"], "users[2]"),
        ([USERS_CSV, USERS_CSV], "users"),
        ([MEMBERS_CSV], "memberships"),
        ([GROUPS_CSV, "group,member\nOther,ada\n"], "memberships"),
        ([GROUPS_CSV, "group,member\nEngineers,\n"], "memberships[2]"),
    ],
)
def test_what_is_no_table_of_an_export_is_refused_with_its_place(tables, place):
    with pytest.raises(BadExport) as refused:
        parse_tables(tables)
    assert refused.value.about["attribute"] == place
