import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolecall.authorization.actor import NOBODY, SYSTEM, PushScope
from rolecall.authorization.roles import ADMIN, RoleId
from rolecall.directory import decide
from rolecall.directory.errors import BreakGlassUser, LastAdministrator, OutOfScope, UserNameTaken
from rolecall.directory.events import UserLinkRefused, UserProtected
from rolecall.directory.model import (
    DEFAULT_CONNECTION,
    ROOT_TEAM,
    Expected,
    Ground,
    GroupId,
    Held,
    ReconcilePhase,
    Reconciling,
    ResourceId,
    ResourceKind,
    SourceKind,
    Target,
    TeamDraft,
    TeamId,
    UserId,
    UserKind,
    UserState,
    ground_of,
)
from rolecall.kernel.errors import VersionConflict
from rolecall.kernel.event import Severity
from tests.make.directory import group_profile, user_profile

THEN = datetime(2026, 1, 1, tzinfo=UTC)
NOW = THEN + timedelta(days=1)


def a_user(**attributes):
    return decide.new_user(
        UserId("u"), user_profile("Ada", **attributes), kind=UserKind.PERSON, connection_id=DEFAULT_CONNECTION, now=THEN
    )


def a_group(**attributes):
    return decide.new_group(
        GroupId("g"), group_profile("Engineers", **attributes), connection_id=DEFAULT_CONNECTION, now=THEN
    )


def test_a_new_user_is_active_has_version_1_and_is_not_the_break_glass_user():
    user = a_user()
    assert user.state is UserState.ACTIVE
    assert user.profile["active"] is True
    assert user.version == 1
    assert (user.created_at, user.changed_at) == (THEN, THEN)
    assert not user.break_glass


def test_a_new_user_can_be_inactive_from_the_start():
    user = a_user(active=False)
    assert user.state is UserState.DEACTIVATED
    assert user.profile["active"] is False


def test_a_new_user_can_be_marked_as_the_break_glass_user():
    user = decide.new_user(UserId("u"), user_profile("Ada"), kind=UserKind.PERSON, now=THEN, break_glass=True)
    assert user.break_glass


def test_a_change_raises_the_version_by_one_and_keeps_when_the_user_came_to_be():
    user = a_user()
    after = decide.changed_user(user, {**user.profile, "title": "Countess"}, now=NOW)
    assert after.version == 2
    assert (after.created_at, after.changed_at) == (THEN, NOW)
    assert after.state is UserState.ACTIVE


def test_a_change_to_the_same_profile_is_none():
    user = a_user(title="Countess")
    assert decide.changed_user(user, dict(reversed(user.profile.items())), now=NOW) is user


@pytest.mark.parametrize("active", [True, False])
def test_a_profile_that_does_not_say_that_the_user_is_active_ends_its_access(active):
    user = a_user(active=active)
    silent = {name: value for name, value in user.profile.items() if name != "active"}
    changed = decide.changed_user(user, silent, now=NOW)
    assert changed.state is UserState.DEACTIVATED
    assert changed.profile == silent
    assert decide.changed_user(changed, silent, now=NOW) is changed


def test_active_decides_the_state():
    user = a_user()
    deactivated = decide.changed_user(user, {**user.profile, "active": False}, now=NOW)
    assert deactivated.state is UserState.DEACTIVATED
    assert decide.changed_user(deactivated, {**user.profile, "active": True}, now=NOW).state is UserState.ACTIVE


@pytest.mark.parametrize("before, after", [(1, True), (True, 1), (0, False), (1, 1.0)])
def test_values_of_another_json_type_are_another_profile(before, after):
    user = a_user(**{"urn:example:custom": {"flag": before}})
    changed = decide.changed_user(user, {**user.profile, "urn:example:custom": {"flag": after}}, now=NOW)
    assert changed is not user
    assert repr(changed.profile["urn:example:custom"]) == repr({"flag": after})
    group = a_group(**{"urn:example:custom": [before]})
    profile = {**group.profile, "urn:example:custom": [after]}
    assert decide.changed_group(group, profile, members_differ=False, now=NOW) is not group
    assert decide.differing(group.profile, profile) == ("urn:example:custom",)


