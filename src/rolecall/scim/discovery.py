"""What does the server say about itself?"""

from collections.abc import Mapping
from typing import Final

from rolecall.kernel.document import Document, Json
from rolecall.scim.bulk import MAX_BULK_OPERATIONS
from rolecall.scim.cursors import CURSOR_TIMEOUT_SECONDS
from rolecall.scim.patch import MAX_OPERATIONS
from rolecall.scim.registry import Registry
from rolecall.scim.schemas import Attribute, AttributeType, ResourceType, Schema

CONFIG: Final = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"
RESOURCE_TYPE: Final = "urn:ietf:params:scim:schemas:core:2.0:ResourceType"
SCHEMA: Final = "urn:ietf:params:scim:schemas:core:2.0:Schema"
_WITH_CASE: Final = frozenset({AttributeType.STRING, AttributeType.REFERENCE, AttributeType.BINARY})


def service_provider_config(
    registry: Registry, base_url: str, *, max_results: int, default_results: int, max_payload_bytes: int
) -> Document:
    """Return the ServiceProviderConfig (RFC 7643 §5, RFC 9865 §4). `base_url` ends in `/scim/v2`."""
    return {
        "schemas": [CONFIG],
        "patch": {"supported": True},
        "bulk": {
            "supported": True,
            # authentik also puts as many operations into one PATCH as this says.
            "maxOperations": min(MAX_BULK_OPERATIONS, MAX_OPERATIONS),
            "maxPayloadSize": max_payload_bytes,
        },
        "filter": {"supported": True, "maxResults": max_results},
        "changePassword": {"supported": False},
        "sort": {"supported": True},
        "etag": {"supported": True},
        "pagination": {
            "cursor": True,
            "index": True,
            "defaultPaginationMethod": "index",
            "defaultPageSize": default_results,
            "maxPageSize": max_results,
            "cursorTimeout": CURSOR_TIMEOUT_SECONDS,
        },
        "authenticationSchemes": [
            {
                "type": "oauthbearertoken",
                "name": "API key",
                "description": "An API key of Rolecall, sent as a bearer token in the Authorization header.",
                "specUri": "https://www.rfc-editor.org/rfc/rfc6750",
                "primary": True,
            }
        ],
        "meta": {"resourceType": "ServiceProviderConfig", "location": f"{base_url}/ServiceProviderConfig"},
        **registry.advertised,
    }


def resource_type_documents(registry: Registry, base_url: str) -> Mapping[str, Document]:
    """Return each ResourceType (RFC 7643 §6) by its id."""
    return {resource_type.name: _resource_type(resource_type, base_url) for resource_type in registry.resource_types}


def schema_documents(registry: Registry, base_url: str) -> Mapping[str, Document]:
    """Return each Schema (RFC 7643 §7) by its URI."""
    schemas = [schema for kind in registry.resource_types for schema in (kind.schema, *kind.extensions)]
    return {schema.uri: _schema(schema, base_url) for schema in schemas}


def _resource_type(resource_type: ResourceType, base_url: str) -> Document:
    document: dict[str, Json] = {
        "schemas": [RESOURCE_TYPE],
        "id": resource_type.name,
        "name": resource_type.name,
        "endpoint": resource_type.endpoint,
        "description": resource_type.description,
        "schema": resource_type.schema.uri,
    }
    if resource_type.extensions:
        document["schemaExtensions"] = [
            {"schema": extension.uri, "required": extension.uri in resource_type.required_extensions}
            for extension in resource_type.extensions
        ]
    location = f"{base_url}/ResourceTypes/{resource_type.name}"
    document["meta"] = {"resourceType": "ResourceType", "location": location}
    return document


def _schema(schema: Schema, base_url: str) -> Document:
    return {
        "schemas": [SCHEMA],
        "id": schema.uri,
        "name": schema.name,
        "description": schema.description,
        "attributes": [_attribute(attribute) for attribute in schema.attributes],
        "meta": {"resourceType": "Schema", "location": f"{base_url}/Schemas/{schema.uri}"},
    }


def _attribute(attribute: Attribute) -> Document:
    # Entra refuses nulls here, so what does not apply is left out.
    document: dict[str, Json] = {
        "name": attribute.name,
        "type": attribute.type.value,
        "multiValued": attribute.multi_valued,
        "description": attribute.description,
        "required": attribute.required,
        "mutability": attribute.mutability.value,
        "returned": attribute.returned.value,
        "uniqueness": attribute.uniqueness.value,
    }
    if attribute.type in _WITH_CASE:
        document["caseExact"] = attribute.case_exact
    if attribute.canonical_values:
        document["canonicalValues"] = attribute.canonical_values
    if attribute.reference_types:
        document["referenceTypes"] = attribute.reference_types
    if attribute.sub_attributes:
        document["subAttributes"] = [_attribute(sub) for sub in attribute.sub_attributes]
    return document
