"""Do the npm packages scim-patch and scim2-parse-filter read PATCH operations and filters as we do?

They run in one Node process and answer the same random questions as `rolecall.scim`. Every difference must be
explained in `tests/fixtures/differential/second_opinions.json`, and every explanation must be needed.
"""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import pytest

from rolecall.kernel.predicate import compile_matcher
from rolecall.scim.errors import ScimError
from rolecall.scim.filters import parse_filter
from rolecall.scim.patch import parse_patch
from rolecall.scim.patch_apply import apply_to_profile
from rolecall.scim.profiles import read_profile
from rolecall.scim.schemas import USER
from tests.conformance.explanations import Explanations, read_explanations
from tests.conformance.oracle import differences
from tests.conformance.random_lists import WRONG_FILTERS, comparison, condition
from tests.conformance.random_patches import ODD_OPERATIONS, user_operation
from tests.conformance.random_requests import World, patch_body, user_body

ROOT = Path(__file__).parents[2]
PACKAGES = ROOT / "tools" / "second_opinions"
EXPLAINED = ROOT / "tests" / "fixtures" / "differential" / "second_opinions.json"
OLDEST_NODE = 20
USERS = 12
_LITERAL = re.compile(r'"(?:[^"\\]|\\.)*"')


@dataclass(slots=True, kw_only=True)
class SecondOpinions:
    """The other implementations, and what they say otherwise than we."""

    process: subprocess.Popen[str]
    explanations: Explanations
    asked: int = 0
    unexplained: dict[tuple[str, str], str] = field(default_factory=dict)

    def ask(self, what: str, **question: Any) -> dict[str, Any]:
        self.asked += 1
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"what": what, **question}) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        assert isinstance(answer, dict)
        return answer

    def compare_patch(self, shape: str, resource: dict[str, Any], operations: list[Any]) -> None:
        theirs = self.ask("patch", resource=resource, operations=operations)
        try:
            ours: dict[str, Any] = {
                "result": apply_to_profile(parse_patch(patch_body(*operations), USER), resource, USER).profile
            }
        except ScimError as error:
            ours = {"refused": type(error).__name__}
        self._note(shape, ours, theirs, json.dumps({"resource": resource, "operations": operations}))

    def compare_filter(self, shape: str, text: str, resources: list[dict[str, Any]]) -> None:
        theirs = self.ask("filter", text=text, resources=resources)
        try:
            selects = compile_matcher(parse_filter(text, USER))
            ours: dict[str, Any] = {"result": [selects(resource) for resource in resources]}
        except ScimError as error:
            ours = {"refused": type(error).__name__}
        self._note(shape, ours, theirs, text)

    def _note(self, shape: str, ours: dict[str, Any], theirs: dict[str, Any], question: str) -> None:
        if ours.keys() != theirs.keys():
            found = [f"ours {next(iter(ours))}, theirs {next(iter(theirs))}"]
        else:
            # Names of errors are not compared: each has its own.
            found = [] if "refused" in ours else list(differences(ours["result"], theirs["result"], "result"))
        for difference in found:
            if not self.explanations.always(difference) and not self.explanations.explain(shape, difference):
                example = f"{question}\nours   {json.dumps(ours)}\ntheirs {json.dumps(theirs)}"
                self.unexplained.setdefault((shape, difference), example)


def install() -> str:
    """Return the path of Node, after the packages are there in the versions that the lock file names."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.fail(
            f"This test needs Node {OLDEST_NODE} or newer with npm on the PATH (Debian: apt-get install nodejs npm)."
        )
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    if int(version.lstrip("v").split(".")[0]) < OLDEST_NODE:
        pytest.fail(f"This test needs Node {OLDEST_NODE} or newer; {node} is {version}.")
    lock = (PACKAGES / "package-lock.json").read_text("utf-8")
    stamp = PACKAGES / "node_modules" / ".installed"
    if not stamp.is_file() or stamp.read_text("utf-8") != lock:
        command = [npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
        finished = subprocess.run(command, cwd=PACKAGES, capture_output=True, text=True, check=False)
        if finished.returncode != 0:
            pytest.fail(f"npm ci failed in {PACKAGES}:\n{finished.stderr}")
        stamp.write_text(lock, "utf-8")
    return node


@pytest.fixture(scope="module")
def opinions() -> Iterator[SecondOpinions]:
    with subprocess.Popen(
        [install(), str(PACKAGES / "answer.mjs")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        opinions = SecondOpinions(process=process, explanations=read_explanations(EXPLAINED))
        ask_about_patches(opinions)
        ask_about_filters(opinions)
        yield opinions
        process.stdin.close()


def ask_about_patches(opinions: SecondOpinions) -> None:
    world = World(random=Random(1))
    for label, operation in ODD_OPERATIONS.items():
        for _ in range(3):
            opinions.compare_patch(f"patch: {label}", profile(world), [operation])
    for _ in range(800):
        label, operation = user_operation(world)
        opinions.compare_patch(f"patch: {label}", profile(world), [folded(operation)])


def profile(world: World) -> dict[str, Any]:
    return folded(read_profile(user_body(world, world.name("user")), USER))


def folded(value: Any) -> Any:
    """Return a document with all its texts in lower case: the packages know no schema, so they compare exactly."""
    match value:
        case str():
            return value.lower() if not value.startswith("urn:") else value
        case dict():
            return {key: part if key == "path" else folded(part) for key, part in value.items()}
        case list():
            return [folded(part) for part in value]
        case _:
            return value


def plain(text: str) -> str:
    """Return a filter with its literals in lower case and its attributes without the URI of the core schema."""
    lowered = _LITERAL.sub(lambda found: found[0] if found[0].startswith('"urn:') else found[0].lower(), text)
    return lowered.replace(f"{USER.schema.uri}:", "")


def ask_about_filters(opinions: SecondOpinions) -> None:
    world = World(random=Random(2))
    users = []
    for number in range(USERS):
        name = world.name("user")
        world.users.append(name)
        meta = {"resourceType": "User", "created": f"2026-01-{number + 1:02}T00:00:00Z"}
        users.append(profile(world) | {"id": name, "meta": folded(meta) | {"created": meta["created"]}})
    for label, text in WRONG_FILTERS.items():
        opinions.compare_filter(f"filter: {label}", text, users)
    for _ in range(500):
        text = plain(comparison(world, alone=True))
        opinions.compare_filter(f"filter by {form_of(text)}", text, users)
    for _ in range(300):
        # What differs by itself (`ne` where there is no value, `schemas`) is asked above, one comparison at a time.
        text = plain(condition(world)).replace(" ne ", " eq ").replace("schemas eq", "userName ew")
        opinions.compare_filter("filter", text, users)


def form_of(text: str) -> str:
    """Return the attribute and the operator of a comparison, without the value."""
    attribute, _, rest = text.partition(" ")
    if "[" in attribute:
        return "values selected"
    return f"{attribute.rpartition(':')[2]} {rest.split()[0].lower()}"


def test_hundreds_of_questions_were_asked(opinions):
    assert opinions.asked > 1500


def test_every_difference_from_the_second_opinions_is_explained(opinions):
    report = [f"{shape} | {what}\n{example}" for (shape, what), example in sorted(opinions.unexplained.items())]
    assert not report, "\n\n".join([f"{len(report)} unexplained", *report])


def test_every_explanation_of_a_second_opinion_is_needed(opinions):
    unused = opinions.explanations.unused()
    assert not unused, "\n".join(["no question needed these:", *unused])
