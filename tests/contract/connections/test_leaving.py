"""What becomes of all that a decommissioned connection has pushed, and does it come back, on either database?"""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from rolecall.api.admission import Admission
from rolecall.authentication.api_keys import create_api_key
from rolecall.authentication.errors import UnknownApiKey
from rolecall.authorization.actions import Action
from rolecall.authorization.roles import ADMIN, SCIM_PROVISIONER
from rolecall.connections import connections
from rolecall.connections.errors import BadConnection, ConnectionFixed, ConnectionInUse
from rolecall.connections.leaving import decommissioning, preview
from rolecall.connections.leaving.model import AssignmentsChoice, Because, Phase, Plan, UsersChoice
from rolecall.connections.model import ConnectionDraft, ConnectionState
from rolecall.connections.preview.model import UserChange
from rolecall.directory import (
    assignments,
    groups,
    installation,
    owners,
    provisioned_users,
    reconcile,
    resources,
    users,
)
from rolecall.directory.model import DEFAULT_CONNECTION, ROOT_TEAM, AddMembers, ResourceKind, UserState
from rolecall.kernel.errors import Forbidden, NotFound
from rolecall.mapping import mappings
from tests.make.actors import ADMINISTRATOR, all_but
from tests.make.company import DAY, Company
from tests.make.directory import ANY_VERSION, administrator, local_user, service_user
from tests.make.mapping import OPERATOR, VIEWER, finish_reconciling, mapping, target

LOCAL, OFF, OVER = UsersChoice.KEEP_AS_LOCAL, UsersChoice.DEACTIVATE, UsersChoice.HAND_OVER
KEEP, REMOVE = AssignmentsChoice.KEEP, AssignmentsChoice.REMOVE
KIND = ResourceKind(name="Device")


@pytest.fixture
def company(installed):
    return Company(installed)


MANUAL = {"manual"}


def test_users_become_local_and_keep_by_hand_what_groups_and_roles_gave(installed, company):
    report = company.leave(LOCAL, KEEP)
    assert (report.leaving.phase, report.kept_back) == (Phase.LEFT, ())
    assert (report.leaving.done, report.leaving.total) == (6, 6)
    for user_id in (company.ada, company.bob, company.eve, company.roles):
        assert (company.find(user_id).connection_id, company.find(user_id).state) == (None, UserState.ACTIVE)
    both = {(ROOT_TEAM, VIEWER): MANUAL, (company.sales, OPERATOR): MANUAL}
    assert company.roles_of(company.ada) == company.roles_of(company.bob) == both
    assert company.roles_of(company.eve) == {}
    assert company.roles_of(company.roles) == {(ROOT_TEAM, VIEWER): MANUAL}
    assert installed.ask(owners.count_owned, company.okta) == (0, 2)
    assert installed.count_rows("group_member") == 0
    assert installed.ask(connections.get_connection, company.okta).draft.state is ConnectionState.DECOMMISSIONED


def test_users_become_local_and_lose_what_groups_and_roles_gave_but_nothing_given_by_hand(installed, company):
    company.leave(LOCAL, REMOVE)
    assert company.roles_of(company.bob) == {(ROOT_TEAM, VIEWER): MANUAL}
    assert company.roles_of(company.ada) == company.roles_of(company.roles) == {}
    assert company.find(company.ada).connection_id is None


def test_users_are_deactivated_and_stay_with_their_connection(installed, company):
    company.leave(OFF, KEEP)
    for user_id in (company.ada, company.bob, company.eve, company.roles):
        assert (company.find(user_id).connection_id, company.find(user_id).state) == (
            company.okta,
            UserState.DEACTIVATED,
        )
    assert company.roles_of(company.ada)[ROOT_TEAM, VIEWER] == MANUAL
    told = [each.data["reason"] for each in installed.events() if each.type == "directory.user.deactivated"]
    assert told == ["its SCIM connection was decommissioned"] * 4


