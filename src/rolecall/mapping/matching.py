"""Which mappings match what, and what does that give? Follows pushes and changes of mappings alike."""

from collections.abc import Iterable

from rolecall.directory import grounds
from rolecall.directory.events import GroupChanged, GroupCreated, GroupDeleted, UserValuesChanged
from rolecall.directory.grounds import NamedGroup
from rolecall.directory.model import Ground, SourceKind
from rolecall.directory.reconcile import give
from rolecall.mapping import convention, store
from rolecall.mapping.decide import matcher_of
from rolecall.mapping.model import Known, MappingDraft, MatchKind
from rolecall.storage.transaction import ReadTx, WriteTx


def follow_group(tx: WriteTx, event: GroupCreated | GroupChanged) -> None:
    """Match a group that is new, or is known by something else now. A reaction.

    Raises: LastAdministrator, BreakGlassUser.
    """
    if isinstance(event, GroupChanged) and not {"displayName", "externalId"} & set(event.attributes):
        return
    if not store.is_used(tx):
        return
    group = grounds.find_group(tx, event.group_id)
    if group is not None:
        rematch(tx, [group], founding=True, locked=False)


def forget_group(tx: WriteTx, event: GroupDeleted) -> None:
    """Let nothing match a group that is gone, and end the mappings that came with its name. A reaction."""
    if store.is_used(tx):
        ground = Ground(kind=SourceKind.SCIM_GROUP, value=event.group_id)
        convention.forget_group(tx, ground)
        store.delete_ground(tx, ground)


def follow_values(tx: WriteTx, event: UserValuesChanged) -> None:
    """Match values that a user carries now. A reaction; those of the user itself follow in another."""
    if not event.added or not store.is_used(tx):
        return
    kind = SourceKind(event.kind)
    known = {Ground(kind=kind, value=value): Known(ids=frozenset({value}), name=value) for value in event.added}
    give_anew(tx, [ground for ground in known if _match(tx, ground, known[ground])], locked=False)


def rematch(tx: WriteTx, groups: Iterable[NamedGroup], *, founding: bool, locked: bool) -> None:
    """Match groups anew, by name as well as by mapping. With `founding`, those that nothing maps may become teams.

    Raises: LastAdministrator, BreakGlassUser.
    """
    choices = store.read_choices(tx)
    changed = set()
    for group in groups:
        is_other = convention.adapt(tx, group, choices)
        is_matched = _match(tx, group.ground, known_of(group))
        if founding and not is_matched and convention.found_team(tx, group, choices):
            is_matched = _match(tx, group.ground, known_of(group))
        if is_other or is_matched:
            changed.add(group.ground)
    give_anew(tx, changed, locked=locked)


def give_anew(tx: WriteTx, changed: Iterable[Ground], *, locked: bool) -> None:
    """Let these grounds give what their mappings say now. `locked`: whether the caller has locked all grounds.

    Raises: LastAdministrator, BreakGlassUser.
    """
    give(tx, {ground: store.list_targets(tx, ground) for ground in changed}, locked=locked)


def list_matched(tx: ReadTx, draft: MappingDraft) -> tuple[Ground, ...]:
    """Return what a mapping matches, or would match. Only a pattern looks at every group's name."""
    matches = matcher_of(draft.match_kind, draft.match_value)
    if draft.source is SourceKind.SCIM_GROUP:
        return tuple(group.ground for group in _groups_for(tx, draft) if matches(known_of(group)))
    carried = (Ground(kind=draft.source, value=value) for value in _values_for(tx, draft))
    return tuple(each for each in carried if matches(Known(ids=frozenset({each.value}), name=each.value)))


def known_of(group: NamedGroup) -> Known:
    """Return by what a group can be matched."""
    ids = {group.id} if group.external_id is None else {group.id, group.external_id}
    return Known(ids=frozenset(ids), name=group.display_name)


def _groups_for(tx: ReadTx, draft: MappingDraft) -> Iterable[NamedGroup]:
    match draft.match_kind:
        case MatchKind.ID:
            return grounds.list_groups_known_as(tx, draft.match_value)
        case MatchKind.NAME:
            found = grounds.find_group_by_name(tx, draft.match_value)
            return () if found is None else (found,)
        case MatchKind.PATTERN:
            return grounds.list_groups(tx)


def _values_for(tx: ReadTx, draft: MappingDraft) -> Iterable[str]:
    if draft.match_kind is not MatchKind.ID:
        return grounds.list_values(tx, draft.source)
    ground = Ground(kind=draft.source, value=draft.match_value)
    return (draft.match_value,) if grounds.list_users(tx, ground, limit=1) else ()


def _match(tx: WriteTx, ground: Ground, known: Known) -> bool:
    """Write which mappings match a ground; return whether any does, or did."""
    before = [each.id for each in store.list_mappings_of(tx, ground)]
    after = [each.id for each in store.list_matching(tx, ground.kind, known)]
    store.save_mappings_of(tx, ground, before=before, after=after)
    return bool(before or after)
