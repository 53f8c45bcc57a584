"""How are users and groups listed, on either database?"""

from dataclasses import replace
from datetime import timedelta
from itertools import chain

import orjson
import pytest

from rolecall.directory import groups, provisioned_users, users
from rolecall.directory.errors import ListTooSlow
from rolecall.directory.model import DEFAULT_CONNECTION, AddMembers, ListRequest, Seek
from rolecall.directory.store import lists
from rolecall.directory.store.walks import walk_provisioned_users
from rolecall.kernel.predicate import And, AnyValue, Compare, Not, Operator, Or, Present
from tests.make.actors import PROVISIONER
from tests.make.directory import (
    ANY_VERSION,
    change_members,
    local_user,
    pushed_group,
    pushed_user,
    service_user,
    setting,
    user_profile,
)


def equal(*path, to, fold=False):
    return Compare(path=path, operator=Operator.EQ, value=to, fold=fold)


def request(where=None, *, sort_by=None, descending=False, skip=0, limit=100):
    return ListRequest(where=where, sort_by=sort_by, descending=descending, skip=skip, limit=limit)


def listed(installed, where=None, **options):
    page = installed.ask(
        provisioned_users.list_users, request(where, **options), with_memberships=False, actor=PROVISIONER
    )
    return [user.id for user in page.items]


def listed_groups(installed, where=None, **options):
    page = installed.ask(groups.list_groups, request(where, **options), with_members=False, actor=PROVISIONER)
    return [group.id for group in page.items]


@pytest.fixture
def ada_and_others(installed):
    ada = pushed_user(
        installed,
        "Ada",
        displayName="Ada Lovelace",
        externalId="00u1",
        title="Countess",
        emails=[{"value": "Ada@Example.com", "type": "work"}, {"value": "ada@home.example", "type": "home"}],
    )
    installed.clock.advance(timedelta(days=1))
    pushed_user(installed, "eve", displayName="Eve", externalId="00U1", active=False, title="Spy")
    pushed_user(installed, "bob", emails=[{"value": "bob@example.com"}])
    local_user(installed)
    service_user(installed)
    return ada


@pytest.mark.parametrize("descending", [False, True])
def test_a_page_of_everything_is_the_same_whether_it_is_reached_from_the_start_or_from_the_end(installed, descending):
    ids = sorted((pushed_user(installed, f"user {number}") for number in range(7)), reverse=descending)
    for limit in (0, 1, 3, 100):
        for skip in range(9):
            asked = request(descending=descending, skip=skip, limit=limit)
            page = installed.ask(provisioned_users.list_users, asked, with_memberships=False, actor=PROVISIONER)
            assert ([user.id for user in page.items], page.total) == (ids[skip : skip + limit], 7)


@pytest.mark.parametrize(
    "where",
    [
        equal("userName", to="ADA", fold=True),
        equal("displayName", to="ADA LOVELACE", fold=True),
        equal("externalId", to="00u1"),
        equal("emails", "value", to="ada@example.COM", fold=True),
        equal("emails", "type", to="HOME", fold=True),
        equal("title", to="countess", fold=True),
        equal("userName", to="Ada"),
        AnyValue(path=("emails",), of=equal("value", to="ada@home.example", fold=True)),
        And(parts=(Present(path=("externalId",)), equal("active", to=True))),
        And(parts=(equal("userName", to="ada", fold=True), equal("title", to="Countess"))),
    ],
)
def test_a_user_is_found_by_what_is_known_of_it(installed, ada_and_others, where):
    assert listed(installed, where) == [ada_and_others]


def test_a_user_is_found_by_its_id_its_groups_and_its_dates(installed, ada_and_others):
    ada = ada_and_others
    inner = pushed_group(installed, "Inner", ada)
    outer = pushed_group(installed, "Outer", inner)
    seen = installed.ask(provisioned_users.get_user, ada, with_memberships=False, actor=PROVISIONER)
    for where in (
        equal("id", to=ada),
        equal("groups", "value", to=inner),
        equal("groups", "value", to=outer),
        equal("groups", "display", to="outer", fold=True),
        equal("meta", "created", to=seen.created_at),
        Compare(path=("meta", "lastModified"), operator=Operator.LE, value=seen.changed_at),
        And(parts=(equal("meta", "version", to='W/"1"'), equal("id", to=ada))),
    ):
        assert listed(installed, where) == [ada]
    assert listed(installed, equal("id", to=ada.upper())) == []
    assert listed(installed, equal("groups", "value", to=inner.upper())) == []