def test_users_and_groups_are_handed_over_with_all_that_they_give(installed, company):
    device = installed.change(resources.create_resource, KIND, {"schemas": ["d"]}, actor=company.actor())
    before = {each: company.roles_of(each) for each in (company.ada, company.bob, company.roles)}
    company.leave(OVER, KEEP)
    assert {each: company.roles_of(each) for each in before} == before
    assert installed.ask(owners.count_owned, company.entra) == (4, 2)
    assert installed.ask(owners.count_owned, company.okta) == (0, 0)
    entra = company.actor(company.entra)
    shown = installed.ask(provisioned_users.get_user, company.ada, with_memberships=True, actor=entra)
    assert {each.group_id for each in shown.memberships} == {company.inner, company.outer}
    assert installed.ask(resources.get_resource, KIND, device.id, actor=entra).id == device.id


def test_users_are_handed_over_without_groups_when_what_these_gave_is_removed(installed, company):
    company.leave(OVER, REMOVE)
    assert installed.ask(owners.count_owned, company.entra) == (4, 0)
    assert company.roles_of(company.ada) == {}
    assert company.roles_of(company.bob) == {(ROOT_TEAM, VIEWER): MANUAL}


def test_whom_the_other_connection_knows_by_external_id_stays_and_is_reported(installed, company):
    company.user("countess", owner=company.entra, externalId="x-ada")
    company.group("Their builders", owner=company.entra, externalId="g-inner")
    report = company.leave(OVER, KEEP)
    assert [(each.kind, each.name, each.because) for each in report.kept_back] == [
        ("GROUP", "Builders", Because.EXTERNAL_ID_TAKEN),
        ("USER", "ada", Because.EXTERNAL_ID_TAKEN),
    ]
    assert company.find(company.ada).connection_id == company.okta
    assert company.find(company.bob).connection_id == company.entra
    kept = {(ROOT_TEAM, VIEWER), (company.sales, OPERATOR)}
    assert company.roles_of(company.ada).keys() == company.roles_of(company.bob).keys() == kept
    members = installed.ask(groups.get_group, company.outer, with_members=True, actor=company.actor(company.entra))
    assert [each.id for each in members.members] == [company.bob]


@pytest.mark.parametrize("kept", AssignmentsChoice)
@pytest.mark.parametrize("choice", UsersChoice)
def test_coming_back_brings_everything_back_as_it_was(installed, company, choice, kept):
    installed.change(resources.create_resource, KIND, {"schemas": ["d"]}, actor=company.actor())
    installed.change(users.deactivate_user, company.eve, reason="on leave")
    company.user("countess", owner=company.entra, externalId="x-bob")
    company.group("Their builders", owner=company.entra, externalId="g-inner")
    administrator(installed, "boss")
    installed.change(assignments.assign_role, company.roles, role=ADMIN)
    before = company.everything()
    company.leave(choice, kept)
    assert company.everything() != before
    installed.clock.advance(DAY)
    company.come_back()
    assert company.everything() == before
    with pytest.raises(NotFound):
        installed.ask(decommissioning.get_report, company.okta)


@pytest.mark.parametrize("choice", UsersChoice)
def test_it_may_be_broken_off_anywhere_and_either_way(installed, company, choice):
    def crash(tx, connection_id):
        decommissioning.leave_slice(tx, connection_id, limit=1)
        raise ZeroDivisionError

    before = company.everything()
    for stop_after in range(9):
        company.begin(choice, KEEP)
        for _ in range(stop_after):
            installed.change(decommissioning.leave_slice, company.okta, limit=1)
        # A crash before the commit leaves nothing of a slice.
        with pytest.raises(ZeroDivisionError):
            installed.change(crash, company.okta)
        installed.change(decommissioning.recommission_connection, company.okta)
        installed.change(decommissioning.return_slice, company.okta, limit=1)
        assert installed.change(decommissioning.leave_slice, company.okta) is None
        company.work()
        assert company.everything() == before


def test_its_credentials_stop_at_once_and_open_again_only_when_all_is_back(installed, company):
    async def admit():
        admission = Admission(installed.transactions)
        return (await admission.admit_pusher(f"Bearer {company.key}", address="127.0.0.1"))[2]

    assert asyncio.run(admit()).id == company.okta
    company.begin(LOCAL, KEEP)
    with pytest.raises(UnknownApiKey):
        asyncio.run(admit())
    installed.change(decommissioning.recommission_connection, company.okta)
    with pytest.raises(UnknownApiKey):
        asyncio.run(admit())
    company.work()
    assert asyncio.run(admit()).is_on


