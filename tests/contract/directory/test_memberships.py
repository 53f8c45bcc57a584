"""Which groups is a user in, directly or through others, on either database?"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rolecall.directory import groups, provisioned_users
from rolecall.directory.model import AddMembers, ListRequest, Membership, RemoveMembers
from tests.make.actors import PROVISIONER
from tests.make.directory import ANY_VERSION, change_members, pushed_group, pushed_user
from tests.make.transactions import copy_of, installed_on

EVERYTHING = ListRequest(where=None, sort_by=None, descending=False, skip=0, limit=100)


def memberships(installed, user_id):
    return installed.ask(provisioned_users.get_user, user_id, with_memberships=True, actor=PROVISIONER).memberships


def test_a_user_is_directly_in_a_group_and_indirectly_in_those_above_it(installed):
    ada = pushed_user(installed)
    inner = pushed_group(installed, "Inner", ada)
    middle = pushed_group(installed, "Middle", inner)
    outer = pushed_group(installed, "Outer", middle)
    pushed_group(installed, "Beside")
    assert set(memberships(installed, ada)) == {
        Membership(group_id=inner, display="Inner", direct=True),
        Membership(group_id=middle, display="Middle", direct=False),
        Membership(group_id=outer, display="Outer", direct=False),
    }
    assert [each.group_id for each in memberships(installed, ada)] == sorted([inner, middle, outer])


def test_a_user_that_is_in_a_group_both_ways_is_in_it_once_and_directly(installed):
    ada = pushed_user(installed)
    inner = pushed_group(installed, "Inner", ada)
    outer = pushed_group(installed, "Outer", inner, ada)
    assert {(each.group_id, each.direct) for each in memberships(installed, ada)} == {(inner, True), (outer, True)}


def test_cycles_are_allowed_and_harmless(installed):
    ada = pushed_user(installed)
    one, two, three = (pushed_group(installed, name) for name in ("One", "Two", "Three"))
    for outer, inner in ((one, two), (two, three), (three, one), (one, one)):
        change_members(installed, outer, AddMembers(operation=0, members=(inner,)))
    change_members(installed, two, AddMembers(operation=0, members=(ada,)))
    assert {(each.group_id, each.direct) for each in memberships(installed, ada)} == {
        (one, False),
        (two, True),
        (three, False),
    }


def test_membership_is_outside_the_version_of_the_user(installed):
    ada = pushed_user(installed)
    pushed_group(installed, "Engineers", ada)
    seen = installed.ask(provisioned_users.get_user, ada, with_memberships=True, actor=PROVISIONER)
    assert (seen.version, seen.changed_at) == (1, seen.created_at)
    assert len(seen.memberships) == 1


def test_memberships_are_read_only_when_wanted(installed):
    ada = pushed_user(installed)
    pushed_group(installed, "Engineers", ada)
    assert installed.ask(provisioned_users.get_user, ada, with_memberships=False, actor=PROVISIONER).memberships == ()
    for wanted, count in ((True, 1), (False, 0)):
        page = installed.ask(provisioned_users.list_users, EVERYTHING, with_memberships=wanted, actor=PROVISIONER)
        assert len(page.items[0].memberships) == count


def test_leaving_the_inner_group_ends_what_it_gave(installed):
    ada = pushed_user(installed)
    inner = pushed_group(installed, "Inner", ada)
    pushed_group(installed, "Outer", inner)
    change_members(installed, inner, RemoveMembers(operation=0, members=(ada,)))
    assert memberships(installed, ada) == ()


def test_deleting_a_group_in_the_middle_ends_what_it_gave(installed):
    ada = pushed_user(installed)
    inner = pushed_group(installed, "Inner", ada)
    middle = pushed_group(installed, "Middle", inner)
    pushed_group(installed, "Outer", middle)
    installed.change(groups.delete_group, middle, ANY_VERSION, actor=PROVISIONER)
    assert [each.group_id for each in memberships(installed, ada)] == [inner]


GROUPS = 5
PAIRS = st.sets(st.tuples(st.integers(0, GROUPS - 1), st.integers(0, GROUPS)), max_size=12)
"""(group, member): the member is the user where its number is that of no group."""


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def someone(request):
    if request.param == "sqlite":
        template = request.getfixturevalue("sqlite_template")
        with copy_of(template) as database, installed_on(database) as installed:
            yield installed, pushed_user(installed), pushed_user(installed, "other")
    else:
        template = request.getfixturevalue("postgresql_template")
        template.empty()
        with installed_on(template.database) as installed:
            yield installed, pushed_user(installed), pushed_user(installed, "other")


@settings(max_examples=30)
@given(PAIRS)
def test_memberships_are_what_a_walk_up_the_groups_finds(someone, pairs):
    installed, ada, other = someone
    ids = [pushed_group(installed, f"Group {number}") for number in range(GROUPS)]
    named = [(ids[group], ada if member == GROUPS else ids[member]) for group, member in pairs]
    for group, member in named:
        change_members(installed, group, AddMembers(operation=0, members=(member,)))
    direct = {group for group, member in named if member == ada}
    found, todo = set(direct), list(direct)
    while todo:
        inner = todo.pop()
        above = {group for group, member in named if member == inner} - found
        found |= above
        todo += above
    assert {(each.group_id, each.direct) for each in memberships(installed, ada)} == {
        (group, group in direct) for group in found
    }
    page = installed.ask(provisioned_users.list_users, EVERYTHING, with_memberships=True, actor=PROVISIONER)
    by_id = {user.id: user.memberships for user in page.items}
    assert by_id == {ada: memberships(installed, ada), other: ()}
    for group in ids:
        installed.change(groups.delete_group, group, ANY_VERSION, actor=PROVISIONER)
