import asyncio
from datetime import timedelta
from ipaddress import ip_network

import pytest

from rolecall.api.admission import Admission
from rolecall.authentication import api_keys
from rolecall.authentication.errors import AddressNotAllowed, InvalidApiKey, MissingCredential, UnknownApiKey
from rolecall.authentication.model import KeyLimits
from rolecall.authorization.roles import ADMIN, ROLE_ACTIONS, SCIM_PROVISIONER
from rolecall.directory import assignments, installation, users
from tests.make.directory import service_user

AN_HOUR = timedelta(hours=1)


@pytest.fixture
def admission(installed):
    return Admission(installed.transactions)


@pytest.fixture
def machine(installed):
    user_id = service_user(installed)
    installed.change(assignments.assign_role, user_id, role=SCIM_PROVISIONER)
    return user_id


def new_key(installed, user_id, **options):
    return installed.change(api_keys.create_api_key, user_id=user_id, name="k", role=None, **options)


def admit(admission, header, address="127.0.0.1"):
    return asyncio.run(admission.admit(header, address=address))


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer   ", "Basic dXNlcjpwYXNz", "RLCL"])
def test_without_a_bearer_key_nobody_is_admitted(admission, header):
    with pytest.raises(MissingCredential):
        admit(admission, header)


def test_the_scheme_is_understood_in_any_case(installed, admission, machine):
    secret = new_key(installed, machine).secret
    for scheme in ("Bearer", "bearer", "BEARER"):
        actor, seen = admit(admission, f"{scheme}  {secret} ")
        assert actor.user_id == machine
        assert actor.actions == ROLE_ACTIONS[SCIM_PROVISIONER]
        assert seen == installed.ask(installation.get_installation)


def test_what_is_no_key_is_refused_every_time(admission):
    for _ in range(2):
        with pytest.raises(InvalidApiKey):
            admit(admission, "Bearer nothing")


@pytest.mark.parametrize(
    "end",
    [
        lambda installed, _user_id, key: installed.change(api_keys.revoke_api_key, key.key.id),
        lambda installed, user_id, _key: installed.change(users.deactivate_user, user_id, reason="x"),
        lambda installed, user_id, _key: installed.change(users.delete_user, user_id),
        lambda installed, _user_id, _key: installed.clock.advance(AN_HOUR),
    ],
    ids=["revoked", "deactivated", "deleted", "expired"],
)
def test_a_key_that_was_remembered_stops_at_once_when_it_ends(installed, admission, machine, end):
    key = new_key(installed, machine, limits=KeyLimits(expires_at=installed.clock.now + AN_HOUR))
    other_process = Admission(installed.transactions)
    for each in (admission, other_process):
        assert admit(each, f"Bearer {key.secret}")[0].user_id == machine
    end(installed, machine, key)
    for each in (admission, other_process):
        with pytest.raises(UnknownApiKey):
            admit(each, f"Bearer {key.secret}")


def test_a_role_that_is_given_or_taken_counts_at_once(installed, admission, machine):
    header = f"Bearer {new_key(installed, machine).secret}"
    admit(admission, header)
    installed.change(assignments.remove_role, machine, role=SCIM_PROVISIONER)
    assert admit(admission, header)[0].actions == frozenset()
    installed.change(assignments.assign_role, machine, role=ADMIN)
    assert admit(admission, header)[0].actions == ROLE_ACTIONS[ADMIN]


def test_what_the_installation_remembers_counts_at_once(installed, admission, machine):
    header = f"Bearer {new_key(installed, machine).secret}"
    assert not admit(admission, header)[1].scim_enabled
    installed.change(installation.enable_scim)
    installed.change(installation.set_public_url, "https://x.example")
    seen = admit(admission, header)[1]
    assert seen.scim_enabled
    assert seen.public_url == "https://x.example"


def test_what_is_remembered_stays_bounded(installed, admission, machine, monkeypatch):
    monkeypatch.setattr("rolecall.api.admission._MOST_REMEMBERED", 2)
    for _ in range(5):
        assert admit(admission, f"Bearer {new_key(installed, machine).secret}")
        assert len(admission._known) <= 2


def test_no_secret_is_kept_in_memory(installed, admission, machine):
    secret = new_key(installed, machine).secret
    admit(admission, f"Bearer {secret}")
    assert secret not in repr(admission._known)


def test_a_key_that_was_remembered_is_still_bound_to_its_networks(installed, admission, machine):
    limits = KeyLimits(networks=(ip_network("192.0.2.0/24"),))
    secret = new_key(installed, machine, limits=limits).secret
    for _ in range(2):
        assert admit(admission, f"Bearer {secret}", "192.0.2.7")
        with pytest.raises(AddressNotAllowed):
            admit(admission, f"Bearer {secret}", "198.51.100.7")
