"""What can be done with keys that are there, and with keys of teams, on either database?"""

from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network

import pytest

from rolecall.authentication import api_keys, key_changes
from rolecall.authentication.actors import authenticate
from rolecall.authentication.api_keys import create_api_key, create_team_key, list_api_keys, revoke_api_key
from rolecall.authentication.errors import BadApiKey, KeyTooWide, UnknownApiKey
from rolecall.authentication.model import ApiKeyId, KeyLimits
from rolecall.authorization.actions import Action
from rolecall.authorization.actor import ActorKind
from rolecall.authorization.errors import ActionNotHeld
from rolecall.authorization.roles import ADMIN, ROLE_ACTIONS, SCIM_PROVISIONER, RoleId
from rolecall.directory import assignments, installation, teams, users
from rolecall.directory.model import ROOT_TEAM, Expected, TeamDraft, TeamId
from rolecall.kernel.errors import Forbidden, NotFound
from tests.make.actors import ADMINISTRATOR, PROVISIONER, all_but
from tests.make.directory import administrator, local_user

AN_HOUR = timedelta(hours=1)
VIEWER = RoleId("viewer")
NO_KEY = ApiKeyId("abcdefghijkl")


@pytest.fixture
def ada(installed):
    """A person who may look at teams, and make keys of its own."""
    user_id = local_user(installed, "ada")
    installed.change(assignments.assign_role, user_id, role=VIEWER)
    return user_id


def key_of(installed, user_id, *, actor=ADMINISTRATOR, role=None, **limits):
    return installed.change(
        create_api_key, user_id=user_id, name="a key", role=role, limits=KeyLimits(**limits), actor=actor
    )


def team_key(installed, *, actor=ADMINISTRATOR, role=SCIM_PROVISIONER, team_id=ROOT_TEAM, **limits):
    return installed.change(
        create_team_key, team_id=team_id, name="a team's key", role=role, limits=KeyLimits(**limits), actor=actor
    )


def actor_of(installed, made):
    return installed.ask(authenticate, made.secret).actor


def opens_nothing(installed, made):
    with pytest.raises(UnknownApiKey):
        installed.ask(authenticate, made.secret)
    return True


def test_a_key_of_a_team_stands_for_nobody_and_has_its_role(installed):
    made = team_key(installed)
    actor = actor_of(installed, made)
    assert (actor.kind, actor.user_id, actor.user_name) == (ActorKind.API_KEY, None, None)
    assert (actor.api_key_id, actor.team_id) == (made.key.id, ROOT_TEAM)
    assert actor.actions == ROLE_ACTIONS[SCIM_PROVISIONER]
    assert installed.events()[-1].data == {"api_key_id": made.key.id, "name": "a team's key", "user_id": None}
    assert installed.ask(list_api_keys) == (made.key,)


def test_a_key_of_another_team_has_what_its_role_gives_there(installed):
    team = installed.change(teams.create_team, TeamDraft(name="Sales"))
    made = team_key(installed, role=ADMIN, team_id=team.id)
    assert actor_of(installed, made).actions < ROLE_ACTIONS[ADMIN]
    installed.change(teams.delete_team, team.id, Expected())
    assert opens_nothing(installed, made)


def test_a_key_of_a_team_needs_a_team_and_a_role_that_are_there(installed):
    with pytest.raises(NotFound):
        team_key(installed, team_id=TeamId("nowhere"))
    with pytest.raises(NotFound):
        team_key(installed, role=RoleId("nothing"))


def test_a_key_does_no_more_than_its_actions_and_its_user(installed, ada):
    made = key_of(installed, ada, actions=frozenset({Action.TEAM_LIST}))
    assert actor_of(installed, made).actions == {Action.TEAM_LIST}
    installed.change(assignments.remove_role, ada, role=VIEWER)
    assert actor_of(installed, made).actions == frozenset()
    assert actor_of(installed, team_key(installed, actions=frozenset({Action.PROVISIONED_READ}))).actions == {
        Action.PROVISIONED_READ
    }


