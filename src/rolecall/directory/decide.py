"""What shall a user, group or declared resource be after a change, and which change is refused?"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Final

from rolecall.authorization.actor import Actor
from rolecall.authorization.roles import ADMIN
from rolecall.directory.errors import BreakGlassUser, LastAdministrator, OutOfScope, UserNameTaken
from rolecall.directory.events import UserLinkRefused, UserProtected
from rolecall.directory.model import (
    DEFAULT_CONNECTION,
    ROOT_TEAM,
    ConnectionId,
    Expected,
    Ground,
    Group,
    GroupId,
    Held,
    ReconcilePhase,
    Reconciling,
    Resource,
    ResourceId,
    ResourceKind,
    Target,
    TeamDraft,
    User,
    UserId,
    UserKind,
    UserState,
)
from rolecall.kernel.document import Document, is_same
from rolecall.kernel.errors import VersionConflict
from rolecall.kernel.text import comparison_form


@dataclass(frozen=True, slots=True, kw_only=True)
class Differences:
    """What has to come and to go."""

    gains: frozenset[Held]
    losses: frozenset[Held]

    def joined(self, other: "Differences") -> "Differences":
        """Return both together."""
        return Differences(gains=self.gains | other.gains, losses=self.losses | other.losses)


def new_user(
    user_id: UserId,
    profile: Document,
    *,
    kind: UserKind,
    now: datetime,
    connection_id: ConnectionId | None = None,
    break_glass: bool = False,
) -> User:
    """Return a user that comes to be now. Active, unless its profile says otherwise."""
    active = profile.get("active") is not False
    return User(
        id=user_id,
        kind=kind,
        state=UserState.ACTIVE if active else UserState.DEACTIVATED,
        profile={**profile, "active": active},
        connection_id=connection_id,
        break_glass=break_glass,
        version=1,
        created_at=now,
        changed_at=now,
    )


def changed_user(user: User, profile: Document, *, now: datetime) -> User:
    """Return the user with another profile; the same object when nothing differs.

    A profile that does not say that the user is active ends its access.
    """
    if is_same(profile, user.profile):
        return user
    state = UserState.ACTIVE if profile.get("active") is True else UserState.DEACTIVATED
    return replace(user, profile=profile, state=state, version=user.version + 1, changed_at=now)


def deleted_user(user: User, *, now: datetime) -> User:
    """Return what remains of a deleted user: its id, its name and its dates."""
    profile: Document = {"schemas": user.profile["schemas"], "userName": user.user_name, "active": False}
    return replace(
        user, state=UserState.DELETED, break_glass=False, profile=profile, version=user.version + 1, changed_at=now
    )


def role_values(profile: Document) -> frozenset[str]:
    """Return the values of a user's `roles`, as an identity provider gives them."""
    roles = profile.get("roles")
    values = [role.get("value") for role in roles if isinstance(role, dict)] if isinstance(roles, list) else []
    return frozenset(value for value in values if isinstance(value, str))


def threat_of(before: User, after: User) -> str | None:
    """Return what a change would do that could lock people out: `deactivate`, `delete`, `rename`, or None."""
    if after.state is UserState.DELETED:
        return "delete"
    if before.state is UserState.ACTIVE and after.state is UserState.DEACTIVATED:
        return "deactivate"
    if comparison_form(before.user_name) != comparison_form(after.user_name):
        return "rename"
    return None


_DONE: Final[Mapping[str, str]] = {"deactivate": "deactivated", "delete": "deleted", "rename": "renamed"}


def protect(user: User, attempt: str, *, is_administrator: bool, other_administrators: int) -> None:
    """Refuse an attempt on the break-glass user or on the last active administrator of Root.

    Raises: BreakGlassUser, LastAdministrator; both carry a WARNING event.
    """
    if user.break_glass:
        raise BreakGlassUser(
            f"{user.user_name} is the break-glass user and cannot be {_DONE[attempt]}."
            " Move the break-glass mark to another user first.",
            events=[_protected(user, attempt, "break_glass")],
            user_id=user.id,
        )
    if is_administrator and user.state is UserState.ACTIVE and other_administrators == 0:
        raise LastAdministrator(
            f"{user.user_name} is the last active administrator of Root and cannot be {_DONE[attempt]}."
            " Make another user an administrator first.",
            events=[_protected(user, attempt, "last_administrator")],
            user_id=user.id,
        )


