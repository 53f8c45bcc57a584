"""How do assignments follow what their sources give, and to whom?

A source stands on a ground: membership in a group, or a value that users carry. `give` says what a
ground gives; everything else here follows from that and from who stands on it. Locks are taken in
this order: grounds, groups, users, the team Root. ADR 0019 has the reasons.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Final

from rolecall.authorization.actions import Action
from rolecall.authorization.check import require
from rolecall.authorization.roles import ADMIN
from rolecall.directory import decide, grounds
from rolecall.directory.assignments import apply
from rolecall.directory.events import (
    GroupDeleted,
    GroupMembersChanged,
    ReconciliationFinished,
    ReconciliationStarted,
    RoleDeleted,
    UserValuesChanged,
)
from rolecall.directory.installation import users_at_once
from rolecall.directory.model import (
    ROOT_TEAM,
    Ground,
    GroupId,
    ReconcilePhase,
    Reconciling,
    SourceKind,
    Target,
    User,
    UserId,
)
from rolecall.directory.store import memberships
from rolecall.directory.store import sources as store
from rolecall.directory.store import users as user_store
from rolecall.jobs.queue import enqueue
from rolecall.kernel.names import LONGEST_NAME
from rolecall.storage.transaction import ReadTx, WriteTx

RECONCILE: Final = "directory.reconcile"
"""The kind of job that goes through the slices of one source."""
SLICE: Final = 500
"""Users that one slice of a reconciliation looks at."""

_ADMINISTRATION: Final = Target(team_id=ROOT_TEAM, role=ADMIN)


def give(tx: WriteTx, wanted: Mapping[Ground, frozenset[Target]], *, locked: bool) -> None:
    """Let each of the grounds give exactly these from now on, and bring assignments up to date.

    Where many users are concerned, that is only begun; `reconcile_slice` goes on with it. `locked` says
    that the caller has locked all grounds, so that no group has to be.

    Raises: LastAdministrator, BreakGlassUser.
    """
    changed = []
    for ground, after in wanted.items():
        before = store.list_given(tx, ground)
        if before != after:
            store.save_given(tx, ground, before=before, after=after)
            changed.append(ground)
    if not changed:
        return
    if not locked:
        _lock_groups(tx, changed)
    _follow(tx, changed)


def follow_members(tx: WriteTx, event: GroupMembersChanged) -> None:
    """Give and take what membership in a group, and in the groups above it, gives. A reaction.

    Costs one look where no group above gives anything, and the same in a small group as in a large one.

    Raises: LastAdministrator, BreakGlassUser.
    """
    concerned = [_ground_of(group_id) for group_id in memberships.list_giving_groups(tx, event.group_id)]
    if not concerned:
        return
    changed = {*event.added, *event.removed}
    users = user_store.find_known_among(tx, changed)
    groups = memberships.find_groups_among(tx, changed - users) if changed - users else frozenset()
    memberships.lock_groups_below(tx, groups)
    count = len(users) + sum(memberships.count_users_below(tx, group) for group in groups)
    # Of a group that is gone nobody knows any more who was in it.
    if changed - users - groups or (count > 1 and count > users_at_once(tx)):
        _lock_groups(tx, concerned)
        _follow(tx, concerned)
        return
    for group in groups:
        users.update(memberships.list_users_below(tx, group, limit=count))
    _bring_up_to_date(tx, dict.fromkeys(concerned, users))


def follow_group_deletion(tx: WriteTx, event: GroupDeleted) -> None:
    """Take back what a group gave that is gone. A reaction.

    Raises: LastAdministrator, BreakGlassUser.
    """
    ground = _ground_of(event.group_id)
    store.save_given(tx, ground, before=store.list_given(tx, ground), after=frozenset())
    if store.list_holders(tx, ground, limit=1):
        _follow(tx, [ground])


def follow_values(tx: WriteTx, event: UserValuesChanged) -> None:
    """Give and take what a user's values give. A reaction.

    Raises: LastAdministrator, BreakGlassUser.
    """
    kind = SourceKind(event.kind)
    changed = [Ground(kind=kind, value=value) for value in (*event.added, *event.removed)]
    _bring_up_to_date(tx, dict.fromkeys(changed, (event.user_id,)))


def follow_role_deletion(tx: WriteTx, event: RoleDeleted) -> None:
    """Let no ground give a role that is gone. A reaction; the assignments went with the role."""
    store.delete_given_role(tx, event.role_id)


def take_values(tx: WriteTx, user: User, kind: SourceKind, values: Iterable[str]) -> None:
    """Let a user, whose row is locked, carry exactly these values of a kind. Reactions see to what they give.

    Values that are too long to be looked up are left out.
    """
    before = store.list_values_of(tx, user.id, kind).keys()
    after = {value for value in values if value and len(value.encode(errors="replace")) <= LONGEST_NAME}
    added, removed = sorted(after - before), sorted(before - after)
    for value in removed:
        store.delete_value(tx, user.id, Ground(kind=kind, value=value))
    for value in added:
        store.insert_value(tx, user.id, Ground(kind=kind, value=value))
    if added or removed:
        tx.record(
            UserValuesChanged(
                user_id=user.id,
                user_name=user.user_name,
                kind=kind.value,
                added=tuple(added),
                removed=tuple(removed),
            )
        )


def list_reconciling(tx: ReadTx) -> tuple[Reconciling, ...]:
    """Return what is being reconciled in slices, oldest first.

    Raises: Forbidden.
    """
    require(tx.actor, Action.MAPPING_LIST)
    return store.list_reconciling(tx)


def list_losing(tx: ReadTx, ground: Ground) -> frozenset[UserId]:
    """Return the active users to whom a ground no longer gives what they hold from it, and nothing else does.

    For whoever must know before the slices have come so far. Needs no action. As slow as the ground is large.
    """
    found: set[UserId] = set()
    given, after = store.list_given(tx, ground), ""
    while users := store.list_holders(tx, ground, after=after, limit=SLICE):
        after = users[-1]
        wanted = decide.wanted(ground, grounds.find_users_among(tx, ground, users), given)
        lost = store.list_held(tx, ground, users) - wanted
        held, active = store.find_holdings(tx, {each.user_id for each in lost})
        left = {(each.user_id, each.team_id, each.role) for each in held - lost}
        losing = {each.user_id for each in lost if (each.user_id, each.team_id, each.role) not in left}
        found |= losing & active
    return frozenset(found)


def enqueue_reconciliation(tx: WriteTx, event: ReconciliationStarted) -> None:
    """Have the slices gone through by a job. A reaction; the job is a `RECONCILE` with the source in its payload."""
    enqueue(tx, kind=RECONCILE, payload={"source": event.source}, dedup_key=event.source)


def reconcile_slice(tx: WriteTx, ground: Ground, *, limit: int = SLICE) -> Reconciling | None:
    """Look at some more users of a ground, losses first; return how far it has come, or None at its end.

    May be repeated and broken off at will: each slice begins after the last user that is done, and a
    user who is as it shall be is left alone.

    Raises: Forbidden, LastAdministrator, BreakGlassUser.
    """
    require(tx.actor, Action.MAPPING_CHANGE)
    store.lock_grounds(tx)
    return _go_on(tx, ground, limit)


def rehearse_slice(tx: WriteTx, ground: Ground, *, limit: int = SLICE) -> Reconciling | None:
    """Do the same where nothing is kept: without keeping those who push from groups, members and values meanwhile.

    Raises: Forbidden, LastAdministrator, BreakGlassUser.
    """
    require(tx.actor, Action.MAPPING_CHANGE)
    return _go_on(tx, ground, limit)


def _go_on(tx: WriteTx, ground: Ground, limit: int) -> Reconciling | None:
    progress = store.find_reconciling(tx, ground)
    if progress is None:
        return None
    is_losing = progress.phase is ReconcilePhase.LOSSES
    list_some = store.list_holders if is_losing else grounds.list_users
    users = list_some(tx, ground, after=progress.after, limit=limit)
    _bring_up_to_date(tx, {ground: users}, only_losses=is_losing)
    after = decide.progressed(progress, users, limit=limit)
    if after is None:
        store.delete_reconciling(tx, ground)
        tx.record(ReconciliationFinished(source=ground.source))
    else:
        store.save_reconciling(tx, after)
    return after


def _follow(tx: WriteTx, concerned: Collection[Ground]) -> None:
    """Bring all users of these grounds up to date: now, or, where they are many, in slices."""
    sizes = {ground: max(grounds.count_users(tx, ground), store.count_holders(tx, ground)) for ground in concerned}
    if sum(sizes.values()) > users_at_once(tx):
        for ground, size in sizes.items():
            _begin(tx, ground, size)
        return
    _bring_up_to_date(
        tx,
        {
            ground: {*grounds.list_users(tx, ground, limit=size), *store.list_holders(tx, ground, limit=size)}
            for ground, size in sizes.items()
        },
    )


def _lock_groups(tx: WriteTx, concerned: Iterable[Ground]) -> None:
    groups = [GroupId(each.value) for each in concerned if each.kind is SourceKind.SCIM_GROUP]
    memberships.lock_groups_below(tx, groups)


def _begin(tx: WriteTx, ground: Ground, size: int) -> None:
    # Who can administer is never in doubt, not even for as long as the slices take.
    _bring_up_to_date(tx, {ground: store.list_holders_of(tx, ground, _ADMINISTRATION)}, only_losses=True)
    progress = Reconciling(ground=ground, phase=ReconcilePhase.LOSSES, after="", done=0, total=size, started_at=tx.now)
    store.save_reconciling(tx, progress)
    tx.record(ReconciliationStarted(source=ground.source, users=size))


def _bring_up_to_date(
    tx: WriteTx, concerned: Mapping[Ground, Collection[UserId]], *, only_losses: bool = False
) -> None:
    users = store.lock_users(tx, sorted({user_id for ids in concerned.values() for user_id in ids}))
    found = decide.NO_DIFFERENCES
    for ground, ids in concerned.items():
        present = [user_id for user_id in ids if user_id in users]
        wanted = decide.wanted(ground, grounds.find_users_among(tx, ground, present), store.list_given(tx, ground))
        found = found.joined(decide.differences(wanted, store.list_held(tx, ground, present)))
    gains = frozenset() if only_losses else found.gains
    if gains or found.losses:
        apply(tx, users, gains=gains, losses=found.losses)


def _ground_of(group_id: GroupId) -> Ground:
    return Ground(kind=SourceKind.SCIM_GROUP, value=group_id)
