"""Do the database and the matcher select the same, and does a list show it in the right order?

Random users and groups, random conditions, orders and pages; on either database. What a condition
means is said a second time in `predicates.py`.
"""

from dataclasses import replace

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from rolecall.directory import groups, provisioned_users
from rolecall.directory.model import ListRequest
from rolecall.directory.store import lists
from rolecall.kernel.clock import to_rfc3339
from rolecall.kernel.predicate import AnyValue, compile_matcher
from rolecall.kernel.text import comparison_form
from rolecall.storage.predicates import to_sql
from rolecall.storage.statement import Statement
from tests.contract.directory.predicates import (
    INSTANTS,
    WORDS,
    combined,
    filled,
    holds,
    ids_at,
    instants_at,
    texts_at,
    truths_at,
    values,
)
from tests.make.databases import KINDS, SQLITE
from tests.make.directory import group_profile, user_profile
from tests.make.transactions import copy_of, installed_on

EXAMPLES = settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])

EMAILS = st.lists(
    st.fixed_dictionaries(
        {}, optional={"value": WORDS, "type": WORDS, "primary": st.booleans(), "display": WORDS}
    ).filter(bool),
    max_size=3,
)
PROFILES = st.lists(
    st.tuples(
        INSTANTS,
        st.fixed_dictionaries(
            {"userName": WORDS},
            optional={
                "displayName": WORDS,
                "externalId": WORDS,
                "active": st.booleans(),
                "emails": EMAILS,
                "title": WORDS,
                "name": st.fixed_dictionaries({"familyName": WORDS}),
            },
        ),
    ),
    max_size=5,
    unique_by=lambda pair: comparison_form(pair[1]["userName"]),
)
OF_EMAIL = combined(texts_at("value") | texts_at("type") | texts_at("display") | truths_at("primary"))
USER_CONDITIONS = combined(
    texts_at("userName")
    | texts_at("displayName")
    | texts_at("externalId")
    | texts_at("emails", "value")
    | texts_at("emails", "type")
    | texts_at("emails", "display")
    | texts_at("emails")
    | texts_at("title")
    | texts_at("name", "familyName")
    | ids_at("id", names=["user 0", "user 1", "nobody"])
    | ids_at("groups", "value", names=["inner", "outer", "nobody"])
    | truths_at("active")
    | truths_at("emails", "primary")
    | instants_at("meta", "created")
    | instants_at("meta", "lastModified")
    | OF_EMAIL.map(lambda of: AnyValue(path=("emails",), of=of))
)
GROUP_PROFILES = st.lists(
    st.tuples(INSTANTS, st.fixed_dictionaries({"displayName": WORDS}, optional={"externalId": WORDS})),
    max_size=4,
    unique_by=lambda pair: comparison_form(pair[1]["displayName"]),
)
MEMBERS = st.lists(st.sets(st.integers(0, 2)), min_size=4, max_size=4)
MEMBER_NAMES = ["user 0", "user 1", "group 0", "nobody"]
OF_MEMBER = combined(ids_at("value", names=MEMBER_NAMES) | texts_at("type") | texts_at("display"))
GROUP_CONDITIONS = combined(
    texts_at("displayName")
    | texts_at("externalId")
    | ids_at("id", names=["group 0", "group 1", "nobody"])
    | ids_at("members", "value", names=MEMBER_NAMES)
    | texts_at("members", "type")
    | instants_at("meta", "created")
    | instants_at("meta", "lastModified")
    | OF_MEMBER.map(lambda of: AnyValue(path=("members",), of=of))
)
USER_ORDERS = [
    None,
    ("id",),
    ("userName",),
    ("displayName",),
    ("externalId",),
    ("meta", "created"),
    ("title",),
    ("name", "familyName"),
]
GROUP_ORDERS = [None, ("id",), ("displayName",), ("externalId",), ("meta", "lastModified")]
AS_WRITTEN = {("id",), ("externalId",)}


def pages(orders):
    return st.tuples(st.sampled_from(orders), st.booleans(), st.integers(0, 3), st.integers(0, 5))


class Undo(Exception):
    """Takes back what an example has put into the database."""


@pytest.fixture(scope="module", params=KINDS)
def shared(request):
    """A database that the examples of one law share; each takes its rows back."""
    if request.param == SQLITE:
        with copy_of(request.getfixturevalue("sqlite_template")) as database, installed_on(database) as installed:
            yield installed
    else:
        template = request.getfixturevalue("postgresql_template")
        template.empty()
        with installed_on(template.database) as installed:
            yield installed


def undone(installed, check):
    """Run a check inside a transaction that is rolled back."""

    def change(tx):
        check(tx)
        raise Undo

    with pytest.raises(Undo):
        installed.change(change)


def document_of(stored, resource_type, **related):
    return (
        orjson.loads(stored.profile)
        | related
        | {
            "id": stored.id,
            "meta": {
                "resourceType": resource_type,
                "created": to_rfc3339(stored.created_at),
                "lastModified": to_rfc3339(stored.changed_at),
                "version": f'W/"{stored.version}"',
            },
        }
    )


