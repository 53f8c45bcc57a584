"""What do mapped assignments stand on: who is on which ground, since when, and what does it give?

For the rooms that decide about access: needs no action.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from rolecall.directory.model import Ground, GroupId, Held, SourceKind, Target, UserId
from rolecall.directory.store import groups as group_store
from rolecall.directory.store import memberships, sources
from rolecall.kernel.clock import from_microseconds
from rolecall.kernel.page import Page
from rolecall.storage.transaction import ReadTx, WriteTx


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedGroup:
    """By what a group can be known."""

    id: GroupId
    display_name: str
    external_id: str | None

    @property
    def ground(self) -> Ground:
        """The ground that membership in the group is."""
        return Ground(kind=SourceKind.SCIM_GROUP, value=self.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step on the way from a user to a ground: into a group, or to a value, and since when."""

    id: str
    name: str
    since: datetime


def lock_grounds(tx: WriteTx) -> None:
    """Let nobody change groups, members or values until the transaction ends. Comes before every other lock."""
    sources.lock_grounds(tx)


def find_group(tx: ReadTx, group_id: str) -> NamedGroup | None:
    """Return by what a group is known, or None when there is none with this id."""
    row = memberships.find_group_names(tx, GroupId(group_id))
    return None if row is None else NamedGroup(id=row[0], display_name=row[1], external_id=row[2])


def find_group_by_name(tx: ReadTx, display_name: str) -> NamedGroup | None:
    """Return by what the group with this name, in any spelling, is known, or None."""
    group = group_store.find_group_by_name(tx, display_name)
    return None if group is None else find_group(tx, group.id)


def list_groups_known_as(tx: ReadTx, known_as: str) -> list[NamedGroup]:
    """Return the groups that have this id or external id, by id."""
    return [
        NamedGroup(id=row[0], display_name=row[1], external_id=row[2])
        for row in memberships.list_group_names_known_as(tx, known_as)
    ]


def list_groups(tx: ReadTx, *, with_colon: bool = False) -> list[NamedGroup]:
    """Return all groups, or those with a colon in their name, by id."""
    return [
        NamedGroup(id=row[0], display_name=row[1], external_id=row[2])
        for row in memberships.list_group_names(tx, with_colon=with_colon)
    ]


def list_giving_nothing(tx: ReadTx, *, skip: int, limit: int) -> Page[NamedGroup]:
    """Return groups that give nothing, by id."""
    rows = memberships.list_giving_nothing(tx, skip=skip, limit=limit)
    return Page(
        items=tuple(NamedGroup(id=row[0], display_name=row[1], external_id=row[2]) for row in rows),
        total=memberships.count_giving_nothing(tx),
    )


def list_values(tx: ReadTx, kind: SourceKind) -> list[str]:
    """Return every value of a kind that somebody carries."""
    return sources.list_values(tx, kind)


def list_given(tx: ReadTx, ground: Ground) -> frozenset[Target]:
    """Return what a ground gives."""
    return sources.list_given(tx, ground)


def list_held_by(tx: ReadTx, user_ids: Iterable[UserId]) -> frozenset[Held]:
    """Return all that these users hold, from any source."""
    return sources.list_held_by(tx, user_ids)


def find_holdings(tx: ReadTx, user_ids: Iterable[UserId]) -> tuple[frozenset[Held], frozenset[UserId]]:
    """Return all that these users hold, from any source, and which of them are active."""
    return sources.find_holdings(tx, user_ids)


def count_holders(tx: ReadTx, *, also: Iterable[UserId]) -> int:
    """Return how many users hold something and are active, counting these others too. Looks at every assignment."""
    return sources.count_active_holders(tx, also=also)


def list_users(tx: ReadTx, ground: Ground, *, after: str = "", limit: int) -> list[UserId]:
    """Return users who stand on a ground, deactivated ones too, in the order of their ids."""
    if ground.kind is SourceKind.SCIM_GROUP:
        return memberships.list_users_below(tx, GroupId(ground.value), after=after, limit=limit)
    return sources.list_carriers(tx, ground, after=after, limit=limit)


def count_users(tx: ReadTx, ground: Ground) -> int:
    """Return how many users stand on a ground."""
    if ground.kind is SourceKind.SCIM_GROUP:
        return memberships.count_users_below(tx, GroupId(ground.value))
    return sources.count_carriers(tx, ground)


def find_users_among(tx: ReadTx, ground: Ground, user_ids: Iterable[UserId]) -> frozenset[UserId]:
    """Return which of the users stand on a ground."""
    if ground.kind is SourceKind.SCIM_GROUP:
        return memberships.find_members_among(tx, GroupId(ground.value), user_ids)
    return sources.find_carriers_among(tx, ground, user_ids)


def path_to(tx: ReadTx, user_id: UserId, ground: Ground) -> tuple[Step, ...]:
    """Return the shortest way from a user to a ground on which it stands; empty when it does not.

    For a group: into one group after the other, the ground last. Else one step: since when the user
    carries the value.
    """
    if ground.kind is not SourceKind.SCIM_GROUP:
        since = sources.list_values_of(tx, user_id, ground.kind).get(ground.value)
        return () if since is None else (Step(id=ground.value, name=ground.value, since=from_microseconds(since)),)
    reached: dict[str, tuple[Step, ...]] = {user_id: ()}
    waiting = [str(user_id)]
    while waiting and ground.value not in reached:
        member_id = waiting.pop(0)
        for group_id, since in memberships.list_own_memberships(tx, member_id):
            if group_id not in reached:
                group = find_group(tx, group_id)
                name = group_id if group is None else group.display_name
                step = Step(id=group_id, name=name, since=from_microseconds(since))
                reached[group_id] = (*reached[member_id], step)
                waiting.append(group_id)
    return reached.get(ground.value, ())
