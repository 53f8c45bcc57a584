"""What may an identity provider do with groups and their members?

Only the rows of the members that a change names are read and written, however large the group.
"""

from dataclasses import dataclass, field

from rolecall.authorization.actions import Action
from rolecall.authorization.check import require
from rolecall.directory import decide
from rolecall.directory.errors import NoSuchMember
from rolecall.directory.events import GroupChanged, GroupCreated, GroupDeleted, GroupMembersChanged
from rolecall.directory.model import (
    AddMembers,
    Changed,
    EditProfile,
    Expected,
    Group,
    GroupId,
    GroupStep,
    ListRequest,
    Member,
    Outcome,
    RemoveMatchingMembers,
    RemoveMembers,
    ReplaceMembers,
    StoredGroup,
)
from rolecall.directory.store import groups as store
from rolecall.directory.store import lists
from rolecall.kernel.document import Document
from rolecall.kernel.errors import NotFound
from rolecall.kernel.ids import new_id
from rolecall.kernel.page import Page
from rolecall.storage.transaction import ReadTx, WriteTx


def create_group(tx: WriteTx, profile: Document, members: tuple[str, ...]) -> StoredGroup:
    """Create a group with these direct members, each the id of a user that SCIM owns or of a group.

    Raises: Forbidden, OutOfScope, GroupNameTaken, NoSuchMember.
    """
    require(tx.actor, Action.PROVISIONED_WRITE)
    group = decide.new_group(GroupId(new_id(tx.now)), profile, connection_id=decide.owner_of(tx.actor), now=tx.now)
    decide.check_group_scope(tx.actor, group.display_name)
    store.insert_group(tx, group)
    tx.record(GroupCreated(group_id=group.id, display_name=group.display_name))
    added = _add(tx, group, members)
    if added:
        tx.record(GroupMembersChanged(group_id=group.id, display_name=group.display_name, added=added, removed=()))
    return store.stored_group_of(group, store.list_members(tx, group.id))


def get_group(tx: ReadTx, group_id: GroupId, *, with_members: bool) -> StoredGroup:
    """Return a group; its members only when they are wanted.

    Raises: Forbidden, NotFound.
    """
    require(tx.actor, Action.PROVISIONED_READ)
    group = store.find_stored_group(tx, group_id, tx.actor.connection_id, with_members=with_members)
    if group is None:
        raise _not_found(group_id)
    return group


def list_groups(tx: ReadTx, request: ListRequest, *, with_members: bool) -> Page[StoredGroup]:
    """Return groups, by id unless told otherwise; their members only when they are wanted.

    Raises: Forbidden, ListTooSlow.
    """
    require(tx.actor, Action.PROVISIONED_READ)
    page = lists.list_groups(tx, request, tx.actor.connection_id)
    members = store.list_members_of(tx, [row[0] for row in page.items]) if with_members else {}
    return Page(
        items=tuple(
            store.stored_group_from(row, members.get(row[0], ()) if with_members else None) for row in page.items
        ),
        total=page.total,
    )


def list_all_groups(tx: ReadTx, request: ListRequest) -> Page[Group]:
    """Return groups without their members, for an administrator.

    Raises: Forbidden, ListTooSlow.
    """
    require(tx.actor, Action.GROUP_LIST)
    page = lists.list_groups(tx, request, None)
    return Page(items=tuple(store.group_from(row) for row in page.items), total=page.total)


def get_group_by_name(tx: ReadTx, display_name: str) -> Group:
    """Return the group that has this name in any spelling, for an administrator.

    Raises: Forbidden, NotFound.
    """
    require(tx.actor, Action.GROUP_LIST)
    group = store.find_group_by_name(tx, display_name)
    if group is None:
        raise NotFound(f"There is no group named {display_name!r}.", display_name=display_name)
    return group


def list_members(tx: ReadTx, group_id: GroupId, *, skip: int, limit: int) -> Page[Member]:
    """Return direct members by id, for an administrator.

    Raises: Forbidden.
    """
    require(tx.actor, Action.GROUP_LIST)
    return Page(
        items=store.list_members_page(tx, group_id, skip=skip, limit=limit), total=store.count_members(tx, group_id)
    )


def count_members(tx: ReadTx, group_id: GroupId) -> int:
    """Return how many direct members a group has. Needs no action."""
    return store.count_members(tx, group_id)


