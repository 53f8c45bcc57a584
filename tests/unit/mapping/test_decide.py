import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolecall.authorization.actions import RAISING, Action
from rolecall.authorization.roles import ADMIN, RoleId
from rolecall.directory.model import ROOT_TEAM, Held, SourceKind, Target, TeamId, UserId
from rolecall.mapping import decide
from rolecall.mapping.errors import BadMapping
from rolecall.mapping.model import Effect, Known, MappingDraft, MatchKind

VIEWER = RoleId("viewer")
TARGET = Target(team_id=ROOT_TEAM, role=VIEWER)
DRAFT = MappingDraft(
    source=SourceKind.SCIM_GROUP, match_kind=MatchKind.NAME, match_value="Sales", targets=frozenset({TARGET})
)


def matches(kind, value, name, *ids):
    return decide.matcher_of(kind, value)(Known(ids=frozenset(ids), name=name))


def test_an_id_matches_itself_to_the_letter():
    assert matches(MatchKind.ID, "a1", "Sales", "a1", "b2")
    assert not matches(MatchKind.ID, "A1", "a1", "a1")


def test_a_name_matches_in_any_spelling():
    assert matches(MatchKind.NAME, "SALES straße", "Sales STRASSE")
    assert not matches(MatchKind.NAME, "Sales", "Sales 2", "Sales")


@pytest.mark.parametrize(
    "pattern, name, fits",
    [
        ("eng-.*", "eng-core", True),
        ("eng-.*", "an eng-core", False),
        ("eng", "eng-core", False),
        ("^eng-(core|web)$", "eng-web", True),
        ("ENG-.*", "eng-web", False),
        ("(?i)ENG-.*", "eng-web", True),
        ("grün.?", "grünä", True),
    ],
)
def test_a_pattern_has_to_fit_the_whole_name(pattern, name, fits):
    assert matches(MatchKind.PATTERN, pattern, name) is fits


@pytest.mark.parametrize("pattern", ["(a*)*b", "(a|aa)+$", "(.*)*x(.*)*y", "(a?){500}a{500}"])
def test_no_pattern_takes_long_on_any_name(pattern):
    started = time.process_time()
    assert not matches(MatchKind.PATTERN, pattern, "a" * 332 + "!")
    assert time.process_time() - started < 0.5


@pytest.mark.parametrize("pattern", ["(", "a{1001}", "(?=x)", "\\1", "[z-a]", "((((a{99}){99}){99}){99})"])
def test_what_is_no_pattern_is_refused_when_the_mapping_is_made(pattern):
    with pytest.raises(BadMapping) as refused:
        decide.check_draft(replace(DRAFT, match_kind=MatchKind.PATTERN, match_value=pattern))
    assert refused.value.about == {"attribute": "match_value"}


@pytest.mark.parametrize(
    "draft, field",
    [
        (replace(DRAFT, source=SourceKind.MANUAL), "source"),
        (replace(DRAFT, match_value=" "), "match_value"),
        (replace(DRAFT, match_value="x" * 1001), "match_value"),
        (replace(DRAFT, targets=frozenset()), "assignments"),
        (
            replace(DRAFT, targets=frozenset(Target(team_id=TeamId(str(n)), role=VIEWER) for n in range(101))),
            "assignments",
        ),
    ],
    ids=["source", "empty", "long", "nothing", "too much"],
)
def test_what_cannot_be_a_mapping_is_refused_by_field(draft, field):
    with pytest.raises(BadMapping) as refused:
        decide.check_draft(draft)
    assert refused.value.about == {"attribute": field}


@pytest.mark.parametrize("kind", MatchKind)
def test_what_can_be_a_mapping_passes(kind):
    decide.check_draft(replace(DRAFT, match_kind=kind))


@pytest.mark.parametrize(
    "name, parts",
    [
        ("sales:viewer", ("sales", "viewer")),
        (" sales : viewer ", ("sales", "viewer")),
        ("a:b:viewer", ("a:b", "viewer")),
        ("sales", None),
        (":viewer", None),
        ("sales: ", None),
    ],
)
def test_a_name_asks_for_an_alias_and_a_role_or_for_nothing(name, parts):
    assert decide.split_name(name) == parts


def test_a_role_that_can_raise_access_needs_consent_and_so_does_admin_by_any_measure():
    assert decide.needs_consent(ADMIN, frozenset())
    assert all(decide.needs_consent(VIEWER, frozenset({action})) for action in RAISING)
    assert not decide.needs_consent(VIEWER, frozenset(Action) - RAISING)


HELD = st.builds(
    Held,
    user_id=st.sampled_from([UserId("u"), UserId("v")]),
    team_id=st.sampled_from([ROOT_TEAM, TeamId("t")]),
    role=st.sampled_from([VIEWER, ADMIN]),
    source=st.sampled_from(["manual", "scim-group:g", "scim-group:h"]),
)


@given(held=st.frozensets(HELD), gained=st.frozensets(HELD), lost=st.frozensets(HELD))
def test_an_effect_is_what_no_source_gave_before_or_gives_afterwards(held, gained, lost):
    gains, losses = decide.effects(held, held - lost | gained)
    before, after = (
        {Effect(user_id=each.user_id, target=Target(team_id=each.team_id, role=each.role)) for each in rows}
        for rows in (held, (held - lost) | gained)
    )
    assert gains.isdisjoint(losses)
    assert (before - losses) | gains == after
    assert gains.isdisjoint(before)
    assert losses <= before
