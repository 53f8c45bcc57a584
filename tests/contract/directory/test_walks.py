"""Does a walk meet each user and group once, whatever is inserted and deleted meanwhile?"""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rolecall.authorization.actions import Action
from rolecall.directory import groups, provisioned_users
from rolecall.directory.model import Expected, ListRequest, Position, Seek
from rolecall.directory.walks import walk_groups, walk_users
from rolecall.kernel.errors import Forbidden
from rolecall.kernel.predicate import Compare, Operator, Present
from tests.make.actors import PROVISIONER, all_but
from tests.make.databases import KINDS, SQLITE
from tests.make.directory import group_profile, pushed_group, pushed_user, user_profile
from tests.make.transactions import copy_of, installed_on

NAMES = st.sampled_from([f"{letter}{number}" for letter in "aBcDé" for number in range(4)])
TITLES = st.sampled_from([None, "x", "X", "y", "z" * 500])
CHANGES = st.lists(st.tuples(st.sampled_from(["insert", "delete"]), NAMES, TITLES), max_size=4)
ORDERS = st.sampled_from(
    [
        None,
        ("id",),
        ("userName",),
        ("displayName",),
        ("externalId",),
        ("title",),
        ("active",),
        ("meta", "created"),
        ("meta", "lastModified"),
    ]
)
CONDITIONS = st.sampled_from(
    [
        None,
        Present(path=("userName",)),
        Compare(path=("displayName",), operator=Operator.NE, value="a0", fold=True),
        Compare(path=("title",), operator=Operator.NE, value="y", fold=True),
    ]
)
FIRST = Seek()
LAST = Seek(backwards=True)


def request(limit, sort_by=None, where=None, *, descending=False):
    return ListRequest(where=where, sort_by=sort_by, descending=descending, skip=0, limit=limit)


class Undo(Exception):
    """Takes back what an example has done."""


@pytest.fixture(scope="module", params=KINDS)
def shared(request):
    """A database that the examples of the law share; each takes its rows back."""
    if request.param == SQLITE:
        with copy_of(request.getfixturevalue("sqlite_template")) as database, installed_on(database) as installed:
            yield installed
    else:
        template = request.getfixturevalue("postgresql_template")
        template.empty()
        with installed_on(template.database) as installed:
            yield installed


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(
    there=st.lists(st.tuples(NAMES, TITLES), max_size=14),
    changes=st.lists(CHANGES, max_size=10),
    limit=st.integers(1, 4),
    order=ORDERS,
    where=CONDITIONS,
    descending=st.booleans(),
    start=st.sampled_from([FIRST, LAST]),
)
def test_what_is_there_throughout_is_met_once_and_in_order(
    shared, there, changes, limit, order, where, descending, start
):
    """Law: a walk in either direction meets each user that exists and matches throughout exactly once."""

    def check(tx):
        users = Users(tx)
        for name, title in there:
            users.insert(name, title)
        listed = provisioned_users.list_users(
            tx, request(200, order, where, descending=descending), with_memberships=False
        )
        met, gone = walk_through(tx, users, request(limit, order, where, descending=descending), start, list(changes))
        assert len(met) == len(set(met))
        throughout = [user.id for user in listed.items if user.id not in gone]
        assert [user_id for user_id in met if user_id in set(throughout)] == throughout
        raise Undo

    with pytest.raises(Undo):
        shared.change(check)


def walk_through(tx, users, wanted, start, changes):
    """Return whom a walk meets, in the order of the list, and who was deleted meanwhile."""
    pages, gone, seek = [], set(), start
    while True:
        stretch = walk_users(tx, wanted, seek, with_memberships=False)
        pages.append(ids_of(stretch))
        assert len(pages[-1]) <= wanted.limit
        seek = stretch.before if start.backwards else stretch.after
        if seek is None:
            break
        assert len(pages[-1]) == wanted.limit
        for what, name, title in changes.pop(0) if changes else ():
            gone |= users.change(what, name, title)
    if start.backwards:
        pages.reverse()
    return [user_id for page in pages for user_id in page], gone


HOW = {"with_memberships": False, "actor": PROVISIONER}


def ids_of(stretch):
    return [item.id for item in stretch.items]


