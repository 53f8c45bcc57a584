"""In what do we differ from an identity provider, and how is it repaired, on either database?"""

import asyncio
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from rolecall.authorization.actions import Action
from rolecall.authorization.actor import SYSTEM
from rolecall.connections import connections
from rolecall.connections.drift import decide, differences, jobs
from rolecall.connections.drift.exports import parse_export
from rolecall.connections.drift.model import DriftKind, DriftSearch, Holdings
from rolecall.connections.model import ConnectionDraft
from rolecall.connections.preview.foreseeing import foresee
from rolecall.directory import assignments, groups, provisioned_users, users
from rolecall.directory.errors import BreakGlassUser, LastAdministrator, UserNameTaken
from rolecall.directory.model import DEFAULT_CONNECTION, ROOT_TEAM, AddMembers, RemoveMembers, ReplaceMembers, UserState
from rolecall.jobs import queue
from rolecall.jobs.jobs import get_job
from rolecall.kernel.errors import Forbidden, NotFound
from tests.make.actors import ADMINISTRATOR, PROVISIONER, all_but
from tests.make.directory import (
    ANY_VERSION,
    administrator,
    change_members,
    group_profile,
    member_ids,
    pushed_group,
    pushed_user,
    setting,
    user_profile,
)
from tests.make.mapping import VIEWER, mapping, target

ALL = DriftSearch(connection_id=DEFAULT_CONNECTION, limit=1_000)
NOTHING = Holdings(users=(), groups=(), members={})
PROVIDER = differences.as_provider(ADMINISTRATOR, DEFAULT_CONNECTION)


def compare(installed, export, connection=DEFAULT_CONNECTION):
    """Compare and keep, as one who uploads an export does; return what was found."""
    found = installed.ask(differences.compare_export, connection, parse_export(export))
    installed.change(differences.keep_comparison, connection, found)
    return found


def kinds(installed, wanted=ALL):
    found = installed.ask(differences.list_differences, wanted)
    return [each.difference.finding.kind.value for each in found]


def repair(installed, wanted=ALL, actor=PROVIDER):
    return installed.change(differences.repair_differences, wanted, actor=actor)


@pytest.fixture
def company(installed):
    """Ada and Bob, whom the provider pushed; Bob is an engineer, and engineers are viewers."""
    ada, bob = pushed_user(installed, "ada", externalId="a"), pushed_user(installed, "bob", externalId="b")
    engineers = pushed_group(installed, "Engineers", bob, externalId="e")
    mapping(installed, "Engineers", target(VIEWER))
    return ada, bob, engineers


EXPORT = {
    "users": [user_profile("ada", externalId="a", active=True), user_profile("bob", externalId="b", active=True)],
    "groups": [group_profile("Engineers", externalId="e") | {"members": [{"value": "b"}]}],
}


def roles_of(installed, user_id):
    return [each.role for each in installed.ask(assignments.list_assignments, user_id)]


def test_what_is_as_the_provider_says_is_no_difference_and_manual_assignments_are_none(installed, company):
    installed.change(assignments.assign_role, company[0], role=VIEWER)
    assert compare(installed, EXPORT).findings == ()
    assert kinds(installed) == []


def test_stray_changes_are_found_with_their_cause_and_all_repaired(installed, company):
    ada, bob, engineers = company
    installed.change(users.deactivate_user, ada, reason="by mistake")
    change_members(installed, engineers, RemoveMembers(operation=0, members=(bob,)))
    change_members(installed, engineers, AddMembers(operation=0, members=(ada,)))
    extra = pushed_user(installed, "extra")
    pushed_group(installed, "Extra")
    export = {**EXPORT, "users": [*EXPORT["users"], user_profile("lost", title="Push")]}
    assert len(compare(installed, export).findings) == 6
    shown = installed.ask(differences.list_differences, ALL)
    assert [(each.difference.finding.kind.value, each.cause and each.cause.type) for each in shown] == [
        ("USER_MISSING", None),
        ("USER_DIFFERENT", "directory.user.deactivated"),
        ("MEMBER_MISSING", "directory.group.members-changed"),
        ("MEMBER_EXTRA", "directory.group.members-changed"),
        ("GROUP_EXTRA", "directory.group.created"),
        ("USER_EXTRA", "directory.user.created"),
    ]
    assert shown[1].cause.request_id == ADMINISTRATOR.request_id
    assert roles_of(installed, bob) == []

    done = repair(installed)

    assert (done.repaired, done.remaining) == (6, 0)
    assert installed.event_types().count("connections.drift.repaired") == 6
    assert member_ids(installed, engineers) == {bob}
    assert roles_of(installed, bob) == [VIEWER]
    assert installed.ask(users.get_user_by_name, "ada").state is UserState.ACTIVE
    assert installed.ask(users.get_user_by_name, "lost").connection_id == DEFAULT_CONNECTION
    gone = installed.ask(users.get_user_by_name, "extra")
    assert (gone.id, gone.state) == (extra, UserState.DEACTIVATED)
    assert compare(installed, export).findings == ()


