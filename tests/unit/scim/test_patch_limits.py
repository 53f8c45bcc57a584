import time

import pytest

from rolecall.scim.errors import TooMany
from rolecall.scim.patch import parse_patch
from rolecall.scim.patch_apply import MAX_MEMBER_SEARCHES, apply_to_profile, group_steps
from rolecall.scim.schemas import GROUP, USER

CORE = "urn:ietf:params:scim:schemas:core:2.0:User"
OPEN = "urn:example:params:acme:2.0:User"
ROLES = [{"value": f"role {number}", "display": "x"} for number in range(1000)]


def costly(path):
    condition = " or ".join(f'value eq "none {number}"' for number in range(190))
    return {"Operations": [{"op": "remove", "path": f"{path}[{condition}].display"}] * 200}


@pytest.mark.parametrize(
    "path, profile",
    [
        ("roles", {"schemas": [CORE], "userName": "ann", "roles": ROLES}),
        (f"{OPEN}:things", {"schemas": [CORE, OPEN], "userName": "ann", OPEN: {"Things": ROLES}}),
    ],
)
def test_a_patch_whose_filters_compare_millions_of_values_is_refused_at_once(path, profile):
    patch = parse_patch(costly(path), USER)
    began = time.process_time()
    with pytest.raises(TooMany) as refused:
        apply_to_profile(patch, profile, USER)
    assert refused.value.about["operation"] == "0"
    assert time.process_time() - began < 1


def test_what_providers_send_is_far_below_that():
    body = {
        "Operations": [
            {"op": "replace", "path": f'roles[value eq "role {n}"].display', "value": "y"} for n in range(90)
        ]
    }
    changed = apply_to_profile(parse_patch(body, USER), {"schemas": [CORE], "userName": "ann", "roles": ROLES}, USER)
    assert sum(role["display"] == "y" for role in changed.profile["roles"]) == 90


def test_many_values_in_one_operation_are_read_in_a_moment():
    body = {"Operations": [{"op": "add", "path": "roles", "value": [f"role {n}" for n in range(1000)]}] * 20}
    began = time.process_time()
    parse_patch(body, USER)
    assert time.process_time() - began < 1


def test_members_can_be_searched_only_a_few_times_in_one_patch():
    search = {"op": "remove", "path": 'members[display co "a"]'}
    assert len(group_steps(parse_patch({"Operations": [search] * MAX_MEMBER_SEARCHES}, GROUP), GROUP)) > 0
    with pytest.raises(TooMany, match="by value"):
        group_steps(parse_patch({"Operations": [search] * (MAX_MEMBER_SEARCHES + 1)}, GROUP), GROUP)
    named = {"op": "remove", "path": 'members[value eq "a"]'}
    assert len(group_steps(parse_patch({"Operations": [named] * 500}, GROUP), GROUP)) == 500
