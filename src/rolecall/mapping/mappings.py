"""What can be done with mappings?"""

from collections.abc import Callable, Iterable
from dataclasses import replace

from rolecall.authorization.actions import Action
from rolecall.authorization.check import require, require_may_grant
from rolecall.authorization.roles import given_in
from rolecall.directory import decide as directory_decide
from rolecall.directory import grounds
from rolecall.directory.events import RoleDeleted, TeamDeleted
from rolecall.directory.model import Expected, Ground, Target
from rolecall.directory.roles import keep_role
from rolecall.directory.teams import keep_team
from rolecall.kernel.errors import NotFound
from rolecall.kernel.ids import new_id
from rolecall.kernel.page import Page
from rolecall.mapping import convention, decide, store
from rolecall.mapping.errors import MappingMadeByName, MappingNotWaiting
from rolecall.mapping.events import MappingApproved, MappingChanged, MappingRefused
from rolecall.mapping.matching import give_anew, list_matched
from rolecall.mapping.model import MadeBy, Mapping, MappingDraft, MappingId, MappingState
from rolecall.storage.transaction import ReadTx, WriteTx


def create_mapping(tx: WriteTx, draft: MappingDraft) -> Mapping:
    """Create a mapping, and give what it gives to all whom it matches; to many of them in slices.

    Raises: Forbidden, BadMapping, NotFound for a team or role, ActionNotHeld.
    """
    require(tx.actor, Action.MAPPING_CHANGE)
    decide.check_draft(draft)
    grounds.lock_grounds(tx)
    _require_may_give(tx, draft.targets)
    mapping = Mapping(
        id=MappingId(new_id(tx.now)),
        source=draft.source,
        match_kind=draft.match_kind,
        match_value=draft.match_value,
        targets=draft.targets,
        made_by=MadeBy.HAND,
        state=MappingState.ACTIVE,
        version=1,
        created_at=tx.now,
        changed_at=tx.now,
    )
    store.insert_mapping(tx, mapping)
    convention.record_made(tx, mapping)
    _match(tx, mapping, before=())
    return mapping


def get_mapping(tx: ReadTx, mapping_id: MappingId) -> Mapping:
    """Return a mapping.

    Raises: Forbidden, NotFound.
    """
    require(tx.actor, Action.MAPPING_LIST)
    mapping = store.find_mapping(tx, mapping_id)
    if mapping is None:
        raise _not_found(mapping_id)
    return mapping


def list_mappings(tx: ReadTx) -> tuple[Mapping, ...]:
    """Return every mapping in the order in which they were made, waiting and refused ones too.

    Raises: Forbidden.
    """
    require(tx.actor, Action.MAPPING_LIST)
    return store.list_mappings(tx)


def list_waiting(tx: ReadTx) -> tuple[Mapping, ...]:
    """Return the mappings about which an administrator has to decide, in the order in which they were made.

    Raises: Forbidden.
    """
    return tuple(each for each in list_mappings(tx) if each.state is MappingState.WAITING)


def list_unmapped_groups(tx: ReadTx, *, skip: int, limit: int) -> Page[grounds.NamedGroup]:
    """Return groups that give nothing by themselves, by id. Membership in one may still count in a group above it.

    Raises: Forbidden.
    """
    require(tx.actor, Action.MAPPING_LIST)
    return grounds.list_giving_nothing(tx, skip=skip, limit=limit)


def change_mapping(
    tx: WriteTx, mapping_id: MappingId, change: Callable[[MappingDraft], MappingDraft], expected: Expected
) -> Mapping:
    """Change a mapping, and bring everybody whom it matched or matches up to date; many of them in slices.

    A change that changes nothing writes nothing.

    Raises: Forbidden, NotFound, VersionConflict, MappingMadeByName, BadMapping, ActionNotHeld,
    LastAdministrator, BreakGlassUser, and whatever `change` raises.
    """
    require(tx.actor, Action.MAPPING_CHANGE)
    grounds.lock_grounds(tx)
    before = _get_to_change(tx, mapping_id)
    directory_decide.check_version(before.version, expected)
    old = draft_of(before)
    new = change(old)
    if new == old:
        return before
    _require_made_by_hand(before)
    decide.check_draft(new)
    is_as_wide = replace(new, targets=old.targets) == old
    _require_may_give(tx, new.targets - old.targets if is_as_wide else new.targets)
    after = replace(
        before,
        source=new.source,
        match_kind=new.match_kind,
        match_value=new.match_value,
        targets=new.targets,
        version=before.version + 1,
        changed_at=tx.now,
    )
    store.save_mapping(tx, after)
    _record_change(tx, after)
    _match(tx, after, before=store.list_grounds(tx, mapping_id))
    return after


