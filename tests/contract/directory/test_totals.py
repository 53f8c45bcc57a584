"""Is what is kept of how many there are always how many there are?"""

import random

from rolecall.directory import groups, provisioned_users, users
from rolecall.directory.model import ListRequest
from rolecall.kernel.errors import DomainError
from tests.make.actors import PROVISIONER
from tests.make.directory import ANY_VERSION, group_profile, local_user, pushed_group, pushed_user, user_profile

EVERYTHING = ListRequest(where=None, sort_by=None, descending=False, skip=0, limit=0)


def told(installed):
    """Return how many users and groups a list says that there are."""
    return (
        installed.ask(provisioned_users.list_users, EVERYTHING, with_memberships=False, actor=PROVISIONER).total,
        installed.ask(groups.list_groups, EVERYTHING, with_members=False, actor=PROVISIONER).total,
    )


def counted(installed):
    """Return how many rows there are."""
    count = "SELECT count(*) FROM directory_user WHERE provisioned = 1 AND state != 'deleted'"
    return (
        installed.ask(lambda tx: tx.connection.execute(count).fetchone()[0]),
        installed.count_rows("directory_group"),
    )


def test_whatever_comes_and_goes_the_totals_are_right(installed):
    dice = random.Random(7)
    people, teams = [], []
    local = local_user(installed)
    for turn in range(60):
        match dice.randrange(7):
            case 0 | 1:
                people.append(pushed_user(installed, f"user {turn}"))
            case 2:
                teams.append(pushed_group(installed, f"group {turn}", *people[:3]))
            case 3 if people:
                person = people.pop(dice.randrange(len(people)))
                installed.change(provisioned_users.delete_user, person, ANY_VERSION, actor=PROVISIONER)
            case 4 if teams:
                installed.change(groups.delete_group, teams.pop(), ANY_VERSION, actor=PROVISIONER)
            case 5 if people:
                installed.change(users.deactivate_user, dice.choice(people), reason="test")
            case _ if people:
                installed.change(users.delete_user, people.pop())
        assert told(installed) == counted(installed) == (len(people), len(teams))
    installed.change(users.delete_user, local)
    assert told(installed) == counted(installed)


def test_what_is_refused_or_fails_counts_for_nothing(installed):
    pushed_user(installed, "ada")

    def twice(tx):
        provisioned_users.create_user(tx, user_profile("grace"))
        provisioned_users.create_user(tx, user_profile("ada"))

    def fails(tx):
        groups.create_group(tx, group_profile("Engineers"), ())
        raise ZeroDivisionError

    for change in (twice, fails):
        try:
            installed.change(change, actor=PROVISIONER)
        except (DomainError, ZeroDivisionError):
            pass
        else:
            raise AssertionError(change)
    assert told(installed) == counted(installed) == (1, 0)
