"""Does a PATCH do what the cases in `tests/fixtures/scim/patch` say?

Each file there says for which kind of resource it is and where its cases come from. A case has a name, the
profile `before`, the `operations` of the request, and either the profile `after` and one outcome an operation,
or the code of the error. The members of a group stand in its profile as a list of ids.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from rolecall.directory.model import (
    AddMembers,
    EditProfile,
    GroupStep,
    Outcome,
    RemoveMatchingMembers,
    RemoveMembers,
    ReplaceMembers,
)
from rolecall.kernel.errors import DomainError
from rolecall.kernel.predicate import compile_matcher
from rolecall.scim.patch import parse_patch
from rolecall.scim.patch_apply import apply_to_profile, group_steps
from rolecall.scim.schemas import GROUP, USER

FOLDER = Path(__file__).parents[2] / "fixtures" / "scim" / "patch"
PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


def cases(resource: str) -> list[Any]:
    files = [(file.stem, json.loads(file.read_text("utf-8"))) for file in sorted(FOLDER.glob("*.json"))]
    return [
        pytest.param(case, id=f"{stem}: {case['name']}")
        for stem, content in files
        if content["resource"] == resource
        for case in content["cases"]
    ]


def body(case: dict[str, Any]) -> dict[str, Any]:
    return {"schemas": [PATCH_OP], "Operations": case["operations"]}


@pytest.mark.parametrize("case", cases("User"))
def test_a_patch_of_a_user_does_what_the_case_says(case: dict[str, Any]):
    before = json.dumps(case["before"])
    if "error" in case:
        with pytest.raises(DomainError) as refusal:
            apply_to_profile(parse_patch(body(case), USER), case["before"], USER)
        assert refusal.value.code == case["error"]
        assert refusal.value.about["operation"] == "0"
    else:
        change = apply_to_profile(parse_patch(body(case), USER), case["before"], USER)
        assert json.loads(json.dumps(change.profile)) == case["after"]
        assert next(iter(change.profile)) == "schemas"
        assert [change.outcomes[place].value for place in range(len(case["operations"]))] == case["outcomes"]
    assert json.dumps(case["before"]) == before


@pytest.mark.parametrize("case", cases("Group"))
def test_a_patch_of_a_group_does_what_the_case_says(case: dict[str, Any]):
    if "error" in case:
        with pytest.raises(DomainError) as refusal:
            group_steps(parse_patch(body(case), GROUP), GROUP)
        assert refusal.value.code == case["error"]
        assert refusal.value.about["operation"] == "0"
    else:
        held = dict(case["before"])
        members = held.pop("members")
        outcomes: dict[int, Outcome] = {}
        for step in group_steps(parse_patch(body(case), GROUP), GROUP):
            if isinstance(step, EditProfile):
                change = step.change(held)
                held = dict(change.profile)
                changes = change.outcomes
            else:
                members, differs = carried_out(step, members)
                changes = {step.operation: Outcome.APPLIED if differs else Outcome.NO_CHANGE}
            for place, outcome in changes.items():
                if outcomes.get(place) is not Outcome.APPLIED:
                    outcomes[place] = outcome
        assert {**held, "members": members} == case["after"]
        assert [outcomes[place].value for place in range(len(case["operations"]))] == case["outcomes"]


def carried_out(step: GroupStep, members: list[str]) -> tuple[list[str], bool]:
    match step:
        case AddMembers(members=added):
            after = list(dict.fromkeys([*members, *added]))
        case RemoveMembers(members=removed):
            after = [member for member in members if member not in removed]
        case RemoveMatchingMembers(where=where):
            matches = compile_matcher(where)
            after = [member for member in members if not matches({"value": member})]
        case ReplaceMembers(members=exactly):
            after = list(exactly)
    return after, set(after) != set(members)