def test_of_a_deleted_user_only_id_name_and_dates_remain():
    user = replace(a_user(title="Countess", emails=[{"value": "ada@example.com"}]), break_glass=True)
    gone = decide.deleted_user(user, now=NOW)
    assert gone.id == user.id
    assert gone.user_name == "Ada"
    assert gone.state is UserState.DELETED
    assert set(gone.profile) == {"schemas", "userName", "active"}
    assert gone.profile["active"] is False
    assert not gone.break_glass
    assert (gone.created_at, gone.changed_at, gone.version) == (THEN, NOW, 2)


def test_deleting_deactivating_and_renaming_are_threats():
    user = a_user()
    assert decide.threat_of(user, decide.deleted_user(user, now=NOW)) == "delete"
    assert decide.threat_of(user, decide.changed_user(user, {**user.profile, "active": False}, now=NOW)) == "deactivate"
    assert decide.threat_of(user, decide.changed_user(user, user_profile("Eve", active=True), now=NOW)) == "rename"


def test_deactivating_and_renaming_at_once_is_told_as_the_worse_of_the_two():
    user = a_user()
    assert decide.threat_of(user, decide.changed_user(user, user_profile("Eve", active=False), now=NOW)) == "deactivate"


@pytest.mark.parametrize(
    "profile",
    [
        user_profile("Ada", title="Countess", active=True),
        user_profile("ADA", active=True),
        user_profile("Ａda", active=True),
    ],
)
def test_other_changes_are_no_threat(profile):
    user = a_user()
    assert decide.threat_of(user, decide.changed_user(user, profile, now=NOW)) is None


def test_reactivating_is_no_threat():
    user = a_user(active=False)
    assert decide.threat_of(user, decide.changed_user(user, user_profile("Ada", active=True), now=NOW)) is None


@pytest.mark.parametrize("attempt", ["deactivate", "delete", "rename"])
@pytest.mark.parametrize("is_administrator, others", [(True, 0), (True, 5), (False, 0)])
def test_the_break_glass_user_is_protected_whoever_else_there_is(attempt, is_administrator, others):
    user = replace(a_user(), break_glass=True)
    with pytest.raises(BreakGlassUser) as refused:
        decide.protect(user, attempt, is_administrator=is_administrator, other_administrators=others)
    assert refused.value.events == (
        UserProtected(user_id=user.id, user_name="Ada", attempt=attempt, because="break_glass"),
    )
    assert refused.value.events[0].severity is Severity.WARNING
    assert refused.value.about == {"user_id": user.id}


@pytest.mark.parametrize("attempt", ["deactivate", "delete", "rename"])
def test_the_last_active_administrator_is_protected(attempt):
    with pytest.raises(LastAdministrator) as refused:
        decide.protect(a_user(), attempt, is_administrator=True, other_administrators=0)
    assert [(event.attempt, event.because) for event in refused.value.events] == [(attempt, "last_administrator")]


def test_others_are_not_protected():
    decide.protect(a_user(), "delete", is_administrator=True, other_administrators=1)
    decide.protect(a_user(), "delete", is_administrator=False, other_administrators=0)
    decide.protect(a_user(active=False), "delete", is_administrator=True, other_administrators=0)


def test_any_version_is_expected_unless_some_are_named():
    decide.check_version(7, Expected())
    decide.check_version(7, Expected(versions=frozenset({6, 7})))
    for versions in (frozenset({6, 8}), frozenset[int]()):
        with pytest.raises(VersionConflict):
            decide.check_version(7, Expected(versions=versions))


