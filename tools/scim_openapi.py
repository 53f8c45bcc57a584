"""What may be sent to /scim/v2 and what comes back, in the form that OpenAPI has for it?

Everything is made from the declarations in the code: attributes, endpoints, error codes and limits. The suite
`conformance` sends thousands of requests made up from this document and holds each answer against it.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeAlias

from rolecall.api.scim.app import all_routes
from rolecall.api.scim.errors import scim_type_of
from rolecall.api.scim.lists import MAX_RESULTS
from rolecall.scim.bulk import MAX_BULK_OPERATIONS
from rolecall.scim.errors import InvalidVersion
from rolecall.scim.messages import BULK_REQUEST, BULK_RESPONSE, ERROR, LIST_RESPONSE, PATCH_OP, SEARCH_REQUEST
from rolecall.scim.names import OPEN_URI
from rolecall.scim.patch import MAX_OPERATIONS
from rolecall.scim.registry import Registry
from rolecall.scim.schemas import (
    COMMON_ATTRIBUTES,
    GROUP,
    Attribute,
    AttributeType,
    Mutability,
    ResourceType,
    Returned,
    Schema,
    Uniqueness,
)
from tools.declarations import errors

Node: TypeAlias = dict[str, Any]
"""A part of an OpenAPI document."""

BUILT_IN: Final = Registry()
"""What is served unless an installation declares more."""
RESOURCE_TYPES: Final = BUILT_IN.resource_types
MEDIA_TYPE: Final = "application/scim+json"
FILTER_FORMAT: Final = "scim-filter"
PATH_FORMAT: Final = "scim-path"
_TEXT: Final[Node] = {"$ref": "#/components/schemas/Text"}
_JSON_TYPES: Final[Mapping[AttributeType, Node]] = {
    AttributeType.STRING: _TEXT,
    AttributeType.BOOLEAN: {"type": "boolean"},
    AttributeType.DECIMAL: {"type": "number"},
    AttributeType.INTEGER: {"type": "integer"},
    AttributeType.DATE_TIME: {"type": "string", "format": "date-time"},
    AttributeType.REFERENCE: _TEXT,
    AttributeType.BINARY: {"type": "string", "contentEncoding": "base64"},
}
_WITHOUT_CONTROL_CHARACTERS: Final = r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*$"
_YES_OR_NO: Final[Node] = {"type": "boolean"}
_COUNT: Final[Node] = {"type": "integer", "minimum": 0}
_ANYTHING: Final[Node] = {}
_OPEN: Final[Node] = {"type": "object", "description": "An extension that is not declared here, kept as it came."}
_REFUSALS: Final[Mapping[int, str]] = {
    400: "Something is wrong with the request",
    401: "No valid key",
    403: "Not allowed",
    404: "No such resource",
    409: "Another resource has that name",
    412: "Changed meanwhile",
    413: "Too large",
    415: "Not JSON, or compressed",
    503: "The database is away; nothing was changed",
}
_READABLE: Final = frozenset({400, 401, 403, 503})
_WRITABLE: Final = _READABLE | {413, 415}


def render_scim_openapi() -> str:
    """Return the document as JSON."""
    return json.dumps(scim_openapi(), ensure_ascii=False, indent=1) + "\n"


def scim_openapi() -> Node:
    """Return the OpenAPI 3.1 document of everything below /scim/v2."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Rolecall SCIM 2.0",
            "version": "2.0",
            "description": "What SCIM 2.0 (RFC 7643, 7644, 9865) is on this server, exactly. Requests of other forms"
            " are accepted too where a provider sends them: names in any case, numbers and switches as text."
            " Every GET answers HEAD as well.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/scim/v2"}],
        "security": [{"apiKey": []}],
        "paths": {path: dict(operations) for path, operations in _paths()},
        "components": {
            "securitySchemes": {"apiKey": {"type": "http", "scheme": "bearer"}},
            "schemas": _components(),
            "responses": {str(status): _refusal(status) for status in _REFUSALS},
        },
    }


