"""What does an installation remember about itself, on either database?"""

import pytest

from rolecall.authentication import api_keys
from rolecall.authorization.actions import Action
from rolecall.authorization.roles import ADMIN, SCIM_PROVISIONER
from rolecall.directory import assignments, installation, users
from rolecall.kernel.errors import Forbidden
from tests.make.actors import PROVISIONER, all_but
from tests.make.directory import administrator, pushed_group, pushed_user, service_user


def test_a_new_installation_has_no_address_and_no_scim(installed):
    assert installed.ask(installation.get_installation) == installation.Installation(
        public_url=None, scim_enabled=False
    )


def test_the_public_url_is_kept_without_a_trailing_slash_and_can_change(installed):
    installed.change(installation.set_public_url, "https://one.example//")
    assert installed.ask(installation.get_installation).public_url == "https://one.example"
    installed.change(installation.set_public_url, "https://one.example")
    installed.change(installation.set_public_url, "https://other.example/base/")
    assert installed.ask(installation.get_installation).public_url == "https://other.example/base"
    assert [event.data["public_url"] for event in installed.events()] == [
        "https://one.example",
        "https://other.example/base",
    ]


def test_scim_is_switched_on_once(installed):
    for _ in range(2):
        installed.change(installation.enable_scim)
    assert installed.ask(installation.get_installation).scim_enabled
    assert installed.event_types() == ["directory.scim.enabled"]


def test_each_use_case_needs_its_action(installed_sqlite):
    for actor in (all_but(Action.SETTING_CHANGE), PROVISIONER):
        with pytest.raises(Forbidden):
            installed_sqlite.change(installation.set_public_url, "https://x.example", actor=actor)
        with pytest.raises(Forbidden):
            installed_sqlite.change(installation.enable_scim, actor=actor)


def test_the_access_version_rises_with_everything_that_changes_what_a_known_key_opens(installed):
    administrator(installed)
    ada, machine = pushed_user(installed), service_user(installed)
    installed.change(assignments.assign_role, machine, role=SCIM_PROVISIONER)
    keys = [
        installed.change(api_keys.create_api_key, user_id=user_id, name="k", role=None)
        for user_id in (ada, machine, machine)
    ]
    for change in (
        lambda: installed.change(api_keys.revoke_api_key, keys[1].key.id),
        lambda: installed.change(assignments.assign_role, ada, role=ADMIN),
        lambda: installed.change(assignments.remove_role, ada, role=ADMIN),
        lambda: installed.change(users.deactivate_user, ada, reason="x"),
        lambda: installed.change(users.delete_user, machine),
        lambda: installed.change(installation.set_public_url, "https://x.example"),
        lambda: installed.change(installation.enable_scim),
    ):
        before = installed.ask(installation.access_version)
        change()
        assert installed.ask(installation.access_version) > before


def test_the_access_version_stands_while_the_directory_is_filled(installed):
    before = installed.ask(installation.access_version)
    ada = pushed_user(installed)
    pushed_group(installed, "Engineers", ada)
    assert installed.ask(installation.access_version) == before
