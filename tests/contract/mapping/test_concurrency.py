"""Do pushes and changes of mappings that happen at once leave every assignment with its source, and none without?

On SQLite one writer runs one change after the other; on PostgreSQL they run at the same time.
"""

import asyncio
import random
from itertools import pairwise

import pytest

from rolecall.authorization.roles import ADMIN
from rolecall.directory import assignments, groups
from rolecall.directory.errors import LastAdministrator
from rolecall.directory.model import AddMembers, RemoveMembers
from rolecall.mapping import mappings
from tests.contract.directory.test_concurrency import first_and_meanwhile
from tests.make.actors import ADMINISTRATOR
from tests.make.directory import ANY_VERSION, administrator, change_members, pushed_group, pushed_user
from tests.make.mapping import OPERATOR, draft, finish_reconciling, mapping, roles_of, target


def add(group, *members):
    steps = (AddMembers(operation=0, members=members),)
    return lambda tx: groups.change_group(tx, group, steps, ANY_VERSION, with_members=False)


def remove(group, *members):
    steps = (RemoveMembers(operation=0, members=members),)
    return lambda tx: groups.change_group(tx, group, steps, ANY_VERSION, with_members=False)


def create(value, *targets):
    return lambda tx: mappings.create_mapping(tx, draft(value, *targets))


def delete(made):
    return lambda tx: mappings.delete_mapping(tx, made.id, ANY_VERSION)


def both_ways(installed, one, other):
    for answer in first_and_meanwhile(installed, one, other):
        if isinstance(answer, Exception):
            raise answer


@pytest.mark.parametrize("order", [1, -1])
def test_a_member_and_a_mapping_that_come_at_once_come_together(installed, order):
    ada, group = pushed_user(installed), pushed_group(installed, "Sales")
    both_ways(installed, *(add(group, ada), create("Sales"))[::order])
    assert roles_of(installed, ada)


@pytest.mark.parametrize("order", [1, -1])
def test_a_member_that_comes_while_the_mapping_goes_holds_nothing(installed, order):
    ada, group = pushed_user(installed), pushed_group(installed, "Sales")
    made = mapping(installed, "Sales")
    both_ways(installed, *(add(group, ada), delete(made))[::order])
    assert roles_of(installed, ada) == {}


@pytest.mark.parametrize("order", [1, -1])
def test_a_group_and_a_mapping_that_come_at_once_come_together(installed, order):
    ada = pushed_user(installed)
    steps = (
        lambda tx: groups.create_group(tx, {"schemas": [], "displayName": "Sales"}, (ada,)),
        create("Sales"),
    )
    both_ways(installed, *steps[::order])
    assert roles_of(installed, ada)


@pytest.mark.parametrize("order", [1, -1])
def test_a_member_deep_below_and_the_nesting_above_it_come_together(installed, order):
    ada = pushed_user(installed)
    inner = pushed_group(installed, "inner")
    middle, outer = pushed_group(installed, "middle", inner), pushed_group(installed, "outer")
    mapping(installed, "outer")
    both_ways(installed, *(add(inner, ada), add(outer, middle))[::order])
    assert roles_of(installed, ada)


def test_who_leaves_by_both_ways_at_once_holds_nothing(installed):
    ada = pushed_user(installed)
    one, two = pushed_group(installed, "one", ada), pushed_group(installed, "two", ada)
    pushed_group(installed, "outer", one, two)
    mapping(installed, "outer")
    both_ways(installed, remove(one, ada), remove(two, ada))
    assert roles_of(installed, ada) == {}


def test_of_the_last_two_administrators_by_two_groups_one_stays(installed):
    one, two = pushed_user(installed, "one"), pushed_user(installed, "two")
    first, second = pushed_group(installed, "first", one), pushed_group(installed, "second", two)
    for name in ("first", "second"):
        mapping(installed, name, target(ADMIN))
    answers = first_and_meanwhile(installed, remove(first, one), remove(second, two))
    assert [type(answer) for answer in answers if isinstance(answer, Exception)] == [LastAdministrator]
    assert installed.ask(assignments.count_administrators) == 1


def test_after_many_clients_at_once_every_assignment_has_its_source_and_every_source_its_assignment(installed):
    administrator(installed)
    people = [pushed_user(installed, f"user {number}") for number in range(8)]
    names = [f"group {number}" for number in range(6)]
    ids = [pushed_group(installed, name) for name in names]
    for inner, outer in pairwise(ids[:3]):
        change_members(installed, outer, AddMembers(operation=0, members=(inner,)))
    standing = [mapping(installed, name, target(OPERATOR)) for name in names[::2]]
    draw = random.Random(4)
    changes = [
        draw.choice((add, add, remove))(draw.choice(ids), draw.choice([*people, *people, *ids[3:]])) for _ in range(120)
    ]
    changes[40:40] = [create(name) for name in names[1::2]]
    changes[90:90] = [delete(each) for each in standing[:2]]

    async def by_clients():
        waiting = list(changes)

        async def client():
            while waiting:
                await installed.transactions.write(ADMINISTRATOR, waiting.pop(0))

        await asyncio.gather(*(client() for _ in range(8)))

    asyncio.run(by_clients())
    finish_reconciling(installed)
    held = {user: roles_of(installed, user) for user in people}
    rows = installed.ask(lambda tx: tx.connection.execute("SELECT group_id, member_id FROM group_member").fetchall())
    given = installed.ask(lambda tx: tx.connection.execute("SELECT source, role_id FROM given").fetchall())
    for user in people:
        reached, waiting = set(), {user}
        while waiting:
            waiting = {outer for outer, member in rows if member in waiting} - reached
            reached |= waiting
        sources = {(role, source) for source, role in given if source.removeprefix("scim-group:") in reached}
        assert {(role, source) for (_, role), found in held[user].items() for source in found} == sources
