"""What can be done with roles, and what does each give?"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Final

from rolecall.authorization.actions import Action
from rolecall.authorization.check import require, require_may_grant
from rolecall.authorization.roles import BUILT_IN_ROLES, ROLE_ACTIONS, RoleId, given_in
from rolecall.directory import decide
from rolecall.directory.errors import BadRole, BuiltInRoleFixed, RoleNameTaken
from rolecall.directory.events import RoleChanged, RoleCreated, RoleDeleted, RoleRemoved
from rolecall.directory.model import Expected, Role, RoleDraft, TeamId
from rolecall.directory.store import assignments as assignment_store
from rolecall.directory.store import roles as store
from rolecall.directory.store.sources import lock_grounds
from rolecall.kernel.errors import NotFound
from rolecall.kernel.ids import new_id
from rolecall.kernel.names import check_name, check_text
from rolecall.kernel.text import comparison_form
from rolecall.storage.transaction import ReadTx, WriteTx

_BUILT_IN: Final = {
    role.id: Role(
        id=role.id,
        name=role.name,
        description=role.description,
        actions=role.actions,
        built_in=True,
        version=1,
        created_at=None,
        changed_at=None,
    )
    for role in BUILT_IN_ROLES.values()
}
_BUILT_IN_NAMES: Final = {comparison_form(text): role for role in _BUILT_IN.values() for text in (role.id, role.name)}


def create_role(tx: WriteTx, draft: RoleDraft) -> Role:
    """Create a custom role.

    Raises: Forbidden, BadRole, RoleNameTaken, ActionNotHeld.
    """
    require(tx.actor, Action.ROLE_CHANGE)
    _check(draft)
    require_may_grant(tx.actor, draft.actions)
    role = Role(
        id=RoleId(new_id(tx.now)),
        name=draft.name,
        description=draft.description,
        actions=draft.actions,
        built_in=False,
        version=1,
        created_at=tx.now,
        changed_at=tx.now,
    )
    store.insert_role(tx, role)
    tx.record(RoleCreated(role_id=role.id, name=role.name, actions=_names(role.actions)))
    return role


def get_role(tx: ReadTx, role_id: RoleId) -> Role:
    """Return a role, built-in or custom.

    Raises: Forbidden, NotFound.
    """
    require(tx.actor, Action.ROLE_LIST)
    role = _BUILT_IN.get(role_id) or store.find_role(tx, role_id)
    if role is None:
        raise _not_found(role_id)
    return role


def get_role_by_name(tx: ReadTx, name: str) -> Role:
    """Return the role that has this name in any spelling, or this id.

    Raises: Forbidden, NotFound.
    """
    require(tx.actor, Action.ROLE_LIST)
    role = find_role_by_name(tx, name) or store.find_role(tx, RoleId(name))
    if role is None:
        raise NotFound(f"There is no role named {name!r}.", role=name)
    return role


def find_role_by_name(tx: ReadTx, name: str) -> Role | None:
    """Return the role that has this name, or this wire name, in any spelling, or None. Needs no action."""
    return _BUILT_IN_NAMES.get(comparison_form(name)) or store.find_role_by_name(tx, name)


def find_role_name(tx: ReadTx, role_id: RoleId) -> str:
    """Return a role's name; its id when it is gone. Needs no action."""
    role = _BUILT_IN.get(role_id) or store.find_role(tx, role_id)
    return role_id if role is None else role.name


def list_roles(tx: ReadTx) -> tuple[Role, ...]:
    """Return every role: the built-in ones first, then custom ones in the order in which they were made.

    Raises: Forbidden.
    """
    require(tx.actor, Action.ROLE_LIST)
    return (*_BUILT_IN.values(), *store.list_roles(tx))