def test_keys_of_no_connection_push_no_more_when_the_default_connection_has_left(installed, company):
    robot = service_user(installed)
    installed.change(assignments.assign_role, robot, role=SCIM_PROVISIONER)
    key = installed.change(create_api_key, user_id=robot, name="robot", role=None).secret

    async def is_served():
        admission = Admission(installed.transactions)
        return (await admission.admit_pusher(f"Bearer {key}", address="127.0.0.1"))[1].scim_enabled

    assert asyncio.run(is_served())
    plan = company.plan(LOCAL, KEEP)
    installed.change(decommissioning.decommission_connection, DEFAULT_CONNECTION, plan, undo_within=DAY)
    assert not asyncio.run(is_served())


def test_what_is_decommissioned_gets_no_credential_no_user_and_no_other_state(installed, company):
    company.leave(LOCAL, KEEP)
    with pytest.raises(ConnectionFixed):
        installed.change(connections.rotate_credential, company.okta, overlap=timedelta())
    with pytest.raises(ConnectionFixed):
        installed.change(connections.link_user, company.okta, company.ada)
    with pytest.raises(ConnectionFixed):
        installed.change(
            connections.change_connection, company.okta, lambda d: replace(d, state=ConnectionState.ON), ANY_VERSION
        )
    with pytest.raises(ConnectionInUse):
        installed.change(connections.delete_connection, company.okta, ANY_VERSION)


def test_the_break_glass_user_and_the_last_administrator_stay_whatever_was_chosen(installed, company):
    installed.change(assignments.assign_role, company.ada, role=ADMIN)
    installed.change(users.set_break_glass, company.ada)
    installed.change(assignments.assign_role, company.bob, role=ADMIN)
    report = company.leave(OFF, REMOVE)
    assert [(each.name, each.because) for each in report.kept_back] == [("ada", Because.BREAK_GLASS)]
    ada = company.find(company.ada)
    assert (ada.state, ada.connection_id) == (UserState.ACTIVE, None)
    assert (ROOT_TEAM, ADMIN) in company.roles_of(company.ada)


@pytest.mark.parametrize("choice", UsersChoice)
def test_of_several_administrators_by_a_group_the_oldest_stays_one(installed, company, choice):
    admins = company.group("Admins", company.bob, company.eve)
    mapping(installed, "Admins", target(ADMIN))
    report = company.leave(choice, REMOVE)
    assert admins
    assert [(each.name, each.because) for each in report.kept_back] == [("bob", Because.LAST_ADMINISTRATOR)]
    assert company.find(company.bob).state is UserState.ACTIVE
    assert company.roles_of(company.bob)[ROOT_TEAM, ADMIN] == MANUAL
    assert (ROOT_TEAM, ADMIN) not in company.roles_of(company.eve)
    assert installed.ask(assignments.count_administrators) == 1


def test_what_is_just_being_taken_away_is_not_kept_by_hand(installed, company):
    installed.change(installation.set_users_at_once, 1)
    (made,) = [each for each in installed.ask(mappings.list_mappings) if each.match_value == "Engineers"]
    installed.change(mappings.delete_mapping, made.id, ANY_VERSION)
    assert installed.ask(reconcile.list_reconciling)
    company.leave(LOCAL, KEEP)
    finish_reconciling(installed)
    assert company.roles_of(company.ada) == {}
    assert company.roles_of(company.bob) == {(ROOT_TEAM, VIEWER): MANUAL}


def test_what_a_mapping_gives_no_more_does_not_come_back(installed, company):
    company.leave(LOCAL, KEEP)
    for each in installed.ask(mappings.list_mappings):
        installed.change(mappings.delete_mapping, each.id, ANY_VERSION)
    company.come_back()
    assert company.roles_of(company.ada) == company.roles_of(company.roles) == {}
    assert company.roles_of(company.bob) == {(ROOT_TEAM, VIEWER): MANUAL}


def test_who_administered_by_a_group_that_gives_it_no_more_goes_on_when_it_comes_back(installed, company):
    company.group("Admins", company.bob)
    made = mapping(installed, "Admins", target(ADMIN))
    company.leave(LOCAL, KEEP)
    installed.change(mappings.delete_mapping, made.id, ANY_VERSION)
    company.come_back()
    assert company.roles_of(company.bob)[ROOT_TEAM, ADMIN] == MANUAL