@pytest.mark.parametrize(
    "limits, field",
    [
        ({"actions": frozenset()}, "actions"),
        ({"actions": frozenset({Action.TEAM_LIST, Action.USER_DELETE})}, "actions"),
        ({"expires_at": "now"}, "expires_at"),
    ],
)
def test_limits_that_make_no_sense_are_told(installed, ada, limits, field):
    if "expires_at" in limits:
        limits = {"expires_at": installed.clock.now}
    with pytest.raises(BadApiKey) as refused:
        key_of(installed, ada, **limits)
    assert refused.value.about == {"attribute": field}
    assert installed.count_rows("api_key") == 0


def test_networks_and_actions_come_back_as_they_were_given(installed, ada):
    networks = (ip_network("192.0.2.0/24"), ip_network("2001:db8::/32"))
    made = key_of(installed, ada, networks=networks, actions=frozenset({Action.TEAM_LIST, Action.ROLE_LIST}))
    assert installed.ask(key_changes.get_api_key, made.key.id) == made.key
    assert installed.ask(authenticate, made.secret).networks == networks


def test_everybody_with_the_action_makes_and_keeps_keys_of_their_own_alone(installed, ada):
    actor = actor_of(installed, key_of(installed, ada))
    made = key_of(installed, ada, actor=actor)
    others = key_of(installed, local_user(installed, "grace"))
    own = installed.ask(api_keys.list_own_api_keys, actor=actor)
    assert {key.id for key in own} == {actor.api_key_id, made.key.id}
    assert installed.change(key_changes.rename_api_key, made.key.id, "mine", actor=actor).name == "mine"
    installed.change(revoke_api_key, made.key.id, actor=actor)
    installed.change(key_changes.reinstate_api_key, made.key.id, actor=actor)
    installed.change(key_changes.delete_api_key, made.key.id, actor=actor)
    with pytest.raises(Forbidden):
        key_of(installed, others.key.user_id, actor=actor)
    for use_case in (revoke_api_key, key_changes.reinstate_api_key, key_changes.delete_api_key):
        with pytest.raises(NotFound):
            installed.change(use_case, others.key.id, actor=actor)
    with pytest.raises(NotFound):
        installed.change(key_changes.rename_api_key, others.key.id, "x", actor=actor)
    assert actor_of(installed, others)


def test_nobody_gives_a_key_what_they_do_not_hold(installed):
    root = administrator(installed)
    weak = replace(ADMINISTRATOR, actions=frozenset({Action.API_KEY_CREATE, Action.API_KEY_CHANGE}))
    made = team_key(installed)
    installed.change(revoke_api_key, made.key.id)
    with pytest.raises(ActionNotHeld):
        key_of(installed, root, actor=weak)
    with pytest.raises(ActionNotHeld):
        team_key(installed, actor=weak)
    with pytest.raises(ActionNotHeld):
        installed.change(key_changes.reinstate_api_key, made.key.id, actor=weak)
    assert opens_nothing(installed, made)


@pytest.mark.parametrize(
    "limits, allowed",
    [
        ({"expires_at": AN_HOUR}, {"expires_at": AN_HOUR}),
        ({"networks": (ip_network("192.0.2.0/24"),)}, {"networks": (ip_network("192.0.2.7/32"),)}),
        ({"actions": frozenset({Action.OWN_KEY_CHANGE, Action.TEAM_LIST})}, {"actions": frozenset({Action.TEAM_LIST})}),
    ],
    ids=["end", "networks", "actions"],
)
def test_a_limited_key_makes_no_key_that_is_less_limited(installed, ada, limits, allowed):
    def at(given):
        return {name: installed.clock.now + value if name == "expires_at" else value for name, value in given.items()}

    free = key_of(installed, ada)
    installed.change(revoke_api_key, free.key.id)
    actor = actor_of(installed, key_of(installed, ada, **at(limits)))
    with pytest.raises((KeyTooWide, ActionNotHeld)):
        key_of(installed, ada, actor=actor)
    with pytest.raises((KeyTooWide, ActionNotHeld)):
        installed.change(key_changes.reinstate_api_key, free.key.id, actor=actor)
    assert opens_nothing(installed, free)
    assert actor_of(installed, key_of(installed, ada, actor=actor, **at(allowed)))