def test_two_conditions_on_groups_can_stand_together(installed):
    ada, eve = pushed_user(installed, "ada"), pushed_user(installed, "eve")
    one, two = pushed_group(installed, "One", ada, eve), pushed_group(installed, "Two", ada)
    in_one, in_two = equal("groups", "value", to=one), equal("groups", "value", to=two)
    assert listed(installed, And(parts=(in_one, in_two))) == [ada]
    assert listed(installed, And(parts=(in_one, Not(part=in_two)))) == [eve]
    assert listed(installed, Or(parts=(in_one, in_two))) == sorted([ada, eve])


def test_scim_sees_only_its_own_users_and_an_administrator_all(installed, ada_and_others):
    assert len(listed(installed)) == 3
    page = installed.ask(users.list_all_users, request(equal("userName", to="robot", fold=True)))
    assert [user.user_name for user in page.items] == ["robot"]
    assert listed(installed, equal("userName", to="robot", fold=True)) == []
    assert installed.ask(users.list_all_users, request()).total == 5
    by_scan = installed.ask(users.list_all_users, request(equal("name", "familyName", to="hopper", fold=True)))
    assert [user.user_name for user in by_scan.items] == ["grace"]


def test_groups_are_found_by_name_id_members_and_dates(installed):
    ada = pushed_user(installed)
    inner = pushed_group(installed, "Inner", ada, externalId="g1")
    outer = pushed_group(installed, "Outer", inner, externalId="G1")
    for where in (
        equal("displayName", to="INNER", fold=True),
        equal("id", to=inner),
        equal("externalId", to="g1"),
        equal("members", "value", to=ada),
        equal("members", "type", to="User"),
        equal("members", "display", to="ADA", fold=True),
        AnyValue(path=("members",), of=equal("value", to=ada)),
        And(parts=(equal("id", to=inner), equal("members", "value", to=ada))),
    ):
        assert listed_groups(installed, where) == [inner]
    assert listed_groups(installed, equal("members", "value", to=inner)) == [outer]
    assert listed_groups(installed, And(parts=(equal("id", to=inner), equal("members", "value", to=outer)))) == []


def test_pages_follow_each_other_without_gap_or_repetition(installed):
    everybody = sorted(pushed_user(installed, f"user {number}") for number in range(7))
    for where in (None, Present(path=("userName",)), Present(path=("schemas",))):
        pages = [listed(installed, where, skip=skip, limit=3) for skip in (0, 3, 6, 9)]
        assert [len(page) for page in pages] == [3, 3, 1, 0]
        assert list(chain.from_iterable(pages)) == everybody


def test_a_page_of_nothing_still_has_a_total(installed):
    for number in range(3):
        pushed_user(installed, f"user {number}", title="same")
    for where in (None, equal("title", to="same")):
        page = installed.ask(
            provisioned_users.list_users, request(where, limit=0), with_memberships=True, actor=PROVISIONER
        )
        assert (page.items, page.total) == ((), 3)


def test_what_has_no_value_comes_last_and_first_when_descending(installed):
    none = pushed_user(installed, "none")
    b = pushed_user(installed, "two", displayName="b", title="b")
    a = pushed_user(installed, "one", displayName="A", title="A")
    for path in (("displayName",), ("title",)):
        assert listed(installed, sort_by=path) == [a, b, none]
        assert listed(installed, sort_by=path, descending=True) == [none, b, a]


def test_of_several_values_the_primary_one_decides_the_order(installed):
    one = pushed_user(installed, "one", emails=[{"value": "z@x"}, {"value": "a@x", "primary": True}])
    two = pushed_user(installed, "two", emails=[{"value": "b@x"}, {"value": "y@x"}])
    none = pushed_user(installed, "none")
    assert listed(installed, sort_by=("emails", "value")) == [one, two, none]
    assert listed(installed, sort_by=("emails",)) == [one, two, none]


def test_truths_and_numbers_are_sorted_as_such(installed):
    ids = [
        pushed_user(installed, f"user {rank}", active=rank > 9, **{"urn:example:x": {"rank": rank}})
        for rank in (10, 9, 100)
    ]
    ten, nine, hundred = ids
    assert listed(installed, sort_by=("urn:example:x", "rank")) == [nine, ten, hundred]
    assert listed(installed, sort_by=("active",))[0] == nine


