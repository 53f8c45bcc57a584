"""Can anybody see why a user holds what it holds?"""

from datetime import timedelta

import pytest

from rolecall.authorization.actions import Action
from rolecall.directory import assignments, users
from rolecall.directory.model import ROOT_TEAM, AddMembers, SourceKind
from rolecall.kernel.errors import Forbidden
from rolecall.mapping.explain import explain_user, list_team_roles
from tests.make.actors import all_but
from tests.make.directory import change_members, pushed_group, pushed_user
from tests.make.mapping import VIEWER, mapping, target, team


def later(installed):
    installed.clock.advance(timedelta(minutes=1))
    return installed.clock()


def test_every_source_is_explained_by_the_dated_way_to_it(installed):
    sales = team(installed)
    ada = pushed_user(installed, roles=[{"value": "R"}])
    outer = pushed_group(installed, "Outer")
    joined = later(installed)
    inner = pushed_group(installed, "Inner", ada)
    nested = later(installed)
    change_members(installed, outer, AddMembers(operation=0, members=(inner,)))
    mapped = later(installed)
    made = mapping(installed, "Outer", target(VIEWER, sales.id))
    mapping(installed, "Unrelated", target(VIEWER, sales.id))
    by_value = mapping(installed, "R", target(VIEWER, sales.id), source=SourceKind.SCIM_ROLE)
    by_hand = later(installed)
    installed.change(assignments.assign_role, ada, role=VIEWER, team_id=sales.id)

    (held,) = installed.ask(explain_user, ada)
    assert (held.team_id, held.team_name, held.role_id, held.role_name) == (sales.id, "Sales", "viewer", "Viewer")
    sources = {source.kind: source for source in held.sources}
    group, value, manual = (sources[kind] for kind in (SourceKind.SCIM_GROUP, SourceKind.SCIM_ROLE, SourceKind.MANUAL))
    assert (group.id, group.name, group.since) == (outer, "Outer", mapped)
    assert [(step.name, step.since) for step in group.path] == [("Inner", joined), ("Outer", nested)]
    assert [each.id for each in group.mappings] == [made.id]
    assert (value.id, value.path[0].name, [each.id for each in value.mappings]) == ("R", "R", [by_value.id])
    assert (manual.id, manual.name, manual.since, manual.path, manual.mappings) == (None, None, by_hand, (), ())

    (short,) = installed.ask(list_team_roles, ada)
    assert [(each.kind, each.id, each.path) for each in short.sources] == [
        (each.kind, each.id, ()) for each in held.sources
    ]


def test_the_shortest_way_is_shown(installed):
    ada = pushed_user(installed)
    deep = pushed_group(installed, "deep", ada)
    outer = pushed_group(installed, "outer", deep, ada)
    mapping(installed, "outer")
    (held,) = installed.ask(explain_user, ada)
    assert [step.id for step in held.sources[0].path] == [outer]


def test_what_would_be_restored_stays_explained(installed):
    ada = pushed_user(installed)
    pushed_group(installed, "Sales", ada)
    mapping(installed, "Sales")
    installed.change(users.deactivate_user, ada, reason="x")
    (held,) = installed.ask(explain_user, ada)
    assert held.team_id == ROOT_TEAM


def test_explanations_need_their_action(installed_sqlite):
    ada = pushed_user(installed_sqlite)
    for use_case, missing in (
        (list_team_roles, Action.USER_LIST),
        (explain_user, Action.USER_LIST),
        (explain_user, Action.MAPPING_LIST),
    ):
        with pytest.raises(Forbidden):
            installed_sqlite.ask(use_case, ada, actor=all_but(missing))
