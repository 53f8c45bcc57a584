"""In what do we differ from what an identity provider says, and what does a repair make of it?"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, TypeVar

from rolecall.connections.drift.model import (
    Comparison,
    DriftKind,
    Export,
    ExportedGroup,
    ExportedUser,
    Finding,
    Holdings,
)
from rolecall.directory.events import (
    GroupChanged,
    GroupCreated,
    GroupMembersChanged,
    UserChanged,
    UserCreated,
    UserDeactivated,
    UserReactivated,
)
from rolecall.directory.model import Group, User, UserState
from rolecall.kernel.document import Document, Json, is_same
from rolecall.kernel.text import comparison_form

Held = TypeVar("Held", User, Group)

_ORDER: Final = {kind: number for number, kind in enumerate(DriftKind)}
_USER_CAUSES: Final = frozenset({UserCreated.type, UserChanged.type, UserDeactivated.type, UserReactivated.type})
_GROUP_CAUSES: Final = frozenset({GroupCreated.type, GroupChanged.type})
_CAUSES: Final = {
    DriftKind.USER_DIFFERENT: _USER_CAUSES,
    DriftKind.USER_EXTRA: _USER_CAUSES,
    DriftKind.GROUP_DIFFERENT: _GROUP_CAUSES,
    DriftKind.GROUP_EXTRA: _GROUP_CAUSES,
    DriftKind.MEMBER_MISSING: frozenset({GroupMembersChanged.type}),
    DriftKind.MEMBER_EXTRA: frozenset({GroupMembersChanged.type}),
}


def compare(export: Export, held: Holdings) -> Comparison:
    """Return all differences. A user that is deactivated and that the export leaves out is none.

    A member is passed over that is itself missing: it is found once it is there.
    """
    users, groups = export.users or (), export.groups or ()
    same_user = _matches(users, held.users, "userName")
    same_group = _matches(groups, held.groups, "displayName")
    findings: list[Finding] = []
    if export.users is not None:
        findings += _of_users(users, held.users, same_user)
    unknown = 0
    if export.groups is not None:
        known = _members_by_name(export, held, same_user, same_group)
        names: dict[str, str] = {user.id: user.user_name for user in held.users}
        names |= {group.id: group.display_name for group in held.groups}
        for number, group in enumerate(groups):
            unknown += sum(member not in known for member in group.members or ())
            wanted = {each for each in map(known.get, group.members or ()) if each is not None}
            findings += _of_group(group, same_group.get(number), wanted, held, names)
        taken = {each.id for each in same_group.values()}
        findings += [
            Finding(kind=DriftKind.GROUP_EXTRA, name=each.display_name, resource_id=each.id)
            for each in held.groups
            if each.id not in taken
        ]
    findings.sort(key=lambda each: (_ORDER[each.kind], comparison_form(each.name), each.member_id or ""))
    return Comparison(findings=tuple(findings), users=len(users), groups=len(groups), unknown_members=unknown)


def causes_of(kind: DriftKind) -> frozenset[str]:
    """Return the types of events that can have caused a difference; none where nothing remembers what is missing."""
    return _CAUSES.get(kind, frozenset())


def corrected(before: Document, said: Document) -> Document:
    """Return the profile with what the provider says; what it does not speak of stays."""
    merged: dict[str, Json] = dict(before)
    for name, value in said.items():
        old = merged.get(name)
        merged[name] = {**old, **value} if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return merged


def _matches(exported: Sequence[ExportedUser | ExportedGroup], held: Iterable[Held], name: str) -> dict[int, Held]:
    """Return, by position in the export, what we hold of it: by its id here, else externalId, else its name."""
    by_key: dict[str, Held] = {}
    for each in held:
        by_key[f"id:{each.id}"] = each
        external = each.profile.get("externalId")
        if isinstance(external, str):
            by_key.setdefault(f"id:{external}", each)
        by_key[_name_key(each.profile, name)] = each
    found: dict[int, Held] = {}
    taken: set[str] = set()
    for number, exported_one in enumerate(exported):
        keys = _keys_of(exported_one, name)
        match = next((by_key[key] for key in keys if key in by_key and by_key[key].id not in taken), None)
        if match is not None:
            found[number] = match
            taken.add(match.id)
    return found


def _keys_of(exported: ExportedUser | ExportedGroup, name: str) -> list[str]:
    return [*(f"id:{each}" for each in exported.known_as), _name_key(exported.profile, name)]


def _name_key(profile: Document, name: str) -> str:
    return f"name:{comparison_form(str(profile[name]))}"


def _members_by_name(
    export: Export, held: Holdings, same_user: Mapping[int, User], same_group: Mapping[int, Group]
) -> dict[str, str | None]:
    """Return whom each name of a member stands for; None: somebody who is missing here."""
    known: dict[str, str | None] = {}
    for number, said_user in enumerate(export.users or ()):
        known.update(dict.fromkeys(said_user.known_as, same_user[number].id if number in same_user else None))
    for number, said_group in enumerate(export.groups or ()):
        known.update(dict.fromkeys(said_group.known_as, same_group[number].id if number in same_group else None))
    there: tuple[User | Group, ...] = (*held.users, *held.groups)
    for each in there:
        external = each.profile.get("externalId")
        if isinstance(external, str):
            known.setdefault(external, each.id)
        known[each.id] = each.id
    # Names come last: what is an id, or an externalId, is no name.
    for user in held.users:
        known.setdefault(user.user_name, user.id)
    for group in held.groups:
        known.setdefault(group.display_name, group.id)
    for exported_user in export.users or ():
        known.setdefault(str(exported_user.profile["userName"]), None)
    for exported_group in export.groups or ():
        known.setdefault(str(exported_group.profile["displayName"]), None)
    return known


def _of_users(users: Sequence[ExportedUser], held: Sequence[User], same: Mapping[int, User]) -> Iterator[Finding]:
    for number, said in enumerate(users):
        match = same.get(number)
        name = str(said.profile["userName"])
        if match is None:
            yield Finding(kind=DriftKind.USER_MISSING, name=name, said=said.profile)
            continue
        differing = _differing(said.profile, match.profile)
        if differing:
            yield _different(DriftKind.USER_DIFFERENT, match.user_name, match.id, said.profile, differing)
    taken = {each.id for each in same.values()}
    for each in held:
        if each.id not in taken and each.state is UserState.ACTIVE:
            yield Finding(kind=DriftKind.USER_EXTRA, name=each.user_name, resource_id=each.id)


def _of_group(
    said: ExportedGroup, match: Group | None, wanted: set[str], held: Holdings, names: Mapping[str, str]
) -> Iterator[Finding]:
    if match is None:
        name = str(said.profile["displayName"])
        yield Finding(kind=DriftKind.GROUP_MISSING, name=name, said=said.profile, members=tuple(sorted(wanted)))
        return
    differing = _differing(said.profile, match.profile)
    if differing:
        yield _different(DriftKind.GROUP_DIFFERENT, match.display_name, match.id, said.profile, differing)
    if said.members is None:
        return
    there = held.members.get(match.id, frozenset())
    for kind, ids in ((DriftKind.MEMBER_MISSING, wanted - there), (DriftKind.MEMBER_EXTRA, there - wanted)):
        for member in ids:
            yield Finding(
                kind=kind,
                name=match.display_name,
                resource_id=match.id,
                member_id=member,
                member_name=names.get(member, member),
            )


def _different(kind: DriftKind, name: str, resource_id: str, said: Document, differing: tuple[str, ...]) -> Finding:
    return Finding(
        kind=kind,
        name=name,
        resource_id=resource_id,
        attributes=differing,
        said={each: said[each] for each in differing},
    )


def _differing(said: Document, held: Document) -> tuple[str, ...]:
    return tuple(
        sorted(name for name, value in said.items() if name != "schemas" and _says_otherwise(value, held.get(name)))
    )


def _says_otherwise(said: Json, held: Json) -> bool:
    if isinstance(said, Mapping) and isinstance(held, Mapping):
        return any(not is_same(value, held.get(name)) for name, value in said.items())
    return not is_same(said, held)