def change_group(
    tx: WriteTx, group_id: GroupId, steps: tuple[GroupStep, ...], expected: Expected, *, with_members: bool
) -> Changed[StoredGroup]:
    """Carry out the steps of a change in their order, all or none.

    A change that changes nothing writes nothing.

    Raises: Forbidden, NotFound, VersionConflict, OutOfScope, GroupNameTaken, NoSuchMember, and whatever an
    `EditProfile` raises.
    """
    require(tx.actor, Action.PROVISIONED_WRITE)
    before = store.find_group_to_change(tx, group_id)
    if before is None or not decide.may_see(tx.actor, before.connection_id):
        raise _not_found(group_id)
    decide.check_version(before.version, expected)
    progress = _Progress(profile=before.profile)
    for step in steps:
        _carry_out(tx, before, step, progress)
    added, removed = progress.net()
    after = decide.changed_group(before, progress.profile, members_differ=bool(added or removed), now=tx.now)
    if after is not before:
        if after.display_name != before.display_name:
            decide.check_group_scope(tx.actor, after.display_name)
        store.save_group(tx, before, after)
        _record_change(tx, before, after, added, removed)
    members = store.list_members(tx, group_id) if with_members else None
    return Changed(thing=store.stored_group_of(after, members), outcomes=progress.outcomes)


def delete_group(tx: WriteTx, group_id: GroupId, expected: Expected) -> None:
    """Delete a group: its id and memberships vanish, audit and events stay.

    Raises: Forbidden, NotFound, VersionConflict.
    """
    require(tx.actor, Action.PROVISIONED_WRITE)
    group = store.find_group_to_change(tx, group_id)
    if group is None or not decide.may_see(tx.actor, group.connection_id):
        raise _not_found(group_id)
    decide.check_version(group.version, expected)
    for outer in store.remove_from_all_groups(tx, group_id):
        if outer.id != group_id:
            store.save_group(tx, outer, decide.changed_group(outer, outer.profile, members_differ=True, now=tx.now))
            tx.record(
                GroupMembersChanged(group_id=outer.id, display_name=outer.display_name, added=(), removed=(group_id,))
            )
    count = store.count_members(tx, group_id)
    store.delete_group(tx, group)
    tx.record(GroupDeleted(group_id=group_id, display_name=group.display_name, member_count=count))


@dataclass(slots=True, kw_only=True)
class _Progress:
    """How far a change has come: the profile as it will be, who came and went, what each operation did."""

    profile: Document
    added: set[str] = field(default_factory=set)
    removed: set[str] = field(default_factory=set)
    outcomes: dict[int, Outcome] = field(default_factory=dict)

    def note(self, operation: int, came: tuple[str, ...], went: tuple[str, ...]) -> None:
        """Note who came and went by one operation."""
        # Who left and came back, or came and left again, has in the end done neither.
        self.removed |= set(went) - self.added
        self.added -= set(went)
        self.added |= set(came) - self.removed
        self.removed -= set(came)
        applied = bool(came or went) or self.outcomes.get(operation) is Outcome.APPLIED
        self.outcomes[operation] = Outcome.APPLIED if applied else Outcome.NO_CHANGE

    def net(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return who came and who went in the end, sorted."""
        return tuple(sorted(self.added)), tuple(sorted(self.removed))


def _carry_out(tx: WriteTx, group: Group, step: GroupStep, progress: _Progress) -> None:
    match step:
        case EditProfile(change=change):
            changed = change(progress.profile)
            progress.profile = changed.profile
            for operation, outcome in changed.outcomes.items():
                if progress.outcomes.get(operation) is not Outcome.APPLIED:
                    progress.outcomes[operation] = outcome
        case AddMembers(operation=operation, members=members):
            progress.note(operation, _add(tx, group, members), ())
        case RemoveMembers(operation=operation, members=members):
            progress.note(operation, (), store.remove_members(tx, group.id, members))
        case RemoveMatchingMembers(operation=operation, where=where):
            found = store.list_matching_members(tx, group.id, where)
            progress.note(operation, (), store.remove_members(tx, group.id, found) if found else ())
        case ReplaceMembers(operation=operation, members=members):
            went = store.remove_other_members(tx, group.id, members)
            progress.note(operation, _add(tx, group, members), went)


def _add(tx: WriteTx, group: Group, members: tuple[str, ...]) -> tuple[str, ...]:
    """Add members. Those that were not added must be members already, or else do not exist for its connection."""
    if not members:
        return ()
    added = store.add_members(tx, group, members)
    if len(added) < len(set(members)):
        strangers = store.find_strangers(tx, group, members)
        if strangers:
            raise NoSuchMember(
                f"There is no user or group with the id {strangers[0]!r}, so it cannot become a member.",
                attribute="members.value",
                member_id=strangers[0],
            )
    return added


def _record_change(tx: WriteTx, before: Group, after: Group, added: tuple[str, ...], removed: tuple[str, ...]) -> None:
    attributes = decide.differing(before.profile, after.profile)
    if attributes:
        tx.record(GroupChanged(group_id=after.id, display_name=after.display_name, attributes=attributes))
    if added or removed:
        tx.record(GroupMembersChanged(group_id=after.id, display_name=after.display_name, added=added, removed=removed))


def _not_found(group_id: str) -> NotFound:
    return NotFound(f"There is no group with the id {group_id}.", group_id=group_id)