def test_who_went_on_elsewhere_meanwhile_does_not_come_back_and_that_is_told(installed, company):
    company.leave(OVER, KEEP)
    other = installed.change(connections.create_connection, ConnectionDraft(name="Third")).id
    installed.change(connections.link_user, other, company.ada)
    entra = company.actor(company.entra)
    installed.change(provisioned_users.delete_user, company.eve, ANY_VERSION, actor=entra)
    theirs = company.user("theirs", owner=company.entra)
    step = AddMembers(operation=0, members=(theirs,))
    installed.change(groups.change_group, company.outer, (step,), ANY_VERSION, with_members=False, actor=entra)
    mine = company.group("Theirs", company.bob, owner=company.entra)
    company.come_back()
    assert company.find(company.ada).connection_id == other
    assert company.find(company.bob).connection_id == company.okta
    told = [each.data["user_name"] for each in installed.events() if each.type == "connections.user.not-returned"]
    assert told == ["ada", "eve"]
    shown = installed.ask(groups.get_group, company.outer, with_members=True, actor=company.actor())
    assert {each.id for each in shown.members} == {company.inner, company.bob}
    assert installed.ask(groups.get_group, mine, with_members=True, actor=entra).members == ()
    assert company.roles_of(theirs) == {}


def test_what_an_administrator_decided_meanwhile_about_access_stays(installed, company):
    company.leave(OFF, KEEP)
    installed.change(users.reactivate_user, company.bob)
    installed.change(users.deactivate_user, company.bob, reason="gone")
    installed.change(users.reactivate_user, company.eve)
    installed.clock.advance(DAY)
    company.come_back()
    assert company.find(company.eve).state is UserState.ACTIVE
    assert company.find(company.ada).state is UserState.ACTIVE


def test_when_the_time_to_undo_is_over_groups_and_credentials_are_gone_for_good(installed, company):
    company.leave(LOCAL, KEEP, undo_within=2 * DAY)
    company.work()
    assert installed.count_rows("directory_group") == 2
    installed.clock.advance(2 * DAY)
    with pytest.raises(ConnectionFixed):
        installed.change(decommissioning.recommission_connection, company.okta)
    company.work()
    assert installed.ask(decommissioning.get_report, company.okta).leaving.phase is Phase.SETTLED
    assert installed.count_rows("directory_group") == installed.count_rows("scim_left") == 0
    assert not any(
        each.is_usable(installed.clock.now) for each in installed.ask(connections.list_credentials, company.okta)
    )
    assert company.roles_of(company.ada)[ROOT_TEAM, VIEWER] == MANUAL
    with pytest.raises(ConnectionFixed):
        installed.change(decommissioning.recommission_connection, company.okta)
    installed.change(connections.delete_connection, company.okta, ANY_VERSION)


def test_an_undone_leaving_does_not_end_the_next_one_too_early(installed, company):
    company.leave(LOCAL, KEEP, undo_within=DAY)
    company.come_back()
    installed.clock.advance(timedelta(hours=1))
    company.leave(LOCAL, KEEP, undo_within=3 * DAY)
    installed.clock.advance(2 * DAY)
    company.work()
    assert installed.ask(decommissioning.get_report, company.okta).leaving.phase is Phase.LEFT
    installed.clock.advance(2 * DAY)
    company.work()
    assert installed.ask(decommissioning.get_report, company.okta).leaving.phase is Phase.SETTLED


def previewed(installed, company, users, kept, actor=ADMINISTRATOR):
    plan = company.plan(users, kept)

    async def rehearse():
        return await installed.transactions.rehearse_in_order(
            actor, lambda rehearsing: preview.play(rehearsing, company.okta, plan, undo_within=DAY)
        )

    return asyncio.run(rehearse()).value