def _paths() -> Iterator[tuple[str, Iterator[tuple[str, Node]]]]:
    """Yield each path with its operations, for every endpoint that is served."""
    routes = all_routes(BUILT_IN)
    yield "/", _operations("", routes.root)
    for name, methods in routes.collections.items():
        yield f"/{name}", _operations(name, methods)
    for name, methods in routes.searches.items():
        yield f"/{name}/.search", _operations(f"{name}/.search", methods)
    for name, methods in routes.resources.items():
        yield f"/{name}/{{id}}", _operations(f"{name}/{{id}}", methods)


def _operations(place: str, methods: Mapping[str, object]) -> Iterator[tuple[str, Node]]:
    for method in methods:
        operation = _operation(method, place)
        if place.endswith("{id}"):
            identifier = _TEXT | _known_ids(place.partition("/")[0])
            operation["parameters"] = [_parameter("id", identifier, place="path"), *operation.get("parameters", [])]
        yield method.lower(), operation


def _known_ids(name: str) -> Node:
    """Return examples of ids, where they are the same on every server."""
    if name == "Schemas":
        return {"examples": [schema.uri for kind in RESOURCE_TYPES for schema in (kind.schema, *kind.extensions)]}
    return {"examples": [kind.name for kind in RESOURCE_TYPES]} if name == "ResourceTypes" else {}


def _operation(method: str, place: str) -> Node:
    name, _, behind = place.partition("/")
    kind = next((each for each in RESOURCE_TYPES if each.endpoint == f"/{name}"), None)
    if place.endswith(".search"):
        return _search(kind)
    if name == "Bulk":
        return _answering("Many operations at once", _WRITABLE, {200: _ref("BulkResponse")}, body=_ref("BulkRequest"))
    if name == "Me":
        return _reading("The user whose key is presented", _ref("User"))
    if kind is not None:
        return _one(method, kind) if behind else _collection(method, kind)
    if not name:
        return _listing("Users, then groups", _any_resource())
    return _describing(name, one=bool(behind))


def _collection(method: str, kind: ResourceType) -> Node:
    if method == "GET":
        return _listing(f"List: {kind.description}", _ref(kind.name))
    created = _with_headers(_content("Created", _ref(kind.name)), "ETag", "Location")
    operation = _answering(f"Create a {kind.name}", _WRITABLE | {409}, {}, body=_sent(kind))
    operation["responses"]["201"] = created
    return operation | {"parameters": _projection()}


def _one(method: str, kind: ResourceType) -> Node:
    whole = _ref(kind.name)
    condition = _parameter("If-Match", _TEXT, place="header")
    changing = _WRITABLE | {404, 409, 412}
    match method:
        case "GET":
            return _reading(f"Read a {kind.name}", whole)
        case "PUT":
            operation = _answering(f"Replace a {kind.name}", changing, {}, body=_sent(kind))
        case "PATCH":
            operation = _answering(f"Change a {kind.name}", changing, {}, body=_ref("PatchOp"))
            if kind is GROUP:
                operation["responses"]["204"] = _with_headers({"description": "Changed"}, "ETag")
        case _:
            operation = _answering(f"Delete a {kind.name}", _READABLE | {404, 412}, {})
            operation["responses"]["204"] = {"description": "Deleted"}
            return operation | {"parameters": [condition]}
    operation["responses"]["200"] = _with_headers(_content("Changed", whole), "ETag", "Content-Location")
    return operation | {"parameters": [*_projection(), condition]}


def _sent(kind: ResourceType) -> Node:
    """Return the schema of a resource in a request. An answer may lack more: `attributes` says what is wanted."""
    return _ref(kind.name) | {"required": ["schemas", *_required(kind)]}


def _required(kind: ResourceType) -> list[str]:
    return [attribute.name for attribute in kind.schema.attributes if attribute.required]


def _reading(summary: str, whole: Node) -> Node:
    operation = _answering(summary, _READABLE | {404}, {})
    operation["responses"]["200"] = _with_headers(_content("Found", whole), "ETag", "Content-Location")
    operation["responses"]["304"] = _with_headers({"description": "As the caller has it"}, "ETag")
    return operation | {"parameters": [*_projection(), _parameter("If-None-Match", _TEXT, place="header")]}