def test_a_group_changes_by_its_profile_or_by_its_members():
    group = a_group()
    assert group.version == 1
    assert decide.changed_group(group, dict(group.profile), members_differ=False, now=NOW) is group
    renamed = decide.changed_group(group, group_profile("Builders"), members_differ=False, now=NOW)
    assert (renamed.display_name, renamed.version, renamed.changed_at) == ("Builders", 2, NOW)
    joined = decide.changed_group(group, group.profile, members_differ=True, now=NOW)
    assert (joined.version, joined.created_at, joined.changed_at) == (2, THEN, NOW)


def test_what_differs_is_named_in_the_order_of_the_alphabet():
    before = user_profile("Ada", title="Countess", nickName="A")
    after = user_profile("Ada", title="Lady", locale="en")
    assert decide.differing(before, after) == ("locale", "nickName", "title")
    assert decide.differing(before, before) == ()


def test_a_declared_resource_gets_a_version_with_each_change_and_none_without():
    kind = ResourceKind(name="Device")
    made = decide.new_resource(ResourceId("7"), kind, {"x": 1}, connection_id=DEFAULT_CONNECTION, now=THEN)
    assert (made.kind, made.version, made.created_at, made.changed_at) == ("Device", 1, THEN, THEN)
    assert decide.changed_resource(made, {"x": 1}, now=NOW) is made
    changed = decide.changed_resource(made, {"x": True}, now=NOW)
    assert (changed.profile, changed.version, changed.created_at, changed.changed_at) == ({"x": True}, 2, THEN, NOW)


GROUND = Ground(kind=SourceKind.SCIM_GROUP, value="g")
VIEWER = RoleId("viewer")
HELD = st.builds(
    Held,
    user_id=st.sampled_from([UserId("u"), UserId("v")]),
    team_id=st.sampled_from([ROOT_TEAM, TeamId("t")]),
    role=st.sampled_from([ADMIN, VIEWER]),
    source=st.sampled_from(["manual", GROUND.source]),
)


def held(user_id, role=ADMIN, team_id=ROOT_TEAM, source="manual"):
    return Held(user_id=UserId(user_id), team_id=team_id, role=role, source=source)


@given(wanted=st.frozensets(HELD), now=st.frozensets(HELD))
def test_what_is_held_and_the_differences_make_what_is_wanted(wanted, now):
    found = decide.differences(wanted, now)
    assert (now - found.losses) | found.gains == wanted
    assert found.gains.isdisjoint(now)
    assert found.losses <= now
    assert decide.differences(wanted, wanted) == decide.NO_DIFFERENCES


def test_differences_are_joined():
    one = decide.differences(frozenset({held("u")}), frozenset())
    two = decide.differences(frozenset(), frozenset({held("v")}))
    assert one.joined(two) == decide.Differences(gains=frozenset({held("u")}), losses=frozenset({held("v")}))


def test_everybody_on_a_ground_holds_everything_that_it_gives():
    targets = [Target(team_id=ROOT_TEAM, role=VIEWER), Target(team_id=TeamId("t"), role=VIEWER)]
    wanted = decide.wanted(GROUND, [UserId("u"), UserId("v")], iter(targets))
    assert {(each.user_id, each.team_id) for each in wanted} == {
        ("u", ROOT_TEAM),
        ("u", "t"),
        ("v", ROOT_TEAM),
        ("v", "t"),
    }
    assert {each.source for each in wanted} == {"scim-group:g"}


@pytest.mark.parametrize("kind", SourceKind)
def test_a_source_is_named_by_its_ground_and_the_other_way_round(kind):
    ground = Ground(kind=kind, value="a:b")
    assert ground_of(ground.source) == ground


