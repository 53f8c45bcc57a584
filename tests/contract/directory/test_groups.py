"""What may an identity provider do with groups and their members, on either database?"""

from datetime import timedelta

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rolecall.authorization.actions import Action
from rolecall.directory import groups, provisioned_users, users
from rolecall.directory.errors import GroupNameTaken, NoSuchMember
from rolecall.directory.model import (
    AddMembers,
    EditProfile,
    Expected,
    GroupId,
    ListRequest,
    Member,
    MemberKind,
    Outcome,
    RemoveMatchingMembers,
    RemoveMembers,
    ReplaceMembers,
)
from rolecall.kernel.errors import Forbidden, NotFound, VersionConflict
from rolecall.kernel.predicate import Compare, Not, Operator
from tests.make.actors import PROVISIONER, all_but
from tests.make.directory import (
    ANY_VERSION,
    change_members,
    group_profile,
    local_user,
    member_ids,
    pushed_group,
    pushed_user,
    service_user,
    setting,
)
from tests.make.transactions import copy_of, installed_on

NOBODYS_ID = GroupId("00000000-0000-7000-8000-00000000dead")
EVERYTHING = ListRequest(where=None, sort_by=None, descending=False, skip=0, limit=100)


def shown(installed, group_id, *, with_members=True):
    return installed.ask(groups.get_group, group_id, with_members=with_members, actor=PROVISIONER)


def member_changes(installed):
    return [
        (event.data["added"], event.data["removed"])
        for event in installed.events()
        if event.type == "directory.group.members-changed"
    ]


def test_a_group_is_kept_as_it_was_sent(installed):
    sent = group_profile("Ingénieurs", externalId="g-1", **{"urn:example:custom": {"x": [1, 2.5, None, True]}})
    created = installed.change(groups.create_group, sent, (), actor=PROVISIONER)
    assert orjson.loads(created.profile) == sent
    assert created.version == 1
    assert created.members == ()
    assert shown(installed, created.id) == created
    assert installed.event_types() == ["directory.group.created"]


def test_a_group_can_begin_with_users_and_groups_as_members(installed):
    ada, inner = pushed_user(installed, displayName="Ada L."), pushed_group(installed, "Inner")
    created = installed.change(groups.create_group, group_profile("Outer"), (ada, inner, ada), actor=PROVISIONER)
    expected = {
        Member(id=ada, kind=MemberKind.USER, display="Ada L."),
        Member(id=inner, kind=MemberKind.GROUP, display="Inner"),
    }
    assert set(created.members) == expected
    assert set(shown(installed, created.id).members) == expected
    ((added, removed),) = member_changes(installed)
    assert (set(added), removed) == ({ada, inner}, [])


def test_members_are_shown_only_to_who_wants_them(installed):
    group = pushed_group(installed, "Engineers", pushed_user(installed))
    assert shown(installed, group, with_members=False).members is None


def test_a_user_without_a_display_name_is_shown_by_its_user_name(installed):
    group = pushed_group(installed, "Engineers", pushed_user(installed, "ada"))
    assert [member.display for member in shown(installed, group).members] == ["ada"]


def test_a_member_is_shown_by_the_name_it_has_now(installed):
    ada = pushed_user(installed, "ada", displayName="Before")
    group = pushed_group(installed, "Engineers", ada)
    installed.change(provisioned_users.change_user, ada, setting(displayName="After"), ANY_VERSION, actor=PROVISIONER)
    assert [member.display for member in shown(installed, group).members] == ["After"]
    assert shown(installed, group).version == 1


@pytest.mark.parametrize("name", ["engineers", "ＥＮＧＩＮＥＥＲＳ"])
def test_a_display_name_is_taken_in_every_spelling(installed, name):
    pushed_group(installed, "Engineers")
    other = pushed_group(installed, "Builders")
    with pytest.raises(GroupNameTaken):
        pushed_group(installed, name)
    with pytest.raises(GroupNameTaken):
        change_members(installed, other, EditProfile(change=setting(displayName=name)))
    assert installed.count_rows("directory_group") == 2
    assert orjson.loads(shown(installed, other).profile)["displayName"] == "Builders"


