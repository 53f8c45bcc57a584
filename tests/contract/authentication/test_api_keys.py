"""How are API keys made, presented and ended, on either database?"""

from dataclasses import replace
from datetime import timedelta

import pytest

from rolecall.authentication import api_keys, decide
from rolecall.authentication.actors import authenticate
from rolecall.authentication.api_keys import create_api_key, list_api_keys, revoke_api_key
from rolecall.authentication.errors import InvalidApiKey, MalformedApiKey, RoleNotHeld, UnknownApiKey
from rolecall.authentication.model import ApiKeyId, KeyLimits
from rolecall.authorization.actions import Action
from rolecall.authorization.actor import ActorKind
from rolecall.authorization.roles import ADMIN, ROLE_ACTIONS, SCIM_PROVISIONER
from rolecall.directory import assignments, installation, provisioned_users, users
from rolecall.directory.model import ROOT_TEAM, UserId
from rolecall.kernel.errors import Forbidden, NotFound
from tests.make.actors import PROVISIONER, all_but
from tests.make.directory import ANY_VERSION, administrator, pushed_user, service_user, setting

AN_HOUR = timedelta(hours=1)


@pytest.fixture
def machine(installed):
    """A service user that may provision."""
    user_id = service_user(installed, "okta")
    installed.change(assignments.assign_role, user_id, role=SCIM_PROVISIONER)
    return user_id


def key_for(installed, user_id, **options):
    limits = {"actions", "expires_at", "networks"}
    limited = KeyLimits(**{name: value for name, value in options.items() if name in limits})
    others = {name: value for name, value in options.items() if name not in limits}
    return installed.change(create_api_key, user_id=user_id, name="a key", limits=limited, **{"role": None, **others})


def opens(installed, secret):
    return installed.ask(authenticate, secret).actor


def is_refused(installed, secret):
    with pytest.raises(UnknownApiKey) as refused:
        installed.ask(authenticate, secret)
    assert refused.value.detail == "The API key is not valid."
    return True


def test_a_key_stands_for_its_user_with_what_the_user_may_do(installed, machine):
    made = key_for(installed, machine)
    actor = opens(installed, made.secret)
    assert actor.kind is ActorKind.API_KEY
    assert (actor.user_id, actor.user_name, actor.api_key_id) == (machine, "okta", made.key.id)
    assert actor.team_id == ROOT_TEAM
    assert actor.actions == ROLE_ACTIONS[SCIM_PROVISIONER]


def test_only_a_hash_of_a_key_is_in_the_database(installed, machine):
    made = key_for(installed, machine)
    (row,) = installed.ask(lambda tx: tx.connection.execute("SELECT * FROM api_key").fetchall())
    assert decide.hash_of(made.secret) in row
    assert made.secret not in str(row)
    assert made.secret[16:] not in str(row)
    assert made.secret not in str(installed.events())


def test_a_new_key_is_told_without_its_secret(installed, machine):
    made = key_for(installed, machine)
    event = installed.events()[-1]
    assert event.type == "authentication.api-key.created"
    assert event.data == {"api_key_id": made.key.id, "name": "a key", "user_id": machine}


def test_a_key_narrowed_to_a_role_does_no_more_than_that_role(installed):
    root = administrator(installed)
    installed.change(assignments.assign_role, root, role=SCIM_PROVISIONER)
    wide, narrow = key_for(installed, root), key_for(installed, root, role=SCIM_PROVISIONER)
    assert opens(installed, wide.secret).actions == frozenset(Action)
    assert opens(installed, narrow.secret).actions == ROLE_ACTIONS[SCIM_PROVISIONER]


def test_a_key_cannot_be_narrowed_to_a_role_that_its_user_does_not_hold(installed, machine):
    with pytest.raises(RoleNotHeld) as refused:
        key_for(installed, machine, role=ADMIN)
    assert refused.value.about == {"attribute": "role"}
    installed.change(users.deactivate_user, machine, reason="x")
    with pytest.raises(RoleNotHeld):
        key_for(installed, machine, role=SCIM_PROVISIONER)
    assert installed.count_rows("api_key") == 0


def test_a_role_that_was_taken_away_is_gone_from_the_keys_too(installed, machine):
    wide, narrow = key_for(installed, machine), key_for(installed, machine, role=SCIM_PROVISIONER)
    installed.change(assignments.remove_role, machine, role=SCIM_PROVISIONER)
    installed.change(assignments.assign_role, machine, role=ADMIN)
    assert opens(installed, wide.secret).actions == frozenset(Action)
    assert opens(installed, narrow.secret).actions == frozenset()


def test_nobody_can_have_a_key(installed):
    with pytest.raises(NotFound):
        key_for(installed, UserId("00000000-0000-7000-8000-00000000dead"))


def test_what_is_no_key_and_what_was_copied_wrongly_is_told(installed, machine):
    secret = key_for(installed, machine).secret
    for text in ("", "x", secret[:-1], f"OTHR{secret[4:]}"):
        with pytest.raises(InvalidApiKey):
            installed.ask(authenticate, text)
    wrong = secret[:30] + ("A" if secret[30] != "A" else "B") + secret[31:]
    with pytest.raises(MalformedApiKey):
        installed.ask(authenticate, wrong)


def test_a_key_that_nobody_made_is_not_valid(installed, machine):
    key_for(installed, machine)
    assert is_refused(installed, decide.new_key_text())


