"""What do the events of changes say of what was touched, gained and lost?"""

from hypothesis import given
from hypothesis import strategies as st

from rolecall.authorization.roles import RoleId
from rolecall.connections.preview import decide
from rolecall.connections.preview.model import GroupChange, Known, Radius, UserChange
from rolecall.directory.events import (
    GroupChanged,
    GroupCreated,
    GroupDeleted,
    GroupMembersChanged,
    RoleAssigned,
    RoleRemoved,
    UserChanged,
    UserCreated,
    UserDeactivated,
    UserDeleted,
    UserProtected,
    UserReactivated,
)
from rolecall.directory.model import ROOT_TEAM, GroupId, Held, TeamId, UserId

ADA, BOB = UserId("ada"), UserId("bob")
VIEWER, OPERATOR = RoleId("viewer"), RoleId("operator")
SALES, MANUAL = "scim-group:sales", "manual"
KNOWN = Known(
    members={GroupId("g"): 7},
    team_names={ROOT_TEAM: "Root", TeamId("t"): "Sales"},
    role_names={VIEWER: "viewer", OPERATOR: "operator"},
)


def held(user_id=ADA, role=VIEWER, source=SALES, team_id=ROOT_TEAM):
    return Held(user_id=user_id, team_id=team_id, role=role, source=source)


def assigned(what):
    named = {"team_id": what.team_id, "role": what.role, "source": what.source}
    return RoleAssigned(user_id=what.user_id, user_name=what.user_id, **named)


def removed(what):
    named = {"team_id": what.team_id, "role": what.role, "source": what.source}
    return RoleRemoved(user_id=what.user_id, user_name=what.user_id, **named)


def deleted(*lost, user_id=ADA, was_active=True):
    told = tuple({"team_id": each.team_id, "role": each.role, "source": each.source} for each in lost)
    return UserDeleted(user_id=user_id, user_name=user_id, was_active=was_active, lost=told)


def person(kind, user_id=ADA, **more):
    return kind(user_id=user_id, user_name=user_id, **more)


OFF = person(UserDeactivated, reason="scim")
ON = person(UserReactivated)


def effects(*events, left=(), active=(ADA, BOB)):
    gained, lost = decide.effects_of(events, frozenset(left), frozenset(active))
    return sorted((each.user_id, each.target.role) for each in gained), sorted(
        (each.user_id, each.target.role) for each in lost
    )


def test_an_assignment_lasts_until_its_last_source_is_gone():
    assert effects(removed(held()), left=[held(source=MANUAL)]) == ([], [])
    assert effects(removed(held()), removed(held(source=MANUAL))) == ([], [("ada", "viewer")])
    assert effects(assigned(held()), left=[held(), held(source=MANUAL)]) == ([], [])
    assert effects(assigned(held()), left=[held()]) == ([("ada", "viewer")], [])


def test_what_is_lost_and_regained_by_the_same_changes_is_neither():
    assert effects(removed(held()), assigned(held(source=MANUAL)), left=[held(source=MANUAL)]) == ([], [])
    assert effects(removed(held()), assigned(held()), left=[held()]) == ([], [])
    assert effects(assigned(held()), removed(held())) == ([], [])


def test_a_deactivation_takes_what_is_held_and_a_reactivation_gives_it():
    both = [held(), held(role=OPERATOR, source=MANUAL)]
    assert effects(OFF, left=both, active=()) == ([], [("ada", "operator"), ("ada", "viewer")])
    assert effects(ON, left=both) == ([("ada", "operator"), ("ada", "viewer")], [])
    assert effects(OFF, ON, left=both) == ([], [])
    assert effects(OFF, removed(held()), active=()) == ([], [("ada", "viewer")])


def test_what_comes_to_a_deactivated_user_and_goes_again_is_neither():
    assert effects(removed(held()), active=()) == ([], [])
    assert effects(assigned(held()), left=[held()], active=()) == ([], [])
    assert effects(ON, OFF, left=[held()], active=()) == ([], [])


def test_a_deletion_takes_what_was_held_unless_it_counted_for_nothing():
    assert effects(deleted(held(), held(source=MANUAL)), active=()) == ([], [("ada", "viewer")])
    assert effects(deleted(held(), was_active=False), active=()) == ([], [])
    assert effects(OFF, deleted(held(), was_active=False), active=()) == ([], [("ada", "viewer")])
    assert effects(assigned(held()), deleted(held()), active=()) == ([], [])


def test_what_becomes_of_a_profile_gives_and_takes_nothing():
    assert effects(person(UserChanged, attributes=("title",)), left=[held()]) == ([], [])


def test_a_new_user_had_nothing():
    assert effects(person(UserCreated), assigned(held()), left=[held()]) == ([("ada", "viewer")], [])
    assert effects(person(UserCreated), assigned(held()), deleted(held()), active=()) == ([], [])


def test_only_those_are_asked_about_who_may_hold_something_else():
    events = [removed(held()), deleted(user_id=BOB), person(UserChanged, UserId("eve"), attributes=("title",))]
    assert decide.users_in(events) == {ADA, BOB}


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["give", "take", "off", "on", "delete"]),
        st.sampled_from(
            [
                held(user, role, source)
                for user in (ADA, BOB)
                for role in (VIEWER, OPERATOR)
                for source in (SALES, MANUAL)
            ]
        ),
    ),
    max_size=12,
)


