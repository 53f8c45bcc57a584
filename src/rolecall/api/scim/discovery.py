"""How does a client find out what this server can do (RFC 7644 §4)?"""

from collections.abc import Mapping

import orjson

from rolecall.api.calls import Answer
from rolecall.api.scim.calls import ScimCall
from rolecall.api.scim.lists import DEFAULT_RESULTS, MAX_RESULTS
from rolecall.authorization.actions import Action
from rolecall.authorization.check import require
from rolecall.kernel.document import Document
from rolecall.kernel.errors import Forbidden, NotFound
from rolecall.scim.discovery import resource_type_documents, schema_documents, service_provider_config
from rolecall.scim.lists import render_list


async def get_service_provider_config(call: ScimCall) -> Answer:
    """GET /ServiceProviderConfig."""
    _require(call)
    _refuse_filter(call)
    document = service_provider_config(
        call.registry,
        call.base_url,
        max_results=MAX_RESULTS,
        default_results=DEFAULT_RESULTS,
        max_payload_bytes=call.max_body_bytes,
    )
    return Answer(status=200, body=orjson.dumps(document))


async def list_resource_types(call: ScimCall) -> Answer:
    """GET /ResourceTypes."""
    return _list(call, resource_type_documents(call.registry, call.base_url))


async def get_resource_type(call: ScimCall) -> Answer:
    """GET /ResourceTypes/{name}."""
    return _one(call, resource_type_documents(call.registry, call.base_url), "resource type")


async def list_schemas(call: ScimCall) -> Answer:
    """GET /Schemas."""
    return _list(call, schema_documents(call.registry, call.base_url))


async def get_schema(call: ScimCall) -> Answer:
    """GET /Schemas/{uri}."""
    return _one(call, schema_documents(call.registry, call.base_url), "schema")


def _list(call: ScimCall, documents: Mapping[str, Document]) -> Answer:
    _require(call)
    _refuse_filter(call)
    return Answer(
        status=200, body=render_list([orjson.dumps(document) for document in documents.values()], len(documents), 1)
    )


def _one(call: ScimCall, documents: Mapping[str, Document], kind: str) -> Answer:
    _require(call)
    wanted = call.resource_id.lower()
    for name, document in documents.items():
        if name.lower() == wanted:
            return Answer(status=200, body=orjson.dumps(document))
    raise NotFound(f"There is no {kind} {call.resource_id!r}.")


def _refuse_filter(call: ScimCall) -> None:
    # RFC 7644 §4: a client would believe that what it did not get is not there.
    if "filter" in call.parameters:
        raise Forbidden("What this server says about itself cannot be filtered.")


def _require(call: ScimCall) -> None:
    require(call.actor, Action.PROVISIONED_READ)