def _listing(summary: str, item: Node) -> Node:
    operation = _answering(summary, _READABLE, {200: _list_of(item)})
    queried = {name: node for name, node in _query().items() if name not in {"attributes", "excludedAttributes"}}
    return operation | {"parameters": [*(_parameter(name, node) for name, node in queried.items()), *_projection()]}


def _search(kind: ResourceType | None) -> Node:
    what, item = ("users and groups", _any_resource()) if kind is None else (f"{kind.name}s", _ref(kind.name))
    return _answering(f"Search {what}", _WRITABLE, {200: _list_of(item)}, body=_ref("SearchRequest"))


def _describing(name: str, *, one: bool) -> Node:
    singular = name.removesuffix("s")
    if one:
        return _answering(f"Read a {singular}", _READABLE | {404}, {200: _ref(singular)})
    described = _ref(name) if name == "ServiceProviderConfig" else _list_of(_ref(singular))
    return _answering("What this server says about itself", _READABLE, {200: described})


def _answering(
    summary: str, refusals: frozenset[int], answers: Mapping[int, Node], *, body: Node | None = None
) -> Node:
    responses = {str(status): _content("Done", answer) for status, answer in answers.items()}
    responses |= {str(status): {"$ref": f"#/components/responses/{status}"} for status in sorted(refusals)}
    operation: Node = {"summary": summary, "responses": responses}
    if body is not None:
        media = {name: {"schema": body} for name in (MEDIA_TYPE, "application/json")}
        operation["requestBody"] = {"required": True, "content": media}
    return operation


def _refusal(status: int) -> Node:
    refusal = _content(_REFUSALS[status], _ref("Error"))
    named = {401: "WWW-Authenticate", 503: "Retry-After"}.get(status)
    return refusal if named is None else _with_headers(refusal, named)


def _content(description: str, node: Node) -> Node:
    return {"description": description, "content": {MEDIA_TYPE: {"schema": node}}}


def _with_headers(response: Node, *names: str) -> Node:
    return response | {"headers": {name: {"required": True, "schema": _TEXT} for name in names}}


def _parameter(name: str, node: Node, *, place: str = "query") -> Node:
    parameter: Node = {"name": name, "in": place, "schema": node}
    return parameter | {"required": True} if place == "path" else parameter


def _projection() -> list[Node]:
    """Return the two parameters of which one may be given, names separated by commas."""
    return [_parameter(name, _TEXT) for name in ("attributes", "excludedAttributes")]


def _query() -> Node:
    """Return what a query may ask for, by parameter."""
    names: Node = {"type": "array", "items": _TEXT}
    return {
        "filter": {"type": "string", "format": FILTER_FORMAT},
        "sortBy": _TEXT,
        "sortOrder": {"enum": ["ascending", "descending"]},
        "startIndex": {"type": "integer", "description": "From 1; not together with a cursor."},
        "count": {"type": "integer", "description": f"At most {MAX_RESULTS} are returned."},
        "cursor": _TEXT | {"description": "Empty to begin, then what the page before said."},
        "attributes": names,
        "excludedAttributes": names,
    }


def _components() -> Node:
    text: Node = {
        "type": "string",
        "pattern": _WITHOUT_CONTROL_CHARACTERS,
        "description": "Control characters but for line breaks and tabs are refused.",
    }
    components = {"Text": text} | {kind.name: _resource(kind) for kind in RESOURCE_TYPES}
    return components | {
        "Error": _error(),
        "PatchOp": _patch_op(),
        "SearchRequest": _message(SEARCH_REQUEST, {}, _query()),
        "BulkRequest": _bulk_request(),
        "BulkResponse": _bulk_response(),
        **_described(),
    }