@pytest.mark.parametrize("where", [None, Present(path=("schemas",))])
def test_the_order_of_ids_can_be_reversed_whoever_finds_them(installed, where):
    everybody = sorted(pushed_user(installed, f"user {number}") for number in range(4))
    for path in (None, ("id",)):
        assert listed(installed, where, sort_by=path) == everybody
        assert listed(installed, where, sort_by=path, descending=True) == everybody[::-1]


def test_a_scan_that_takes_too_long_is_refused_and_a_search_by_index_is_not(installed, monkeypatch):
    ada = pushed_user(installed, "ada", title="Countess")
    monkeypatch.setattr(lists, "_BUDGET_SECONDS", -1.0)
    with pytest.raises(ListTooSlow):
        listed(installed, equal("title", to="Countess"))
    with pytest.raises(ListTooSlow):
        listed(installed, sort_by=("title",))
    assert listed(installed, equal("userName", to="ada", fold=True)) == [ada]


CROWD = """
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50000)
    INSERT INTO directory_user (id, kind, state, provisioned, break_glass, user_name_key, display, display_name_key,
                                external_id, connection_id, profile, version, created_at, changed_at)
    SELECT 'crowd-' || n.i, kind, state, provisioned, break_glass, 'crowd-' || n.i, display, display_name_key,
           external_id, connection_id, profile, version, created_at, changed_at
    FROM directory_user, n WHERE display = 'One of many'
"""


def test_a_list_that_the_database_decides_alone_has_no_more_time_than_another(installed, monkeypatch):
    ada = pushed_user(installed, "ada")
    pushed_user(installed, "crowd", displayName="One of many")
    installed.change(lambda tx: tx.connection.execute(CROWD))
    contains = Compare(path=("displayName",), operator=Operator.CO, value="nobody", fold=True)
    assert listed(installed, contains) == []
    monkeypatch.setattr(lists, "_BUDGET_SECONDS", 0.002)
    with pytest.raises(ListTooSlow, match="Add a condition on userName"):
        listed(installed, contains)
    with pytest.raises(ListTooSlow):
        installed.ask(walk_provisioned_users, request(contains), Seek(), None)
    with pytest.raises(ListTooSlow):
        listed(installed, sort_by=("displayName",), skip=45_000)
    assert listed(installed, equal("userName", to="ada", fold=True)) == [ada]


def test_a_list_shows_what_was_changed_since(installed):
    ada = pushed_user(installed, "ada", emails=[{"value": "a@x"}])
    group = pushed_group(installed)
    installed.change(
        provisioned_users.change_user,
        ada,
        setting(userName="lovelace", emails=[{"value": "b@x"}], displayName="L"),
        ANY_VERSION,
        actor=PROVISIONER,
    )
    change_members(installed, group, AddMembers(operation=0, members=(ada,)))
    assert listed(installed, equal("userName", to="ada", fold=True)) == []
    assert listed(installed, equal("emails", "value", to="a@x", fold=True)) == []
    for where in (
        equal("userName", to="lovelace", fold=True),
        equal("emails", "value", to="b@x", fold=True),
        equal("displayName", to="l", fold=True),
        equal("groups", "value", to=group),
    ):
        assert listed(installed, where) == [ada]


ROWS_READ = (
    "SELECT coalesce(sum(seq_tup_read + coalesce(idx_tup_fetch, 0)), 0) FROM pg_stat_xact_user_tables"
    " WHERE relname = 'directory_user'"
)


def test_who_is_filtered_for_is_found_at_once_on_a_database_that_knows_nothing_of_its_tables_yet(installed_postgresql):
    okta = replace(PROVISIONER, connection_id=DEFAULT_CONNECTION)

    def fill(tx):
        for number in range(1_000):
            provisioned_users.create_user(tx, user_profile(f"user {number}"))

    def count_reads(tx):
        tx.connection.execute("SET LOCAL enable_seqscan = off")
        before = tx.connection.execute(ROWS_READ).fetchone()[0]
        asked = request(equal("userName", to="user 7", fold=True))
        found = provisioned_users.list_users(tx, asked, with_memberships=True)
        assert [orjson.loads(user.profile)["userName"] for user in found.items] == ["user 7"]
        return tx.connection.execute(ROWS_READ).fetchone()[0] - before

    installed_postgresql.change(fill, actor=okta)
    assert installed_postgresql.ask(count_reads, actor=okta) < 20
