"""How does a slice of what a SCIM connection owns leave, and come back?

Each function here does some things of one stage, and returns their ids in order; fewer than `limit` is the end of it.
"""

from collections.abc import Mapping

from rolecall.connections.leaving import decide, store
from rolecall.connections.leaving.events import UserLeft, UserNotReturned, UserReturned
from rolecall.connections.leaving.model import Because, Leaving, LeftGroup, LeftUser, Plan, Treatment, UsersChoice
from rolecall.directory import departures
from rolecall.directory.assignments import MANUAL
from rolecall.directory.belongings import Belongings, Stint
from rolecall.directory.model import ConnectionId, GroupId, MemberKind, SourceKind, Target, User, UserId, UserState
from rolecall.storage.transaction import WriteTx

REASON = "its SCIM connection was decommissioned"


def users_leave(tx: WriteTx, leaving: Leaving, limit: int) -> list[UserId]:
    """Let some users become what was chosen, and remember what they were.

    Raises: LastAdministrator, BreakGlassUser.
    """
    owner, plan = leaving.connection_id, leaving.plan
    ids = departures.list_user_ids(tx, owner, after=leaving.after, limit=limit)
    users = {each: user for each, user in departures.lock_users(tx, ids).items() if user.connection_id == owner}
    belongings = departures.find_belongings(tx, users)
    taken_groups = _groups_staying(tx, owner, plan)
    treatments = _treatments(tx, plan, users, belongings)
    given = departures.find_given(tx, {stint.source for each in belongings.values() for stint in each.held})
    left = [_left_user(users[each], treatments[each], belongings[each], taken_groups, given) for each in users]
    departures.keep_by_hand(tx, users, {each.id: each.by_hand for each in left})
    for each in left:
        departures.settle_user(tx, users[each.id], owner=each.owner, active=each.active, reason=REASON)
        if each.values:
            departures.drop_values(tx, users[each.id])
        tx.record(
            UserLeft(
                connection_id=owner,
                user_id=each.id,
                user_name=each.name,
                owner=each.owner,
                because=None if each.because is None else each.because.value,
            )
        )
    ended: dict[GroupId, list[str]] = {}
    for each in left:
        for group_id, _since in each.memberships:
            ended.setdefault(GroupId(group_id), []).append(each.id)
    departures.end_memberships(tx, ended)
    store.insert_users(tx, owner, left)
    return ids


def groups_leave(tx: WriteTx, leaving: Leaving, limit: int) -> list[GroupId]:
    """Let some groups go along, or stay behind with nobody in them, and remember what they were."""
    owner, plan = leaving.connection_id, leaving.plan
    ids = departures.list_group_ids(tx, owner, after=leaving.after, limit=limit)
    groups = departures.lock_groups(tx, ids)
    staying = groups.keys() if not plan.takes_groups_along else groups.keys() & _groups_staying(tx, owner, plan)
    nestings = departures.find_nesting(tx, list(staying))
    left = [
        LeftGroup(
            id=group.id,
            name=group.display_name,
            has_moved=group.id not in staying,
            nestings=nestings.get(group.id, ()),
            because=Because.EXTERNAL_ID_TAKEN if plan.takes_groups_along and group.id in staying else None,
        )
        for group in groups.values()
    ]
    ended: dict[GroupId, set[str]] = {}
    for outer, inner, _since in (nesting for each in left for nesting in each.nestings):
        ended.setdefault(GroupId(outer), set()).add(inner)
    departures.end_memberships(tx, ended)
    if plan.to_connection_id is not None:
        for group in departures.lock_groups(tx, [each.id for each in left if each.has_moved]).values():
            departures.move_group(tx, group, plan.to_connection_id)
    store.insert_groups(tx, owner, left)
    return ids


def resources_leave(tx: WriteTx, leaving: Leaving, limit: int) -> list[str]:
    """Let some declared resources go along, if users do; else they stay."""
    owner, plan = leaving.connection_id, leaving.plan
    if plan.to_connection_id is None:
        return []
    ids = departures.list_resource_ids(tx, owner, after=leaving.after, limit=limit)
    departures.move_resources(tx, ids, before=owner, after=plan.to_connection_id)
    store.insert_resources(tx, owner, ids)
    return ids


def resources_return(tx: WriteTx, leaving: Leaving, limit: int) -> list[str]:
    """Bring some declared resources back."""
    owner, other = leaving.connection_id, leaving.plan.to_connection_id
    ids = list(store.list_resources(tx, owner, after=leaving.after, limit=limit))
    if other is not None:
        departures.move_resources(tx, ids, before=other, after=owner)
    store.delete_left(tx, owner, "RESOURCE", ids)
    return ids


def groups_return(tx: WriteTx, leaving: Leaving, limit: int) -> list[str]:
    """Bring some groups back to their connection; whom another one has put into them meanwhile leaves them."""
    owner, other = leaving.connection_id, leaving.plan.to_connection_id
    left = store.list_groups(tx, owner, after=leaving.after, limit=limit)
    if other is not None:
        groups = departures.lock_groups(tx, [each.id for each in left if each.has_moved])
        mine = [group for group in groups.values() if group.connection_id == other]
        strangers = departures.list_members_elsewhere(tx, [group.id for group in mine], other)
        everybody = {member_id for members in strangers.values() for member_id in members}
        coming = store.find_left_among(tx, owner, "USER", everybody) | store.find_left_among(
            tx, owner, "GROUP", everybody
        )
        for group in mine:
            departures.move_group(tx, group, owner)
        departures.end_memberships(
            tx, {group_id: members - coming for group_id, members in strangers.items() if members - coming}
        )
    return [each.id for each in left]


