"""Does the report say who lost what, when, and by which change, on either database?"""

import csv
import io
from dataclasses import replace
from datetime import timedelta

import pytest

from rolecall.authentication.api_keys import create_api_key, revoke_api_key
from rolecall.authorization.actions import Action
from rolecall.authorization.roles import ADMIN
from rolecall.directory import assignments, provisioned_users, users
from rolecall.directory.events import RoleRemoved
from rolecall.directory.leavers import Lost, list_losses, render_csv, to_document
from rolecall.directory.model import RoleDraft, TeamDraft, UserId
from rolecall.directory.roles import create_role
from rolecall.directory.teams import create_team
from rolecall.kernel.errors import Forbidden
from tests.make.actors import ADMINISTRATOR, PROVISIONER, all_but
from tests.make.directory import (
    ANY_VERSION,
    administrator,
    local_user,
    pushed_group,
    pushed_user,
    service_user,
    setting,
)


def report(installed, since=None, until=None, limit=100, after=0, **options):
    now = installed.clock.now
    return installed.ask(
        list_losses,
        since=since or now - timedelta(days=1),
        until=until or now + timedelta(seconds=1),
        limit=limit,
        after=after,
        **options,
    )


def told(page):
    return [(loss.user_name, loss.lost, loss.what, loss.because) for loss in page.losses]


def test_everything_that_a_leaver_loses_is_told_in_order(installed):
    administrator(installed)
    ada = pushed_user(installed, "ada")
    installed.change(assignments.assign_role, ada, role=ADMIN)
    made = installed.change(create_api_key, user_id=ada, name="Laptop", role=None)
    installed.change(assignments.remove_role, ada, role=ADMIN)
    installed.change(provisioned_users.change_user, ada, setting(active=False), ANY_VERSION, actor=PROVISIONER)
    installed.change(provisioned_users.delete_user, ada, ANY_VERSION, actor=PROVISIONER)
    page = report(installed)
    assert [each[:3] for each in told(page)] == [
        ("ada", Lost.ROLE, "admin in Root"),
        ("ada", Lost.ALL_ACCESS, "everything, until it is reactivated"),
        (None, Lost.API_KEY, f"{made.key.id} (Laptop)"),
        ("ada", Lost.ALL_ACCESS, "everything: the user was deleted"),
    ]
    assert page.losses[0].because == "manual"
    assert page.next_after is None
    assert {loss.user_id for loss in page.losses} == {ada}
    assert [loss.request_id for loss in page.losses] == [
        ADMINISTRATOR.request_id,
        *[PROVISIONER.request_id] * 3,
    ]
    assert {loss.at for loss in page.losses} == {installed.clock.now}


def test_by_whom_it_was_done_is_told_by_name(installed):
    robot = service_user(installed, "okta")
    grace = local_user(installed)
    installed.change(users.deactivate_user, grace, reason="left", actor=replace(ADMINISTRATOR, user_id=robot))
    (loss,) = report(installed).losses
    assert (loss.by_kind, loss.by_user_id, loss.by_user_name, loss.because) == ("api_key", robot, "okta", "left")


def test_a_user_that_is_still_there_is_named_also_where_the_event_has_only_its_id(installed):
    grace = local_user(installed)
    made = installed.change(create_api_key, user_id=grace, name="Laptop", role=None)
    installed.change(revoke_api_key, made.key.id)
    assert told(report(installed)) == [("grace", Lost.API_KEY, f"{made.key.id} (Laptop)", "by hand")]


def test_only_what_lies_between_is_told_a_page_at_a_time(installed):
    start = installed.clock.now
    for number in range(4):
        installed.change(users.deactivate_user, local_user(installed, f"user{number}"), reason="left")
        installed.clock.advance(timedelta(days=1))
    between = {"since": start + timedelta(days=1), "until": start + timedelta(days=3)}
    first = report(installed, limit=1, **between)
    assert [loss.user_name for loss in first.losses] == ["user1"]
    second = report(installed, limit=5, after=first.next_after, **between)
    assert ([loss.user_name for loss in second.losses], second.next_after) == (["user2"], None)


def test_what_gives_access_is_no_loss(installed):
    user_id = local_user(installed)
    installed.change(assignments.assign_role, user_id, role=ADMIN)
    assert report(installed).losses == ()


def test_as_csv_nothing_is_a_formula(installed):
    user_id = local_user(installed, "=cmd|'/c calc'!a1")
    installed.change(users.deactivate_user, user_id, reason='+1, "quoted"\nand more')
    (loss,) = report(installed).losses
    (header, row) = csv.reader(io.StringIO(render_csv([loss])))
    found = dict(zip(header, row, strict=True))
    assert found["user_name"] == "'=cmd|'/c calc'!a1"
    assert found["because"] == '\'+1, "quoted"\nand more'
    assert (found["at"], found["by_user_id"]) == (to_document(loss)["at"], "")
    assert list(found) == list(to_document(loss))


@pytest.mark.parametrize("action", [Action.USER_LIST, Action.EVENT_READ])
def test_the_report_needs_both_of_its_actions(installed_sqlite, action):
    with pytest.raises(Forbidden):
        report(installed_sqlite, actor=all_but(action))


def test_roles_teams_and_groups_are_told_with_their_names_as_long_as_they_are_there(installed):
    team = installed.change(create_team, TeamDraft(name="Sales")).id
    role = installed.change(create_role, RoleDraft(name="Auditor", actions=frozenset({Action.AUDIT_READ}))).id
    group = pushed_group(installed, "Staff")

    def lose(tx):
        for source in (f"scim-group:{group}", "scim-group:gone", "scim-role:Staff"):
            tx.record(RoleRemoved(user_id=UserId("u"), user_name="ada", team_id=team, role=role, source=source))

    installed.change(lose)
    assert {each[2] for each in told(report(installed))} == {f"{role} (Auditor) in {team} (Sales)"}
    assert [each[3] for each in told(report(installed))] == [
        f"scim-group:{group} (Staff)",
        "scim-group:gone",
        "scim-role:Staff",
    ]


def test_a_role_in_a_team_that_is_gone_is_told_by_the_teams_id(installed):
    event = RoleRemoved(user_id=UserId("u"), user_name="ada", team_id="t", role="admin", source="manual")
    installed.change(lambda tx: tx.record(event))
    assert told(report(installed)) == [("ada", Lost.ROLE, "admin in t", "manual")]
