"""Is a change that assignments follow there as a whole or not at all, at whatever statement the database is lost?"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import count

import pytest

from rolecall.authentication import api_keys
from rolecall.authorization.actions import Action
from rolecall.authorization.actor import Actor
from rolecall.directory import groups, installation, provisioned_users, reconcile, roles, users
from rolecall.directory.model import AddMembers, Ground, RemoveMembers, RoleDraft, SourceKind
from rolecall.events.audit import CallJournal
from rolecall.events.calls import Call
from rolecall.kernel.errors import Unavailable
from rolecall.mapping import mappings
from rolecall.migrations.tables import METADATA
from tests.make.actors import ADMINISTRATOR, PROVISIONER
from tests.make.directory import ANY_VERSION, pushed_group, pushed_user, setting
from tests.make.losing import losing_on
from tests.make.mapping import OPERATOR, VIEWER, draft, mapping, target

HELD_BEFORE = ["ada operator", "ada viewer", "ada viewer", "bob operator", "bob viewer"]
ASSIGNED, REMOVED = "directory.role.assigned", "directory.role.removed"
CHANGED_GROUP = ["directory.group.members-changed"]

PHASES = "SELECT phase FROM audit_record"
HOLDING = "SELECT user_name_key, role_id FROM assignment JOIN directory_user ON directory_user.id = user_id"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change, who makes it, and what is so when it was made."""

    use_case: Callable
    holding: list[str]
    """Who holds what, once for each source."""
    events: list[str]
    actor: Actor = ADMINISTRATOR
    brief: bool = False


class Company:
    """Ada and Bob are in a group inside a mapped group; Ada is in another mapped group too, Eve in none."""

    def __init__(self, installed):
        self.installed = installed
        self.ada, self.bob, self.eve = [self._user(name) for name in ("ada", "bob", "eve")]
        self.inner = pushed_group(installed, "inner", self.ada, self.bob)
        self.outer = pushed_group(installed, "outer", self.inner)
        pushed_group(installed, "others", self.ada)
        self.mapped = mapping(installed, "outer", target(VIEWER), target(OPERATOR))
        mapping(installed, "others", target(VIEWER))

    def _user(self, name):
        self.installed.clock.advance(timedelta(seconds=1))  # so that ids are in the order of names
        return pushed_user(self.installed, name)

    def changing(self, group, step, **known):
        def change(tx):
            groups.change_group(tx, group, (step,), ANY_VERSION, with_members=False)

        return Change(use_case=change, actor=PROVISIONER, **known)


def a_member_is_added(company):
    return company.changing(
        company.inner,
        AddMembers(operation=0, members=(company.eve,)),
        holding=[*HELD_BEFORE, "eve operator", "eve viewer"],
        events=[*CHANGED_GROUP, ASSIGNED, ASSIGNED],
    )


def a_member_is_removed(company):
    return company.changing(
        company.inner,
        RemoveMembers(operation=0, members=(company.ada,)),
        holding=["ada viewer", "bob operator", "bob viewer"],
        events=[*CHANGED_GROUP, REMOVED, REMOVED],
    )


def a_nested_group_is_removed(company):
    return company.changing(
        company.outer,
        RemoveMembers(operation=0, members=(company.inner,)),
        holding=["ada viewer"],
        events=[*CHANGED_GROUP, *[REMOVED] * 4],
    )


def a_mapping_is_created(company):
    return Change(
        use_case=lambda tx: mappings.create_mapping(tx, draft("inner")),
        holding=sorted([*HELD_BEFORE, "ada viewer", "bob viewer"]),
        events=["mapping.mapping.created", ASSIGNED, ASSIGNED],
    )


def a_mapping_is_changed(company):
    def only_viewer(before):
        return replace(before, targets=frozenset({target(VIEWER)}))

    return Change(
        use_case=lambda tx: mappings.change_mapping(tx, company.mapped.id, only_viewer, ANY_VERSION),
        holding=["ada viewer", "ada viewer", "bob viewer"],
        events=["mapping.mapping.changed", REMOVED, REMOVED],
    )


def a_mapping_is_deleted(company):
    return Change(
        use_case=lambda tx: mappings.delete_mapping(tx, company.mapped.id, ANY_VERSION),
        holding=["ada viewer"],
        events=["mapping.mapping.deleted", *[REMOVED] * 4],
    )


def a_user_is_deactivated(company):
    company.installed.change(api_keys.create_api_key, user_id=company.ada, name="k", role=None)
    return Change(
        use_case=lambda tx: provisioned_users.change_user(tx, company.ada, setting(active=False), ANY_VERSION),
        holding=HELD_BEFORE,
        events=["directory.user.deactivated", "authentication.api-key.revoked"],
        actor=PROVISIONER,
        brief=True,
    )