def _resource(kind: ResourceType) -> Node:
    """Return the schema of a resource as it is sent (without what is read-only) and as it comes back."""
    properties = {attribute.name: _attribute(attribute) for attribute in (*COMMON_ATTRIBUTES, *kind.schema.attributes)}
    properties["schemas"] = _uris(kind.schema.uri)
    properties |= {extension.uri: _extension(extension) for extension in kind.extensions}
    return {
        "type": "object",
        "description": kind.description,
        "required": ["schemas", "id"],
        "properties": properties,
        "examples": [{"schemas": [kind.schema.uri]} | dict.fromkeys(_required(kind), "Ada Novak")],
        "patternProperties": {f"^(?:{OPEN_URI})$": _OPEN},
        "additionalProperties": False,
    }


def _extension(schema: Schema) -> Node:
    return _object({attribute.name: _attribute(attribute) for attribute in schema.attributes}, schema.description)


def _attribute(attribute: Attribute) -> Node:
    if attribute.type is AttributeType.COMPLEX:
        one = _object({sub.name: _attribute(sub) for sub in attribute.sub_attributes})
    else:
        one = dict(_JSON_TYPES[attribute.type])
    if attribute.canonical_values:
        one["examples"] = list(attribute.canonical_values)
    node: Node = {"type": "array", "items": one} if attribute.multi_valued else one
    node["description"] = attribute.description
    if attribute.mutability is Mutability.READ_ONLY:
        node["readOnly"] = True
    return node


def _object(properties: Node, description: str = "", *, required: tuple[str, ...] = ()) -> Node:
    node: Node = {"type": "object", "properties": properties, "additionalProperties": False}
    if required:
        node["required"] = list(required)
    return node | {"description": description} if description else node


def _uris(uri: str) -> Node:
    return {"type": "array", "items": _TEXT, "contains": {"const": uri}, "minItems": 1}


def _message(uri: str, properties: Node, optional: Node | None = None) -> Node:
    """Return the schema of a message of RFC 7644: all `properties` are there, the optional ones need not be."""
    return _object({"schemas": _uris(uri), **properties, **(optional or {})}, required=("schemas", *properties))


def _ref(name: str) -> Node:
    return {"$ref": f"#/components/schemas/{name}"}


def _any_resource() -> Node:
    return {"anyOf": [_ref(kind.name) for kind in RESOURCE_TYPES]}


def _list_of(item: Node) -> Node:
    always: Node = {
        "totalResults": _COUNT,
        "itemsPerPage": _COUNT,
        "Resources": {"type": "array", "items": item, "maxItems": MAX_RESULTS},
    }
    cursors = {"nextCursor": _TEXT, "previousCursor": _TEXT}
    return _message(LIST_RESPONSE, always, {"startIndex": {"type": "integer", "minimum": 1}, **cursors})


def _error() -> Node:
    # The version is in the address, and this document is of one version.
    scim_types = {scim_type_of(error) for error in errors()} - {None, InvalidVersion.scim_type}
    status = {"type": "string", "pattern": "^[45][0-9][0-9]$"}
    told = {"status": status, "detail": {"type": "string", "minLength": 1}}
    return _message(ERROR, told, {"scimType": {"enum": sorted(str(name) for name in scim_types)}})


def _patch_op() -> Node:
    path = {"type": "string", "format": PATH_FORMAT}
    setting = _object({"op": {"enum": ["add", "replace"]}, "path": path, "value": _ANYTHING}, required=("op", "value"))
    removing = _object({"op": {"const": "remove"}, "path": path, "value": _ANYTHING}, required=("op", "path"))
    operations = {"type": "array", "items": {"anyOf": [setting, removing]}, "minItems": 1, "maxItems": MAX_OPERATIONS}
    example = {"op": "replace", "path": "displayName", "value": "Ada Novak"}
    return _message(PATCH_OP, {"Operations": operations}) | {
        "examples": [{"schemas": [PATCH_OP], "Operations": [example]}]
    }


