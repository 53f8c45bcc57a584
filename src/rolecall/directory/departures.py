"""How do users and groups leave the SCIM connection that owns them, and come back as they were?

Needs no action: `connections` asks for one. Locks are taken in the order of ADR 0019: groups, then users.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from rolecall.authorization.roles import ADMIN, RoleId
from rolecall.directory import decide
from rolecall.directory.assignments import MANUAL, apply, count_administrators
from rolecall.directory.belongings import Belongings, Stint
from rolecall.directory.events import GroupMembersChanged, UserDeactivated, UserReactivated
from rolecall.directory.model import (
    ROOT_TEAM,
    ConnectionId,
    Group,
    GroupId,
    Held,
    MemberKind,
    SourceKind,
    Target,
    TeamId,
    User,
    UserId,
    UserState,
    ground_of,
)
from rolecall.directory.reconcile import take_values
from rolecall.directory.store import assignments as assignment_store
from rolecall.directory.store import departures as store
from rolecall.directory.store import groups as group_store
from rolecall.directory.store import sources as source_store
from rolecall.directory.store import users as user_store
from rolecall.storage.transaction import ReadTx, WriteTx


def count_resources(tx: ReadTx, owner: ConnectionId) -> int:
    """Return how many declared resources a connection owns. May scan them."""
    return store.count_resources(tx, owner)


def list_user_ids(tx: ReadTx, owner: ConnectionId, *, after: str, limit: int) -> list[UserId]:
    """Return users of a connection, in the order of their ids."""
    return store.list_user_ids(tx, owner, after=after, limit=limit)


def lock_users(tx: WriteTx, user_ids: Collection[UserId]) -> dict[UserId, User]:
    """Return those of the users that are not deleted, by id, locked with their groups."""
    store.lock_groups(tx, store.list_groups_with(tx, user_ids))
    return source_store.lock_users(tx, user_ids)


def find_belongings(tx: ReadTx, user_ids: Collection[UserId]) -> dict[UserId, Belongings]:
    """Return what each of the users has."""
    memberships: dict[str, list[tuple[GroupId, int]]] = {}
    held: dict[str, list[Stint]] = {}
    values: dict[str, list[tuple[str, int]]] = {}
    for member_id, group_id, since in store.list_memberships(tx, user_ids):
        memberships.setdefault(member_id, []).append((GroupId(group_id), since))
    for user_id, team_id, role, source, since in store.list_held(tx, user_ids):
        target = Target(team_id=TeamId(team_id), role=RoleId(role))
        held.setdefault(user_id, []).append(Stint(target=target, source=source, since=since))
    for user_id, value, since in store.list_carried(tx, user_ids):
        values.setdefault(user_id, []).append((value, since))
    return {
        each: Belongings(
            memberships=tuple(memberships.get(each, ())),
            held=tuple(held.get(each, ())),
            values=tuple(values.get(each, ())),
        )
        for each in user_ids
    }


def find_taken(tx: ReadTx, users: Iterable[User], owner: ConnectionId) -> frozenset[UserId]:
    """Return which of the users have an external id that a user of this connection has too."""
    known = {user.id: user.profile["externalId"] for user in users if isinstance(user.profile.get("externalId"), str)}
    taken = store.find_users_known_as(tx, owner, map(str, known.values())) if known else frozenset()
    return frozenset(user_id for user_id, external_id in known.items() if external_id in taken)


def find_groups_taken(tx: ReadTx, owner: ConnectionId, other: ConnectionId) -> frozenset[GroupId]:
    """Return the groups of a connection whose external id a group of the other one has too."""
    return store.find_groups_taken(tx, owner, other)


def administrators_besides(tx: WriteTx, leaving: int) -> int:
    """Return how many active persons administer Root but for so many of them; nobody else changes that meanwhile."""
    assignment_store.lock_root_team(tx)
    return count_administrators(tx) - leaving


def keep_by_hand(tx: WriteTx, users: Mapping[UserId, User], kept: Mapping[UserId, Iterable[Target]]) -> None:
    """Let users hold these by hand, which they do not yet."""
    gains = [
        Held(user_id=user_id, team_id=target.team_id, role=target.role, source=MANUAL)
        for user_id, targets in kept.items()
        for target in targets
    ]
    if gains:
        apply(tx, users, gains=gains, losses=())


def settle_user(tx: WriteTx, before: User, *, owner: ConnectionId | None, active: bool, reason: str) -> User:
    """Write whose a user is from now on and whether it has access; the same object when nothing differs."""
    after = replace(before, connection_id=owner)
    if active is not (before.state is UserState.ACTIVE):
        after = decide.changed_user(after, {**before.profile, "active": active}, now=tx.now)
    elif after != before:
        after = replace(after, version=before.version + 1, changed_at=tx.now)
    if after == before:
        return before
    user_store.save_user(tx, before, after)
    if before.state is not after.state:
        if active:
            tx.record(UserReactivated(user_id=after.id, user_name=after.user_name))
        else:
            tx.record(UserDeactivated(user_id=after.id, user_name=after.user_name, reason=reason))
    return after


def end_memberships(tx: WriteTx, ended: Mapping[GroupId, Collection[str]]) -> None:
    """End memberships, of users or groups; reactions take back what they gave."""
    for group in store.lock_groups(tx, ended).values():
        removed = group_store.remove_members(tx, group.id, ended[group.id])
        if removed:
            _note_members(tx, group, added=(), removed=removed)


def restore_memberships(
    tx: WriteTx, owner: ConnectionId, lost: Mapping[GroupId, Collection[tuple[str, int]]], kind: MemberKind
) -> None:
    """Bring back memberships with their dates, as far as this connection owns the group; for members that are there."""
    for group in store.lock_groups(tx, lost).values():
        if group.connection_id == owner:
            added = [
                member_id
                for member_id, since in lost[group.id]
                if store.add_member(tx, group.id, member_id, kind, since=since)
            ]
            if added:
                _note_members(tx, group, added=tuple(added), removed=())


def end_memberships_elsewhere(tx: WriteTx, user_ids: Collection[str], owner: ConnectionId) -> None:
    """End the memberships of users in groups that this connection does not own."""
    end_memberships(tx, _by_group(store.list_groups_of_others(tx, user_ids, owner)))


def drop_values(tx: WriteTx, user: User) -> None:
    """Let a user carry no value of `roles` any more; reactions take back what they gave."""
    take_values(tx, user, SourceKind.SCIM_ROLE, ())


def restore_values(tx: WriteTx, user: User, values: Iterable[tuple[str, int]]) -> None:
    """Let a user carry values of `roles` again, since when it did before, beside those it carries now."""
    lost = dict(values)
    there = source_store.list_values_of(tx, user.id, SourceKind.SCIM_ROLE)
    take_values(tx, user, SourceKind.SCIM_ROLE, {*there, *lost})
    for value, since in lost.items():
        if value not in there:
            store.set_carried_since(tx, user.id, value, since=since)


def find_given(tx: ReadTx, sources: Iterable[str]) -> dict[str, frozenset[Target]]:
    """Return what each of these sources gives; nothing for those that are no ground of mappings."""
    return {each: source_store.list_given(tx, ground_of(each)) for each in sources}


def restore_assignments(
    tx: WriteTx,
    owner: ConnectionId,
    users: Mapping[UserId, User],
    lost: Mapping[UserId, Collection[Stint]],
    by_hand: Mapping[UserId, Iterable[Target]],
) -> None:
    """Bring back what sources gave, as far as they still give it, in place of what was kept by hand for it.

    Of groups, only those that this connection owns. Comes before what the sources stand on is brought back, so that
    reactions to that find nothing left to do.

    Raises: LastAdministrator, BreakGlassUser.
    """
    there = source_store.list_held_by(tx, users)
    stints: dict[Held, int] = {}
    given = find_given(tx, _of_owner(tx, owner, {each.source for stints_of in lost.values() for each in stints_of}))
    for user_id, each in ((user_id, each) for user_id, stints_of in lost.items() for each in stints_of):
        if each.target in given.get(each.source, ()):
            stints[_held(user_id, each.target, each.source)] = each.since
    gains = stints.keys() - there
    again = {(each.user_id, each.team_id, each.role) for each in stints}
    losses = {
        _held(user_id, target, MANUAL)
        for user_id, targets in by_hand.items()
        for target in targets
        # Who can administer is never in doubt, not even where nothing gives that any more.
        if (user_id, target.team_id, target.role) in again or target != Target(team_id=ROOT_TEAM, role=ADMIN)
    }
    apply(tx, users, gains=gains, losses=losses & there)
    store.set_since(
        tx,
        [
            {
                "user_id": each.user_id,
                "team_id": each.team_id,
                "role_id": each.role,
                "source": each.source,
                "since": stints[each],
            }
            for each in gains
        ],
    )


def list_group_ids(tx: ReadTx, owner: ConnectionId, *, after: str, limit: int) -> list[GroupId]:
    """Return groups of a connection, in the order of their ids."""
    return store.list_group_ids(tx, owner, after=after, limit=limit)


def lock_groups(tx: WriteTx, group_ids: Collection[str]) -> dict[GroupId, Group]:
    """Return those of the groups that are there, by id, locked."""
    return store.lock_groups(tx, group_ids)


def find_nesting(tx: ReadTx, group_ids: Collection[GroupId]) -> dict[GroupId, tuple[tuple[GroupId, str, int], ...]]:
    """Return, of each group, the nestings that it is part of: outer group, inner group, since when (microseconds)."""
    found: dict[GroupId, list[tuple[GroupId, str, int]]] = {each: [] for each in group_ids}
    for inner, outer, since in store.list_memberships(tx, group_ids):
        found[inner].append((GroupId(outer), inner, since))
    for outer, inner, since in store.list_nested(tx, group_ids):
        found[outer].append((GroupId(outer), inner, since))
    return {each: tuple(nestings) for each, nestings in found.items()}


def move_group(tx: WriteTx, before: Group, owner: ConnectionId) -> None:
    """Write whose a group is from now on; its members stay."""
    store.move_group(tx, before, replace(before, connection_id=owner, version=before.version + 1, changed_at=tx.now))


def list_members_elsewhere(
    tx: ReadTx, group_ids: Collection[GroupId], other: ConnectionId
) -> dict[GroupId, frozenset[str]]:
    """Return the direct members of these groups that another connection owns, users and groups."""
    return _by_group(store.list_members_of_others(tx, group_ids, other))


def list_resource_ids(tx: ReadTx, owner: ConnectionId, *, after: str, limit: int) -> list[str]:
    """Return declared resources of a connection, in the order of their ids. May scan them."""
    return store.list_resource_ids(tx, owner, after=after, limit=limit)


def move_resources(tx: WriteTx, ids: Collection[str], *, before: ConnectionId, after: ConnectionId) -> int:
    """Write whose declared resources are from now on, as far as they are the other's; return how many."""
    return store.move_resources(tx, ids, before=before, after=after)


