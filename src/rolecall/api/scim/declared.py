"""Which calls are there on resources of a declared type (RFC 7644 §3.2-3.6)?"""

from dataclasses import dataclass

from rolecall.api.calls import Answer
from rolecall.api.scim.calls import ScimCall
from rolecall.api.scim.lists import Listing, answer_list
from rolecall.api.scim.users import outcomes_in_order, read_patch
from rolecall.directory import resources
from rolecall.directory.model import (
    ListRequest,
    ProfileChange,
    ResourceId,
    ResourceKind,
    Seek,
    StoredResource,
    Stretch,
)
from rolecall.kernel.document import Document
from rolecall.kernel.page import Page
from rolecall.scim.demands import kind_of
from rolecall.scim.patch_apply import apply_to_profile
from rolecall.scim.profiles import read_profile, replaced
from rolecall.scim.projection import Projection
from rolecall.scim.resources import entity_tag, render_resource
from rolecall.scim.schemas import ResourceType
from rolecall.storage.transaction import ReadTx, WriteTx


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredCalls:
    """The calls on the resources of one type."""

    resource_type: ResourceType
    kind: ResourceKind
    listing: Listing[StoredResource]

    async def create(self, call: ScimCall) -> Answer:
        """POST to the endpoint."""
        projection = call.projection(self.resource_type)
        profile = await call.parsed(lambda body: read_profile(body, self.resource_type))

        def create(tx: WriteTx) -> StoredResource:
            resource = resources.create_resource(tx, self.kind, profile)
            call.record.subject_id = resource.id
            return resource

        return self._answer(call, await call.write(create, status=201), projection, status=201)

    async def list(self, call: ScimCall) -> Answer:
        """GET of the endpoint."""
        return await answer_list(call, self.listing)

    async def get(self, call: ScimCall) -> Answer:
        """GET of one resource."""
        projection = call.projection(self.resource_type)
        resource_id = _id_in(call)
        resource = await call.look_up(lambda tx: resources.get_resource(tx, self.kind, resource_id))
        return self._answer(call, resource, projection)

    async def replace(self, call: ScimCall) -> Answer:
        """PUT of one resource."""
        projection = call.projection(self.resource_type)
        expected = call.expected()
        resource_id = _id_in(call)
        profile = await call.parsed(lambda body: read_profile(body, self.resource_type))

        def put(before: Document) -> ProfileChange:
            after = replaced(before, profile, self.resource_type)
            return ProfileChange(profile=after, outcomes={})

        changed = await call.write(
            lambda tx: resources.change_resource(tx, self.kind, resource_id, put, expected), status=200
        )
        return self._answer(call, changed.thing, projection)

    async def patch(self, call: ScimCall) -> Answer:
        """PATCH of one resource."""
        projection = call.projection(self.resource_type)
        expected = call.expected()
        resource_id = _id_in(call)
        patch = await call.parsed(lambda body: read_patch(call, body, self.resource_type))

        def patched(before: Document) -> ProfileChange:
            return apply_to_profile(patch, before, self.resource_type)

        def change(tx: WriteTx) -> StoredResource:
            changed = resources.change_resource(tx, self.kind, resource_id, patched, expected)
            call.record.operations = outcomes_in_order(changed, len(patch.operations))
            return changed.thing

        return self._answer(call, await call.write(change, status=200), projection)

    async def delete(self, call: ScimCall) -> Answer:
        """DELETE of one resource."""
        expected = call.expected()
        resource_id = _id_in(call)
        await call.write(lambda tx: resources.delete_resource(tx, self.kind, resource_id, expected), status=204)
        return Answer(status=204)

    def _answer(self, call: ScimCall, resource: StoredResource, projection: Projection, *, status: int = 200) -> Answer:
        headers = {"ETag": entity_tag(resource.version)}
        if call.method == "GET" and call.has_current(resource.version):
            return Answer(status=304, headers=headers)
        location = f"{call.base_url}{self.resource_type.endpoint}/{resource.id}"
        headers["Location" if status == 201 else "Content-Location"] = location  # noqa: PLR2004  # 201 Created
        return Answer(status=status, body=self.listing.render(resource, call, projection), headers=headers)


def calls_on(resource_type: ResourceType) -> DeclaredCalls:
    """Return the calls on resources of that type."""
    kind = kind_of(resource_type)

    def page(tx: ReadTx, _call: ScimCall, request: ListRequest, _projection: Projection) -> Page[StoredResource]:
        return resources.list_resources(tx, kind, request)

    def walk(
        tx: ReadTx, _call: ScimCall, request: ListRequest, seek: Seek, _projection: Projection
    ) -> Stretch[StoredResource]:
        return resources.walk_resources(tx, kind, request, seek)

    def render(resource: StoredResource, call: ScimCall, projection: Projection) -> bytes:
        return render_resource(resource, resource_type, base_url=call.base_url, projection=projection)

    listing = Listing(resource_type=resource_type, page=page, walk=walk, render=render)
    return DeclaredCalls(resource_type=resource_type, kind=kind, listing=listing)


def _id_in(call: ScimCall) -> ResourceId:
    call.record.subject_id = call.resource_id
    return ResourceId(call.resource_id)
