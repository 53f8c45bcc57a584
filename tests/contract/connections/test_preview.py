"""Does a rehearsal tell who would gain and lose what, and then just that comes to be, on either database?"""

import asyncio

import pytest

from rolecall.connections.preview.foreseeing import Foreseer, foresee
from rolecall.connections.preview.model import GroupChange, UserChange
from rolecall.directory import assignments, groups, installation, provisioned_users
from rolecall.directory.model import AddMembers, RemoveMembers, ReplaceMembers
from rolecall.kernel.errors import NotFound
from tests.make.actors import PROVISIONER
from tests.make.directory import ANY_VERSION, pushed_group, pushed_user, setting
from tests.make.mapping import OPERATOR, VIEWER, finish_reconciling, mapping, roles_of, target, team


def foreseen(installed, change):
    """Rehearse one change as an identity provider."""

    def play(rehearsing):
        return foresee(rehearsing, change)

    return asyncio.run(installed.transactions.rehearse_in_order(PROVISIONER, play)).value


def members(group_id, *steps):
    return lambda tx: groups.change_group(tx, group_id, steps, ANY_VERSION, with_members=False)


def emptied(group_id):
    return members(group_id, ReplaceMembers(operation=0, members=()))


def active(user_id, *, is_active):
    return lambda tx: provisioned_users.change_user(tx, user_id, setting(active=is_active), ANY_VERSION)


def who(changes):
    return [(each.user_name, each.team_name, each.role) for each in changes]


def holdings(installed, user_ids):
    """What people hold as it counts: nothing while they are deactivated."""
    held = set()
    for user_id in user_ids:
        held |= {(user_id, *each) for each in roles_of(installed, user_id)}
    return held


@pytest.fixture
def company(installed):
    """Ada, Bob and Cleo sell, and sellers view and operate the data of the team Sales; Ada is also in another group."""
    people = [pushed_user(installed, name) for name in ("ada", "bob", "cleo")]
    sales = pushed_group(installed, "Sellers", *people)
    other = pushed_group(installed, "Others", people[0])
    of_sales = team(installed).id
    mapping(installed, "Sellers", target(VIEWER, of_sales), target(OPERATOR, of_sales))
    mapping(installed, "Others", target(VIEWER, of_sales))
    return people, sales, other


def test_an_emptied_group_takes_what_nothing_else_gives_and_nothing_is_changed(installed, company):
    people, sales, _ = company
    before = holdings(installed, people)
    told = foreseen(installed, emptied(sales)).radius
    assert who(told.lost) == [
        ("ada", "Sales", "operator"),
        ("bob", "Sales", "operator"),
        ("bob", "Sales", "viewer"),
        ("cleo", "Sales", "operator"),
        ("cleo", "Sales", "viewer"),
    ]
    assert (told.gained, told.users, told.losing) == ((), (), frozenset(people))
    (group,) = told.groups
    assert (group.change, group.added, group.removed, group.members) == (GroupChange.CHANGED, 0, 3, 0)
    assert holdings(installed, people) == before
    installed.change(emptied(sales), actor=PROVISIONER)
    assert before - holdings(installed, people) == {(each.user_id, each.team_id, each.role) for each in told.lost}


def test_what_a_job_would_go_on_with_counts_as_part_of_the_change(installed, company):
    people, sales, other = company
    installed.change(installation.set_users_at_once, 2)
    before = holdings(installed, people)
    told = foreseen(installed, emptied(sales)).radius
    assert [each.user_name for each in told.lost] == ["ada", "bob", "bob", "cleo", "cleo"]
    assert finish_reconciling(installed) == 0
    installed.change(emptied(sales), actor=PROVISIONER)
    finish_reconciling(installed)
    assert before - holdings(installed, people) == {(each.user_id, each.team_id, each.role) for each in told.lost}
    refilled = foreseen(installed, members(sales, AddMembers(operation=0, members=tuple(people)))).radius
    assert [each.user_name for each in refilled.gained] == ["ada", "bob", "bob", "cleo", "cleo"]
    nested = foreseen(installed, members(other, AddMembers(operation=0, members=(people[1], people[2])))).radius
    assert who(nested.gained) == [("bob", "Sales", "viewer"), ("cleo", "Sales", "viewer")]