@pytest.mark.parametrize("strangers", [("nobody",), ("",), ("00000000-0000-7000-8000-00000000dead",)])
def test_a_stranger_cannot_become_a_member_and_nothing_of_the_change_stays(installed, strangers):
    ada, eve = pushed_user(installed, "ada"), pushed_user(installed, "eve")
    group = pushed_group(installed, "Engineers", ada)
    for step in (
        AddMembers(operation=1, members=(eve, *strangers)),
        ReplaceMembers(operation=1, members=(eve, *strangers)),
    ):
        with pytest.raises(NoSuchMember) as refused:
            change_members(installed, group, EditProfile(change=setting(displayName="Renamed")), step)
        assert refused.value.about["member_id"] == strangers[0]
        assert member_ids(installed, group) == {ada}
        assert shown(installed, group).version == 1
    with pytest.raises(NoSuchMember):
        pushed_group(installed, "New", *strangers)
    assert installed.count_rows("directory_group") == 1
    assert member_changes(installed) == [([ada], [])]


def test_users_that_scim_does_not_own_and_deleted_ones_are_strangers(installed):
    group = pushed_group(installed)
    gone = pushed_user(installed, "gone")
    installed.change(users.delete_user, gone)
    for stranger in (local_user(installed), service_user(installed), gone):
        with pytest.raises(NoSuchMember):
            change_members(installed, group, AddMembers(operation=0, members=(stranger,)))
    assert member_ids(installed, group) == set()


def test_a_deactivated_user_can_become_a_member(installed):
    ada = pushed_user(installed, active=False)
    assert member_ids(installed, pushed_group(installed, "Engineers", ada)) == {ada}


def test_adding_a_present_member_changes_nothing(installed):
    ada = pushed_user(installed)
    group = pushed_group(installed, "Engineers", ada)
    before = shown(installed, group)
    installed.clock.advance(timedelta(hours=1))
    assert change_members(installed, group, AddMembers(operation=0, members=(ada, ada))) == {0: Outcome.NO_CHANGE}
    assert shown(installed, group) == before
    assert len(member_changes(installed)) == 1


def test_adding_counts_tells_and_keeps_the_others(installed):
    ada, eve = pushed_user(installed, "ada"), pushed_user(installed, "eve")
    group = pushed_group(installed, "Engineers", ada)
    installed.clock.advance(timedelta(hours=1))
    assert change_members(installed, group, AddMembers(operation=0, members=(ada, eve, eve))) == {0: Outcome.APPLIED}
    assert member_ids(installed, group) == {ada, eve}
    assert shown(installed, group).version == 2
    assert shown(installed, group).changed_at == installed.clock.now
    assert member_changes(installed)[1:] == [([eve], [])]


def test_removing_an_absent_member_is_no_error_and_no_change(installed):
    ada, eve = pushed_user(installed, "ada"), pushed_user(installed, "eve")
    group = pushed_group(installed, "Engineers", ada)
    step = RemoveMembers(operation=0, members=(eve, "nobody"))
    assert change_members(installed, group, step) == {0: Outcome.NO_CHANGE}
    assert shown(installed, group).version == 1
    both = RemoveMembers(operation=0, members=(eve, ada))
    assert change_members(installed, group, both) == {0: Outcome.APPLIED}
    assert member_ids(installed, group) == set()
    assert member_changes(installed)[1:] == [([], [ada])]