def a_user_is_deleted(company):
    return Change(
        use_case=lambda tx: users.delete_user(tx, company.ada),
        holding=["bob operator", "bob viewer"],
        events=[*CHANGED_GROUP * 2, "directory.user.deleted"],
    )


def a_role_is_deleted(company):
    made = company.installed.change(
        roles.create_role, RoleDraft(name="Auditor", description="", actions=frozenset({Action.AUDIT_READ}))
    )
    mapping(company.installed, "inner", target(made.id))
    return Change(
        use_case=lambda tx: roles.delete_role(tx, made.id, ANY_VERSION),
        holding=HELD_BEFORE,
        events=[REMOVED, REMOVED, "directory.role.deleted", "mapping.mapping.changed"],
    )


def a_large_reconciliation_is_begun(company):
    company.installed.change(installation.set_users_at_once, 1)
    return Change(
        use_case=lambda tx: mappings.delete_mapping(tx, company.mapped.id, ANY_VERSION),
        holding=HELD_BEFORE,
        events=["mapping.mapping.deleted", "directory.reconciliation.started"],
    )


def a_slice_of_it_is_done(company):
    company.installed.change(a_large_reconciliation_is_begun(company).use_case)
    ground = Ground(kind=SourceKind.SCIM_GROUP, value=company.outer)
    return Change(
        use_case=lambda tx: reconcile.reconcile_slice(tx, ground, limit=1),
        holding=["ada viewer", "bob operator", "bob viewer"],
        events=[REMOVED, REMOVED],
    )


@pytest.fixture
def losable(installed):
    """The product on a database that can be lost at any statement."""
    with losing_on(installed.database) as (losable, losing):
        yield losable, losing


@pytest.fixture(
    params=[
        a_member_is_added,
        a_member_is_removed,
        a_nested_group_is_removed,
        a_mapping_is_created,
        a_mapping_is_changed,
        a_mapping_is_deleted,
        a_user_is_deactivated,
        a_user_is_deleted,
        a_role_is_deleted,
        a_large_reconciliation_is_begun,
        a_slice_of_it_is_done,
    ],
    ids=lambda prepare: prepare.__name__,
)
def change(request, losable):
    """A change that is about to be made."""
    return request.param(Company(losable[0]))


def make(losable, change):
    journal = CallJournal(Call(request_id="r", method="POST", target="/"))
    asyncio.run(losable.transactions.write(change.actor, change.use_case, journal=journal, brief=change.brief))


def rows_of(installed):
    """Return every row of every table but the audit log."""

    def ask(tx):
        names = [each.name for each in METADATA.sorted_tables if each.name != "audit_record"]
        return {name: sorted(map(repr, tx.connection.execute(f'SELECT * FROM "{name}"').fetchall())) for name in names}

    return installed.ask(ask)


def phases(installed):
    return [row[0] for row in installed.ask(lambda tx: tx.connection.execute(PHASES).fetchall())]


def holding(installed):
    return sorted(f"{row[0]} {row[1]}" for row in installed.ask(lambda tx: tx.connection.execute(HOLDING).fetchall()))


def is_intended_first(installed, change):
    """Return whether the intent has a commit of its own before the change: where changes run beside one another."""
    return installed.kind == "postgresql" and not change.brief


def assert_made(installed, change, events_before):
    """Everything of the change is there, once, with what is told of it."""
    assert holding(installed) == change.holding
    assert installed.event_types()[events_before:] == change.events
    assert phases(installed).count("result") == 1


def test_a_change_that_is_broken_off_at_any_statement_changes_nothing_and_succeeds_later(installed, losable, change):
    database, losing = losable
    before, events_before = rows_of(installed), len(installed.events())
    for number in count(1):
        losing.before_statement(number)
        try:
            make(database, change)
        except Unavailable:
            assert rows_of(installed) == before, losing.lost_at[-1]
            assert set(phases(installed)) <= ({"intent"} if is_intended_first(installed, change) else set())
        else:
            break
    assert len(losing.lost_at) == number - 1
    assert losing.lost_at[0].startswith("BEGIN")
    assert losing.lost_at[-1] == "COMMIT"
    assert_made(installed, change, events_before)


def test_a_change_whose_answer_is_lost_after_the_commit_is_there_as_a_whole(installed, losable, change):
    database, losing = losable
    events_before = len(installed.events())
    losing.after_commit(2 if is_intended_first(installed, change) else 1)
    with pytest.raises(Unavailable):
        make(database, change)
    assert losing.lost_at == ["COMMIT"]
    assert_made(installed, change, events_before)
