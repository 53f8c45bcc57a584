"""Do the complete conversations of real identity providers end as they must?"""

from pathlib import Path

import pytest

from tests.conformance.conversation import ABSENT, Replay, assert_state, differences, read_conversation
from tests.conformance.scim_client import ScimClient

FILES = sorted((Path(__file__).parents[1] / "fixtures" / "conversations").glob("*.json"))
NAMES = [path.stem for path in FILES]


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_a_conversation_is_answered_as_the_provider_needs_it(served, path):
    conversation = read_conversation(path)
    with served.client() as http:
        scim = ScimClient(http)
        scim.empty()
        replay = Replay(http, conversation)
        for chapter in conversation.chapters:
            print(chapter.title)
            for step in chapter.steps:
                replay.play(step)
            assert_state(scim, chapter.then)


def test_the_main_providers_are_all_there():
    assert set(NAMES) >= {"entra", "entra-2020-flag", "okta-oin", "okta-wizard"}


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_a_conversation_is_complete_and_says_where_its_facts_come_from(path):
    conversation = read_conversation(path)
    steps = [step for chapter in conversation.chapters for step in chapter.steps]
    assert "reconstructed" in conversation.reconstructed.lower()
    assert len(steps) >= 25
    assert all(step.why and step.cites for step in steps)
    assert {"GET", "POST"} < {step.method for step in steps}


def test_the_comparison_sees_what_is_wrong():
    actual = {"a": 1, "list": [{"x": 1, "y": 2}, {"x": 3}], "text": "t"}
    assert differences({"a": 1, "list": [{"x": 3}, {"x": 1}], "b": ABSENT}, actual, "$") == []
    for wrong in (
        {"a": "1"},
        {"a": True},
        {"a": ABSENT},
        {"missing": 1},
        {"list": [{"x": 1}]},
        {"list": [{"x": 1}, {"x": 1}]},
        {"list": {}},
        {"text": {}},
    ):
        assert len(differences(wrong, actual, "$")) == 1, wrong