def check_version(version: int, expected: Expected) -> None:
    """Return when the version is one that the caller expects.

    Raises: VersionConflict.
    """
    if expected.versions is not None and version not in expected.versions:
        raise VersionConflict(f"The current version is {version}; read it again and repeat the change.")


def owner_of(actor: Actor) -> ConnectionId:
    """Return the connection that owns what this actor pushes."""
    return DEFAULT_CONNECTION if actor.connection_id is None else ConnectionId(actor.connection_id)


def may_see(actor: Actor, owner: ConnectionId | None) -> bool:
    """Return whether what this connection owns is there for the actor; None: no connection owns it."""
    return owner is not None and actor.connection_id in {None, owner}


def taken_for(actor: Actor, error: UserNameTaken) -> UserNameTaken:
    """Return the refusal of a user name as its caller has to hear it: the user may be one that it does not see."""
    if actor.connection_id is None:
        return error
    return UserNameTaken(
        f"{error.detail} If that one is a local user, or of another connection, an administrator can link it to this"
        " connection: rolecall admin connections link.",
        attribute="userName",
    )


def linked_by_push(local: User, pushed: User, owner: ConnectionId, *, is_made_administrator: bool) -> User:
    """Return a local person as a connection pushed it, and owned by that; what the push left out stays.

    `is_made_administrator`: it holds the role `admin` in some team by hand.

    Raises: UserNameTaken with a WARNING event, for whom only an administrator may link.
    """
    if local.break_glass or is_made_administrator:
        raise UserNameTaken(
            f"The userName {pushed.user_name!r} is in use by a local user. An administrator must link it to this"
            f" connection: rolecall admin connections link {owner} {_as_one_word(pushed.user_name)}",
            events=[
                UserLinkRefused(
                    user_id=local.id,
                    user_name=local.user_name,
                    connection_id=owner,
                    because="break_glass" if local.break_glass else "administrator",
                )
            ],
            attribute="userName",
        )
    return replace(
        local,
        connection_id=owner,
        state=pushed.state,
        profile={**local.profile, **pushed.profile, "schemas": _schemas_of(pushed, local)},
        version=local.version + 1,
        changed_at=pushed.changed_at,
    )


def check_user_scope(actor: Actor, user_name: str) -> None:
    """Return when the actor may push a user of that name.

    Raises: OutOfScope.
    """
    patterns = () if actor.push_scope is None else actor.push_scope.users
    _check_scope(patterns, user_name, attribute="userName", what="users")


def check_group_scope(actor: Actor, display_name: str) -> None:
    """Return when the actor may push a group of that name.

    Raises: OutOfScope.
    """
    patterns = () if actor.push_scope is None else actor.push_scope.groups
    _check_scope(patterns, display_name, attribute="displayName", what="groups")


def new_group(group_id: GroupId, profile: Document, *, connection_id: ConnectionId, now: datetime) -> Group:
    """Return a group that comes to be now."""
    return Group(id=group_id, connection_id=connection_id, profile=profile, version=1, created_at=now, changed_at=now)


def changed_group(group: Group, profile: Document, *, members_differ: bool, now: datetime) -> Group:
    """Return the group with another profile or other members; the same object when nothing differs."""
    if not members_differ and is_same(profile, group.profile):
        return group
    return replace(group, profile=profile, version=group.version + 1, changed_at=now)


def new_resource(
    resource_id: ResourceId, kind: ResourceKind, profile: Document, *, connection_id: ConnectionId, now: datetime
) -> Resource:
    """Return a resource of a declared kind that comes to be now."""
    return Resource(
        id=resource_id,
        kind=kind.name,
        connection_id=connection_id,
        profile=profile,
        version=1,
        created_at=now,
        changed_at=now,
    )


def changed_resource(resource: Resource, profile: Document, *, now: datetime) -> Resource:
    """Return the resource with another profile; the same object when nothing differs."""
    if is_same(profile, resource.profile):
        return resource
    return replace(resource, profile=profile, version=resource.version + 1, changed_at=now)


def differing(before: Document, after: Document) -> tuple[str, ...]:
    """Return the top-level names whose values differ, in alphabetical order."""
    return tuple(
        sorted(name for name in before.keys() | after.keys() if not is_same(before.get(name), after.get(name)))
    )