def test_a_group_that_is_missing_comes_back_with_its_members_and_a_renamed_one_gets_its_name(installed, company):
    export = {
        "groups": [
            group_profile("Builders", externalId="e") | {"members": [{"value": "b"}]},
            group_profile("Missing") | {"members": [{"value": "a"}]},
        ]
    }
    compare(installed, export)
    assert kinds(installed) == ["GROUP_MISSING", "GROUP_DIFFERENT"]
    repair(installed)
    assert compare(installed, export).findings == ()


def test_one_difference_is_repaired_alone(installed, company):
    pushed_user(installed, "extra")
    pushed_user(installed, "another")
    compare(installed, EXPORT)
    first = installed.ask(differences.list_differences, ALL)[0].difference
    assert installed.ask(differences.get_difference, first.id).difference == first
    done = installed.change(differences.repair_difference, first.id, actor=PROVIDER)
    assert (done.repaired, done.remaining) == (1, 1)
    assert installed.ask(users.get_user_by_name, first.finding.name).state is UserState.DEACTIVATED
    with pytest.raises(NotFound):
        installed.change(differences.repair_difference, first.id, actor=PROVIDER)


def test_a_preview_says_who_would_lose_what_and_keeps_nothing(installed, company):
    bob = company[1]
    compare(installed, {**EXPORT, "groups": [group_profile("Engineers") | {"members": []}]})

    def play(rehearsing):
        return foresee(rehearsing, lambda tx: differences.repair_differences(tx, ALL))

    foreseen = asyncio.run(installed.transactions.rehearse_in_order(PROVIDER, play)).value
    assert foreseen.value.repaired == 1
    assert [(each.user_id, each.team_id, each.role) for each in foreseen.radius.lost] == [(bob, ROOT_TEAM, VIEWER)]
    assert foreseen.radius.gained == ()
    assert roles_of(installed, bob) == [VIEWER]
    assert kinds(installed) == ["MEMBER_EXTRA"]


def test_a_repair_that_is_refused_changes_nothing_at_all(installed, company):
    administrator(installed, "taken")
    pushed_user(installed, "extra")
    compare(installed, {"users": [*EXPORT["users"], user_profile("taken")]})
    with pytest.raises(UserNameTaken):
        repair(installed)
    assert kinds(installed) == ["USER_MISSING", "USER_EXTRA"]
    assert installed.ask(users.get_user_by_name, "extra").state is UserState.ACTIVE
    only = replace(ALL, kind=DriftKind.USER_EXTRA)
    assert repair(installed, only).remaining == 0
    assert kinds(installed) == ["USER_MISSING"]


def test_the_last_administrator_stays_whatever_the_provider_says(installed, company):
    administrator(installed, "boss", pushed=True)
    compare(installed, EXPORT)
    with pytest.raises((LastAdministrator, BreakGlassUser)):
        repair(installed)
    assert installed.ask(users.get_user_by_name, "boss").state is UserState.ACTIVE


def test_a_group_that_has_gone_meanwhile_is_as_it_should_be(installed, company):
    extra = pushed_group(installed, "Extra")
    compare(installed, EXPORT)
    installed.change(groups.delete_group, extra, ANY_VERSION, actor=PROVIDER)
    assert repair(installed).repaired == 1


def test_each_connection_is_compared_with_what_it_owns_and_repaired_within_its_limits(installed, company):
    draft = ConnectionDraft(name="Entra ID")
    entra = installed.change(connections.create_connection, draft).id
    compare(installed, {"users": []}, entra)
    assert kinds(installed, DriftSearch(limit=10)) == []
    compare(installed, {"users": []})
    compare(installed, {"users": [user_profile("eve")]}, entra)
    assert kinds(installed, DriftSearch(limit=10)) == ["USER_EXTRA", "USER_EXTRA", "USER_MISSING"]
    with pytest.raises(NotFound):
        repair(installed, actor=differences.as_provider(ADMINISTRATOR, entra))
    repair(installed, DriftSearch(connection_id=entra, limit=10), differences.as_provider(ADMINISTRATOR, entra))
    assert installed.ask(users.get_user_by_name, "eve").connection_id == entra
    assert kinds(installed) == ["USER_EXTRA", "USER_EXTRA"]


def test_differences_are_chosen_and_read_on_from_a_place(installed, company):
    ada, bob, engineers = company
    change_members(installed, engineers, AddMembers(operation=0, members=(ada,)))
    compare(installed, {"users": [], "groups": EXPORT["groups"]})
    assert kinds(installed) == ["MEMBER_EXTRA", "USER_EXTRA", "USER_EXTRA"]
    assert kinds(installed, replace(ALL, about=ada)) == ["MEMBER_EXTRA", "USER_EXTRA"]
    assert kinds(installed, replace(ALL, about=bob)) == ["USER_EXTRA"]
    assert kinds(installed, replace(ALL, about=engineers)) == ["MEMBER_EXTRA"]
    assert kinds(installed, replace(ALL, after=(DEFAULT_CONNECTION, 0), limit=1)) == ["USER_EXTRA"]
    assert repair(installed, replace(ALL, limit=1)).remaining == 2