def _of_owner(tx: ReadTx, owner: ConnectionId, sources: Iterable[str]) -> list[str]:
    """Return those of the sources that are no group, or one of this connection."""
    found = []
    for source in sources:
        ground = ground_of(source)
        group = group_store.find_group(tx, GroupId(ground.value)) if ground.kind is SourceKind.SCIM_GROUP else None
        if ground.kind is not SourceKind.SCIM_GROUP or (group is not None and group.connection_id == owner):
            found.append(source)
    return found


def _by_group(rows: Iterable[tuple[str, str]]) -> dict[GroupId, frozenset[str]]:
    found: dict[GroupId, frozenset[str]] = {}
    for group_id, member_id in rows:
        found[GroupId(group_id)] = found.get(GroupId(group_id), frozenset()) | {member_id}
    return found


def _note_members(tx: WriteTx, group: Group, *, added: tuple[str, ...], removed: tuple[str, ...]) -> None:
    group_store.save_group(tx, group, decide.changed_group(group, group.profile, members_differ=True, now=tx.now))
    tx.record(GroupMembersChanged(group_id=group.id, display_name=group.display_name, added=added, removed=removed))


def _held(user_id: UserId, target: Target, source: str) -> Held:
    return Held(user_id=user_id, team_id=target.team_id, role=target.role, source=source)