def nestings_return(tx: WriteTx, leaving: Leaving, limit: int) -> list[str]:
    """Put some groups back into the groups that they were in. All groups have come back before."""
    owner = leaving.connection_id
    left = store.list_groups(tx, owner, after=leaving.after, limit=limit)
    inner = departures.lock_groups(tx, [nesting[1] for each in left for nesting in each.nestings])
    lost: dict[GroupId, list[tuple[str, int]]] = {}
    for outer, member_id, since in (nesting for each in left for nesting in each.nestings):
        if member_id in inner and inner[GroupId(member_id)].connection_id == owner:
            lost.setdefault(GroupId(outer), []).append((member_id, since))
    departures.restore_memberships(tx, owner, lost, MemberKind.GROUP)
    store.delete_left(tx, owner, "GROUP", [each.id for each in left])
    return [each.id for each in left]


def users_return(tx: WriteTx, leaving: Leaving, limit: int) -> list[UserId]:
    """Let some users be again what they were, but for those about whom somebody has decided otherwise meanwhile.

    Raises: LastAdministrator, BreakGlassUser.
    """
    owner = leaving.connection_id
    left = store.list_users(tx, owner, after=leaving.after, limit=limit)
    there = departures.lock_users(tx, [each.id for each in left])
    coming = [each for each in left if _may_return(each, there.get(each.id))]
    users = {each.id: _brought_back(tx, owner, each, there[each.id]) for each in coming}
    departures.restore_assignments(
        tx, owner, users, {each.id: each.held for each in coming}, {each.id: each.by_hand for each in coming}
    )
    lost: dict[GroupId, list[tuple[str, int]]] = {}
    for each in coming:
        if each.values:
            departures.restore_values(tx, users[each.id], each.values)
        for group_id, since in each.memberships:
            lost.setdefault(GroupId(group_id), []).append((each.id, since))
        tx.record(UserReturned(connection_id=owner, user_id=each.id, user_name=users[each.id].user_name))
    departures.end_memberships_elsewhere(tx, list(users), owner)
    departures.restore_memberships(tx, owner, lost, MemberKind.USER)
    for each in left:
        if each.id not in users:
            tx.record(UserNotReturned(connection_id=owner, user_id=each.id, user_name=each.name))
    store.delete_left(tx, owner, "USER", [each.id for each in left])
    return [each.id for each in left]


def _treatments(
    tx: WriteTx, plan: Plan, users: Mapping[UserId, User], belongings: Mapping[UserId, Belongings]
) -> dict[UserId, Treatment]:
    administrators = decide.count_administrators(users.values(), belongings)
    last: frozenset[UserId] = frozenset()
    if administrators:
        others = departures.administrators_besides(tx, administrators)
        last = decide.last_administrators(plan, users.values(), belongings, others=others)
    taken: frozenset[UserId] = frozenset()
    if plan.users is UsersChoice.HAND_OVER and plan.to_connection_id is not None:
        taken = departures.find_taken(tx, users.values(), plan.to_connection_id)
    return {
        each.id: decide.treatment_of(plan, each, is_last_administrator=each.id in last, is_taken=each.id in taken)
        for each in users.values()
    }


def _groups_staying(tx: WriteTx, owner: ConnectionId, plan: Plan) -> frozenset[GroupId]:
    """Return the groups that do not go along although groups do."""
    if not plan.takes_groups_along or plan.to_connection_id is None:
        return frozenset()
    return departures.find_groups_taken(tx, owner, plan.to_connection_id)


def _left_user(
    user: User,
    treatment: Treatment,
    belongings: Belongings,
    taken_groups: frozenset[GroupId],
    given: Mapping[str, frozenset[Target]],
) -> LeftUser:
    ended = [each for each in belongings.memberships if not treatment.with_groups or each[0] in taken_groups]
    lost: list[Stint] = [each for each in belongings.held if each.is_pushed]
    if treatment.with_groups:
        # A way through a group that stays can lead to any other: to keep too much is better than to lose something.
        by_group = f"{SourceKind.SCIM_GROUP.value}:"
        lost = [each for each in lost if taken_groups and each.source.startswith(by_group)]
    by_hand = {each.target for each in belongings.held if each.source == MANUAL}
    # What a source gives no more, and slices have not yet taken away, must not be kept for ever.
    still_given = {each.target for each in lost if each.target in given[each.source]}
    return LeftUser(
        id=user.id,
        name=user.user_name,
        was_active=user.state is UserState.ACTIVE,
        owner=treatment.owner,
        active=treatment.active,
        memberships=tuple(ended),
        held=tuple(lost),
        by_hand=tuple(sorted(still_given - by_hand)) if treatment.keeps else (),
        values=() if treatment.with_groups else belongings.values,
        because=treatment.because,
    )


def _may_return(left: LeftUser, user: User | None) -> bool:
    was_break_glass = left.because is Because.BREAK_GLASS
    return user is not None and decide.is_as_it_was_left(user, left.owner, was_break_glass=was_break_glass)


def _brought_back(tx: WriteTx, owner: ConnectionId, left: LeftUser, user: User) -> User:
    """Return a user that is its connection's again, with access as before, unless somebody has changed that."""
    is_active = user.state is UserState.ACTIVE
    active = left.was_active if is_active is left.active else is_active
    return departures.settle_user(tx, user, owner=owner, active=active, reason=REASON)