def test_two_who_compare_at_once_both_succeed_and_one_result_is_kept(installed, company):
    found = installed.ask(differences.compare_export, DEFAULT_CONNECTION, parse_export({"users": []}))

    async def both():
        keep = partial(differences.keep_comparison, connection_id=DEFAULT_CONNECTION, comparison=found)
        await asyncio.gather(*(installed.transactions.write(ADMINISTRATOR, keep) for _ in range(4)))

    asyncio.run(both())
    assert kinds(installed) == ["USER_EXTRA", "USER_EXTRA"]


def do_repair_job(installed):
    (job,) = installed.change(queue.take_jobs, kinds=[differences.REPAIR], runner="r", limit=1, actor=SYSTEM)
    jobs.repair(installed.transactions, job)
    installed.change(queue.finish, job)
    return installed.ask(get_job, job.id)


def test_a_job_repairs_any_number_and_passes_over_what_is_refused(installed, company):
    administrator(installed, "taken")
    names = [f"user {number:03}" for number in range(jobs.SLICE + 5)]
    export = {"users": [*EXPORT["users"], user_profile("taken"), *(user_profile(name) for name in names)]}
    compare(installed, export)
    begun = installed.change(differences.begin_repair, ALL)
    assert (begun.repaired, begun.remaining) == (0, len(names) + 1)
    done = do_repair_job(installed)
    assert (done.id, done.done_count, done.message) == (begun.job_id, len(names), "1 refused")
    assert kinds(installed) == ["USER_MISSING"]
    assert installed.ask(differences.list_next, ALL)[0].finding.name == "taken"


def test_a_job_repairs_only_what_was_chosen_and_goes_on_after_a_crash(installed, company):
    extra = pushed_user(installed, "extra")
    compare(installed, {**EXPORT, "users": [*EXPORT["users"], user_profile("lost")]})
    installed.change(differences.begin_repair, replace(ALL, kind=DriftKind.USER_EXTRA, about=extra))
    # Its runner dies when it has begun, and another takes it when the lease has ended.
    installed.change(queue.take_jobs, kinds=[differences.REPAIR], runner="gone", limit=1, actor=SYSTEM)
    installed.change(differences.repair_listed, [installed.ask(differences.list_next, ALL)[1].id], actor=PROVIDER)
    installed.clock.advance(timedelta(hours=1))
    assert do_repair_job(installed).done_count == 0
    assert kinds(installed) == ["USER_MISSING"]


def test_what_the_provider_pushes_in_a_full_cycle_takes_its_differences_away(installed, company):
    ada, bob, engineers = company
    installed.change(users.deactivate_user, ada, reason="by mistake")
    change_members(installed, engineers, RemoveMembers(operation=0, members=(bob,)))
    assert len(compare(installed, EXPORT).findings) == 2
    # A full cycle is nothing but pushes: each says what the provider has, and is applied at once.
    installed.change(provisioned_users.change_user, ada, setting(active=True), ANY_VERSION, actor=PROVISIONER)
    change_members(installed, engineers, ReplaceMembers(operation=0, members=(bob,)))
    assert compare(installed, EXPORT).findings == ()


def test_nobody_compares_lists_or_repairs_without_the_action(installed, company):
    compare(installed, {"users": []})
    reader, changer = all_but(Action.CONNECTION_CHANGE), all_but(Action.CONNECTION_LIST)
    with pytest.raises(Forbidden):
        installed.ask(differences.compare_export, DEFAULT_CONNECTION, parse_export({"users": []}), actor=reader)
    with pytest.raises(Forbidden):
        installed.ask(differences.list_differences, ALL, actor=changer)
    with pytest.raises(Forbidden):
        installed.ask(differences.get_difference, "none", actor=changer)
    with pytest.raises(Forbidden):
        differences.as_provider(reader, DEFAULT_CONNECTION)
    with pytest.raises(Forbidden):
        repair(installed, actor=reader)
    for use_case in (differences.begin_repair, differences.repair_listed):
        with pytest.raises(Forbidden):
            installed.change(use_case, ALL, actor=reader)
    with pytest.raises(Forbidden):
        installed.ask(differences.list_next, ALL, actor=changer)
    with pytest.raises(NotFound):
        installed.ask(differences.get_difference, "none")
    with pytest.raises(NotFound):
        installed.change(differences.keep_comparison, "none", decide.compare(parse_export({"users": []}), NOTHING))
    with pytest.raises(NotFound):
        installed.ask(differences.compare_export, "none", parse_export({"users": []}))