def test_a_reconciliation_goes_through_losses_then_gains_and_ends():
    progress = Reconciling(ground=GROUND, phase=ReconcilePhase.LOSSES, after="", done=0, total=5, started_at=THEN)
    progress = decide.progressed(progress, [UserId("a"), UserId("b")], limit=2)
    assert (progress.phase, progress.after, progress.done) == (ReconcilePhase.LOSSES, "b", 2)
    progress = decide.progressed(progress, [UserId("c")], limit=2)
    assert (progress.phase, progress.after, progress.done) == (ReconcilePhase.GAINS, "", 3)
    progress = decide.progressed(progress, [UserId("a"), UserId("c")], limit=2)
    assert (progress.phase, progress.after, progress.done) == (ReconcilePhase.GAINS, "c", 5)
    assert decide.progressed(progress, [], limit=2) is None


def test_only_who_loses_admin_on_root_is_threatened():
    losses = [held("u"), held("v", role=VIEWER), held("w", team_id=TeamId("t"))]
    assert decide.threatened_by(losses) == {"u"}


def test_the_last_administrator_and_the_break_glass_user_keep_the_role():
    user = a_user()
    decide.protect_administrators([user], administrators_left=1)
    decide.protect_administrators([replace(user, kind=UserKind.SERVICE)], administrators_left=0)
    decide.protect_administrators([replace(user, state=UserState.DEACTIVATED)], administrators_left=0)
    decide.protect_administrators([], administrators_left=0)
    for attempt, error, because in (
        (lambda: decide.protect_administrators([user], administrators_left=0), LastAdministrator, "last_administrator"),
        (
            lambda: decide.protect_administrators([replace(user, break_glass=True)], administrators_left=1),
            BreakGlassUser,
            "break_glass",
        ),
    ):
        with pytest.raises(error) as refused:
            attempt()
        (event,) = refused.value.events
        assert (event.attempt, event.because) == ("remove_role", because)


@pytest.mark.parametrize(
    "roles, values",
    [
        (None, set()),
        ("admin", set()),
        ([{"value": "a"}, {"value": "b", "primary": True}, {"value": "a"}], {"a", "b"}),
        ([{"display": "a"}, "b", {"value": 1}, None], set()),
    ],
)
def test_the_values_of_roles_are_read_from_whatever_was_pushed(roles, values):
    assert decide.role_values({"roles": roles}) == values
    assert decide.role_values({}) == set()


def test_differing_fields_are_named_in_their_order():
    one = TeamDraft(name="a", alias="x")
    assert decide.differing_fields(one, TeamDraft(name="b", description="c", alias="x")) == ("name", "description")
    assert decide.differing_fields(one, one) == ()


@pytest.mark.parametrize(
    "of_actor, owner, sees",
    [
        (None, DEFAULT_CONNECTION, True),
        (None, None, False),
        (DEFAULT_CONNECTION, DEFAULT_CONNECTION, True),
        (DEFAULT_CONNECTION, "another", False),
        (DEFAULT_CONNECTION, None, False),
    ],
)
def test_a_connection_sees_its_own_and_who_has_none_sees_what_any_owns(of_actor, owner, sees):
    actor = replace(SYSTEM, connection_id=of_actor)
    assert decide.may_see(actor, owner) is sees
    assert decide.owner_of(actor) == DEFAULT_CONNECTION


def test_a_connection_that_is_refused_a_name_hears_how_it_can_have_it():
    taken = UserNameTaken("Taken.", attribute="userName")
    assert decide.taken_for(SYSTEM, taken) is taken
    told = decide.taken_for(replace(SYSTEM, connection_id="another"), taken)
    assert told.detail.startswith("Taken. If that one is a local user")
    assert told.about == {"attribute": "userName"}


def local_person(**profile):
    return decide.new_user(UserId("local"), user_profile("grace", **profile), kind=UserKind.PERSON, now=THEN)


def pushed_person(**profile):
    return decide.new_user(
        UserId("new"), user_profile("Grace", **profile), kind=UserKind.PERSON, connection_id=DEFAULT_CONNECTION, now=NOW
    )