def change_role(tx: WriteTx, role_id: RoleId, change: Callable[[RoleDraft], RoleDraft], expected: Expected) -> Role:
    """Change a custom role, for everybody who holds it. A change that changes nothing writes nothing.

    Raises: Forbidden, NotFound, VersionConflict, BuiltInRoleFixed, BadRole, RoleNameTaken, ActionNotHeld,
    and whatever `change` raises.
    """
    require(tx.actor, Action.ROLE_CHANGE)
    before = _get_to_change(tx, role_id)
    decide.check_version(before.version, expected)
    old = draft_of(before)
    new = change(old)
    if new == old:
        return before
    _check(new)
    gained, lost = new.actions - old.actions, old.actions - new.actions
    require_may_grant(tx.actor, gained)
    after = replace(
        before,
        name=new.name,
        description=new.description,
        actions=new.actions,
        version=before.version + 1,
        changed_at=tx.now,
    )
    store.save_role(tx, after)
    tx.record(RoleChanged(role_id=role_id, name=after.name, gained=_names(gained), lost=_names(lost)))
    return after


def delete_role(tx: WriteTx, role_id: RoleId, expected: Expected) -> None:
    """Delete a custom role and every assignment of it, each told by an event of its own.

    Keys that were narrowed to it open nothing any more.

    Raises: Forbidden, NotFound, VersionConflict, BuiltInRoleFixed.
    """
    require(tx.actor, Action.ROLE_CHANGE)
    lock_grounds(tx)
    role = _get_to_change(tx, role_id)
    decide.check_version(role.version, expected)
    ending = assignment_store.list_of_role(tx, role_id)
    assignment_store.delete_assignments(tx, (held for held, _ in ending))
    store.delete_role(tx, role_id)
    for held, user_name in ending:
        tx.record(
            RoleRemoved(
                user_id=held.user_id, user_name=user_name, team_id=held.team_id, role=role_id, source=held.source
            )
        )
    tx.record(RoleDeleted(role_id=role_id, name=role.name))


def keep_role(tx: WriteTx, role_id: RoleId) -> Role:
    """Return a role that something is about to name, and keep it from being deleted meanwhile. Needs no action.

    Raises: NotFound.
    """
    role = _BUILT_IN.get(role_id) or store.find_role_to_name(tx, role_id)
    if role is None:
        raise _not_found(role_id)
    return role


def actions_in(tx: ReadTx, team_id: TeamId, role_ids: Iterable[RoleId]) -> frozenset[Action]:
    """Return what roles give together in a team; a role that is not there gives nothing. Needs no action."""
    wanted = frozenset(role_ids)
    held = frozenset[Action]().union(*(ROLE_ACTIONS[role] for role in wanted & ROLE_ACTIONS.keys()))
    custom = wanted - ROLE_ACTIONS.keys()
    if custom:
        held = held.union(*(role.actions for role in store.find_roles(tx, custom)))
    return given_in(team_id, held)


def draft_of(role: Role) -> RoleDraft:
    """Return what somebody could have said to make the role as it is."""
    return RoleDraft(name=role.name, description=role.description, actions=role.actions)


def _get_to_change(tx: WriteTx, role_id: RoleId) -> Role:
    if role_id in _BUILT_IN:
        raise BuiltInRoleFixed(f"The role {role_id} is built in: it is neither changed nor deleted.", role_id=role_id)
    role = store.find_role_to_change(tx, role_id)
    if role is None:
        raise _not_found(role_id)
    return role


def _check(draft: RoleDraft) -> None:
    check_name(BadRole, "name", draft.name)
    check_text(BadRole, "description", draft.description)
    if ":" in draft.name:
        raise BadRole("A role's name must not contain a colon: it stands behind one.", attribute="name")
    if not draft.actions:
        raise BadRole("A role needs at least one action.", attribute="actions")
    if comparison_form(draft.name) in _BUILT_IN_NAMES:
        raise RoleNameTaken(f"The name {draft.name!r} is in use by a built-in role.", attribute="name")


def _names(actions: frozenset[Action]) -> tuple[str, ...]:
    return tuple(sorted(action.value for action in actions))


def _not_found(role_id: str) -> NotFound:
    return NotFound(f"There is no role with the id {role_id}.", role_id=role_id)
