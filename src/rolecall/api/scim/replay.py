"""How is a SCIM request run that was not just received, by the very code that would answer it?"""

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar
from urllib.parse import unquote

from rolecall.api.calls import SECRET_NAMES, Answer, check_body_headers, json_in, parse_parameters
from rolecall.api.errors import MethodNotAllowed
from rolecall.api.scim.app import SEARCH, Routes, route_of
from rolecall.api.scim.calls import ScimCall
from rolecall.api.scim.cursors import CursorSeal
from rolecall.api.scim.errors import SCIM, status_of
from rolecall.api.scim.resources import Endpoint
from rolecall.authorization.actor import Actor
from rolecall.events.calls import Call
from rolecall.http.requests import new_request_id
from rolecall.kernel.document import Json
from rolecall.scim.registry import Registry
from rolecall.scim.users import RequirementProfile
from rolecall.storage.rehearsal import Rehearsing
from rolecall.storage.transaction import Journal, ReadTx, WriteTx

T = TypeVar("T")

_PREFIX: Final = "/scim/v2"
_BULK: Final = "/Bulk"
_READS: Final = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ScimRequest:
    """A SCIM request as it was, or could be, sent."""

    method: str
    target: str
    """The path and, if there is one, the query; whatever stands before `/scim/v2` does not matter."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """By names in lower case; `if-match`, `content-type` and `content-encoding` matter."""
    body: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScimFront:
    """What all calls of one installation share."""

    routes: Routes
    registry: Registry
    requirements: RequirementProfile
    base_url: str
    """Ends in `/scim/v2`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayedCall:
    """A request whose endpoint is known. Whoever runs it decides who asks: a connection's actor, as a rule."""

    request: ScimRequest
    front: ScimFront
    endpoint: Endpoint
    resource_id: str
    parameters: Mapping[str, str]
    is_read: bool
    """Whether it would change nothing, whatever it is answered."""
    is_bulk: bool

    def change(self, tx: WriteTx) -> Answer:
        """Do in `tx` what the call would do; what follows from it is left to whoever runs `tx`.

        Raises: whatever the call would be refused with; MethodNotAllowed for a read, which changes nothing, and for a
        bulk request, which is several changes.
        """
        if self.is_read or self.is_bulk:
            raise MethodNotAllowed("Only a request that makes one change can be made in one transaction.", allow="")
        answer, _calls = self._run(tx.actor, lambda change: change(tx))
        return answer

    def play(self, rehearsing: Rehearsing) -> tuple[Answer | None, tuple[Call, ...]]:
        """Rehearse the call; of a bulk request also return the records of its operations, in the order of the calls.

        Nothing of a read is run, and its answer is None.

        Raises: whatever the call would be refused with.
        """
        if self.is_read:
            return None, ()
        return self._run(rehearsing.actor, rehearsing.run)

    def _run(self, actor: Actor, run: Callable[[Callable[[WriteTx], Any]], Any]) -> tuple[Answer, tuple[Call, ...]]:
        units, kept = _Within(run), _Kept()
        record = Call(
            request_id=new_request_id(), method=self.request.method, target=self.request.target, status_of=status_of
        )
        record.actor = actor.asking(record.request_id)
        secrets = SECRET_NAMES | self.front.registry.secrets

        async def body() -> Json:
            check_body_headers(self.request.headers, SCIM)
            return json_in(self.request.body, record, dialect=SCIM, secrets=secrets)

        call = ScimCall(
            method=self.request.method,
            json=body,
            transactions=units,
            recorder=kept,
            cursor_seal=CursorSeal(units),
            record=record,
            actor=record.actor,
            base_url=self.front.base_url,
            registry=self.front.registry,
            secrets=secrets,
            requirements=self.front.requirements,
            max_body_bytes=len(self.request.body),
            resource_id=self.resource_id,
            parameters=self.parameters,
            if_match=self.request.headers.get("if-match"),
            is_in_thread=True,
        )
        return _finished(self.endpoint(call)), tuple(kept.calls)


def parse_call(request: ScimRequest, front: ScimFront) -> ReplayedCall:
    """Return the call that a request stands for. Its body is read only when it is run.

    Raises: UnknownEndpoint, MethodNotAllowed, InvalidSyntax, InvalidValue.
    """
    path, _, query = request.target.partition("?")
    _before, _, behind = path.rpartition(_PREFIX)
    method = "GET" if request.method == "HEAD" else request.method
    found = unquote(behind, errors="replace")
    endpoint, resource_id = route_of({"path": found, "method": request.method}, method, front.routes)
    return ReplayedCall(
        request=request,
        front=front,
        endpoint=endpoint,
        resource_id=resource_id,
        parameters=parse_parameters(query.encode("latin-1", errors="replace"), SCIM),
        is_read=request.method in _READS or found.rstrip("/").endswith(f"/{SEARCH}"),
        is_bulk=found.rstrip("/") == _BULK,
    )


@dataclass(frozen=True, slots=True)
class _Within:
    """Runs units of work one after the other, where something else has begun a transaction."""

    run: Callable[[Callable[[WriteTx], Any]], Any]

    async def look_up(self, _actor: Actor, ask: Callable[[ReadTx], T]) -> T:
        value: T = self.run(ask)
        return value

    async def read(self, _actor: Actor, ask: Callable[[ReadTx], T]) -> T:
        value: T = self.run(ask)
        return value

    async def write(
        self, _actor: Actor, change: Callable[[WriteTx], T], *, journal: Journal | None = None, brief: bool = False
    ) -> T:
        del journal, brief  # whoever runs the call writes down that it did, and runs it where it likes
        value: T = self.run(change)
        return value


@dataclass(frozen=True, slots=True)
class _Kept:
    """Keeps the records of calls instead of writing them."""

    calls: list[Call] = field(default_factory=list)

    def record(self, call: Call) -> None:
        self.calls.append(call)


def _finished(work: Coroutine[Any, Any, T]) -> T:
    """Return what a coroutine returns that never has to wait, in whatever thread this is."""
    try:
        work.send(None)
    except StopIteration as ended:
        value: T = ended.value
        return value
    work.close()
    raise AssertionError  # unreachable: all that an endpoint awaits is done at once