def test_what_jobs_have_not_come_to_the_end_of_counts_for_no_change(installed, company):
    people, sales, other = company
    installed.change(installation.set_users_at_once, 2)
    installed.change(emptied(sales), actor=PROVISIONER)
    told = foreseen(installed, members(other, RemoveMembers(operation=0, members=(people[0],)))).radius
    assert who(told.lost) == [("ada", "Sales", "viewer")]
    assert finish_reconciling(installed) > 0


def test_a_deactivation_counts_what_the_person_holds_and_a_deletion_does_too(installed, company):
    ada, bob, _ = company[0]
    off = foreseen(installed, active(ada, is_active=False)).radius
    assert who(off.lost) == [("ada", "Sales", "operator"), ("ada", "Sales", "viewer")]
    assert [(each.user_name, each.change) for each in off.users] == [("ada", UserChange.DEACTIVATED)]
    installed.change(active(ada, is_active=False), actor=PROVISIONER)
    on = foreseen(installed, active(ada, is_active=True)).radius
    assert (who(on.gained), on.lost) == (who(off.lost), ())
    gone = foreseen(installed, lambda tx: provisioned_users.delete_user(tx, bob, ANY_VERSION)).radius
    assert who(gone.lost) == [("bob", "Sales", "operator"), ("bob", "Sales", "viewer")]
    assert [(each.display_name, each.removed, each.members) for each in gone.groups] == [("Sellers", 1, 2)]
    unnoticed = foreseen(installed, lambda tx: provisioned_users.delete_user(tx, ada, ANY_VERSION)).radius
    assert (unnoticed.lost, [each.change for each in unnoticed.users]) == ((), [UserChange.DELETED])


def test_the_log_remembers_what_a_deleted_user_held_and_how_many_a_deleted_group_had(installed, company):
    people, sales, _ = company
    told = foreseen(installed, lambda tx: groups.delete_group(tx, sales, ANY_VERSION)).radius
    assert [(each.display_name, each.change, each.removed) for each in told.groups] == [
        ("Sellers", GroupChange.DELETED, 3)
    ]
    assert len(told.lost) == 5
    installed.change(provisioned_users.delete_user, people[1], ANY_VERSION, actor=PROVISIONER)
    installed.change(groups.delete_group, sales, ANY_VERSION, actor=PROVISIONER)
    logged = {event.type: event.data for event in installed.events()}
    assert logged["directory.group.deleted"]["member_count"] == 2
    user = logged["directory.user.deleted"]
    assert user["was_active"] is True
    assert {(each["role"], each["source"]) for each in user["lost"]} == {
        (VIEWER, f"scim-group:{sales}"),
        (OPERATOR, f"scim-group:{sales}"),
    }


def test_of_changes_in_order_each_has_its_own_radius_and_together_only_what_differs_in_the_end(installed, company):
    people, sales, _ = company

    def play(rehearsing):
        foreseer = Foreseer(rehearsing)
        first = foreseer.foresee(lambda within: within.run(emptied(sales)))
        with pytest.raises(NotFound):
            foreseer.foresee(lambda within: within.run(emptied("nowhere")))
        back = foreseer.foresee(
            lambda within: within.run(members(sales, AddMembers(operation=0, members=tuple(people[:2]))))
        )
        return first.radius, back.radius, foreseer.total()

    first, back, total = asyncio.run(installed.transactions.rehearse_in_order(PROVISIONER, play)).value
    assert (len(first.lost), len(back.gained)) == (5, 3)
    assert (total.gained, who(total.lost)) == ((), [("cleo", "Sales", "operator"), ("cleo", "Sales", "viewer")])
    assert [(each.added, each.removed, each.members) for each in total.groups] == [(0, 1, 2)]


def test_what_is_held_by_hand_goes_with_a_deactivation_only(installed, company):
    people, sales, _ = company
    installed.change(assignments.assign_role, people[1], role=VIEWER)
    assert ("bob", "Root", "viewer") not in who(foreseen(installed, emptied(sales)).radius.lost)
    off = foreseen(installed, active(people[1], is_active=False))
    assert ("bob", "Root", "viewer") in who(off.radius.lost)
    assert off.value.thing.id == people[1]
