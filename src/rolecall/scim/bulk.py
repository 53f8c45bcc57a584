"""What does a bulk request ask for, in which order, and what does each operation refer to?

References by bulkId may point forwards and in circles (RFC 7644 §3.7.1): whatever an operation refers
to is created just before it; where that goes round in a circle, what cannot be named yet is left out
at first and added as soon as it can.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import orjson

from rolecall.kernel.document import Document, Json
from rolecall.kernel.errors import DomainError, ErrorKind
from rolecall.scim.errors import InvalidSyntax, InvalidValue, ScimError
from rolecall.scim.messages import BULK_REQUEST, BULK_RESPONSE, check_message
from rolecall.scim.registry import Registry
from rolecall.scim.values import MAX_NAME_LENGTH

MAX_BULK_OPERATIONS: Final = 1_000

_METHODS: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_PREFIX: Final = "bulkId:"
_IN_FILTER: Final = re.compile(r'"bulkId:([^"\\]+)"')
_DEEPEST: Final = 50
_SHOWN: Final = 200


class TooManyOperations(DomainError):
    """The bulk request has more operations than are taken at once (RFC 7644 §3.7.4)."""

    kind = ErrorKind.TOO_LARGE
    code = "too_many_operations"


class ReferenceNotCreated(DomainError):
    """What a bulk operation refers to by bulkId could not be created (RFC 7644 §3.7.1)."""

    kind = ErrorKind.CONFLICT
    code = "reference_not_created"


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkOperation:
    """One operation, as far as it can be understood. With a `refusal` it is not to be tried."""

    position: int
    method: str
    endpoint: str = ""
    """Such as `/Users`; empty where there is none."""
    target: str = ""
    """What stands behind the endpoint in the path: an id, a reference, or nothing."""
    bulk_id: str | None = None
    version: str | None = None
    data: Json = None
    references: frozenset[str] = frozenset()
    """The bulkIds that `target` and `data` refer to."""
    refusal: ScimError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkRequest:
    """A bulk request. After `fail_on_errors` errors nothing more is tried; None: everything is."""

    operations: tuple[BulkOperation, ...]
    fail_on_errors: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """When it is its turn, an operation leaves out those of its references that are added `later`."""

    operation: BulkOperation
    later: frozenset[str]


def parse_bulk(body: Json, registry: Registry) -> BulkRequest:
    """Return what the body of a bulk request asks for (RFC 7644 §3.7).

    What is wrong with a single operation becomes its own `refusal`.

    Raises: InvalidSyntax, InvalidValue, TooManyOperations.
    """
    if not isinstance(body, Mapping):
        raise InvalidSyntax("The body must be a JSON object: a BulkRequest.")
    fields = {name.lower(): value for name, value in body.items()}
    check_message(fields.get("schemas"), BULK_REQUEST)
    raw = fields.get("operations")
    if isinstance(raw, str) or not isinstance(raw, Sequence):
        raise InvalidSyntax("Operations must be a list of operations.", attribute="Operations")
    if len(raw) > MAX_BULK_OPERATIONS:
        raise TooManyOperations(
            f"A bulk request takes at most {MAX_BULK_OPERATIONS} operations (maxOperations); this one has {len(raw)}."
        )
    operations = tuple(_operation(item, position, registry) for position, item in enumerate(raw))
    _check_bulk_ids(operations)
    return BulkRequest(operations=operations, fail_on_errors=_fail_on_errors(fields.get("failonerrors")))


def in_order(operations: Sequence[BulkOperation]) -> Iterator[Step]:
    """Yield each operation once, in the order of the request, but behind those that create what it refers to."""
    creating = {each.bulk_id: each for each in operations if each.method == "POST" and each.bulk_id is not None}
    done: set[int] = set()
    for first in operations:
        begun = {first.position}
        stack = [] if first.position in done else [(first, iter(sorted(first.references)))]
        while stack:
            operation, references = stack[-1]
            needed = next((creating[name] for name in references if name in creating), None)
            if needed is None:
                stack.pop()
                done.add(operation.position)
                yield Step(operation=operation, later=_not_done(operation, creating, done))
            elif needed.position not in done and needed.position not in begun:
                begun.add(needed.position)
                stack.append((needed, iter(sorted(needed.references))))


def resolved(data: Document, ids: Mapping[str, str]) -> Document:
    """Return the data with the ids of what it refers to; what has no id yet is left out, and what stands for it."""
    named = {name: _resolved(value, ids, name) for name, value in data.items()}
    return {name: value for name, value in named.items() if value is not None or data[name] is None}


def resolved_target(target: str, ids: Mapping[str, str]) -> str:
    """Return the id in a path, which may be given by a reference that has one."""
    return ids[target.removeprefix(_PREFIX)] if target.startswith(_PREFIX) else target


def completion(data: Document, later: frozenset[str], ids: Mapping[str, str]) -> Document:
    """Return the PATCH that adds to a created resource what was left out of it."""
    operations = [
        {"op": "add", "path": name, "value": _resolved(value, ids, name)}
        for name, value in data.items()
        if later & frozenset(_references_in(value))
    ]
    return {"Operations": operations}


def render_bulk_response(results: Sequence[Document]) -> bytes:
    """Return the BulkResponse."""
    return orjson.dumps({"schemas": [BULK_RESPONSE], "Operations": results})


def _resolved(value: Json, ids: Mapping[str, str], name: str) -> Json:
    """Return the value with ids in it, or None where it refers to what has none."""
    if isinstance(value, Mapping):
        kept = {key: _resolved(item, ids, key) for key, item in value.items()}
        lost = {key for key, item in kept.items() if item is None and value[key] is not None}
        if any(isinstance(value[key], str) for key in lost):
            return None
        return {key: item for key, item in kept.items() if key not in lost}
    if isinstance(value, Sequence) and not isinstance(value, str):
        items = [(item, _resolved(item, ids, name)) for item in value]
        return [kept for item, kept in items if kept is not None or item is None]
    if not isinstance(value, str):
        return value
    if name.lower() == "path":
        return _resolved_path(value, ids)
    return ids.get(value.removeprefix(_PREFIX)) if value.startswith(_PREFIX) else value


def _resolved_path(path: str, ids: Mapping[str, str]) -> str | None:
    if any(reference not in ids for reference in _IN_FILTER.findall(path)):
        return None
    return _IN_FILTER.sub(lambda found: orjson.dumps(ids[found[1]]).decode(), path)


def _not_done(operation: BulkOperation, creating: Mapping[str, BulkOperation], done: set[int]) -> frozenset[str]:
    # What refers to itself is done, and still has no id when it is its turn. A PUT may bear the bulkId of a POST
    # without being it.
    return frozenset(
        name
        for name in operation.references
        if name in creating and (creating[name] is operation or creating[name].position not in done)
    )


def _operation(raw: Json, position: int, registry: Registry) -> BulkOperation:
    fields = {name.lower(): value for name, value in raw.items()} if isinstance(raw, Mapping) else {}
    method = _text_in(fields, "method").upper()
    bulk_id = _text_in(fields, "bulkid") or None
    path = _text_in(fields, "path")
    endpoint, target = _split(path, registry)
    data = fields.get("data")
    if method == "PATCH" and isinstance(data, Sequence) and not isinstance(data, str):
        data = {"Operations": data}  # the example of RFC 7644 §3.7.3 has the operations alone
    try:
        _check(method, path, endpoint, target, bulk_id)
        if method != "DELETE" and not isinstance(data, Mapping):
            raise InvalidSyntax(f"data must be an object for {method}.", attribute="data")
        return BulkOperation(
            position=position,
            method=method,
            endpoint=endpoint,
            target=target,
            bulk_id=bulk_id,
            version=_text_in(fields, "version") or None,
            data=data,
            references=frozenset(_references_in([target, data])),
        )
    except ScimError as refusal:
        return BulkOperation(
            position=position, method=method, endpoint=endpoint, target=target, bulk_id=bulk_id, refusal=refusal
        )


def _split(path: str, registry: Registry) -> tuple[str, str]:
    """Return the endpoint of a path in its own spelling, or nothing, and what stands behind it."""
    name, _, target = path.strip().removeprefix("/").partition("/")
    return registry.endpoints.get(f"/{name.lower()}", ""), target


def _check(method: str, path: str, endpoint: str, target: str, bulk_id: str | None) -> None:
    if method not in _METHODS:
        raise InvalidSyntax("method must be POST, PUT, PATCH or DELETE.", attribute="method")
    if not endpoint or "/" in target or "?" in target:
        raise InvalidValue(f"There is nothing at the path {path[:_SHOWN]!r} for bulk operations.", attribute="path")
    if method == "POST" and target:
        raise InvalidValue("The path of a POST must be that of an endpoint, such as /Users.", attribute="path")
    if method == "POST" and bulk_id is None:
        raise InvalidSyntax("A POST needs a bulkId.", attribute="bulkId")
    if method != "POST" and not target:
        raise InvalidValue(f"The path of a {method} must be that of a resource, such as /Users/id.", attribute="path")


def _text_in(fields: Mapping[str, Json], name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""


def _check_bulk_ids(operations: Sequence[BulkOperation]) -> None:
    seen: set[str] = set()
    for operation in operations:
        bulk_id = operation.bulk_id
        if bulk_id is None or operation.method != "POST":
            continue
        if len(bulk_id) > MAX_NAME_LENGTH:
            raise InvalidValue(f"A bulkId is longer than {MAX_NAME_LENGTH:,} characters.", attribute="bulkId")
        # Whichever of the two a reference means, it could give access to somebody else.
        if bulk_id in seen:
            raise InvalidValue(f"The bulkId {bulk_id!r} is not unique in this request.", attribute="bulkId")
        seen.add(bulk_id)


def _fail_on_errors(value: Json) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InvalidValue("failOnErrors must be a whole number of at least 1.", attribute="failOnErrors")
    return value


def _references_in(value: Json, name: str = "", depth: int = 0) -> Iterator[str]:
    if depth > _DEEPEST:
        raise InvalidValue(f"data has more than {_DEEPEST} objects and lists within one another.", attribute="data")
    match value:
        case str() if name.lower() == "path":
            yield from _IN_FILTER.findall(value)
        case str() if value.startswith(_PREFIX):
            yield value.removeprefix(_PREFIX)
        case str():
            return
        case Mapping():
            for key, item in value.items():
                yield from _references_in(item, key, depth + 1)
        case Sequence():
            for item in value:
                yield from _references_in(item, name, depth + 1)
        case _:
            return
