"""Which changes of the directory may not pass each other on PostgreSQL, where they run at the same time?

On SQLite one writer runs one change after the other, so each of these holds there by itself.
"""

import asyncio
import threading
import time

import pytest

from rolecall.authorization.roles import ADMIN
from rolecall.directory import assignments, groups, installation, provisioned_users, users
from rolecall.directory.errors import LastAdministrator, NoSuchMember, UserNameTaken
from rolecall.directory.events import ScimEnabled
from rolecall.directory.model import AddMembers
from rolecall.kernel.errors import NotFound
from tests.make.actors import ADMINISTRATOR
from tests.make.directory import (
    ANY_VERSION,
    administrator,
    member_ids,
    pushed_group,
    pushed_user,
    setting,
    user_profile,
)

PATIENCE_SECONDS = 10.0
A_WHILE = 0.25


def first_and_meanwhile(installed, first, meanwhile):
    """Run two changes so that the second starts when the first has done all but commit; return both answers."""
    done = threading.Event()

    def unhurried(tx):
        value = first(tx)
        done.set()
        # Time for the other to come as far as it can without this commit.
        time.sleep(A_WHILE)
        return value

    def follows(tx):
        assert done.wait(PATIENCE_SECONDS)
        return meanwhile(tx)

    async def both():
        write = installed.transactions.write
        return await asyncio.gather(
            write(ADMINISTRATOR, unhurried), write(ADMINISTRATOR, follows), return_exceptions=True
        )

    return asyncio.run(both())


def deactivate(user_id):
    return lambda tx: users.deactivate_user(tx, user_id, reason="x")


def delete(user_id):
    return lambda tx: users.delete_user(tx, user_id)


def take_role(user_id):
    return lambda tx: assignments.remove_role(tx, user_id, role=ADMIN)


@pytest.mark.parametrize("first", [deactivate, delete, take_role])
@pytest.mark.parametrize("second", [deactivate, delete, take_role])
def test_of_the_last_two_administrators_one_stays(installed, first, second):
    one, other = administrator(installed, "one"), administrator(installed, "other")
    answers = first_and_meanwhile(installed, first(one), second(other))
    assert [type(answer) for answer in answers if isinstance(answer, Exception)] == [LastAdministrator]
    assert installed.ask(assignments.count_administrators) == 1


def test_a_user_that_is_being_deleted_cannot_become_a_member(installed):
    ada, group = pushed_user(installed), pushed_group(installed, "Engineers")
    answers = first_and_meanwhile(
        installed,
        lambda tx: provisioned_users.delete_user(tx, ada, ANY_VERSION),
        lambda tx: add(tx, group, ada),
    )
    assert isinstance(answers[1], NoSuchMember)
    assert member_ids(installed, group) == set()
    assert installed.count_rows("group_member") == 0


def test_a_user_that_is_becoming_a_member_leaves_again_when_it_is_deleted(installed):
    ada, group = pushed_user(installed), pushed_group(installed, "Engineers")
    answers = first_and_meanwhile(
        installed,
        lambda tx: add(tx, group, ada),
        lambda tx: provisioned_users.delete_user(tx, ada, ANY_VERSION),
    )
    assert not any(isinstance(answer, Exception) for answer in answers)
    assert installed.count_rows("group_member") == 0


def test_a_group_that_is_being_deleted_cannot_become_a_member(installed):
    inner, outer = pushed_group(installed, "inner"), pushed_group(installed, "outer")
    answers = first_and_meanwhile(
        installed,
        lambda tx: groups.delete_group(tx, inner, ANY_VERSION),
        lambda tx: add(tx, outer, inner),
    )
    assert isinstance(answers[1], NoSuchMember)
    assert installed.count_rows("group_member") == 0


def test_a_group_that_is_being_deleted_takes_no_members(installed):
    ada, group = pushed_user(installed), pushed_group(installed, "Engineers")
    answers = first_and_meanwhile(
        installed,
        lambda tx: groups.delete_group(tx, group, ANY_VERSION),
        lambda tx: add(tx, group, ada),
    )
    assert isinstance(answers[1], NotFound)
    assert installed.count_rows("group_member") == 0


def add(tx, group_id, *members):
    steps = (AddMembers(operation=0, members=members),)
    return groups.change_group(tx, group_id, steps, ANY_VERSION, with_members=False)


def test_of_many_members_added_at_once_none_is_lost(installed):
    members = [pushed_user(installed, f"user {number}") for number in range(20)]
    group = pushed_group(installed, "Engineers")

    async def all_at_once():
        write = installed.transactions.write
        await asyncio.gather(*(write(ADMINISTRATOR, lambda tx, each=each: add(tx, group, each)) for each in members))

    asyncio.run(all_at_once())
    assert member_ids(installed, group) == set(members)
    seen = installed.ask(groups.get_group, group, with_members=False)
    assert seen.version == 21


def test_of_many_changes_of_one_user_none_is_lost(installed):
    ada = pushed_user(installed)

    async def all_at_once():
        write = installed.transactions.write
        changes = [setting(**{f"urn:example:{number}": {"x": 1}}) for number in range(20)]
        await asyncio.gather(
            *(
                write(ADMINISTRATOR, lambda tx, each=each: provisioned_users.change_user(tx, ada, each, ANY_VERSION))
                for each in changes
            )
        )

    asyncio.run(all_at_once())
    stored = installed.ask(provisioned_users.get_user, ada, with_memberships=False)
    assert stored.version == 21
    assert all(f"urn:example:{number}" in stored.profile for number in range(20))


def test_of_two_users_with_one_name_one_comes_to_be(installed):
    answers = first_and_meanwhile(
        installed,
        lambda tx: provisioned_users.create_user(tx, user_profile("ada")),
        lambda tx: provisioned_users.create_user(tx, user_profile("ADA")),
    )
    assert [type(answer) for answer in answers if isinstance(answer, Exception)] == [UserNameTaken]
    assert installed.count_rows("directory_user") == 1
    assert installed.event_types() == ["directory.user.created"]


def test_a_role_that_is_given_twice_at_once_is_given_once(installed):
    ada = pushed_user(installed)

    def give(tx):
        assignments.assign_role(tx, ada, role=ADMIN)

    assert first_and_meanwhile(installed, give, give) == [None, None]
    assert installed.event_types().count("directory.role.assigned") == 1
    assert installed.ask(assignments.count_administrators) == 1


def test_of_two_users_that_become_the_break_glass_user_at_once_one_is_it(installed):
    one, other = administrator(installed, "one"), administrator(installed, "other")
    first_and_meanwhile(
        installed, lambda tx: users.set_break_glass(tx, one), lambda tx: users.set_break_glass(tx, other)
    )
    marked = installed.ask(
        lambda tx: tx.connection.execute("SELECT id FROM directory_user WHERE break_glass = 1").fetchall()
    )
    assert [row[0] for row in marked] == [other]


def test_the_access_version_counts_changes_that_happen_at_once(installed):
    before = installed.ask(installation.access_version)

    def count_up(tx):
        installation.raise_access_version(tx, ScimEnabled())

    assert first_and_meanwhile(installed, count_up, count_up) == [None, None]
    assert installed.ask(installation.access_version) == before + 2


def test_a_setting_that_is_made_twice_at_once_keeps_a_value(installed):
    answers = first_and_meanwhile(
        installed,
        lambda tx: installation.set_public_url(tx, "https://one.example"),
        lambda tx: installation.set_public_url(tx, "https://other.example"),
    )
    assert answers == [None, None]
    assert installed.ask(installation.get_installation).public_url == "https://other.example"