def test_replacing_keeps_who_stays_and_tells_who_came_and_went(installed):
    ada, eve, bob = (pushed_user(installed, name) for name in ("ada", "eve", "bob"))
    group = pushed_group(installed, "Engineers", ada, eve)
    assert change_members(installed, group, ReplaceMembers(operation=0, members=(eve, bob))) == {0: Outcome.APPLIED}
    assert member_ids(installed, group) == {eve, bob}
    assert member_changes(installed)[1:] == [([bob], [ada])]
    same = ReplaceMembers(operation=0, members=(bob, eve))
    assert change_members(installed, group, same) == {0: Outcome.NO_CHANGE}
    assert change_members(installed, group, ReplaceMembers(operation=0, members=())) == {0: Outcome.APPLIED}
    assert member_ids(installed, group) == set()


def test_members_leave_by_a_condition_on_value_type_or_display(installed):
    ada = pushed_user(installed, "ada", displayName="Ada")
    eve = pushed_user(installed, "eve", displayName="Eve")
    inner = pushed_group(installed, "Inner")
    group = pushed_group(installed, "Engineers", ada, eve, inner)

    def leave(where):
        return change_members(installed, group, RemoveMatchingMembers(operation=0, where=where))

    def compare(name, value, *, fold=False):
        return Compare(path=(name,), operator=Operator.EQ, value=value, fold=fold)

    assert leave(compare("value", "nobody")) == {0: Outcome.NO_CHANGE}
    assert leave(compare("value", ada)) == {0: Outcome.APPLIED}
    assert member_ids(installed, group) == {eve, inner}
    assert leave(compare("type", "GROUP", fold=True)) == {0: Outcome.APPLIED}
    assert member_ids(installed, group) == {eve}
    assert leave(Not(part=compare("display", "eve", fold=True))) == {0: Outcome.NO_CHANGE}
    assert leave(compare("display", "eve", fold=True)) == {0: Outcome.APPLIED}
    assert member_ids(installed, group) == set()


def test_who_leaves_and_comes_back_in_one_request_has_in_the_end_done_neither(installed):
    ada, eve = pushed_user(installed, "ada"), pushed_user(installed, "eve")
    group = pushed_group(installed, "Engineers", ada)
    outcomes = change_members(
        installed,
        group,
        RemoveMembers(operation=0, members=(ada,)),
        AddMembers(operation=1, members=(ada, eve)),
        RemoveMembers(operation=2, members=(eve,)),
        AddMembers(operation=3, members=(ada,)),
    )
    assert outcomes == {0: Outcome.APPLIED, 1: Outcome.APPLIED, 2: Outcome.APPLIED, 3: Outcome.NO_CHANGE}
    assert member_ids(installed, group) == {ada}
    assert shown(installed, group).version == 1
    assert len(member_changes(installed)) == 1


def test_one_operation_of_several_steps_is_applied_when_one_of_them_was(installed):
    ada = pushed_user(installed)
    group = pushed_group(installed, "Engineers", ada)
    renaming, adding = EditProfile(change=setting(displayName="Builders")), AddMembers(operation=0, members=(ada,))
    assert change_members(installed, group, renaming, adding) == {0: Outcome.APPLIED}
    keeping = EditProfile(change=setting(displayName="Builders"))
    removing = RemoveMembers(operation=0, members=(ada,))
    assert change_members(installed, group, removing, keeping) == {0: Outcome.APPLIED}
    assert shown(installed, group).version == 3


def test_a_change_of_profile_and_members_raises_the_version_once_and_is_told_as_both(installed):
    ada, group = pushed_user(installed), pushed_group(installed, "Engineers")
    change_members(
        installed,
        group,
        EditProfile(change=setting(displayName="Builders", externalId="x")),
        AddMembers(operation=1, members=(ada,)),
    )
    assert shown(installed, group).version == 2
    changed, members = installed.events()[-2:]
    assert changed.data == {"group_id": group, "display_name": "Builders", "attributes": ["displayName", "externalId"]}
    assert members.data == {"group_id": group, "display_name": "Builders", "added": [ada], "removed": []}


