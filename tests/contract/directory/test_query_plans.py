"""Does an index find what clients ask for, however many users and groups there are?"""

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from rolecall.authentication import api_keys
from rolecall.authentication.actors import authenticate
from rolecall.directory import groups, provisioned_users, resources, users
from rolecall.directory.model import DEFAULT_CONNECTION, ListRequest
from rolecall.kernel.predicate import AnyValue, Compare, Operator, Present
from rolecall.scim.demands import kind_of
from tests.make.actors import ADMINISTRATOR, PROVISIONER
from tests.make.declared import DEVICE, everything_declared
from tests.make.directory import group_profile, pushed_group, pushed_user, user_profile
from tests.make.transactions import SetClock, copy_of, installed_on

BIG_TABLES = {
    "directory_user",
    "directory_group",
    "group_member",
    "user_email",
    "api_key",
    "assignment",
    "directory_resource",
    "resource_value",
}
MANY = 300
DEVICES = kind_of(everything_declared().declared[0])
NOW = SetClock().now
OKTA = replace(PROVISIONER, connection_id=DEFAULT_CONNECTION)


def equal(*path, to="x", fold=False, operator=Operator.EQ):
    return Compare(path=path, operator=operator, value=to, fold=fold)


@pytest.fixture(scope="module", params=[False, True], ids=["as made", "analyzed"])
def filled(request, sqlite_template):
    """Many users and groups; once as they come to be, once after somebody has run ANALYZE."""
    with copy_of(sqlite_template) as database, installed_on(database) as installed:
        installed.change(fill)
        if request.param:
            installed.change(lambda tx: tx.connection.execute("ANALYZE") and None)
        yield installed


def fill(tx):
    for number in range(MANY):
        then = replace(tx, now=tx.now + timedelta(seconds=number))
        attributes = {
            "displayName": f"User {number}",
            "externalId": f"x{number}",
            "emails": [{"value": f"u{number}@x", "type": "work"}],
        }
        user = provisioned_users.create_user(then, user_profile(f"user {number}", **attributes))
        groups.create_group(then, group_profile(f"group {number}", externalId=f"x{number}"), (user.id,))
        resources.create_resource(
            then, DEVICES, {"schemas": [DEVICE], "serial": f"s{number}", "hostNames": [f"h{number}"]}
        )


def scans(installed, ask, actor=PROVISIONER):
    """Return the steps of the plans of all statements of a read that go through a whole big table.

    What a provider asks is asked as one with a connection and as one without.
    """
    if actor is PROVISIONER:
        return [*scans(installed, ask, OKTA), *_scans(installed, ask, actor)]
    return _scans(installed, ask, actor)


def _scans(installed, ask, actor):

    def traced(tx):
        statements = []
        tx.connection.set_trace_callback(statements.append)
        try:
            ask(tx)
        finally:
            tx.connection.set_trace_callback(None)
        asked = [text for text in statements if text.lstrip().upper().startswith(("SELECT", "WITH"))]
        assert asked
        return [
            (text, step[3])
            for text in asked
            for step in tx.connection.execute(f"EXPLAIN QUERY PLAN {text}").fetchall()
            if _goes_through_a_big_table(step[3], text)
        ]

    return installed.ask(traced, actor=actor)


def _goes_through_a_big_table(step, text):
    # What one connection owns can be nearly everything: only a list of everything may be read by that.
    if re.search(r"\(connection_id=\?\)$", step) and " ORDER BY " in text and "LIMIT 100 OFFSET" in text:
        return any(name in text for name in ("_key =", "external_id =", "sorted_by", "_key IS NULL", "_at IS NULL"))
    scanned = re.match(r"SCAN (\w+)", step)
    if scanned is None:
        return False
    aliased = re.search(rf"(\w+) AS {scanned[1]}\b", text)
    return (aliased[1] if aliased else scanned[1]) in BIG_TABLES


def request(where, sort_by=None):
    return ListRequest(where=where, sort_by=sort_by, descending=False, skip=0, limit=100)


@pytest.mark.parametrize(
    "where",
    [
        equal("id"),
        equal("userName", fold=True),
        equal("userName"),
        equal("externalId"),
        equal("displayName", fold=True),
        equal("emails", "value", fold=True),
        AnyValue(path=("emails",), of=equal("value", fold=True)),
        equal("meta", "lastModified", to=NOW),
        equal("groups", "value"),
        equal("userName", to="user 2999", fold=True, operator=Operator.SW),
    ],
    ids=str,
)
def test_users_are_found_by_an_index(filled, where):
    def ask(tx):
        return provisioned_users.list_users(tx, request(where), with_memberships=True)

    assert scans(filled, ask) == []


@pytest.mark.parametrize(
    "where",
    [
        equal("id"),
        equal("externalId"),
        equal("displayName", fold=True),
        equal("members", "value"),
        AnyValue(path=("members",), of=equal("value")),
        equal("meta", "lastModified", to=NOW),
    ],
    ids=str,
)
def test_groups_are_found_by_an_index(filled, where):
    def ask(tx):
        return groups.list_groups(tx, request(where), with_members=True)

    assert scans(filled, ask) == []


@pytest.mark.parametrize(
    "where",
    [
        equal("id"),
        equal("externalId"),
        equal("serial", to="s7"),
        equal("hostNames", to="h7", fold=True),
        equal("meta", "lastModified", to=NOW),
    ],
    ids=str,
)
def test_declared_resources_are_found_by_an_index(filled, where):
    assert scans(filled, lambda tx: resources.list_resources(tx, DEVICES, request(where))) == []


def test_a_condition_without_an_index_is_told_apart_by_this_check(filled):
    def ask(tx):
        return provisioned_users.list_users(tx, request(equal("title")), with_memberships=False)

    assert scans(filled, ask) != []


def test_one_thing_is_read_by_an_index_with_all_that_belongs_to_it(filled):
    ada = pushed_user(filled, "ada", displayName="Ada")
    group = pushed_group(filled, "Engineers", ada)
    pushed_group(filled, "Outer", group)
    key = filled.change(api_keys.create_api_key, user_id=ada, name="k", role=None)
    for ask in (
        lambda tx: provisioned_users.get_user(tx, ada, with_memberships=True),
        lambda tx: groups.get_group(tx, group, with_members=True),
        lambda tx: users.find_user_by_name(tx, "ada"),
        lambda tx: groups.get_group_by_name(tx, "engineers"),
        lambda tx: groups.list_members(tx, group, skip=0, limit=10),
        lambda tx: authenticate(tx, key.secret),
    ):
        assert scans(filled, ask, actor=ADMINISTRATOR) == []


@pytest.mark.parametrize(
    "where",
    [None, Present(path=("userName",)), equal("active", to=True)],
    ids=str,
)
def test_a_page_reads_whole_rows_only_of_what_it_shows(filled, where):
    """The wide rows are fetched by id, for the page alone, whatever finds them."""

    def ask(tx):
        return provisioned_users.list_users(
            tx, ListRequest(where=where, sort_by=None, descending=False, skip=250, limit=10), with_memberships=False
        )

    def pages(tx):
        statements = []
        tx.connection.set_trace_callback(statements.append)
        ask(tx)
        tx.connection.set_trace_callback(None)
        (page,) = [text for text in statements if "profile" in text]
        return [step[3] for step in tx.connection.execute(f"EXPLAIN QUERY PLAN {page}").fetchall()]

    steps = filled.ask(pages, actor=PROVISIONER)
    assert any(re.match(r"SEARCH directory_user USING INDEX \S+ \(id=\?\)", step) for step in steps), steps
