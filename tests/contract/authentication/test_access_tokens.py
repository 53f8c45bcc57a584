"""How is a key exchanged for a token that soon ends, on either database?"""

from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network

import pytest

from rolecall.authentication import decide, key_changes
from rolecall.authentication.access_tokens import LIFE, issue_access_token
from rolecall.authentication.actors import authenticate
from rolecall.authentication.api_keys import create_api_key, create_team_key, revoke_api_key
from rolecall.authentication.errors import (
    AddressNotAllowed,
    InvalidApiKey,
    InvalidClient,
    InvalidScope,
    KeyTooWide,
    UnknownApiKey,
)
from rolecall.authentication.model import KeyLimits
from rolecall.authorization.actions import Action
from rolecall.authorization.actor import NOBODY, ActorKind
from rolecall.authorization.roles import SCIM_PROVISIONER
from rolecall.directory import users
from rolecall.directory.model import ROOT_TEAM
from tests.make.directory import administrator

READ = frozenset({Action.PROVISIONED_READ})


def team_key(installed, **limits):
    return installed.change(
        create_team_key, team_id=ROOT_TEAM, name="k", role=SCIM_PROVISIONER, limits=KeyLimits(**limits)
    )


def token_for(installed, made, *, scope=None, address="192.0.2.1", client_id=None, secret=None):
    return installed.change(
        issue_access_token,
        client_id=made.key.id if client_id is None else client_id,
        client_secret=made.secret if secret is None else secret,
        scope=scope,
        address=address,
        actor=NOBODY,
    )


def opens_nothing(installed, text):
    with pytest.raises(UnknownApiKey):
        installed.ask(authenticate, text)
    return True


def test_a_token_stands_for_its_key_for_an_hour(installed):
    made = team_key(installed)
    token = token_for(installed, made)
    assert token.secret.startswith(decide.TOKEN_PREFIX)
    assert token.expires_at == installed.clock.now + LIFE
    admitted = installed.ask(authenticate, token.secret)
    key_actor = installed.ask(authenticate, made.secret).actor
    assert admitted.actor == replace(key_actor, kind=ActorKind.ACCESS_TOKEN)
    assert admitted.until == token.expires_at
    installed.clock.advance(LIFE)
    assert opens_nothing(installed, token.secret)
    assert installed.ask(authenticate, made.secret)


def test_a_token_can_be_narrower_than_its_key_and_never_wider(installed):
    made = team_key(installed)
    token = token_for(installed, made, scope=READ)
    assert installed.ask(authenticate, token.secret).actor.actions == READ
    with pytest.raises(InvalidScope):
        token_for(installed, made, scope=frozenset({Action.USER_DELETE}))


def test_a_token_does_not_outlive_its_key_and_keeps_its_networks(installed):
    end = installed.clock.now + timedelta(minutes=10)
    made = team_key(installed, expires_at=end, networks=(ip_network("192.0.2.0/24"),))
    token = token_for(installed, made)
    assert token.expires_at == end
    assert installed.ask(authenticate, token.secret).networks == made.key.limits.networks
    with pytest.raises(AddressNotAllowed):
        token_for(installed, made, address="198.51.100.1")


@pytest.mark.parametrize("how", ["revoked", "deleted", "deactivated"])
def test_a_token_ends_at_once_with_its_key_and_does_not_come_back_with_it(installed, how):
    root = administrator(installed)
    administrator(installed, "other")
    made = installed.change(create_api_key, user_id=root, name="k", role=None)
    token = token_for(installed, made)
    assert installed.ask(authenticate, token.secret).actor.user_id == root
    match how:
        case "revoked":
            installed.change(revoke_api_key, made.key.id)
        case "deleted":
            installed.change(key_changes.delete_api_key, made.key.id)
        case "deactivated":
            installed.change(users.deactivate_user, root, reason="x")
    assert opens_nothing(installed, token.secret)
    assert installed.count_rows("access_token") == 0
    if how == "revoked":
        installed.change(key_changes.reinstate_api_key, made.key.id)
        assert opens_nothing(installed, token.secret)


def test_a_client_with_a_wrong_name_or_secret_gets_no_token(installed):
    made, other = team_key(installed), team_key(installed)
    token = token_for(installed, made)
    for client_id, secret in (
        (other.key.id, made.secret),
        ("", made.secret),
        (made.key.id, decide.new_key_text()),
        (made.key.id, "x"),
        (made.key.id, f"{made.secret[:-1]}?"),
        (made.key.id, token.secret),
    ):
        with pytest.raises(InvalidClient):
            token_for(installed, made, client_id=client_id, secret=secret)
    assert installed.count_rows("access_token") == 1


def test_what_is_no_token_is_told_and_what_nobody_gave_opens_nothing(installed):
    assert opens_nothing(installed, decide.new_key_text(prefix=decide.TOKEN_PREFIX))
    with pytest.raises(InvalidApiKey):
        installed.ask(authenticate, f"{decide.TOKEN_PREFIX}short")


def test_a_token_makes_no_keys(installed):
    root = administrator(installed)
    made = installed.change(create_api_key, user_id=root, name="k", role=None)
    actor = installed.ask(authenticate, token_for(installed, made).secret).actor
    with pytest.raises(KeyTooWide):
        installed.change(create_api_key, user_id=root, name="k", role=None, actor=actor)


def test_tokens_that_have_ended_are_deleted_and_only_hashes_are_kept(installed):
    made = team_key(installed)
    first = token_for(installed, made)
    installed.clock.advance(LIFE)
    second = token_for(installed, made)
    (row,) = installed.ask(lambda tx: tx.connection.execute("SELECT * FROM access_token").fetchall())
    assert second.secret[4:16] in row
    assert second.secret[16:] not in str(row)
    assert first.secret[4:16] not in str(row)