def test_a_group_is_shown_with_its_members_after_a_change_only_when_wanted(installed):
    ada, group = pushed_user(installed), pushed_group(installed, "Engineers")
    steps = (AddMembers(operation=0, members=(ada,)),)
    with_them = installed.change(groups.change_group, group, steps, ANY_VERSION, with_members=True, actor=PROVISIONER)
    assert [member.id for member in with_them.thing.members] == [ada]
    assert with_them.thing == shown(installed, group)
    without = installed.change(groups.change_group, group, steps, ANY_VERSION, with_members=False, actor=PROVISIONER)
    assert without.thing.members is None


def test_a_change_of_another_version_is_refused(installed):
    ada, group = pushed_user(installed), pushed_group(installed, "Engineers")
    step = AddMembers(operation=0, members=(ada,))
    with pytest.raises(VersionConflict):
        change_members(installed, group, step, expected=Expected(versions=frozenset({5})))
    with pytest.raises(VersionConflict):
        installed.change(groups.delete_group, group, Expected(versions=frozenset({5})), actor=PROVISIONER)
    change_members(installed, group, step, expected=Expected(versions=frozenset({1, 5})))
    assert member_ids(installed, group) == {ada}


def test_a_deleted_group_is_gone_with_its_memberships_and_its_name_is_free(installed):
    ada = pushed_user(installed)
    inner = pushed_group(installed, "Inner", ada)
    outer = pushed_group(installed, "Outer", inner, ada)
    installed.clock.advance(timedelta(hours=1))
    installed.change(groups.delete_group, inner, ANY_VERSION, actor=PROVISIONER)
    for attempt in (
        lambda: shown(installed, inner),
        lambda: change_members(installed, inner, AddMembers(operation=0, members=(ada,))),
        lambda: installed.change(groups.delete_group, inner, ANY_VERSION, actor=PROVISIONER),
    ):
        with pytest.raises(NotFound):
            attempt()
    assert member_ids(installed, outer) == {ada}
    assert shown(installed, outer).version == 2
    assert shown(installed, outer).changed_at == installed.clock.now
    assert member_changes(installed)[-1] == ([], [inner])
    assert installed.event_types()[-1] == "directory.group.deleted"
    assert installed.count_rows("group_member") == 1
    assert pushed_group(installed, "INNER") != inner


def test_a_group_may_be_its_own_member_and_be_deleted(installed):
    group = pushed_group(installed)
    change_members(installed, group, AddMembers(operation=0, members=(group,)))
    assert member_ids(installed, group) == {group}
    installed.change(groups.delete_group, group, ANY_VERSION, actor=PROVISIONER)
    assert installed.count_rows("group_member") == 0
    assert installed.count_rows("directory_group") == 0


def test_groups_are_listed_by_id_with_their_members_when_wanted(installed):
    ada = pushed_user(installed)
    ids = sorted([pushed_group(installed, "B", ada), pushed_group(installed, "A")])
    page = installed.ask(groups.list_groups, EVERYTHING, with_members=True, actor=PROVISIONER)
    assert [group.id for group in page.items] == ids
    assert [len(group.members) for group in page.items] == [1, 0] if page.items[0].members else [0, 1]
    assert page.items == tuple(shown(installed, each) for each in ids)
    page = installed.ask(groups.list_groups, EVERYTHING, with_members=False, actor=PROVISIONER)
    assert [group.members for group in page.items] == [None, None]


def test_an_administrator_sees_groups_by_name_and_members_by_page(installed):
    members = sorted(pushed_user(installed, f"user {number}") for number in range(5))
    group = pushed_group(installed, "Engineers", *members)
    assert installed.ask(groups.get_group_by_name, "ENGINEERS").id == group
    with pytest.raises(NotFound):
        installed.ask(groups.get_group_by_name, "Nobody")
    assert [each.id for each in installed.ask(groups.list_all_groups, EVERYTHING).items] == [group]
    pages = [installed.ask(groups.list_members, group, skip=skip, limit=2) for skip in (0, 2, 4, 6)]
    assert [member.id for page in pages for member in page.items] == members
    assert {page.total for page in pages} == {5}


