"""What would SCIM requests be answered, and what would they touch, give and take, if they were made now?"""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import orjson

from rolecall.api.calls import missing_of
from rolecall.api.scim.errors import status_of
from rolecall.api.scim.replay import ReplayedCall, ScimFront, ScimRequest, parse_call
from rolecall.authorization.actor import Actor
from rolecall.connections.errors import CallNotReplayable
from rolecall.connections.model import Connection
from rolecall.connections.preview.foreseeing import Foreseer
from rolecall.connections.preview.model import Radius
from rolecall.connections.preview.recorded import RecordedCall
from rolecall.connections.preview.rendering import MOST_LISTED, radius_document
from rolecall.events.calls import Call
from rolecall.kernel.document import Json
from rolecall.kernel.errors import DomainError, ErrorKind
from rolecall.scim.errors import InvalidValue
from rolecall.scim.users import RequirementProfile
from rolecall.storage.rehearsal import Rehearsing

MOST_SECONDS: Final = 30.0
"""After so long no further call is begun: on PostgreSQL those who push wait for the rows that were touched."""

_WITH_BODY: Final = frozenset({"PATCH", "POST", "PUT"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """One request to be played: within which limits, and whether it can be."""

    request: ScimRequest
    actor: Actor | None
    call_id: str | None = None
    """Of the SCIM log, where it comes from there."""
    obstacle: str | None = None
    """Why it cannot be played; None: it can."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeseenCall:
    """What one request would be answered, and its radius."""

    played: Played
    status: int | None = None
    """None for what only reads, and for what was not played."""
    code: str | None = None
    detail: str | None = None
    """Of a refusal: its stable code, and its sentence."""
    operations: tuple[Call, ...] = ()
    """Of a bulk request: the records of its calls."""
    radius: Radius = field(default_factory=Radius)


@dataclass(frozen=True, slots=True, kw_only=True)
class Previewed:
    """What requests would be answered that were made one after the other, and their radius in all."""

    calls: tuple[ForeseenCall, ...]
    total: Radius
    is_complete: bool
    """Whether time was left for all of them."""


def parse_requests(body: Json) -> tuple[ScimRequest, ...]:
    """Return the requests in a JSON value: one, a list, or an object whose `requests` is the list.

    Raises: InvalidValue, which names the field.
    """
    if isinstance(body, dict):
        body = body["requests"] if body.keys() == {"requests"} else [body]
    if not isinstance(body, list) or not body:
        raise InvalidValue("This is neither a request nor a list of some.", attribute="requests")
    return tuple(_request_in(each, f"requests[{position}]") for position, each in enumerate(body))


def request_of(method: str, path: str, headers: Mapping[str, str], body: Json) -> ScimRequest:
    """Return a request with a JSON body, or, for null, with none."""
    return ScimRequest(
        method=method.upper(),
        target=path,
        headers={name.lower(): value for name, value in headers.items()},
        body=b"" if body is None else orjson.dumps(body),
    )


def _request_in(value: Json, where: str) -> ScimRequest:
    if not isinstance(value, dict):
        raise InvalidValue(f"{where} is no JSON object.", attribute=where)
    for name in value.keys() - {"method", "path", "headers", "body"}:
        raise InvalidValue(f"{where} has no field {name!r}: only method, path, headers and body.", attribute=where)
    method, path, headers = value.get("method"), value.get("path"), value.get("headers", {})
    if not isinstance(method, str) or not isinstance(path, str):
        raise InvalidValue(f"{where} needs a method and a path, both texts.", attribute=where)
    if not isinstance(headers, dict) or not all(isinstance(each, str) for each in headers.values()):
        raise InvalidValue(f"{where}.headers must be an object of texts.", attribute=f"{where}.headers")
    return request_of(method, path, {name: str(each) for name, each in headers.items()}, value.get("body"))


def within_scope(played: Iterable[Played], connection: Connection) -> list[Played]:
    """Return the same, made by whoever may push what that connection may."""
    scope = connection.draft.push_scope
    return [
        each if each.actor is None else replace(each, actor=replace(each.actor, push_scope=scope)) for each in played
    ]


def front_for(front: ScimFront, connection: Connection) -> ScimFront:
    """Return the same for one connection, which may require of users something else than the installation does."""
    own = connection.draft.requirement_profile
    return front if own is None else replace(front, requirements=RequirementProfile(own.value))


def recorded_request(recorded: RecordedCall) -> Played:
    """Return the request that a record of the log is of, as far as it was written down; without `If-Match`."""
    record = recorded.record
    method = record.method or ""
    missing = missing_of(record.target, record.request)
    if missing is None and method in _WITH_BODY and record.request is None:
        missing = "its body could not be read even then"
    if missing is None and recorded.actor is None:
        missing = "the key that it was made with is gone, and with it within which limits"
    body = b"" if record.request is None else orjson.dumps(record.request)
    return Played(
        request=ScimRequest(method=method, target=record.target or "", body=body),
        actor=recorded.actor,
        call_id=str(record.sequence),
        obstacle=missing,
    )


def check_playable(played: Played) -> None:
    """Return when a request can be played.

    Raises: CallNotReplayable.
    """
    if played.obstacle is not None:
        raise CallNotReplayable(f"This call cannot be played again: {played.obstacle}.", call_id=played.call_id or "")


def preview_requests(
    rehearsing: Rehearsing, requests: Iterable[Played], front: ScimFront, *, seconds: float = MOST_SECONDS
) -> Previewed:
    """Rehearse requests in their order, each building on those before, and one after the other as if made alone.

    What a job would go on with after one of them is done before the next.
    """
    deadline = time.monotonic() + seconds
    foreseer = Foreseer(rehearsing)
    calls: list[ForeseenCall] = []
    waiting = list(requests)
    for each in waiting:
        if time.monotonic() > deadline:
            break
        calls.append(_foreseen(foreseer, each, front))
    return Previewed(calls=tuple(calls), total=foreseer.total(), is_complete=len(calls) == len(waiting))


def preview_document(previewed: Previewed, *, is_complete: bool = True, most: int = MOST_LISTED) -> dict[str, Any]:
    """Return a preview as JSON has it; `most` limits the lists of each call's radius, not those of the total."""
    return {
        "calls": [_call_document(each, most) for each in previewed.calls],
        "total": radius_document(previewed.total),
        "is_complete": is_complete and previewed.is_complete,
    }


def _foreseen(foreseer: Foreseer, played: Played, front: ScimFront) -> ForeseenCall:
    if played.obstacle is not None or played.actor is None:
        return ForeseenCall(played=played)
    try:
        call = parse_call(played.request, front)
        foreseen = foreseer.foresee(_playing(call, played.actor))
    except DomainError as error:
        if error.kind is ErrorKind.UNAVAILABLE:
            raise
        return ForeseenCall(played=played, status=status_of(error), code=error.code, detail=error.detail)
    answer, operations = foreseen.value
    return ForeseenCall(
        played=played,
        status=None if answer is None else answer.status,
        operations=operations,
        radius=foreseen.radius,
    )


def _playing(call: ReplayedCall, actor: Actor) -> Callable[[Rehearsing], Any]:
    return lambda rehearsing: call.play(rehearsing.acting(actor))


def _call_document(each: ForeseenCall, most: int) -> dict[str, Any]:
    request = each.played.request
    return {
        "method": request.method,
        "path": request.target,
        "scim_log_id": each.played.call_id,
        "not_played_because": each.played.obstacle,
        "http_status": each.status,
        "error_reason": each.code,
        "detail": each.detail,
        "operations": [
            {
                "method": call.method,
                "path": call.target,
                "http_status": call.status,
                "error_reason": call.code,
                "detail": call.detail,
            }
            for call in each.operations
        ],
        "radius": radius_document(each.radius, most=most),
    }
