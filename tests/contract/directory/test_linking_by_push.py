"""Is a local person who is pushed linked rather than duplicated, and only when it is harmless?"""

from dataclasses import replace

import pytest

from rolecall.authorization.roles import ADMIN, RoleId
from rolecall.directory import assignments, provisioned_users, teams, users
from rolecall.directory.errors import LastAdministrator, UserNameTaken
from rolecall.directory.model import (
    DEFAULT_CONNECTION,
    ROOT_TEAM,
    ConnectionId,
    Held,
    ListRequest,
    TeamDraft,
    UserState,
)
from rolecall.directory.owners import begin_owning, count_owned
from tests.make.actors import PROVISIONER
from tests.make.directory import administrator, local_user, service_user, user_profile

OTHER = ConnectionId("00000000-0000-7000-8000-00000000000f")
ENTRA = replace(PROVISIONER, connection_id=OTHER)
VIEWER = RoleId("viewer")
LINKED, REFUSED = "directory.user.linked-by-push", "directory.user.link-refused"
ALL = ListRequest(where=None, sort_by=None, descending=False, skip=0, limit=10)


@pytest.fixture
def grace(installed):
    """A local person; and the connection Entra counts what it owns."""
    installed.change(begin_owning, OTHER)
    return local_user(installed, "grace")


def push(installed, user_name, *, actor=ENTRA, **attributes):
    return installed.change(provisioned_users.create_user, user_profile(user_name, **attributes), actor=actor)


def known(installed, user_id):
    return installed.ask(users.get_user, user_id)


def types_since(installed, count):
    return installed.event_types()[count:]


def test_a_local_person_is_linked_by_its_name_in_any_spelling_and_is_there_once(installed, grace):
    before, recorded = known(installed, grace), len(installed.events())
    answered = push(installed, "GRACE", externalId="7", title="Rear admiral")
    after = known(installed, grace)
    assert (answered.id, answered.version, answered.created_at) == (grace, 2, before.created_at)
    assert (after.connection_id, after.user_name, after.state) == (OTHER, "GRACE", UserState.ACTIVE)
    assert (after.profile["externalId"], after.profile["title"]) == ("7", "Rear admiral")
    # What the provider does not speak of stays.
    assert (after.profile["displayName"], after.profile["emails"]) == ("Grace Hopper", before.profile["emails"])
    assert installed.ask(users.list_all_users, ALL).total == 1
    assert installed.ask(count_owned, OTHER) == (1, 0)
    assert types_since(installed, recorded) == [LINKED, "directory.user.changed"]
    seen = installed.ask(provisioned_users.get_user, grace, with_memberships=True, actor=ENTRA)
    assert seen.profile == answered.profile


def test_a_key_of_no_connection_links_to_the_default_one(installed, grace):
    push(installed, "grace", actor=PROVISIONER)
    assert known(installed, grace).connection_id == DEFAULT_CONNECTION


def test_pushed_again_it_is_taken_as_any_other(installed, grace):
    push(installed, "grace")
    with pytest.raises(UserNameTaken, match="in use by another user"):
        push(installed, "grace")
    with pytest.raises(UserNameTaken, match="in use by another user"):
        push(installed, "grace", actor=replace(PROVISIONER, connection_id=DEFAULT_CONNECTION))


def test_what_it_holds_by_hand_stays_and_the_values_of_roles_are_taken(installed, grace):
    installed.change(assignments.assign_role, grace, role=VIEWER)
    push(installed, "grace", roles=[{"value": "clerk"}])
    assert [each.role for each in installed.ask(assignments.list_assignments, grace)] == [VIEWER]
    assert installed.count_rows("carried_value") == 1


def test_the_push_says_whether_it_is_active(installed, grace):
    recorded = len(installed.events())
    push(installed, "grace", active=False)
    assert known(installed, grace).state is UserState.DEACTIVATED
    assert "directory.user.deactivated" in types_since(installed, recorded)
    hopper = local_user(installed, "hopper")
    installed.change(users.deactivate_user, hopper, reason="left")
    push(installed, "hopper")
    assert known(installed, hopper).state is UserState.ACTIVE
    assert installed.event_types()[-1] == "directory.user.reactivated"


def test_whoever_was_made_an_administrator_in_any_team_is_left_to_an_administrator(installed, grace):
    root = administrator(installed, "root")
    sales = installed.change(teams.create_team, TeamDraft(name="Sales"))
    installed.change(assignments.assign_role, grace, role=ADMIN, team_id=sales.id)
    for name, user_id in (("ROOT", root), ("grace", grace)):
        before = known(installed, user_id)
        with pytest.raises(UserNameTaken) as refused:
            push(installed, name, displayName="Somebody else")
        assert f"rolecall admin connections link {OTHER} '{name}'" in refused.value.detail
        assert before.profile["displayName"] not in refused.value.detail
        assert refused.value.about == {"attribute": "userName"}
        (event,) = [each for each in installed.events() if each.type == REFUSED and each.subject_id == user_id]
        assert (event.data["because"], event.data["connection_id"]) == ("administrator", OTHER)
        assert known(installed, user_id) == before


def test_the_break_glass_user_is_refused_in_the_same_words_as_an_administrator(installed, grace):
    root = administrator(installed, "root")
    installed.change(users.set_break_glass, root)
    with pytest.raises(UserNameTaken, match="An administrator must link it"):
        push(installed, "root")
    assert [each.data["because"] for each in installed.events() if each.type == REFUSED] == ["break_glass"]
    assert known(installed, root).connection_id is None


def test_the_last_administrator_by_a_mapped_source_is_not_deactivated_by_its_link(installed, grace):
    held = Held(user_id=grace, team_id=ROOT_TEAM, role=ADMIN, source="oidc-claim:admins")

    def give(tx):
        assignments.apply(tx, {grace: users.get_user(tx, grace)}, gains=(held,), losses=())

    installed.change(give)
    with pytest.raises(LastAdministrator):
        push(installed, "grace", active=False)
    assert known(installed, grace).connection_id is None


def test_a_service_user_is_never_linked(installed, grace):
    robot = service_user(installed, "robot")
    with pytest.raises(UserNameTaken):
        push(installed, "robot")
    assert known(installed, robot).connection_id is None
    assert known(installed, grace).connection_id is None


def test_a_create_of_somebody_new_runs_as_many_statements_as_it_did(installed_sqlite):
    installed = installed_sqlite
    statements = []

    def create(tx):
        tx.connection.set_trace_callback(statements.append)
        provisioned_users.create_user(tx, user_profile("ada"))
        tx.connection.set_trace_callback(None)

    installed.change(create, actor=ENTRA)
    assert len(statements) == 1
    assert statements[0].startswith("INSERT INTO directory_user")


def test_two_pushes_of_one_local_person_leave_it_with_the_first(installed, grace):
    push(installed, "grace")
    other = replace(PROVISIONER, connection_id=DEFAULT_CONNECTION)
    with pytest.raises(UserNameTaken) as refused:
        push(installed, "grace", actor=other)
    assert "administrator can link it" in refused.value.detail
    assert OTHER not in refused.value.detail
    assert known(installed, grace).connection_id == OTHER