def test_a_group_of_nobody_is_not_found(installed):
    with pytest.raises(NotFound):
        shown(installed, NOBODYS_ID)
    with pytest.raises(NotFound):
        change_members(installed, NOBODYS_ID)


def test_each_use_case_needs_its_action(installed_sqlite):
    group = pushed_group(installed_sqlite)
    for use_case, arguments, action in (
        (groups.create_group, {"profile": group_profile("X"), "members": ()}, Action.PROVISIONED_WRITE),
        (
            groups.change_group,
            {"group_id": group, "steps": (), "expected": ANY_VERSION, "with_members": False},
            Action.PROVISIONED_WRITE,
        ),
        (groups.delete_group, {"group_id": group, "expected": ANY_VERSION}, Action.PROVISIONED_WRITE),
        (groups.get_group, {"group_id": group, "with_members": False}, Action.PROVISIONED_READ),
        (groups.list_groups, {"request": EVERYTHING, "with_members": False}, Action.PROVISIONED_READ),
        (groups.list_all_groups, {"request": EVERYTHING}, Action.GROUP_LIST),
        (groups.get_group_by_name, {"display_name": "Engineers"}, Action.GROUP_LIST),
        (groups.list_members, {"group_id": group, "skip": 0, "limit": 1}, Action.GROUP_LIST),
    ):
        with pytest.raises(Forbidden):
            installed_sqlite.change(use_case, actor=all_but(action), **arguments)
    assert installed_sqlite.count_rows("directory_group") == 1


PEOPLE = 4
SOME = st.sets(st.integers(0, PEOPLE - 1)).map(tuple)
STEPS = st.lists(st.tuples(st.sampled_from(["add", "remove", "replace", "where"]), SOME), max_size=6)


@pytest.fixture(scope="module")
def people(sqlite_template):
    with copy_of(sqlite_template) as database, installed_on(database) as installed:
        yield installed, [pushed_user(installed, f"user {number}") for number in range(PEOPLE)]


@settings(max_examples=60)
@given(SOME, STEPS)
def test_any_steps_end_as_the_same_steps_on_a_set_and_only_the_difference_is_told(people, first, steps):
    installed, ids = people
    wanted = {ids[number] for number in first}
    group = pushed_group(installed, "Engineers", *wanted)
    model, carried_out, applied = set(wanted), [], {}
    for operation, (name, numbers) in enumerate(steps):
        chosen = tuple(ids[number] for number in numbers)
        match name:
            case "add":
                after = model | set(chosen)
                step = AddMembers(operation=operation, members=chosen)
            case "remove":
                after = model - set(chosen)
                step = RemoveMembers(operation=operation, members=chosen)
            case "replace":
                after = set(chosen)
                step = ReplaceMembers(operation=operation, members=chosen)
            case _:
                value = chosen[0] if chosen else "nobody"
                after = model - {value}
                where = Compare(path=("value",), operator=Operator.EQ, value=value)
                step = RemoveMatchingMembers(operation=operation, where=where)
        applied[operation] = Outcome.APPLIED if after != model else Outcome.NO_CHANGE
        carried_out.append(step)
        model = after
    before = len(member_changes(installed))
    assert change_members(installed, group, *carried_out) == applied
    assert member_ids(installed, group) == model
    assert shown(installed, group).version == (1 if model == wanted else 2)
    told = member_changes(installed)[before:]
    assert told == ([] if model == wanted else [(sorted(model - wanted), sorted(wanted - model))])
    installed.change(groups.delete_group, group, ANY_VERSION, actor=PROVISIONER)
    installed.transactions.run_write(PROVISIONER, lambda tx: tx.connection.execute("DELETE FROM event") and None)
