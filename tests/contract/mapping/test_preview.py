"""Does a preview say what a mapping would change, and is that what then happens?"""

from dataclasses import replace

import pytest

from rolecall.authorization.actions import Action
from rolecall.directory import assignments
from rolecall.directory.model import SourceKind
from rolecall.kernel.errors import Forbidden, NotFound
from rolecall.mapping import mappings
from rolecall.mapping.errors import BadMapping
from rolecall.mapping.model import Effect, MappingId, MatchKind, Preview
from rolecall.mapping.preview import preview_mapping
from tests.make.actors import all_but
from tests.make.directory import ANY_VERSION, pushed_group, pushed_user
from tests.make.mapping import OPERATOR, VIEWER, draft, mapping, roles_of, target

NOTHING = Preview(gains=(), losses=())


@pytest.fixture
def three(installed):
    return [pushed_user(installed, name, roles=[{"value": "R"}]) for name in ("ada", "bob", "eve")]


def effects(users, role=VIEWER):
    return tuple(sorted(Effect(user_id=user, target=target(role)) for user in users))


def test_a_new_mapping_gains_for_those_who_do_not_hold_it_yet(installed, three):
    inner = pushed_group(installed, "inner", *three[:2])
    pushed_group(installed, "Sales", inner, three[2])
    installed.change(assignments.assign_role, three[0], role=VIEWER)
    foreseen = installed.ask(preview_mapping, draft("Sales"))
    assert foreseen == Preview(gains=effects(three[1:]), losses=())
    assert installed.count_rows("mapping") == 0
    mapping(installed, "Sales")
    assert all(roles_of(installed, user) for user in three)
    assert installed.ask(preview_mapping, draft("Sales")) == NOTHING


def test_a_changed_mapping_loses_for_those_who_hold_it_from_nothing_else(installed, three):
    pushed_group(installed, "Sales", *three[:2])
    pushed_group(installed, "Support", *three[1:])
    made = mapping(installed, "Sales")
    installed.change(assignments.assign_role, three[0], role=OPERATOR)
    new = replace(draft("S.*", target(OPERATOR), by=MatchKind.PATTERN))
    foreseen = installed.ask(preview_mapping, new, mapping_id=made.id)
    assert foreseen == Preview(gains=effects(three[1:], OPERATOR), losses=effects(three[:2]))
    installed.change(mappings.change_mapping, made.id, lambda _: new, ANY_VERSION)
    assert installed.ask(preview_mapping, None, mapping_id=made.id).losses == effects(three[1:], OPERATOR)
    mapping(installed, "Support", target(OPERATOR))
    assert installed.ask(preview_mapping, None, mapping_id=made.id) == NOTHING


def test_values_are_foreseen_too(installed, three):
    by_value = draft("r", source=SourceKind.SCIM_ROLE)
    assert installed.ask(preview_mapping, by_value).gains == effects(three)
    assert installed.ask(preview_mapping, draft("other", source=SourceKind.SCIM_ROLE)) == NOTHING


def test_a_preview_needs_its_action_a_good_draft_and_a_mapping_that_is_there(installed_sqlite):
    with pytest.raises(Forbidden):
        installed_sqlite.ask(preview_mapping, draft("x"), actor=all_but(Action.MAPPING_LIST))
    with pytest.raises(BadMapping):
        installed_sqlite.ask(preview_mapping, draft("(", by=MatchKind.PATTERN))
    with pytest.raises(NotFound):
        installed_sqlite.ask(preview_mapping, draft("x"), mapping_id=MappingId("nowhere"))