def _bulk_request() -> Node:
    endpoints = "|".join(kind.endpoint for kind in RESOURCE_TYPES)
    operation = _object(
        {
            "method": {"enum": ["POST", "PUT", "PATCH", "DELETE"]},
            "path": {"type": "string", "pattern": f"^(?:{endpoints})(?:/[^/?]+)?$"},
            "bulkId": _TEXT,
            "version": _TEXT,
            "data": {"type": "object"},
        },
        required=("method", "path"),
    )
    operations = {"type": "array", "items": operation, "maxItems": MAX_BULK_OPERATIONS}
    return _message(BULK_REQUEST, {"Operations": operations}, {"failOnErrors": {"type": "integer", "minimum": 1}})


def _bulk_response() -> Node:
    operation = _object(
        {
            "method": _TEXT,
            "bulkId": _TEXT,
            "version": _TEXT,
            "location": _TEXT,
            "status": {"type": "string", "pattern": "^[2-5][0-9][0-9]$"},
            "response": {"anyOf": [_ref("Error"), *(_ref(kind.name) for kind in RESOURCE_TYPES)]},
        },
        required=("method", "status"),
    )
    return _message(BULK_RESPONSE, {"Operations": {"type": "array", "items": operation}})


def _described() -> Node:
    """Return the schemas of what the server says about itself (RFC 7643 §5 to §7, RFC 9865 §4)."""
    meta = _object({"resourceType": _TEXT, "location": _TEXT}, required=("resourceType", "location"))
    return {
        "ServiceProviderConfig": _document("ServiceProviderConfig", _configuration() | {"meta": meta}),
        "ResourceType": _document(
            "ResourceType",
            dict.fromkeys(("id", "name", "endpoint", "description", "schema"), _TEXT) | {"meta": meta},
            {
                "schemaExtensions": {
                    "type": "array",
                    "items": _object({"schema": _TEXT, "required": _YES_OR_NO}, required=("schema", "required")),
                }
            },
        ),
        "Schema": _document(
            "Schema",
            dict.fromkeys(("id", "name", "description"), _TEXT)
            | {"attributes": {"type": "array", "items": _ref("Attribute")}, "meta": meta},
        ),
        "Attribute": _attribute_description(),
    }


def _document(name: str, properties: Node, optional: Node | None = None) -> Node:
    uri = f"urn:ietf:params:scim:schemas:core:2.0:{name}"
    return _object({"schemas": _uris(uri), **properties, **(optional or {})}, required=("schemas", *properties))


def _configuration() -> Node:
    def feature(**further: Node) -> Node:
        return _object({"supported": _YES_OR_NO, **further}, required=("supported", *further))

    scheme = dict.fromkeys(("type", "name", "description", "specUri"), _TEXT) | {"primary": _YES_OR_NO}
    paging = dict.fromkeys(("defaultPageSize", "maxPageSize", "cursorTimeout"), _COUNT)
    paging |= {"cursor": _YES_OR_NO, "index": _YES_OR_NO, "defaultPaginationMethod": {"enum": ["cursor", "index"]}}
    return {
        "patch": feature(),
        "bulk": feature(maxOperations=_COUNT, maxPayloadSize=_COUNT),
        "filter": feature(maxResults=_COUNT),
        "changePassword": feature(),
        "sort": feature(),
        "etag": feature(),
        "pagination": _object(paging, required=tuple(paging)),
        "authenticationSchemes": {"type": "array", "items": _object(scheme, required=tuple(scheme))},
    }


def _attribute_description() -> Node:
    texts: Node = {"type": "array", "items": _TEXT}
    always = {
        "name": _TEXT,
        "type": {"enum": [each.value for each in AttributeType]},
        "multiValued": _YES_OR_NO,
        "description": _TEXT,
        "required": _YES_OR_NO,
        "mutability": {"enum": [each.value for each in Mutability]},
        "returned": {"enum": [each.value for each in Returned]},
        "uniqueness": {"enum": [each.value for each in Uniqueness]},
    }
    further = {
        "caseExact": _YES_OR_NO,
        "canonicalValues": texts,
        "referenceTypes": texts,
        "subAttributes": {"type": "array", "items": _ref("Attribute")},
    }
    return _object(always | further, required=tuple(always))