def differing_fields(before: TeamDraft, after: TeamDraft) -> tuple[str, ...]:
    """Return the names of the fields whose values differ, in the order of their declaration."""
    return tuple(each.name for each in fields(before) if getattr(before, each.name) != getattr(after, each.name))


def threatened_by(losses: Iterable[Held]) -> frozenset[UserId]:
    """Return the users who lose a source of the role `admin` on Root."""
    return frozenset(loss.user_id for loss in losses if loss.team_id == ROOT_TEAM and loss.role == ADMIN)


def protect_administrators(no_longer: Iterable[User], *, administrators_left: int) -> None:
    """Refuse that the break-glass user, or the last active person, loses the role `admin` on Root.

    `no_longer` are those who hold it from no source any more.

    Raises: BreakGlassUser, LastAdministrator; both carry a WARNING event.
    """
    for user in no_longer:
        if user.break_glass:
            raise BreakGlassUser(
                f"{user.user_name} is the break-glass user and keeps the role admin on Root."
                " Move the break-glass mark to another user first.",
                events=[_protected(user, "remove_role", "break_glass")],
                user_id=user.id,
            )
        counted = user.kind is UserKind.PERSON and user.state is UserState.ACTIVE
        if counted and administrators_left == 0:
            raise LastAdministrator(
                f"{user.user_name} is the last active administrator of Root and keeps that role."
                " Make another user an administrator first.",
                events=[_protected(user, "remove_role", "last_administrator")],
                user_id=user.id,
            )


NO_DIFFERENCES: Final = Differences(gains=frozenset(), losses=frozenset())


def wanted(ground: Ground, users: Iterable[UserId], given: Iterable[Target]) -> frozenset[Held]:
    """Return what these users hold from a ground on which they stand."""
    targets = tuple(given)
    return frozenset(
        Held(user_id=user_id, team_id=target.team_id, role=target.role, source=ground.source)
        for user_id in users
        for target in targets
    )


def differences(wanted: frozenset[Held], held: frozenset[Held]) -> Differences:
    """Return what has to come and to go so that what is held is what is wanted."""
    return Differences(gains=wanted - held, losses=held - wanted)


def progressed(progress: Reconciling, users: Sequence[UserId], *, limit: int) -> Reconciling | None:
    """Return how far a reconciliation has come with these users of its phase; None when nothing is left to do."""
    done = progress.done + len(users)
    if len(users) == limit:
        return replace(progress, after=users[-1], done=done)
    if progress.phase is ReconcilePhase.LOSSES:
        return replace(progress, phase=ReconcilePhase.GAINS, after="", done=done)
    return None


def _check_scope(patterns: Sequence[str], name: str, *, attribute: str, what: str) -> None:
    folded = comparison_form(name)
    if patterns and not any(_fits(comparison_form(pattern), folded) for pattern in patterns):
        raise OutOfScope(
            f"The {attribute} {name!r} is none that this connection may push: its scope of {what} is"
            f" {', '.join(patterns)}. An administrator can widen that.",
            attribute=attribute,
        )


def _fits(pattern: str, text: str) -> bool:
    """Return whether the text is the pattern, in which `*` stands for any text; in linear time."""
    first, *others = pattern.split("*")
    if not others:
        return text == first
    *middle, last = others
    if len(text) < len(first) + len(last) or not (text.startswith(first) and text.endswith(last)):
        return False
    place, end = len(first), len(text) - len(last)
    for part in middle:
        found = text.find(part, place, end)
        if found < 0:
            return False
        place = found + len(part)
    return True


def _as_one_word(text: str) -> str:
    """Return a text as a shell takes it literally, whatever is in it."""
    return "'" + text.replace("'", "'\"'\"'") + "'"


def _schemas_of(*users: User) -> list[str]:
    """Return the schemas that any of them names, each once, in that order."""
    named = [user.profile.get("schemas") for user in users]
    return list(dict.fromkeys(str(each) for schemas in named if isinstance(schemas, list) for each in schemas))


def _protected(user: User, attempt: str, because: str) -> UserProtected:
    return UserProtected(user_id=user.id, user_name=user.user_name, attempt=attempt, because=because)
