import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolecall.directory.model import (
    AddMembers,
    EditProfile,
    Outcome,
    RemoveMatchingMembers,
    RemoveMembers,
    ReplaceMembers,
)
from rolecall.scim.errors import InvalidValue, NoTarget, ScimError
from rolecall.scim.patch import parse_patch
from rolecall.scim.patch_apply import apply_to_profile, group_steps
from rolecall.scim.schemas import ENTERPRISE_USER_SCHEMA, GROUP, USER, USER_SCHEMA
from rolecall.scim.values import MAX_VALUES, is_unassigned

ENTERPRISE = ENTERPRISE_USER_SCHEMA.uri
ANN = {"schemas": [USER_SCHEMA.uri], "userName": "ann@example.com", "active": True}


def applied(profile, *operations):
    return apply_to_profile(parse_patch({"Operations": list(operations)}, USER), profile, USER)


def steps(*operations):
    return group_steps(parse_patch({"Operations": list(operations)}, GROUP), GROUP)


def test_a_refusal_says_which_operation_is_to_blame_and_what_was_not_found():
    with pytest.raises(NoTarget, match=r'emails has no value that fulfils type eq "home"') as refusal:
        applied(
            ANN,
            {"op": "replace", "path": "title", "value": "Dr"},
            {"op": "replace", "path": 'emails[type eq "home"]', "value": {"value": "x"}},
        )
    assert refusal.value.about == {"operation": "1", "attribute": "emails"}


def test_several_values_never_grow_beyond_their_greatest_number():
    values = [{"value": str(number)} for number in range(MAX_VALUES)]
    full = {**ANN, "emails": values}
    assert applied(full, {"op": "add", "path": "emails", "value": "0"}).outcomes == {0: Outcome.NO_CHANGE}
    with pytest.raises(InvalidValue, match="more than 1,000 values"):
        applied(full, {"op": "add", "path": "emails", "value": "one more"})


def test_two_primary_values_that_were_there_before_are_left_alone():
    both = {**ANN, "emails": [{"value": "a", "primary": True}, {"value": "b", "primary": True}]}
    change = applied(both, {"op": "add", "path": "emails", "value": "c"})
    assert change.profile["emails"] == [*both["emails"], {"value": "c"}]


def test_the_new_primary_value_wins_over_all_that_were_there():
    both = {**ANN, "emails": [{"value": "a", "primary": True}, {"value": "b", "primary": True}]}
    change = applied(both, {"op": "add", "path": "emails", "value": {"value": "c", "primary": True}})
    assert [email["primary"] for email in change.profile["emails"]] == [False, False, True]


def test_member_operations_and_others_become_steps_in_the_order_of_the_request():
    found = steps(
        {"op": "replace", "path": "displayName", "value": "A"},
        {"op": "add", "path": "externalId", "value": "1"},
        {"op": "add", "path": "members", "value": [{"value": "u1"}]},
        {"op": "remove", "path": 'members[value eq "u2"]'},
        {"op": "remove", "path": 'members[display co "Bo"]'},
        {"op": "replace", "value": {"members": ["u3"], "displayName": "B"}},
        {"op": "remove", "path": "members"},
        {"op": "replace", "path": "displayName", "value": "C"},
    )
    assert [type(step) for step in found] == [
        *(EditProfile, AddMembers, RemoveMembers, RemoveMatchingMembers, EditProfile, ReplaceMembers),
        *(ReplaceMembers, EditProfile),
    ]
    assert [step.operation for step in found if not isinstance(step, EditProfile)] == [2, 3, 4, 5, 6]
    first = found[0].change({"schemas": ["urn:g"], "displayName": "Z"})
    assert first.profile == {"schemas": [GROUP.schema.uri], "displayName": "A", "externalId": "1"}
    assert first.outcomes == {0: Outcome.APPLIED, 1: Outcome.APPLIED}


@pytest.mark.parametrize(
    "condition, members",
    [
        ('value eq "a"', ("a",)),
        ('value eq "a" or value eq "b" or value eq "a"', ("a", "b")),
        ('(value eq "a" or value eq "b") or value eq "c"', ("a", "b", "c")),
    ],
)
def test_members_named_one_by_one_are_removed_by_id(condition: str, members: tuple[str, ...]):
    assert steps({"op": "remove", "path": f"members[{condition}]"}) == (RemoveMembers(operation=0, members=members),)