def test_a_pushed_local_person_keeps_its_id_and_what_the_push_does_not_speak_of():
    local = local_person(title="Admiral", nickName="Amazing")
    pushed = pushed_person(title="Rear admiral", active=False)
    linked = decide.linked_by_push(local, pushed, DEFAULT_CONNECTION, is_made_administrator=False)
    assert (linked.id, linked.version, linked.created_at, linked.changed_at) == ("local", 2, THEN, NOW)
    assert (linked.connection_id, linked.state) == (DEFAULT_CONNECTION, UserState.DEACTIVATED)
    assert linked.profile == user_profile("Grace", title="Rear admiral", nickName="Amazing", active=False)


def test_the_schemas_of_what_stays_stay_too_each_once():
    extension = "urn:example:badge"
    core = user_profile("grace")["schemas"]
    local = replace(
        local_person(), profile=user_profile("grace") | {"schemas": [*core, extension], extension: {"n": 1}}
    )
    linked = decide.linked_by_push(local, pushed_person(), DEFAULT_CONNECTION, is_made_administrator=False)
    assert linked.profile["schemas"] == [*core, extension]
    without = replace(local, profile={"userName": "grace"})
    linked = decide.linked_by_push(without, pushed_person(), DEFAULT_CONNECTION, is_made_administrator=False)
    assert linked.profile["schemas"] == core


@pytest.mark.parametrize("break_glass, because", [(False, "administrator"), (True, "break_glass")])
def test_whoever_could_be_robbed_by_a_link_is_left_to_an_administrator(break_glass, because):
    local = replace(local_person(), break_glass=break_glass)
    pushed = replace(pushed_person(), profile=user_profile("grace'; rm"))
    with pytest.raises(UserNameTaken) as refused:
        decide.linked_by_push(local, pushed, DEFAULT_CONNECTION, is_made_administrator=not break_glass)
    # What the sentence says to run is safe to be pasted.
    assert refused.value.detail.endswith(f"connections link {DEFAULT_CONNECTION} 'grace'\"'\"'; rm'")
    assert refused.value.events == (
        UserLinkRefused(user_id=local.id, user_name="grace", connection_id=DEFAULT_CONNECTION, because=because),
    )
    assert refused.value.events[0].severity is Severity.WARNING


@pytest.mark.parametrize(
    "pattern, name, fits",
    [
        ("*@example.com", "Ada@Example.COM", True),
        ("*@example.com", "ada@example.com.evil", False),
        ("*@example.com", "@example.com", True),
        ("ada", "ADA", True),
        ("ada", "ada2", False),
        ("ada*", "ada2", True),
        ("a*b*c", "a-b-b-c", True),
        ("a*b*c", "a-c-b", False),
        ("a*b*c", "abc", True),
        ("a*bc*c", "abc", False),
        ("ab*ba", "aba", False),
        ("*", "anybody", True),
        ("*x*", "no", False),
    ],
)
def test_a_scope_takes_names_that_fit_one_of_its_patterns(pattern, name, fits):
    actor = replace(NOBODY, push_scope=PushScope(users=("nobody", pattern), groups=("nothing", pattern)))
    for check in (decide.check_user_scope, decide.check_group_scope):
        if fits:
            check(actor, name)
        else:
            with pytest.raises(OutOfScope, match="widen"):
                check(actor, name)


def test_without_patterns_anything_may_be_pushed():
    for actor in (NOBODY, replace(NOBODY, push_scope=PushScope())):
        decide.check_user_scope(actor, "anybody")
        decide.check_group_scope(actor, "anything")


@given(st.lists(st.text("ab", max_size=3), min_size=1, max_size=5), st.text("ab", max_size=8))
def test_a_pattern_fits_as_a_regular_expression_would(parts, name):
    expected = re.fullmatch(".*".join(map(re.escape, parts)), name) is not None
    actor = replace(NOBODY, push_scope=PushScope(users=("*".join(parts) or "-",)))
    try:
        decide.check_user_scope(actor, name)
    except OutOfScope:
        assert not expected or not "*".join(parts)
    else:
        assert expected