class Users:
    """Users by name, made and deleted as a test goes on."""

    def __init__(self, tx):
        self.tx = tx
        self.ids = {}
        self.made = 0

    def insert(self, name, title):
        if name in self.ids:
            return
        self.made += 1
        attributes = {"title": title, "displayName": name if title else None, "externalId": title and title[:5]}
        known = {key: value for key, value in attributes.items() if value is not None}
        then = replace(self.tx, now=self.tx.now + timedelta(milliseconds=self.made // 2))
        self.ids[name] = provisioned_users.create_user(then, user_profile(name, **known)).id

    def change(self, what, name, title):
        """Make a user, or delete one; return the ids of those that are gone."""
        if what == "insert":
            self.insert(name, title)
            return set()
        user_id = self.ids.pop(name, None)
        if user_id is None:
            return set()
        provisioned_users.delete_user(self.tx, user_id, Expected())
        return {user_id}


def test_groups_are_walked_with_their_members_when_they_are_wanted(installed):
    user = pushed_user(installed)
    ids = [pushed_group(installed, f"g{number}", user) for number in range(3)]
    wanted = request(2, ("displayName",))
    first = installed.ask(walk_groups, wanted, FIRST, with_members=True, actor=PROVISIONER)
    assert (ids_of(first), first.total, first.before) == (ids[:2], 3, None)
    assert [[member.id for member in group.members] for group in first.items] == [[user], [user]]
    second = installed.ask(walk_groups, wanted, first.after, with_members=False, actor=PROVISIONER)
    assert ([group.members for group in second.items], second.after) == ([None], None)
    assert second.before == Seek(start=Position(key="g2", id=ids[2]), backwards=True)


def test_users_are_walked_with_their_groups_when_they_are_wanted(installed):
    user = pushed_user(installed)
    group = pushed_group(installed, "g", user)
    stretch = installed.ask(walk_users, request(2), FIRST, with_memberships=True, actor=PROVISIONER)
    assert [membership.group_id for membership in stretch.items[0].memberships] == [group]


def test_a_walk_of_no_items_has_only_a_total(installed):
    pushed_user(installed)
    stretch = installed.ask(walk_users, request(0), FIRST, **HOW)
    assert (stretch.items, stretch.total, stretch.before, stretch.after) == ((), 1, None, None)


@pytest.mark.parametrize("walk, how", [(walk_users, "with_memberships"), (walk_groups, "with_members")])
def test_whoever_may_not_read_may_not_walk(installed, walk, how):
    with pytest.raises(Forbidden):
        installed.ask(walk, request(2), FIRST, **{how: False}, actor=all_but(Action.PROVISIONED_READ))


def steps_of(installed, ask):
    """Return the plans of the statements that read a page, not of those that count."""

    def traced(tx):
        statements = []
        tx.connection.set_trace_callback(statements.append)
        try:
            ask(tx)
        finally:
            tx.connection.set_trace_callback(None)
        reading = [text for text in statements if text.startswith("SELECT") and "count(" not in text]
        assert reading
        plans = [tx.connection.execute(f"EXPLAIN QUERY PLAN {text}").fetchall() for text in reading]
        return [step[3] for plan in plans for step in plan]

    return installed.ask(traced, actor=PROVISIONER)


@pytest.mark.parametrize("sort_by", [None, ("userName",), ("displayName",), ("externalId",), ("meta", "lastModified")])
@pytest.mark.parametrize("descending", [False, True])
def test_an_index_finds_the_next_page(installed_sqlite, sort_by, descending):
    installed_sqlite.change(_fill, actor=PROVISIONER)
    wanted = request(10, sort_by, descending=descending)
    for walk, named in ((walk_users, {"with_memberships": False}), (walk_groups, {"with_members": False})):
        if walk is walk_groups and sort_by == ("userName",):
            continue
        seek = installed_sqlite.ask(walk, wanted, FIRST, **named, actor=PROVISIONER).after
        steps = steps_of(
            installed_sqlite, lambda tx, walk=walk, seek=seek, named=named: walk(tx, wanted, seek, **named)
        )
        # Sorting within one value of the first column is fine; sorting the whole is not.
        assert [step for step in steps if step.startswith("SCAN") or step == "USE TEMP B-TREE FOR ORDER BY"] == []


def _fill(tx):
    for number in range(60):
        named = {"displayName": f"d{number}", "externalId": f"x{number}"}
        provisioned_users.create_user(tx, user_profile(f"u{number}", **named))
        groups.create_group(tx, group_profile(f"g{number}", externalId=f"x{number}"), ())
