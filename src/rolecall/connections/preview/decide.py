"""What do the events of changes say of their blast radius?

Events tell each step: one source of an assignment came or went. With what there is afterwards, they say what there was
before; the radius is the difference.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from rolecall.authorization.roles import RoleId
from rolecall.connections.preview.model import (
    AccessChange,
    GroupChange,
    Known,
    Radius,
    TouchedGroup,
    TouchedUser,
    UserChange,
)
from rolecall.directory.events import (
    GroupChanged,
    GroupCreated,
    GroupDeleted,
    GroupMembersChanged,
    RoleAssigned,
    RoleRemoved,
    UserChanged,
    UserCreated,
    UserDeactivated,
    UserDeleted,
    UserReactivated,
)
from rolecall.directory.model import GroupId, Held, TeamId, UserId
from rolecall.kernel.event import Event
from rolecall.mapping.decide import effects
from rolecall.mapping.model import Effect

_OF_USERS: Final = (UserCreated, UserChanged, UserDeactivated, UserReactivated, UserDeleted)
_OF_ROLES: Final = (RoleAssigned, RoleRemoved)
_OF_GROUPS: Final = (GroupCreated, GroupChanged, GroupMembersChanged, GroupDeleted)


def users_in(events: Iterable[Event]) -> frozenset[UserId]:
    """Return who may hold something else than before."""
    concerned = RoleAssigned | RoleRemoved | UserDeactivated | UserReactivated | UserDeleted
    return frozenset(event.user_id for event in events if isinstance(event, concerned))


def groups_in(events: Iterable[Event]) -> frozenset[GroupId]:
    """Return the groups that something became of, and that may be there."""
    concerned = GroupCreated | GroupChanged | GroupMembersChanged
    return frozenset(event.group_id for event in events if isinstance(event, concerned))


def effects_of(
    events: Iterable[Event], held: frozenset[Held], active: frozenset[UserId]
) -> tuple[frozenset[Effect], frozenset[Effect]]:
    """Return what people gained and lost by all these changes together, which were made one after the other.

    `held` is what those in `users_in` hold afterwards, from every source, and `active` who of them is active then.
    Whatever a deactivated user holds counts for nothing, before and afterwards.
    """
    # What stood at first, as far as it may have been different: whether a source gave it, whether somebody had access.
    was_held: dict[Held, bool] = {}
    was_active: dict[UserId, bool] = {}
    for event in events:
        match event:
            case RoleAssigned() | RoleRemoved():
                was_held.setdefault(_held_in(event), isinstance(event, RoleRemoved))
            case UserDeactivated():
                was_active.setdefault(event.user_id, True)
            case UserReactivated() | UserCreated():
                was_active.setdefault(event.user_id, False)
            case UserDeleted():
                was_active.setdefault(event.user_id, event.was_active)
                for each in _lost_with(event):
                    was_held.setdefault(each, True)
            case _:
                pass
    before = (held | was_held.keys()) - {each for each, was in was_held.items() if not was}
    return effects(
        (each for each in before if was_active.get(each.user_id, each.user_id in active)),
        (each for each in held if each.user_id in active),
    )


def radius_of(events: Sequence[Event], gained: Iterable[Effect], lost: Iterable[Effect], known: Known) -> Radius:
    """Return the blast radius of changes that were made one after the other, with these events in all.

    `gained` and `lost` are what `effects_of` says.
    """
    names = {event.user_id: event.user_name for event in events if isinstance(event, (*_OF_USERS, *_OF_ROLES))}
    return Radius(
        users=_users_of(events),
        groups=_groups_of(events, known.members),
        gained=_named(gained, names, known),
        lost=_named(lost, names, known),
    )


def _held_in(event: RoleAssigned | RoleRemoved) -> Held:
    return Held(user_id=event.user_id, team_id=TeamId(event.team_id), role=RoleId(event.role), source=event.source)


def _lost_with(event: UserDeleted) -> list[Held]:
    return [
        Held(user_id=event.user_id, team_id=TeamId(each["team_id"]), role=RoleId(each["role"]), source=each["source"])
        for each in event.lost
    ]


def _named(effects: Iterable[Effect], names: Mapping[UserId, str], known: Known) -> tuple[AccessChange, ...]:
    changes = [
        AccessChange(
            user_id=each.user_id,
            user_name=names[each.user_id],
            team_id=each.target.team_id,
            team_name=known.team_names[each.target.team_id],
            role=each.target.role,
            role_name=known.role_names[each.target.role],
        )
        for each in effects
    ]
    return tuple(sorted(changes, key=lambda each: (each.user_name, each.user_id, each.team_name, each.role_name)))


@dataclass(slots=True, kw_only=True)
class _UserStory:
    """What events tell of one user: whether it was there and had access at first, and in the end."""

    name: str
    was_there: bool = True
    is_there: bool = True
    was_active: bool | None = None
    """None: nothing is told of it, so it is as it was."""
    is_active: bool | None = None
    is_changed: bool = False

    def outcome(self) -> UserChange | None:
        """Return what became of it in the end; None: nothing that anybody would notice."""
        if not self.is_there:
            return UserChange.DELETED if self.was_there else None
        if not self.was_there:
            return UserChange.CREATED
        if self.was_active is not self.is_active:
            return UserChange.REACTIVATED if self.is_active else UserChange.DEACTIVATED
        return UserChange.CHANGED if self.is_changed else None


def _users_of(events: Iterable[Event]) -> tuple[TouchedUser, ...]:
    stories: dict[UserId, _UserStory] = {}
    for event in events:
        if not isinstance(event, _OF_USERS):
            continue
        story = stories.setdefault(event.user_id, _UserStory(name=event.user_name))
        story.name = event.user_name
        match event:
            case UserCreated():
                story.was_there = False
            case UserChanged():
                story.is_changed = True
            case UserDeactivated() | UserReactivated():
                story.is_active = isinstance(event, UserReactivated)
                if story.was_active is None:
                    story.was_active = not story.is_active
            case _:
                story.is_there = False
    found = [
        TouchedUser(user_id=user_id, user_name=story.name, change=change)
        for user_id, story in stories.items()
        if (change := story.outcome()) is not None
    ]
    return tuple(sorted(found, key=lambda each: (each.user_name, each.user_id)))


@dataclass(slots=True, kw_only=True)
class _GroupStory:
    """What events tell of one group: whether it was there at first and in the end, and who was and is in it."""

    name: str
    was_there: bool = True
    is_changed: bool = False
    left_at_end: int | None = None
    """Direct members with which it was deleted; None: it was not."""
    was_member: dict[str, bool] = field(default_factory=dict)
    is_member: dict[str, bool] = field(default_factory=dict)

    def note(self, member_ids: Iterable[str], *, is_member: bool) -> None:
        """Note that these came, or went."""
        for each in member_ids:
            self.was_member.setdefault(each, not is_member)
            self.is_member[each] = is_member

    def came(self) -> int:
        """Return how many are in it, or were until it was deleted, that were not at first."""
        return sum(not self.was_member[each] for each, is_member in self.is_member.items() if is_member)

    def went(self) -> int:
        """Return how many were in it at first that left before it was deleted."""
        return sum(self.was_member[each] for each, is_member in self.is_member.items() if not is_member)


def _groups_of(events: Iterable[Event], members: Mapping[GroupId, int]) -> tuple[TouchedGroup, ...]:
    stories: dict[GroupId, _GroupStory] = {}
    for event in events:
        if not isinstance(event, _OF_GROUPS):
            continue
        story = stories.setdefault(event.group_id, _GroupStory(name=event.display_name))
        story.name = event.display_name
        match event:
            case GroupCreated():
                story.was_there = False
            case GroupChanged():
                story.is_changed = True
            case GroupMembersChanged():
                story.note(event.added, is_member=True)
                story.note(event.removed, is_member=False)
            case _:
                story.left_at_end = event.member_count
    found = (_touched(group_id, story, members) for group_id, story in stories.items())
    return tuple(sorted(filter(None, found), key=lambda each: (each.display_name, each.group_id)))


def _touched(group_id: GroupId, story: _GroupStory, members: Mapping[GroupId, int]) -> TouchedGroup | None:
    added, removed = story.came(), story.went()
    if story.left_at_end is not None:
        if not story.was_there:
            return None
        # Who came before it was deleted was not in it at first.
        removed += story.left_at_end - added
        change, added = GroupChange.DELETED, 0
    elif not story.was_there:
        change = GroupChange.CREATED
    elif story.is_changed or added or removed:
        change = GroupChange.CHANGED
    else:
        return None
    return TouchedGroup(
        group_id=group_id,
        display_name=story.name,
        change=change,
        added=added,
        removed=removed,
        members=members.get(group_id, 0) if change is not GroupChange.DELETED else 0,
    )