@pytest.mark.parametrize("condition", ['value eq "a" or type eq "Group"', 'value sw "a"', "value eq null"])
def test_members_by_another_condition_are_looked_at(condition: str):
    (step,) = steps({"op": "remove", "path": f"members[{condition}]"})
    assert isinstance(step, RemoveMatchingMembers)


emails = st.fixed_dictionaries(
    {"value": st.sampled_from(["a", "b", "c"])},
    optional={"type": st.sampled_from(["work", "home"]), "primary": st.booleans(), "display": st.just("D")},
)
one_primary = st.lists(emails, min_size=1, max_size=3).filter(
    lambda values: sum(value.get("primary", False) for value in values) < 2
)
operations = st.one_of(
    st.fixed_dictionaries(
        {"op": st.sampled_from(["add", "replace"]), "path": st.just("emails"), "value": one_primary | st.none()}
    ),
    st.fixed_dictionaries(
        {
            "op": st.sampled_from(["add", "replace", "Replace", "remove"]),
            "path": st.sampled_from(['emails[type eq "work"].value', 'emails[value eq "a"].display', "emails.type"]),
            "value": st.sampled_from(["a", "d", None]),
        }
    ),
    st.fixed_dictionaries(
        {
            "op": st.just("add"),
            "path": st.sampled_from(['emails[type eq "home"].primary', "emails.primary"]),
            "value": st.booleans(),
        }
    ),
    st.fixed_dictionaries({"op": st.just("remove"), "path": st.just("emails"), "value": one_primary | st.none()}),
    st.fixed_dictionaries(
        {
            "op": st.sampled_from(["add", "replace"]),
            "value": st.fixed_dictionaries(
                {},
                optional={
                    "active": st.booleans(),
                    "title": st.sampled_from(["Dr", "", None]),
                    "name.givenName": st.sampled_from(["Ann", None]),
                    "name": st.fixed_dictionaries({"familyName": st.sampled_from(["Lee", ""])}),
                    f"{ENTERPRISE}:manager": st.sampled_from(["u1", "", None]),
                    ENTERPRISE: st.fixed_dictionaries({"department": st.sampled_from(["Sales", None])}),
                    "urn:acme:2.0:User": st.fixed_dictionaries({"badge": st.sampled_from([1, True, None])}),
                },
            ),
        }
    ),
)


def outcome(profile, requested):
    try:
        return applied(profile, *requested)
    except ScimError:
        return None


@given(st.lists(operations, min_size=1, max_size=5))
def test_a_profile_stays_sound_whatever_is_asked(requested):
    before = json.dumps(ANN)
    change = outcome(ANN, requested)
    assert json.dumps(ANN) == before
    if change is None:
        return
    profile = change.profile
    assert profile["schemas"] == [USER_SCHEMA.uri, *(name for name in profile if ":" in name)]
    assert next(iter(profile)) == "schemas"
    assert not any(is_unassigned(value) for value in profile.values())
    assert sum(value.get("primary", False) for value in profile.get("emails", [])) < 2
    assert set(change.outcomes) == set(range(len(requested)))


@given(st.lists(operations, min_size=1, max_size=5))
def test_nothing_differs_exactly_when_every_outcome_says_so(requested):
    change = outcome(ANN, requested[:1])
    if change is not None:
        assert (change.outcomes[0] is Outcome.NO_CHANGE) == (change.profile == ANN)


@given(st.lists(operations, max_size=3), operations)
def test_an_operation_repeated_at_once_changes_nothing_more(requested, last):
    once = outcome(ANN, [*requested, last])
    if once is None:
        return
    again = outcome(once.profile, [last])
    if again is None:
        return  # what it selected is gone now
    settled = outcome(again.profile, [last])
    assert settled is not None
    if last["op"] != "Replace":
        assert again.profile == once.profile
    assert settled.profile == again.profile


@given(st.lists(operations, min_size=2, max_size=4))
def test_one_request_does_what_its_operations_do_one_by_one(requested):
    together = outcome(ANN, requested)
    profile = ANN
    for operation in requested:
        change = outcome(profile, [operation])
        if change is None:
            assert together is None
            return
        profile = change.profile
    assert together is not None
    assert together.profile == profile


def test_a_value_that_a_change_makes_equal_to_another_is_that_one():
    two = {**ANN, "emails": [{"value": "a"}, {"value": "b"}]}
    change = applied(two, {"op": "replace", "path": 'emails[value eq "a"].value', "value": "b"})
    assert change.profile["emails"] == [{"value": "b"}]
    assert change.outcomes == {0: Outcome.APPLIED}
