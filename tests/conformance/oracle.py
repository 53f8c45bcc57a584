"""How do the answers of two SCIM servers to the same request differ?"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx2

from tests.conformance.random_requests import Request

_NAME = re.compile(r"\{([a-z]+[0-9]*)\}")
_UNKNOWN_ID = "00000000-0000-7000-8000-000000000000"
_INSTANTS = frozenset({"created", "lastModified"})


@dataclass(slots=True, kw_only=True)
class Server:
    """One server, and the ids that it gave: by the name that the resource has in this run."""

    http: httpx2.Client
    ids: dict[str, str] = field(default_factory=dict)

    def send(self, request: Request) -> httpx2.Response:
        headers = {"Content-Type": "application/scim+json"} | dict(request.headers)
        body = request.body if isinstance(request.body, str) else json.dumps(request.body)
        content = None if request.body is None else self.fill(body).encode()
        if content is None:
            headers.pop("Content-Type")
        response = self.http.request(request.method, self.fill(request.path), content=content, headers=headers)
        if request.creates and response.status_code == httpx2.codes.CREATED:
            self.ids[request.creates] = response.json()["id"]
        return response

    def fill(self, text: str) -> str:
        """Put ids in the places of names."""
        return _NAME.sub(lambda found: self.ids.get(found[1], _UNKNOWN_ID), text)

    def named(self, value: Any) -> Any:
        """Return a document with names in the places of ids, and without what no two servers have in common."""
        names = {identifier: name for name, identifier in self.ids.items()}
        base = str(self.http.base_url).rstrip("/")
        return _named(value, names, base)


def _named(value: Any, names: Mapping[str, str], base: str) -> Any:
    match value:
        case str():
            text = value.removeprefix(base).strip("/") if value.startswith(base) else value
            return "/".join(f"{{{names[part]}}}" if part in names else part for part in text.split("/"))
        case dict():
            return {
                key: "(an instant)" if key in _INSTANTS else "(a version)" if key == "version" else
                _named(part, names, base)
                for key, part in value.items()
            }  # fmt: skip
        case list():
            return [_named(part, names, base) for part in value]
        case _:
            return value


def differences(ours: Any, theirs: Any, place: str = "") -> Iterator[str]:
    """Say in which places two documents differ. Values of a list are compared without order."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key in sorted({*ours, *theirs}):
            where = f"{place}.{key}".lstrip(".")
            if key not in theirs:
                yield f"{where}: only ours"
            elif key not in ours:
                yield f"{where}: only theirs"
            else:
                yield from differences(ours[key], theirs[key], where)
    elif isinstance(ours, list) and isinstance(theirs, list):
        yield from _list_differences(ours, theirs, place)
    elif type(ours) is not type(theirs) or ours != theirs:
        yield f"{place}: other value"


def _list_differences(ours: list[Any], theirs: list[Any], place: str) -> Iterator[str]:
    left, unmatched = list(theirs), []
    for item in ours:
        if item in left:
            left.remove(item)
        else:
            unmatched.append(item)
    if len(unmatched) != len(left):
        yield f"{place}: {'more' if len(unmatched) > len(left) else 'fewer'} values"
    elif unmatched:
        key = _key(unmatched, left)
        if key is None:
            yield f"{place}: other values"
            return
        by_key = {item[key]: item for item in left}
        for item in unmatched:
            yield from differences(item, by_key[item[key]], f"{place}[]")


def _key(ours: list[Any], theirs: list[Any]) -> str | None:
    """Return the attribute by which both lists have the same items, if one has."""
    if not all(isinstance(item, dict) for item in (*ours, *theirs)):
        return None
    for key in ("id", "value", "type", "name"):
        mine, other = [item.get(key) for item in ours], [item.get(key) for item in theirs]
        if None not in mine and len({*mine}) == len(mine) and {*mine} == {*other}:
            return key
    return None


def answer_differences(ours: httpx2.Response, theirs: httpx2.Response, us: Server, them: Server) -> list[str]:
    """Say how two answers differ: in status and scimType or, where both succeed, in their documents."""
    mine, other = _outcome(ours), _outcome(theirs)
    if mine != other:
        # What is explained of a PATCH that both applied shall not excuse another method.
        both_applied = max(ours.status_code, theirs.status_code) < httpx2.codes.BAD_REQUEST
        method = f"{ours.request.method} " if both_applied else ""
        return [f"{method}answer: {mine}, theirs {other}"]
    if ours.status_code >= httpx2.codes.BAD_REQUEST or not (ours.content and theirs.content):
        return []
    return list(dict.fromkeys(differences(us.named(ours.json()), them.named(theirs.json()))))


def _outcome(response: httpx2.Response) -> str:
    status = str(response.status_code)
    if response.status_code < httpx2.codes.BAD_REQUEST or not response.content:
        return status
    return " ".join(filter(None, (status, response.json().get("scimType"))))


def order_difference(
    ours: httpx2.Response, theirs: httpx2.Response, us: Server, them: Server, sorted_by: str
) -> list[str]:
    """Say whether the sorted values of two lists of the same resources stand in another order."""
    if not sorted_by or ours.status_code != httpx2.codes.OK or theirs.status_code != httpx2.codes.OK:
        return []
    mine, other = _sorted_values(us.named(ours.json()), sorted_by), _sorted_values(them.named(theirs.json()), sorted_by)
    return ["Resources: other order"] if mine != other else []


def _sorted_values(answer: Any, sorted_by: str) -> list[str]:
    return [_sort_value(resource, sorted_by) for resource in answer.get("Resources", [])]


def _sort_value(resource: Any, sorted_by: str) -> str:
    """Return what a resource is sorted by (RFC 7644 §3.4.2.3): of several values the primary or else the first."""
    uri, _, name = sorted_by.rpartition(":")
    value = resource.get(uri) if uri in resource else resource
    for part in name.split("."):
        lowered = {key.lower(): inner for key, inner in value.items()} if isinstance(value, dict) else {}
        value = lowered.get(part.lower())
        if isinstance(value, list):
            value = next((one for one in value if one.get("primary")), value[0])
    if isinstance(value, dict):
        value = value.get("value")
    return json.dumps(value).casefold()
