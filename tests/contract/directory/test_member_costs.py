"""Does adding or removing one member cost the same in a small group as in a large one?"""

import asyncio

import pytest

from rolecall.directory import groups, provisioned_users
from rolecall.directory.model import AddMembers, RemoveMatchingMembers, RemoveMembers
from rolecall.kernel.predicate import Compare, Operator
from tests.make.actors import PROVISIONER
from tests.make.directory import ANY_VERSION, group_profile, pushed_group, pushed_user, user_profile
from tests.make.transactions import copy_of, installed_on

SMALL, LARGE = 10, 5_000


@pytest.fixture(scope="module")
def two_groups(sqlite_template):
    """One small group and one large one, with their ids, and a user that is in neither."""
    with copy_of(sqlite_template) as database, installed_on(database) as installed:

        def fill(tx):
            members = [provisioned_users.create_user(tx, user_profile(f"user {n}")).id for n in range(LARGE)]
            small = groups.create_group(tx, group_profile("small"), tuple(members[:SMALL])).id
            return small, groups.create_group(tx, group_profile("large"), tuple(members)).id

        small, large = installed.change(fill, actor=PROVISIONER)
        yield installed, small, large, pushed_user(installed, "outsider")


def cost(installed, group_id, step):
    """Return statements run, rows changed, and steps of SQLite's machine, for one change of a group."""

    def change(tx):
        statements, machine_steps = [], []
        tx.connection.set_trace_callback(statements.append)
        tx.connection.set_progress_handler(lambda: machine_steps.append(1) and 0, 1)
        rows = tx.connection.total_changes
        changed = groups.change_group(tx, group_id, (step,), ANY_VERSION, with_members=False)
        tx.connection.set_trace_callback(None)
        tx.connection.set_progress_handler(None, 0)
        return changed.outcomes, len(statements), tx.connection.total_changes - rows, len(machine_steps)

    return installed.change(change, actor=PROVISIONER)


def equal_value(member_id):
    where = Compare(path=("value",), operator=Operator.EQ, value=member_id)
    return RemoveMatchingMembers(operation=0, where=where)


def test_one_member_costs_the_same_whatever_the_size_of_the_group(two_groups):
    installed, small, large, outsider = two_groups
    adding = AddMembers(operation=0, members=(outsider,))
    removing = RemoveMembers(operation=0, members=(outsider,))
    for step in (adding, adding, removing, removing, adding, equal_value(outsider), equal_value(outsider)):
        in_small, in_large = cost(installed, small, step), cost(installed, large, step)
        assert in_large[:3] == in_small[:3]
        # What SQLite reads shows in the steps of its machine; a look at all members would be thousands.
        assert in_large[3] <= in_small[3] * 1.2 + 20


def test_adding_one_member_changes_two_rows_and_reads_no_other_member(two_groups):
    installed, _small, large, outsider = two_groups
    outcomes, statements, rows, machine_steps = cost(installed, large, AddMembers(operation=0, members=(outsider,)))
    assert [outcome.value for outcome in outcomes.values()] == ["applied"]
    assert rows == 2
    assert statements <= 5
    assert machine_steps < 1_000
    cost(installed, large, RemoveMembers(operation=0, members=(outsider,)))


def test_this_check_notices_a_change_that_looks_at_all_members(two_groups):
    installed, small, large, _outsider = two_groups
    everywhere = Compare(path=("display",), operator=Operator.EQ, value="nobody", fold=True)
    step = RemoveMatchingMembers(operation=0, where=everywhere)
    assert cost(installed, large, step)[3] > cost(installed, small, step)[3] * 10


ROWS_READ = (
    "SELECT coalesce(sum(seq_tup_read + coalesce(idx_tup_fetch, 0)), 0) FROM pg_stat_xact_user_tables"
    " WHERE relname IN ('group_member', 'directory_user')"
)
MANY_MORE = (
    "INSERT INTO group_member (group_id, member_id, member_kind, added_at)"
    " SELECT %s, 'stranger ' || number, 'User', 0 FROM generate_series(1, 20000) AS number"
)


def test_what_was_planned_for_a_small_group_does_not_read_all_of_a_large_one(installed_postgresql):
    installed = installed_postgresql
    members = [pushed_user(installed, f"user {number}") for number in range(SMALL)]
    group_id = pushed_group(installed, "group", *members)
    outsider = pushed_user(installed, "outsider")
    steps = [AddMembers(operation=0, members=(outsider,)), RemoveMembers(operation=0, members=(outsider,))]

    def change(step):
        def carry_out(tx):
            before = tx.connection.execute(ROWS_READ).fetchone()[0]
            groups.change_group(tx, group_id, (step,), ANY_VERSION, with_members=False)
            return tx.connection.execute(ROWS_READ).fetchone()[0] - before

        return installed.transactions.write(PROVISIONER, carry_out, brief=True)

    async def grow():
        for _ in range(12):  # psycopg prepares a statement after five times, PostgreSQL keeps its plan after five more
            for step in steps:
                await change(step)
        await installed.transactions.write(
            PROVISIONER, lambda tx: tx.connection.execute(MANY_MORE, (group_id,)).rowcount
        )
        return [await change(step) for step in steps]

    installed.change(lambda tx: tx.connection.execute("ANALYZE group_member, directory_user"))
    assert max(asyncio.run(grow())) < SMALL


def test_a_group_without_its_members_is_read_without_them(two_groups):
    installed, small, large, _outsider = two_groups

    def steps(group_id):
        def ask(tx):
            machine_steps = []
            tx.connection.set_progress_handler(lambda: machine_steps.append(1) and 0, 1)
            groups.get_group(tx, group_id, with_members=False)
            tx.connection.set_progress_handler(None, 0)
            return len(machine_steps)

        return installed.ask(ask, actor=PROVISIONER)

    assert steps(large) == steps(small)