@given(
    at_first=st.frozensets(
        st.sampled_from([held(u, r, s) for u in (ADA, BOB) for r in (VIEWER, OPERATOR) for s in (SALES, MANUAL)])
    ),
    active=st.frozensets(st.sampled_from([ADA, BOB])),
    steps=STEPS,
)
def test_whatever_happens_the_effects_are_the_difference_between_before_and_after(at_first, active, steps):
    rows, awake, gone, events = set(at_first), set(active), set(), []
    for verb, what in steps:
        user = what.user_id
        if user in gone:
            continue
        if verb == "give" and what not in rows:
            rows.add(what)
            events.append(assigned(what))
        elif verb == "take" and what in rows:
            rows.remove(what)
            events.append(removed(what))
        elif verb == "off" and user in awake:
            awake.remove(user)
            events.append(person(UserDeactivated, user, reason="scim"))
        elif verb == "on" and user not in awake:
            awake.add(user)
            events.append(person(UserReactivated, user))
        elif verb == "delete":
            events.append(
                deleted(*(each for each in rows if each.user_id == user), user_id=user, was_active=user in awake)
            )
            rows = {each for each in rows if each.user_id != user}
            awake.discard(user)
            gone.add(user)
    before = {(each.user_id, each.role) for each in at_first if each.user_id in active}
    after = {(each.user_id, each.role) for each in rows if each.user_id in awake}
    asked = decide.users_in(events)
    seen = {each for each in rows if each.user_id in asked}
    assert effects(*events, left=seen, active=awake & asked) == (sorted(after - before), sorted(before - after))


def radius(*events, gained=(), lost=()):
    return decide.radius_of(events, gained, lost, KNOWN)


def users(*events):
    return [(each.user_name, each.change) for each in radius(*events).users]


def test_of_each_user_what_became_of_it_in_the_end_is_told_once():
    changed = person(UserChanged, attributes=("title",))
    assert users(person(UserCreated), changed) == [("ada", UserChange.CREATED)]
    assert users(person(UserCreated), deleted()) == []
    assert users(changed, changed, OFF) == [("ada", UserChange.DEACTIVATED)]
    assert users(OFF, ON) == []
    assert users(OFF, changed, ON) == [("ada", UserChange.CHANGED)]
    assert users(ON) == [("ada", UserChange.REACTIVATED)]
    assert users(OFF, deleted(was_active=False)) == [("ada", UserChange.DELETED)]
    assert users(removed(held()), UserProtected(user_id=ADA, user_name="ada", attempt="delete", because="x")) == []


def test_users_are_told_by_their_last_name_in_its_order():
    renamed = UserChanged(user_id=ADA, user_name="zoe", attributes=("userName",))
    assert users(renamed, person(UserCreated, BOB)) == [("bob", UserChange.CREATED), ("zoe", UserChange.CHANGED)]


def in_group(kind, name="Sales", group_id="g", **more):
    return kind(group_id=GroupId(group_id), display_name=name, **more)


def members(added=(), went=(), **more):
    return in_group(GroupMembersChanged, added=tuple(added), removed=tuple(went), **more)


def groups(*events):
    return [(each.display_name, each.change, each.added, each.removed, each.members) for each in radius(*events).groups]


def test_of_each_group_is_told_how_many_came_and_went_in_the_end():
    assert groups(in_group(GroupCreated), members(["a", "b"])) == [("Sales", GroupChange.CREATED, 2, 0, 7)]
    assert groups(members(["a"], ["b", "c"]), members(["b"], ["a"])) == [("Sales", GroupChange.CHANGED, 0, 1, 7)]
    assert groups(members(["a"]), members(went=["a"])) == []
    assert groups(in_group(GroupChanged, "Selling", attributes=("displayName",))) == [
        ("Selling", GroupChange.CHANGED, 0, 0, 7)
    ]


def test_of_a_group_that_is_gone_all_members_that_it_had_went():
    end = in_group(GroupDeleted, member_count=5)
    assert groups(end) == [("Sales", GroupChange.DELETED, 0, 5, 0)]
    assert groups(members(["a"], ["b", "c"]), end) == [("Sales", GroupChange.DELETED, 0, 6, 0)]
    assert groups(in_group(GroupCreated), members(["a"]), in_group(GroupDeleted, member_count=1)) == []
    assert decide.groups_in([end, members(["a"], group_id="h")]) == {"h"}


def test_what_people_gain_and_lose_is_told_with_names_by_person():
    events = [removed(held(BOB)), removed(held()), assigned(held(team_id=TeamId("t"), role=OPERATOR))]
    gained, lost = decide.effects_of(
        events, frozenset([held(team_id=TeamId("t"), role=OPERATOR)]), frozenset([ADA, BOB])
    )
    told = radius(*events, gained=gained, lost=lost)
    assert [(each.user_name, each.team_name, each.role_name) for each in told.gained] == [("ada", "Sales", "operator")]
    assert [(each.user_name, each.team_name, each.role_name) for each in told.lost] == [
        ("ada", "Root", "viewer"),
        ("bob", "Root", "viewer"),
    ]
    assert told.losing == {ADA, BOB}
    assert Radius().losing == frozenset()