def ordered(documents, path, *, descending):
    """Sort by id, then by the first value at the path: absent ones last, or first when descending."""
    documents = sorted(documents, key=lambda document: document["id"], reverse=descending and path in {None, ("id",)})
    if path in {None, ("id",)}:
        return documents

    def key(document):
        first = next(values(document, path), None)
        return first if first is None or path in AS_WRITTEN else comparison_form(first)

    there = sorted((each for each in documents if key(each) is not None), key=key, reverse=descending)
    absent = [each for each in documents if key(each) is None]
    return absent + there if descending else there + absent


def check_law(tx, list_page, columns, identifier, documents, condition, page):
    sort_by, descending, skip, limit = page
    wanted = [document for document in documents if holds(condition, document)]
    matches = compile_matcher(condition)
    assert [document for document in documents if matches(document)] == wanted
    selection = to_sql(condition, columns)
    rows = Statement(select(identifier).where(selection.condition)).rows(tx)
    selected, wanted_ids = {row[0] for row in rows}, {document["id"] for document in wanted}
    assert selected >= wanted_ids
    if selection.exact:
        assert selected == wanted_ids
    found = list_page(tx, ListRequest(where=condition, sort_by=sort_by, descending=descending, skip=skip, limit=limit))
    assert found.total == len(wanted)
    expected = ordered(wanted, sort_by, descending=descending)[skip : skip + limit]
    assert [item.id for item in found.items] == [document["id"] for document in expected]


@EXAMPLES
@given(PROFILES, st.sets(st.integers(0, 4)), USER_CONDITIONS, pages(USER_ORDERS))
def test_of_users_the_database_selects_what_the_matcher_selects(shared, profiles, members, condition, page):
    def check(tx):
        users = [
            provisioned_users.create_user(
                replace(tx, now=instant), user_profile(profile["userName"], **_but("userName", profile))
            )
            for instant, profile in profiles
        ]
        inside = [users[number].id for number in members if number < len(users)]
        inner = groups.create_group(tx, group_profile("inner"), tuple(inside))
        outer = groups.create_group(tx, group_profile("outer"), (inner.id,))
        ids = {f"user {number}": user.id for number, user in enumerate(users)}
        ids |= {"inner": inner.id, "outer": outer.id}
        in_groups = [
            {"value": inner.id, "display": "inner", "type": "direct"},
            {"value": outer.id, "display": "outer", "type": "indirect"},
        ]
        documents = [document_of(user, "User", groups=in_groups if user.id in inside else []) for user in users]

        def list_page(tx, request):
            return provisioned_users.list_users(tx, request, with_memberships=False)

        check_law(tx, list_page, lists._USER_FILTERS, lists._U.id, documents, filled(condition, ids), page)

    undone(shared, check)


@EXAMPLES
@given(GROUP_PROFILES, MEMBERS, GROUP_CONDITIONS, pages(GROUP_ORDERS))
def test_of_groups_the_database_selects_what_the_matcher_selects(shared, profiles, members, condition, page):
    def check(tx):
        people = [provisioned_users.create_user(tx, user_profile(f"user {number}")) for number in range(2)]
        made = []
        ids = {f"user {number}": user.id for number, user in enumerate(people)}
        shown = [{"value": user.id, "type": "User", "display": f"user {n}"} for n, user in enumerate(people)]
        documents = []
        for number, (instant, profile) in enumerate(profiles):
            chosen = [shown[member] for member in sorted(members[number]) if member < len(shown)]
            group = groups.create_group(
                replace(tx, now=instant),
                group_profile(profile["displayName"], **_but("displayName", profile)),
                tuple(member["value"] for member in chosen),
            )
            if not made:
                # The first group is the third of the possible members.
                shown.append({"value": group.id, "type": "Group", "display": profile["displayName"]})
            made.append(group)
            ids[f"group {number}"] = group.id
            documents.append(document_of(group, "Group", members=chosen))

        def list_page(tx, request):
            return groups.list_groups(tx, request, with_members=False)

        check_law(tx, list_page, lists._GROUP_FILTERS, lists._G.id, documents, filled(condition, ids), page)

    undone(shared, check)


def _but(name, profile):
    return {each: value for each, value in profile.items() if each != name}


@EXAMPLES
@given(st.integers(0, 3), st.integers(0, 3))
def test_without_a_condition_everything_is_listed(shared, skip, limit):
    def check(tx):
        ids = sorted(provisioned_users.create_user(tx, user_profile(f"user {number}")).id for number in range(3))
        request = ListRequest(where=None, sort_by=None, descending=False, skip=skip, limit=limit)
        found = provisioned_users.list_users(tx, request, with_memberships=False)
        assert found.total == 3
        assert [user.id for user in found.items] == ids[skip : skip + limit]

    undone(shared, check)
