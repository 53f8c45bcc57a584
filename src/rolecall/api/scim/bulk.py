"""How is a bulk request carried out (RFC 7644 §3.7)?

Each operation is a call of its own: the same endpoint, its own transaction, its own audit record. What
an operation that failed has begun is taken back, so that nothing is answered as failed and done all the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import orjson

from rolecall.api.calls import Answer, answered, recordable
from rolecall.api.scim.calls import ScimCall
from rolecall.api.scim.errors import SCIM, render_refusal, status_of
from rolecall.api.scim.resources import ResourceRoutes
from rolecall.authorization.actions import Action
from rolecall.authorization.check import require
from rolecall.events.calls import Call
from rolecall.kernel.document import Json
from rolecall.kernel.errors import DomainError
from rolecall.scim.bulk import (
    BulkOperation,
    ReferenceNotCreated,
    Step,
    completion,
    in_order,
    parse_bulk,
    render_bulk_response,
    resolved,
    resolved_target,
)
from rolecall.scim.errors import InvalidValue

_CREATED: Final = 201
_LEAST_ERROR: Final = 400
_UNAVAILABLE: Final = 503
_LONGEST_TARGET: Final = 4000


async def run_operations(routes: ResourceRoutes, call: ScimCall) -> Answer:
    """POST /Bulk."""
    require(call.actor, Action.PROVISIONED_WRITE)
    bulk = await call.parsed(lambda body: parse_bulk(body, call.registry))
    # Each operation is recorded by itself, with its data.
    call.record.request = {"operations": len(bulk.operations), "failOnErrors": bulk.fail_on_errors}
    run = _Run(call=call, routes=routes, operations=bulk.operations)
    for step in in_order(bulk.operations):
        await run.take(step)
        if run.unavailable or (bulk.fail_on_errors is not None and run.errors >= bulk.fail_on_errors):
            break
    await run.give_up_waiting()
    await run.tell_losses()
    results = [run.results[position] for position in sorted(run.results)]
    return Answer(status=200, body=render_bulk_response(results))


@dataclass(slots=True, kw_only=True)
class _Waiting:
    """A resource that was created and still lacks what it refers to."""

    operation: BulkOperation
    resource_id: str
    later: frozenset[str]


@dataclass(slots=True, kw_only=True)
class _Run:
    """How far a bulk request has come."""

    call: ScimCall
    routes: ResourceRoutes
    operations: tuple[BulkOperation, ...]
    ids: dict[str, str] = field(default_factory=dict)
    """What was created, by bulkId."""
    results: dict[int, dict[str, Any]] = field(default_factory=dict)
    waiting: list[_Waiting] = field(default_factory=list)
    lost: set[str] = field(default_factory=set)
    """The bulkIds of what was created and taken back."""
    calls: int = 0
    errors: int = 0
    unavailable: bool = False

    async def take(self, step: Step) -> None:
        """Carry out one operation, and complete or take back what waited for it."""
        operation = step.operation
        refusal = operation.refusal or self._refusal(step)
        if refusal is not None:
            answer, created = await self._refused(operation, refusal), None
        else:
            data = resolved(operation.data, self.ids) if isinstance(operation.data, Mapping) else None
            target = resolved_target(operation.target, self.ids)
            operation = replace(operation, target=target)
            answer, created = await self._send(operation, operation.method, target, data)
        self._note(operation, answer, created)
        if operation.bulk_id is None or operation.method != "POST":
            return
        if created is None:
            await self._give_up({operation.bulk_id})
            return
        self.ids[operation.bulk_id] = created
        if step.later:
            self.waiting.append(_Waiting(operation=operation, resource_id=created, later=step.later))
        await self._complete()

    async def give_up_waiting(self) -> None:
        """Take back whatever is still incomplete because the request ended before its time."""
        while self.waiting:
            await self._take_back(self.waiting[0])

    async def tell_losses(self) -> None:
        """Show what was created and has then lost what it referred to, which only happens within a circle."""
        for operation in self.operations:
            created = self.ids.get(operation.bulk_id or "")
            if operation.method != "POST" or created is None or not operation.references & self.lost:
                continue
            answer, _ = await self._send(operation, "GET", created, None)
            if answer.status < _LEAST_ERROR:
                result = self.results[operation.position]
                result["version"] = (answer.headers or {})["ETag"]
                result["response"] = orjson.loads(answer.body)

    def _refusal(self, step: Step) -> DomainError | None:
        operation = step.operation
        missing = sorted(operation.references - step.later - self.ids.keys())
        if not missing:
            return None
        name = missing[0][:100]
        if any(each.bulk_id == missing[0] and each.method == "POST" for each in self.operations):
            return ReferenceNotCreated(f"What the bulkId {name!r} stands for was not created.", attribute="bulkId")
        return InvalidValue(f"No POST of this request has the bulkId {name!r}.", attribute="bulkId")

    async def _complete(self) -> None:
        ready = [each for each in self.waiting if each.later <= self.ids.keys()]
        for each in ready:
            if each not in self.waiting:
                continue  # taken back together with another one
            operation = each.operation
            data = operation.data if isinstance(operation.data, Mapping) else {}
            patch = completion(data, each.later, self.ids)
            answer, _ = await self._send(operation, "PATCH", each.resource_id, patch)
            if answer.status >= _LEAST_ERROR:
                await self._take_back(each, answer)
                continue
            self.waiting.remove(each)
            self._note(operation, replace(answer, status=_CREATED), each.resource_id)

    async def _give_up(self, lost: set[str]) -> None:
        """Take back what waits for something that will never be."""
        while True:
            each = next((each for each in self.waiting if each.later & lost), None)
            if each is None:
                return
            await self._take_back(each)

    async def _take_back(self, each: _Waiting, why: Answer | None = None) -> None:
        self.waiting.remove(each)
        bulk_id = str(each.operation.bulk_id)
        self.ids.pop(bulk_id, None)
        self.lost.add(bulk_id)
        await self._send(each.operation, "DELETE", each.resource_id, None)
        if why is None:
            refusal = ReferenceNotCreated("Something that this refers to was not created.", attribute="bulkId")
            why = Answer(status=status_of(refusal), body=render_refusal(refusal))
        self._note(each.operation, why, None)
        await self._give_up({bulk_id})

    async def _refused(self, operation: BulkOperation, refusal: DomainError) -> Answer:
        async def refuse() -> Answer:
            raise refusal

        record = self._record(operation.method, f"{operation.endpoint}/{operation.target}".rstrip("/"))
        record.request = recordable(operation.data, orjson.dumps(operation.data), self.call.secrets)
        return await answered(record, self.call.recorder, refuse, SCIM)

    async def _send(self, operation: BulkOperation, method: str, target: str, data: Json) -> tuple[Answer, str | None]:
        """Make the call that one operation stands for; also return the id of what a POST created."""
        endpoint = operation.endpoint
        record = self._record(method, f"{endpoint}/{target}".rstrip("/"))
        text = b"" if data is None else orjson.dumps(data)

        async def body() -> Json:
            record.body_bytes = len(text)
            record.request = recordable(data, text, self.call.secrets)
            return data

        call = replace(
            self.call,
            method=method,
            json=body,
            raw_body=lambda: text,
            record=record,
            actor=record.actor,
            resource_id=target,
            parameters={},
            if_match=operation.version if method == operation.method else None,
            if_none_match=None,
        )
        serve = (self.routes.resources if target else self.routes.collections)[endpoint.removeprefix("/")][method]
        answer = await answered(record, self.call.recorder, lambda: serve(call), SCIM)
        self.unavailable = self.unavailable or answer.status == _UNAVAILABLE
        created = record.subject_id if method == "POST" and answer.status == _CREATED else None
        return answer, created

    def _record(self, method: str, path: str) -> Call:
        whole = self.call.record
        self.calls += 1
        request_id = f"{whole.request_id}.{self.calls}"
        root = whole.target.partition("?")[0].rstrip("/").removesuffix("/Bulk")
        return Call(
            request_id=request_id,
            method=method,
            target=f"{root}{path}"[:_LONGEST_TARGET],
            address=whole.address,
            user_agent=whole.user_agent,
            actor=replace(self.call.actor, request_id=request_id),
            status_of=whole.status_of,
        )

    def _note(self, operation: BulkOperation, answer: Answer, created: str | None) -> None:
        result: dict[str, Any] = {"method": operation.method, "status": str(answer.status)}
        if operation.bulk_id is not None:
            result["bulkId"] = operation.bulk_id
        resource_id = created if operation.method == "POST" else operation.target
        # What refers to nothing has no address.
        if operation.endpoint and resource_id and not resource_id.startswith("bulkId:"):
            result["location"] = f"{self.call.base_url}{operation.endpoint}/{resource_id}"
        version = (answer.headers or {}).get("ETag")
        if version is not None:
            result["version"] = version
        if answer.status >= _LEAST_ERROR:
            self.errors += 1
            result["response"] = orjson.loads(answer.body)
        self.results[operation.position] = result
