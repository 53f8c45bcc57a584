"""What does every resource carry when it is answered?"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import orjson

from rolecall.directory.model import StoredResource
from rolecall.kernel.clock import to_rfc3339
from rolecall.kernel.document import Json
from rolecall.scim.projection import Projection, project
from rolecall.scim.schemas import ResourceType

_SCHEMAS_END: Final = b"]"


def entity_tag(version: int) -> str:
    """Return the weak entity tag of that version (RFC 7644 §3.14)."""
    return f'W/"{version}"'


def meta(
    resource_type: ResourceType,
    resource_id: str,
    version: int,
    created_at: datetime,
    changed_at: datetime,
    base_url: str,
) -> Mapping[str, Json]:
    """Return the `meta` attribute (RFC 7643 §3.1)."""
    return {
        "resourceType": resource_type.name,
        "created": to_rfc3339(created_at),
        "lastModified": to_rfc3339(changed_at),
        "location": f"{base_url}{resource_type.endpoint}/{resource_id}",
        "version": entity_tag(version),
    }


def spliced(profile_json: bytes, resource_id: str, after: Mapping[str, Json]) -> bytes:
    """Return the stored JSON object with `id` after its `schemas` and further attributes at its end.

    `after` is not empty. No URI that is kept has a bracket in it, so the first one closes `schemas`.
    """
    head, bracket, rest = profile_json.partition(_SCHEMAS_END)
    return b"".join(
        (head, bracket, b',"id":', orjson.dumps(resource_id), rest.removesuffix(b"}"), b",", orjson.dumps(after)[1:])
    )


def render_resource(
    resource: StoredResource, resource_type: ResourceType, *, base_url: str, projection: Projection
) -> bytes:
    """Return a resource of a declared type as JSON. `base_url` ends in `/scim/v2`."""
    about = meta(resource_type, resource.id, resource.version, resource.created_at, resource.changed_at, base_url)
    whole = spliced(resource.profile.encode(), resource.id, {"meta": about})
    return whole if projection.whole else orjson.dumps(project(orjson.loads(whole), projection))