def test_a_preview_names_who_would_lose_what_and_keeps_nothing(installed, company):
    before = company.everything()
    for users_choice in (LOCAL, OVER):
        radius = previewed(installed, company, users_choice, KEEP).radius
        assert (radius.gained, radius.lost, radius.users) == ((), (), ())
    removed = previewed(installed, company, LOCAL, REMOVE)
    assert {(each.user_name, each.role) for each in removed.radius.lost} == {
        ("ada", VIEWER),
        ("ada", OPERATOR),
        ("bob", OPERATOR),
        ("rob", VIEWER),
    }
    assert removed.report.leaving.phase is Phase.LEFT
    ended = previewed(installed, company, OFF, KEEP).radius
    assert [(each.user_name, each.change) for each in ended.users] == [
        (name, UserChange.DEACTIVATED) for name in ("ada", "bob", "eve", "rob")
    ]
    assert len(ended.losing) == 3
    assert company.everything() == before


def test_a_preview_tells_what_jobs_would_go_on_with_and_needs_no_more_than_the_change_itself(installed, company):
    company.group("Crowd", company.ada, company.eve)
    mapping(installed, "Crowd", target(OPERATOR))
    installed.change(installation.set_users_at_once, 1)
    actor = replace(ADMINISTRATOR, actions=frozenset({Action.CONNECTION_CHANGE}))
    radius = previewed(installed, company, LOCAL, REMOVE, actor=actor).radius
    assert ("eve", OPERATOR) in {(each.user_name, each.role) for each in radius.lost}


def test_what_cannot_be_is_refused_and_changes_nothing(installed, company):
    decommission = decommissioning.decommission_connection
    before = company.everything()
    for plan, within in (
        (Plan(users=OVER, assignments=KEEP), DAY),
        (Plan(users=LOCAL, assignments=KEEP, to_connection_id=company.entra), DAY),
        (Plan(users=OVER, assignments=KEEP, to_connection_id=company.okta), DAY),
        (Plan(users=OVER, assignments=KEEP, to_connection_id="none"), DAY),
        (company.plan(LOCAL, KEEP), timedelta(days=91)),
    ):
        with pytest.raises(BadConnection):
            installed.change(decommission, company.okta, plan, undo_within=within)
    with pytest.raises(NotFound):
        installed.change(decommission, "none", company.plan(LOCAL, KEEP), undo_within=DAY)
    with pytest.raises(NotFound):
        installed.change(decommissioning.recommission_connection, "none")
    with pytest.raises(ConnectionFixed):
        installed.change(decommissioning.recommission_connection, company.okta)
    assert company.everything() == before


def test_nobody_leaves_twice_or_to_somebody_who_leaves(installed, company):
    decommission = decommissioning.decommission_connection
    company.begin(OVER, KEEP)
    company.begin(OVER, KEEP)
    with pytest.raises(ConnectionFixed):
        company.begin(LOCAL, KEEP)
    with pytest.raises(ConnectionFixed):
        installed.change(decommission, company.entra, company.plan(LOCAL, KEEP), undo_within=DAY)
    plan = Plan(users=OVER, assignments=KEEP, to_connection_id=company.okta)
    with pytest.raises(BadConnection):
        installed.change(decommission, DEFAULT_CONNECTION, plan, undo_within=DAY)
    company.work()
    installed.change(decommissioning.recommission_connection, company.okta)
    installed.change(decommissioning.recommission_connection, company.okta)
    with pytest.raises(ConnectionFixed):
        company.begin(OVER, KEEP)


def test_local_users_and_other_connections_are_left_alone(installed, company):
    grace = local_user(installed)
    theirs = company.user("theirs", owner=company.entra)
    before = (company.find(grace), company.find(theirs))
    company.leave(OFF, REMOVE)
    assert (company.find(grace), company.find(theirs)) == before


def test_nobody_decommissions_or_undoes_it_without_the_action(installed, company):
    reader, changer = all_but(Action.CONNECTION_CHANGE), all_but(Action.CONNECTION_LIST)
    plan = company.plan(LOCAL, KEEP)
    with pytest.raises(Forbidden):
        installed.change(decommissioning.decommission_connection, company.okta, plan, undo_within=DAY, actor=reader)
    for use_case in (
        decommissioning.recommission_connection,
        decommissioning.leave_slice,
        decommissioning.return_slice,
        decommissioning.settle_slice,
    ):
        with pytest.raises(Forbidden):
            installed.change(use_case, company.okta, actor=reader)
    with pytest.raises(Forbidden):
        installed.ask(decommissioning.get_report, company.okta, actor=changer)
