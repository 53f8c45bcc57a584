"""How does one thing become as the provider says?

By the use cases that the provider's own calls go through, so the same rules and reactions apply.
"""

from rolecall.connections.drift import decide
from rolecall.connections.drift.model import DriftKind, Finding
from rolecall.directory import groups, provisioned_users
from rolecall.directory.model import (
    AddMembers,
    ChangeProfile,
    EditProfile,
    Expected,
    GroupId,
    GroupStep,
    ProfileChange,
    RemoveMembers,
    UserId,
)
from rolecall.kernel.document import Document
from rolecall.kernel.errors import NotFound
from rolecall.scim.profiles import replaced, with_schemas
from rolecall.scim.schemas import GROUP, USER, ResourceType
from rolecall.storage.transaction import WriteTx


def carry_out(tx: WriteTx, finding: Finding) -> None:
    """Make it so. What is gone meanwhile, and should go, is as it should be.

    Users that the provider does not have are deactivated, and keep their history; groups are deleted.

    Raises: Forbidden, NotFound, and what the provider's own call would be refused with.
    """
    said = finding.said or {}
    resource_id = finding.resource_id or ""
    match finding.kind:
        case DriftKind.USER_MISSING:
            provisioned_users.create_user(tx, said)
        case DriftKind.USER_DIFFERENT:
            provisioned_users.change_user(tx, UserId(resource_id), _saying(said, USER), Expected())
        case DriftKind.USER_EXTRA:
            provisioned_users.change_user(tx, UserId(resource_id), _saying({"active": False}, USER), Expected())
        case DriftKind.GROUP_MISSING:
            groups.create_group(tx, said, finding.members)
        case DriftKind.GROUP_DIFFERENT:
            _change_group(tx, resource_id, EditProfile(change=_saying(said, GROUP)))
        case DriftKind.GROUP_EXTRA:
            _delete_group(tx, GroupId(resource_id))
        case DriftKind.MEMBER_MISSING:
            _change_group(tx, resource_id, AddMembers(operation=0, members=(finding.member_id or "",)))
        case DriftKind.MEMBER_EXTRA:
            _change_group(tx, resource_id, RemoveMembers(operation=0, members=(finding.member_id or "",)))


def _saying(said: Document, resource_type: ResourceType) -> ChangeProfile:
    def change(before: Document) -> ProfileChange:
        after = with_schemas(decide.corrected(before, said), resource_type)
        return ProfileChange(profile=replaced(before, after, resource_type), outcomes={})

    return change


def _change_group(tx: WriteTx, group_id: str, step: GroupStep) -> None:
    groups.change_group(tx, GroupId(group_id), (step,), Expected(), with_members=False)


def _delete_group(tx: WriteTx, group_id: GroupId) -> None:
    try:
        groups.delete_group(tx, group_id, Expected())
    except NotFound:
        return
