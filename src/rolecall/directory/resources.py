"""What may an identity provider do with resources of the kinds that an installation declared?"""

from collections.abc import Sequence

from rolecall.authorization.actions import Action
from rolecall.authorization.check import require
from rolecall.directory import decide
from rolecall.directory.events import ResourceChanged, ResourceCreated, ResourceDeleted
from rolecall.directory.model import (
    Changed,
    ChangeProfile,
    Expected,
    ListRequest,
    Resource,
    ResourceId,
    ResourceKind,
    Seek,
    StoredResource,
    Stretch,
)
from rolecall.directory.store import installation
from rolecall.directory.store import resources as store
from rolecall.directory.store.assignments import lock_root_team
from rolecall.kernel.document import Document
from rolecall.kernel.errors import NotFound
from rolecall.kernel.ids import new_id
from rolecall.kernel.page import Page
from rolecall.storage.transaction import ReadTx, WriteTx


def create_resource(tx: WriteTx, kind: ResourceKind, profile: Document) -> StoredResource:
    """Create a resource of that kind.

    Raises: Forbidden, ValueTaken.
    """
    require(tx.actor, Action.PROVISIONED_WRITE)
    owner = decide.owner_of(tx.actor)
    resource = decide.new_resource(ResourceId(new_id(tx.now)), kind, profile, connection_id=owner, now=tx.now)
    store.insert_resource(tx, resource, kind.unique_values(profile))
    tx.record(ResourceCreated(resource_id=resource.id, resource_type=kind.name))
    return store.stored_resource_of(resource)


def get_resource(tx: ReadTx, kind: ResourceKind, resource_id: ResourceId) -> StoredResource:
    """Return a resource of that kind.

    Raises: Forbidden, NotFound.
    """
    require(tx.actor, Action.PROVISIONED_READ)
    resource = store.find_stored_resource(tx, kind, resource_id, tx.actor.connection_id)
    if resource is None:
        raise _not_found(kind, resource_id)
    return resource


def list_resources(tx: ReadTx, kind: ResourceKind, request: ListRequest) -> Page[StoredResource]:
    """Return resources of that kind, by id unless told otherwise.

    Raises: Forbidden, ListTooSlow.
    """
    require(tx.actor, Action.PROVISIONED_READ)
    return store.list_resources(tx, kind, request, tx.actor.connection_id)


def walk_resources(tx: ReadTx, kind: ResourceKind, request: ListRequest, seek: Seek) -> Stretch[StoredResource]:
    """Return the resources from there on, at most `request.limit`; `request.skip` counts for nothing.

    Raises: Forbidden, ListTooSlow.
    """
    require(tx.actor, Action.PROVISIONED_READ)
    return store.walk_resources(tx, kind, request, seek, tx.actor.connection_id)


def change_resource(
    tx: WriteTx, kind: ResourceKind, resource_id: ResourceId, change: ChangeProfile, expected: Expected
) -> Changed[StoredResource]:
    """Change what is known of a resource. A change that changes nothing writes nothing.

    Raises: Forbidden, NotFound, VersionConflict, ValueTaken, and whatever `change` raises.
    """
    require(tx.actor, Action.PROVISIONED_WRITE)
    before = _get_to_change(tx, kind, resource_id)
    decide.check_version(before.version, expected)
    changed = change(before.profile)
    after = decide.changed_resource(before, changed.profile, now=tx.now)
    if after is not before:
        store.save_resource(tx, after, kind.unique_values(after.profile))
        attributes = decide.differing(before.profile, after.profile)
        tx.record(ResourceChanged(resource_id=resource_id, resource_type=kind.name, attributes=attributes))
    return Changed(thing=store.stored_resource_of(after), outcomes=changed.outcomes)


def delete_resource(tx: WriteTx, kind: ResourceKind, resource_id: ResourceId, expected: Expected) -> None:
    """Delete a resource: its id vanishes and its values are free again; audit and events stay.

    Raises: Forbidden, NotFound, VersionConflict.
    """
    require(tx.actor, Action.PROVISIONED_WRITE)
    before = _get_to_change(tx, kind, resource_id)
    decide.check_version(before.version, expected)
    store.delete_resource(tx, resource_id)
    tx.record(ResourceDeleted(resource_id=resource_id, resource_type=kind.name))


def list_unprepared(tx: ReadTx, kinds: Sequence[ResourceKind]) -> tuple[ResourceKind, ...]:
    """Return the kinds of which other attributes are unique now than when `prepare_kinds` last saw them.

    Raises: Forbidden.
    """
    require(tx.actor, Action.PROVISIONED_READ)
    kept = {kind: installation.read_setting(tx, _name_of(kind)) for kind in kinds}
    return tuple(kind for kind in kinds if kept[kind] != _signature_of(kind))


def prepare_kinds(tx: WriteTx, kinds: Sequence[ResourceKind]) -> None:
    """Work out anew, for resources that are there already, which values no other one may have.

    Raises: Forbidden, ValueTaken when two have the same one.
    """
    require(tx.actor, Action.SETTING_CHANGE)
    # Two processes that start at once must not both write the same values.
    lock_root_team(tx)
    for kind in list_unprepared(tx, kinds):
        store.clear_values(tx, kind)
        for resource in store.list_all(tx, kind):
            store.insert_values(tx, resource, kind.unique_values(resource.profile))
        installation.save_setting(tx, _name_of(kind), _signature_of(kind))


def _name_of(kind: ResourceKind) -> str:
    return f"unique_attributes_of.{kind.name}"


def _signature_of(kind: ResourceKind) -> str:
    return " ".join(sorted(f"{each.name}/{each.folded}" for each in kind.unique))


def _get_to_change(tx: WriteTx, kind: ResourceKind, resource_id: ResourceId) -> Resource:
    resource = store.find_resource_to_change(tx, kind, resource_id)
    if resource is None or not decide.may_see(tx.actor, resource.connection_id):
        raise _not_found(kind, resource_id)
    return resource


def _not_found(kind: ResourceKind, resource_id: str) -> NotFound:
    return NotFound(f"There is no {kind.name} with the id {resource_id}.", resource_id=resource_id)