def test_a_key_that_is_narrowed_to_a_role_makes_no_key_without_it(installed, ada):
    installed.change(assignments.assign_role, ada, role=SCIM_PROVISIONER)
    actor = actor_of(installed, key_of(installed, ada, role=VIEWER))
    with pytest.raises(ActionNotHeld):
        key_of(installed, ada, actor=actor)
    installed.change(assignments.remove_role, ada, role=SCIM_PROVISIONER)
    with pytest.raises(KeyTooWide):
        key_of(installed, ada, actor=actor)
    assert key_of(installed, ada, actor=actor, role=VIEWER)
    assert key_of(installed, ada, actor=actor, actions=frozenset({Action.TEAM_LIST}))


def test_a_reinstated_key_opens_again_what_it_opened(installed):
    made = team_key(installed)
    installed.change(revoke_api_key, made.key.id)
    assert opens_nothing(installed, made)
    for _ in range(2):
        assert installed.change(key_changes.reinstate_api_key, made.key.id) == made.key
    assert actor_of(installed, made)
    assert installed.event_types()[-2:] == ["authentication.api-key.revoked", "authentication.api-key.reinstated"]


def test_a_key_of_a_user_without_access_opens_nothing_however_often_it_is_reinstated(installed, ada):
    made = key_of(installed, ada)
    installed.change(users.deactivate_user, ada, reason="x")
    installed.change(key_changes.reinstate_api_key, made.key.id)
    assert opens_nothing(installed, made)


def test_a_deleted_key_is_gone_and_known_to_nobody_any_more(installed):
    made = team_key(installed)
    before = installed.ask(installation.access_version)
    installed.change(key_changes.delete_api_key, made.key.id)
    assert installed.ask(installation.access_version) > before
    assert opens_nothing(installed, made)
    assert installed.ask(list_api_keys) == ()
    assert installed.event_types()[-1] == "authentication.api-key.deleted"
    with pytest.raises(NotFound):
        installed.ask(key_changes.get_api_key, made.key.id)


def test_renaming_tells_the_new_name_once(installed):
    made = team_key(installed)
    for _ in range(2):
        assert installed.change(key_changes.rename_api_key, made.key.id, "new").name == "new"
    assert installed.event_types().count("authentication.api-key.renamed") == 1
    with pytest.raises(BadApiKey):
        installed.change(key_changes.rename_api_key, made.key.id, " ")


def test_keys_that_end_soon_are_told_once(installed):
    now = installed.clock.now
    soon = team_key(installed, expires_at=now + timedelta(days=20))
    team_key(installed, expires_at=now + timedelta(days=60))
    ended = team_key(installed, expires_at=now + timedelta(days=20))
    installed.change(revoke_api_key, ended.key.id)
    installed.change(api_keys.warn_of_expiry)
    assert "authentication.api-key.expiring" not in installed.event_types()
    installed.clock.advance(timedelta(days=7))
    for _ in range(2):
        installed.change(api_keys.warn_of_expiry)
    told = [event for event in installed.events() if event.type == "authentication.api-key.expiring"]
    assert [(event.subject_id, event.severity) for event in told] == [(soon.key.id, "WARNING")]
    assert told[0].data["expires_at"] == "2026-12-14T10:00:00.000Z"


def test_each_use_case_needs_its_action(installed_sqlite):
    def but(action):
        actor = all_but(action)
        return replace(actor, actions=actor.actions - {Action.OWN_KEY_CHANGE})

    made = team_key(installed_sqlite)
    for use_case, arguments, action in (
        (create_team_key, {"team_id": ROOT_TEAM, "name": "x", "role": VIEWER}, Action.API_KEY_CREATE),
        (key_changes.get_api_key, {"key_id": made.key.id}, Action.API_KEY_LIST),
        (key_changes.rename_api_key, {"key_id": made.key.id, "name": "x"}, Action.API_KEY_CHANGE),
        (key_changes.reinstate_api_key, {"key_id": NO_KEY}, Action.API_KEY_CHANGE),
        (key_changes.delete_api_key, {"key_id": made.key.id}, Action.API_KEY_CHANGE),
        (api_keys.list_own_api_keys, {}, Action.OWN_KEY_CHANGE),
    ):
        for actor in (but(action), PROVISIONER):
            with pytest.raises(Forbidden):
                installed_sqlite.change(use_case, actor=actor, **arguments)
    assert installed_sqlite.ask(api_keys.list_own_api_keys) == ()
