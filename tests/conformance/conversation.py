"""How is a conversation file read, replayed against a server, and checked?

A file has `title`, `reconstructed` (how it came to be), `headers` that every request carries, and
`chapters`. A chapter has `title`, `steps`, and `then`: the users and groups that must exist after it,
no more and no fewer. A step has:

- `why` and `cites`: what the client wants, and where it is publicly known that clients do so;
- `method`, `path`, and where needed `body` and `headers`;
- `status`, and where needed `answer`: what the body must contain;
- `keep`: names for values of the answer (`"anna": "id"`); `{anna}` stands for the value afterwards.

An expected object may have more keys than are named. An expected list must have as many items, in
any order. `"$absent"` stands for a key that must not be there, `"$any"` for any value but null.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from tests.conformance.scim_client import ScimClient, assert_is_scim, member_ids

ABSENT = "$absent"
ANY = "$any"
_NAME = re.compile(r"\{([a-z_]+)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    why: str
    cites: str
    method: str
    path: str
    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    answer: Any = None
    keep: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What must be so after a chapter: user name → active or deactivated; group name → names of its members."""

    users: Mapping[str, str]
    groups: Mapping[str, list[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    title: str
    steps: tuple[Step, ...]
    then: State


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    title: str
    reconstructed: str
    headers: Mapping[str, str]
    chapters: tuple[Chapter, ...]


def read_conversation(path: Path) -> Conversation:
    """Read a file; a key that is not known, or one that is missing, is an error."""
    document = json.loads(path.read_text(encoding="utf-8"))
    chapters = [
        Chapter(
            title=chapter.pop("title"),
            steps=tuple(Step(**step) for step in chapter.pop("steps")),
            then=State(**chapter.pop("then")),
            **chapter,
        )
        for chapter in document.pop("chapters")
    ]
    return Conversation(chapters=tuple(chapters), **document)


class Replay:
    """One run of a conversation, with what it has kept from the answers so far."""

    def __init__(self, http: httpx2.Client, conversation: Conversation) -> None:
        self.http = http
        self.conversation = conversation
        self.kept: dict[str, Any] = {}

    def play(self, step: Step) -> httpx2.Response:
        """Send the request and hold the answer against what is expected."""
        headers = {**self.conversation.headers, **self.fill(step.headers)}
        content = None if step.body is None else json.dumps(self.fill(step.body)).encode()
        if content is None:
            headers.pop("Content-Type", None)
        response = self.http.request(step.method, self.fill(step.path), content=content, headers=headers)
        place = f"{step.why}\n{step.method} {self.fill(step.path)}\n{response.status_code} {response.text}"
        assert response.status_code == step.status, place
        assert_is_scim(response)
        if step.answer is not None:
            faults = differences(self.fill(step.answer), response.json(), "$")
            assert not faults, "\n".join([place, *faults])
        for name, where in step.keep.items():
            self.kept[name] = look_up(response.json(), where)
        return response

    def fill(self, value: Any) -> Any:
        """Put what was kept in the places that name it."""
        match value:
            case str():
                return _NAME.sub(lambda found: str(self.kept[found[1]]), value)
            case Mapping():
                return {key: self.fill(inner) for key, inner in value.items()}
            case list():
                return [self.fill(inner) for inner in value]
            case _:
                return value


def assert_state(scim: ScimClient, state: State) -> None:
    """Read everything back and see that it is exactly so, from both sides of each membership."""
    users = {user["id"]: user for user in scim.everything("/Users")}
    groups = scim.everything("/Groups")
    names = {user_id: user["userName"] for user_id, user in users.items()}
    assert {user["userName"]: "active" if user["active"] else "deactivated" for user in users.values()} == state.users
    assert {group["displayName"]: sorted(names[member] for member in member_ids(group)) for group in groups} == {
        name: sorted(members) for name, members in state.groups.items()
    }
    for user in users.values():
        expected = {name for name, members in state.groups.items() if user["userName"] in members}
        assert {group["display"] for group in user.get("groups", [])} == expected


def look_up(document: Any, where: str) -> Any:
    """Follow names and positions joined by dots: `Resources.0.id`."""
    for part in where.split("."):
        document = document[int(part) if isinstance(document, list) else part]
    return document


def differences(expected: Any, actual: Any, place: str) -> list[str]:
    """Say where the answer lacks what is expected; an empty list when nowhere."""
    if expected == ANY:
        return [] if actual is not None else [f"{place}: null"]
    if isinstance(expected, dict):
        if not isinstance(actual, dict):
            return [f"{place}: an object is expected, not {actual!r}"]
        return [fault for key, inner in expected.items() for fault in _key_differences(key, inner, actual, place)]
    if isinstance(expected, list):
        return _list_differences(expected, actual, place)
    if type(expected) is not type(actual) or expected != actual:
        return [f"{place}: {expected!r} is expected, not {actual!r}"]
    return []


def _key_differences(key: str, expected: Any, actual: dict[str, Any], place: str) -> list[str]:
    if expected == ABSENT:
        return [f"{place}.{key}: must not be there, but is {actual[key]!r}"] if key in actual else []
    if key not in actual:
        return [f"{place}.{key}: is missing"]
    return differences(expected, actual[key], f"{place}.{key}")


def _list_differences(expected: list[Any], actual: Any, place: str) -> list[str]:
    if not isinstance(actual, list) or len(expected) != len(actual):
        return [f"{place}: a list of {len(expected)} is expected, not {actual!r}"]
    left = list(actual)
    faults = []
    for number, item in enumerate(expected):
        match = next((one for one in left if not differences(item, one, place)), ABSENT)
        if match is ABSENT:
            faults.append(f"{place}[{number}]: nothing in {left!r} is like {item!r}")
        else:
            left.remove(match)
    return faults
