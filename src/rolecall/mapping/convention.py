"""What does a group's name ask for by itself? By `alias:role` a mapping, or else a team of that name."""

from typing import Final

from rolecall.authorization.roles import RoleId, given_in
from rolecall.directory.events import TeamCreated
from rolecall.directory.grounds import NamedGroup
from rolecall.directory.model import Ground, SourceKind, Target, TeamDraft
from rolecall.directory.roles import find_role_by_name, keep_role
from rolecall.directory.teams import find_team_by_alias, find_team_by_name, keep_team, make_team
from rolecall.kernel.ids import new_id
from rolecall.mapping import store
from rolecall.mapping.decide import needs_consent, split_name
from rolecall.mapping.events import MappingCreated, MappingDeleted, MappingWaiting
from rolecall.mapping.model import Choices, MadeBy, Mapping, MappingId, MappingState, MatchKind
from rolecall.storage.transaction import ReadTx, WriteTx

EVERYTHING_BY_NAME: Final = (MadeBy.CONVENTION, MadeBy.GROUP_TEAM)


def adapt(tx: WriteTx, group: NamedGroup, choices: Choices) -> bool:
    """Let a group have exactly the mapping that its name asks for; return whether that differs from before.

    What an administrator decided about it stays while the name asks for the same.
    """
    asked = _asked_for(tx, group.display_name) if choices.convention else None
    kept = [each for each in store.list_mappings_of(tx, group.ground) if each.made_by is MadeBy.CONVENTION]
    if [each.targets for each in kept] == ([] if asked is None else [frozenset({asked})]):
        return False
    for each in kept:
        delete(tx, each)
    if asked is not None:
        keep_team(tx, asked.team_id)
        actions = given_in(asked.team_id, keep_role(tx, asked.role).actions)
        state = MappingState.WAITING if needs_consent(asked.role, actions) else MappingState.ACTIVE
        _make(tx, group, asked, MadeBy.CONVENTION, state)
    return True


def found_team(tx: WriteTx, group: NamedGroup, choices: Choices) -> bool:
    """Let a group that nothing maps become a team of its name; return whether it did.

    Not where there is such a team already: a name alone opens nobody's team. The new team sees nothing
    until an administrator chooses what.
    """
    if choices.group_team_role is None or find_team_by_name(tx, group.display_name) is not None:
        return False
    role = keep_role(tx, RoleId(choices.group_team_role))
    team = make_team(tx, TeamDraft(name=group.display_name, provider_ids=frozenset()))
    tx.record(TeamCreated(team_id=team.id, name=team.name))
    _make(tx, group, Target(team_id=team.id, role=role.id), MadeBy.GROUP_TEAM, MappingState.ACTIVE)
    return True


def forget_group(tx: WriteTx, ground: Ground) -> None:
    """End the mappings that came with the name of a group that is gone."""
    for each in store.list_mappings_of(tx, ground):
        if each.made_by in EVERYTHING_BY_NAME:
            delete(tx, each)


def delete(tx: WriteTx, mapping: Mapping) -> None:
    """Delete a mapping, and say so. What it gave has to be worked out anew."""
    store.delete_mapping(tx, mapping.id)
    tx.record(
        MappingDeleted(
            mapping_id=mapping.id,
            source=mapping.source.name,
            match_kind=mapping.match_kind.value,
            match_value=mapping.match_value,
        )
    )


def names_of(mapping: Mapping) -> tuple[str, ...]:
    """Return what a mapping gives, as events tell it."""
    return tuple(f"{target.team_id}:{target.role}" for target in sorted(mapping.targets))


def _asked_for(tx: ReadTx, name: str) -> Target | None:
    parts = split_name(name)
    if parts is None:
        return None
    team, role = find_team_by_alias(tx, parts[0]), find_role_by_name(tx, parts[1])
    return None if team is None or role is None else Target(team_id=team.id, role=role.id)


def _make(tx: WriteTx, group: NamedGroup, target: Target, made_by: MadeBy, state: MappingState) -> None:
    mapping = Mapping(
        id=MappingId(new_id(tx.now)),
        source=SourceKind.SCIM_GROUP,
        match_kind=MatchKind.ID,
        match_value=group.id,
        targets=frozenset({target}),
        made_by=made_by,
        state=state,
        version=1,
        created_at=tx.now,
        changed_at=tx.now,
    )
    store.insert_mapping(tx, mapping)
    record_made(tx, mapping)


def record_made(tx: WriteTx, mapping: Mapping) -> None:
    """Say that a mapping came to be, or that it waits."""
    if mapping.state is MappingState.WAITING:
        tx.record(
            MappingWaiting(
                mapping_id=mapping.id,
                source=mapping.source.name,
                match_kind=mapping.match_kind.value,
                match_value=mapping.match_value,
                targets=names_of(mapping),
            )
        )
        return
    tx.record(
        MappingCreated(
            mapping_id=mapping.id,
            source=mapping.source.name,
            match_kind=mapping.match_kind.value,
            match_value=mapping.match_value,
            made_by=mapping.made_by.value,
            targets=names_of(mapping),
        )
    )