def delete_mapping(tx: WriteTx, mapping_id: MappingId, expected: Expected) -> None:
    """Delete a mapping, and take back what nothing else gives; from many users in slices.

    Raises: Forbidden, NotFound, VersionConflict, MappingMadeByName, LastAdministrator, BreakGlassUser.
    """
    require(tx.actor, Action.MAPPING_CHANGE)
    grounds.lock_grounds(tx)
    mapping = _get_to_change(tx, mapping_id)
    directory_decide.check_version(mapping.version, expected)
    _require_made_by_hand(mapping)
    matched = store.list_grounds(tx, mapping_id)
    convention.delete(tx, mapping)
    give_anew(tx, matched, locked=True)


def approve_mapping(tx: WriteTx, mapping_id: MappingId) -> Mapping:
    """Let a mapping that waits, or was refused, give what its group's name asks for.

    Raises: Forbidden, NotFound, MappingNotWaiting, ActionNotHeld.
    """
    mapping = _decided(tx, mapping_id, MappingState.ACTIVE)
    _require_may_give(tx, mapping.targets)
    tx.record(
        MappingApproved(
            mapping_id=mapping.id,
            source=mapping.source.name,
            match_kind=mapping.match_kind.value,
            match_value=mapping.match_value,
        )
    )
    give_anew(tx, store.list_grounds(tx, mapping_id), locked=True)
    return mapping


def refuse_mapping(tx: WriteTx, mapping_id: MappingId) -> Mapping:
    """Refuse what a group's name asks for, for as long as it asks for the same.

    Raises: Forbidden, NotFound, MappingNotWaiting.
    """
    mapping = _decided(tx, mapping_id, MappingState.REFUSED)
    tx.record(
        MappingRefused(
            mapping_id=mapping.id,
            source=mapping.source.name,
            match_kind=mapping.match_kind.value,
            match_value=mapping.match_value,
        )
    )
    return mapping


def forget_target(tx: WriteTx, event: TeamDeleted | RoleDeleted) -> None:
    """Let no mapping give a role, or anything in a team, that is gone. A reaction.

    Those that came with a group's name go with their last target; one made by hand stays, and gives nothing.
    """
    for mapping in store.list_naming(tx, _id_in(event)):
        gone = {each for each in mapping.targets if _id_in(event) in {each.team_id, each.role}}
        left = replace(mapping, targets=mapping.targets - gone, version=mapping.version + 1, changed_at=tx.now)
        if left.targets or left.made_by is MadeBy.HAND:
            store.save_mapping(tx, left)
            _record_change(tx, left)
        else:
            convention.delete(tx, mapping)


def draft_of(mapping: Mapping) -> MappingDraft:
    """Return what somebody could have said to make the mapping as it is."""
    return MappingDraft(
        source=mapping.source,
        match_kind=mapping.match_kind,
        match_value=mapping.match_value,
        targets=mapping.targets,
    )


def _match(tx: WriteTx, mapping: Mapping, *, before: Iterable[Ground]) -> None:
    after = list_matched(tx, draft_of(mapping))
    store.save_grounds(tx, mapping.id, before=before, after=after)
    give_anew(tx, {*before, *after}, locked=True)


def _decided(tx: WriteTx, mapping_id: MappingId, state: MappingState) -> Mapping:
    require(tx.actor, Action.MAPPING_CHANGE)
    grounds.lock_grounds(tx)
    before = _get_to_change(tx, mapping_id)
    if before.state not in {MappingState.WAITING, MappingState.REFUSED} - {state}:
        raise MappingNotWaiting(f"The mapping is {before.state.value}.", mapping_id=mapping_id)
    after = replace(before, state=state, version=before.version + 1, changed_at=tx.now)
    store.save_mapping(tx, after)
    return after


def _require_may_give(tx: WriteTx, targets: Iterable[Target]) -> None:
    for target in sorted(targets):
        team, role = keep_team(tx, target.team_id), keep_role(tx, target.role)
        require_may_grant(tx.actor, given_in(team.id, role.actions), team_id=team.id)


def _require_made_by_hand(mapping: Mapping) -> None:
    if mapping.made_by is MadeBy.CONVENTION:
        raise MappingMadeByName(
            "This mapping follows from the name of its group. Rename the group, refuse the mapping while it waits,"
            " or switch the convention off.",
            mapping_id=mapping.id,
        )


def _record_change(tx: WriteTx, mapping: Mapping) -> None:
    tx.record(
        MappingChanged(
            mapping_id=mapping.id,
            source=mapping.source.name,
            match_kind=mapping.match_kind.value,
            match_value=mapping.match_value,
            targets=convention.names_of(mapping),
        )
    )


def _id_in(event: TeamDeleted | RoleDeleted) -> str:
    return event.team_id if isinstance(event, TeamDeleted) else event.role_id


def _get_to_change(tx: WriteTx, mapping_id: MappingId) -> Mapping:
    mapping = store.find_mapping_to_change(tx, mapping_id)
    if mapping is None:
        raise _not_found(mapping_id)
    return mapping


def _not_found(mapping_id: str) -> NotFound:
    return NotFound(f"There is no mapping with the id {mapping_id}.", mapping_id=mapping_id)