def test_the_id_of_a_key_with_another_secret_is_not_valid(installed, machine):
    made, other = key_for(installed, machine), decide.new_key_text()
    body = made.secret[:16] + other[16:59]
    assert is_refused(installed, body + decide._check_of(body))


def test_a_key_ends_at_its_end(installed, machine):
    made = key_for(installed, machine, expires_at=installed.clock.now + AN_HOUR)
    assert installed.ask(authenticate, made.secret).until == installed.clock.now + AN_HOUR
    installed.clock.advance(AN_HOUR - timedelta(microseconds=1))
    assert opens(installed, made.secret)
    installed.clock.advance(timedelta(microseconds=1))
    assert is_refused(installed, made.secret)


def test_a_revoked_key_is_not_valid_and_revoking_again_is_no_error(installed, machine):
    made, other = key_for(installed, machine), key_for(installed, machine)
    for _ in range(2):
        installed.change(revoke_api_key, made.key.id)
        installed.clock.advance(AN_HOUR)
    assert is_refused(installed, made.secret)
    assert opens(installed, other.secret)
    told = [event for event in installed.events() if event.type == "authentication.api-key.revoked"]
    assert [(event.subject_id, event.data["because"]) for event in told] == [(made.key.id, "by hand")]
    revoked = next(key for key in installed.ask(list_api_keys) if key.id == made.key.id)
    assert revoked.revoked_at == installed.clock.now - 2 * AN_HOUR


def test_a_key_of_nobody_cannot_be_revoked(installed):
    with pytest.raises(NotFound):
        installed.change(revoke_api_key, ApiKeyId("abcdefghijkl"))


@pytest.mark.parametrize("how", ["by an administrator", "by the identity provider"])
def test_deactivation_ends_all_keys_for_good(installed, how):
    ada, other = pushed_user(installed, "ada"), service_user(installed)
    first, second, others = (key_for(installed, user_id) for user_id in (ada, ada, other))
    installed.change(revoke_api_key, second.key.id)
    if how == "by an administrator":
        installed.change(users.deactivate_user, ada, reason="x")
    else:
        installed.change(provisioned_users.change_user, ada, setting(active=False), ANY_VERSION, actor=PROVISIONER)
    assert is_refused(installed, first.secret)
    assert installed.event_types()[-2:] == ["directory.user.deactivated", "authentication.api-key.revoked"]
    assert installed.events()[-1].subject_id == first.key.id
    assert installed.events()[-1].data["because"] == "its user lost access"
    installed.change(users.reactivate_user, ada)
    assert is_refused(installed, first.secret)
    assert opens(installed, others.secret)
    assert opens(installed, key_for(installed, ada).secret).user_id == ada


def test_deletion_ends_all_keys(installed, machine):
    made = key_for(installed, machine)
    installed.change(users.delete_user, machine)
    assert is_refused(installed, made.secret)
    assert installed.event_types()[-2:] == ["directory.user.deleted", "authentication.api-key.revoked"]
    (key,) = installed.ask(list_api_keys)
    assert (key.user_name, key.user_is_active) == ("(deleted)", False)
    assert key.revoked_at == installed.clock.now


def test_a_refused_deactivation_ends_no_key(installed):
    root = administrator(installed)
    made = key_for(installed, root)
    with pytest.raises(Exception, match="last active administrator"):
        installed.change(users.deactivate_user, root, reason="x")
    assert opens(installed, made.secret)


def test_keys_are_listed_oldest_first_with_their_users(installed, machine):
    ids = []
    for name in ("one", "two", "three"):
        ids.append(installed.change(create_api_key, user_id=machine, name=name, role=None).key.id)
        installed.clock.advance(AN_HOUR)
    listed = installed.ask(list_api_keys)
    assert [key.id for key in listed] == ids
    assert [key.name for key in listed] == ["one", "two", "three"]
    assert {(key.user_name, key.user_is_active) for key in listed} == {("okta", True)}


def test_the_last_use_of_a_key_is_noted(installed, machine):
    used, unused = key_for(installed, machine), key_for(installed, machine)
    installed.clock.advance(AN_HOUR)
    installed.change(api_keys.note_use, [used.key.id, "nobody's id"])
    last = {key.id: key.last_used_at for key in installed.ask(list_api_keys)}
    assert last == {used.key.id: installed.clock.now, unused.key.id: None}


def test_a_renamed_user_is_known_by_its_new_name_to_whoever_remembers_its_keys(installed):
    ada = pushed_user(installed, "ada")
    secret = key_for(installed, ada).secret
    before = installed.ask(installation.access_version)
    installed.change(provisioned_users.change_user, ada, setting(userName="l"), ANY_VERSION, actor=PROVISIONER)
    assert installed.ask(installation.access_version) > before
    assert opens(installed, secret).user_name == "l"


def nobody_but_owner(action):
    """Somebody who may do everything but this, and nothing with keys of its own."""
    actor = all_but(action)
    return replace(actor, actions=actor.actions - {Action.OWN_KEY_CHANGE})


def test_each_use_case_needs_its_action(installed_sqlite):
    user_id = service_user(installed_sqlite)
    for use_case, arguments, action in (
        (create_api_key, {"user_id": user_id, "name": "x", "role": None}, Action.API_KEY_CREATE),
        (revoke_api_key, {"key_id": ApiKeyId("abcdefghijkl")}, Action.API_KEY_REVOKE),
        (list_api_keys, {}, Action.API_KEY_LIST),
    ):
        for actor in (nobody_but_owner(action), PROVISIONER):
            with pytest.raises(Forbidden):
                installed_sqlite.change(use_case, actor=actor, **arguments)
