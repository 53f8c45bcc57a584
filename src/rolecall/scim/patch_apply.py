"""What does a PATCH make of a resource?"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, assert_never

import orjson

from rolecall.directory.model import (
    AddMembers,
    EditProfile,
    GroupStep,
    Outcome,
    ProfileChange,
    RemoveMatchingMembers,
    RemoveMembers,
    ReplaceMembers,
)
from rolecall.kernel.document import Document, Json
from rolecall.kernel.predicate import Compare, Operator, Or, Predicate, paths_of
from rolecall.kernel.text import comparison_form
from rolecall.scim.demands import check_immutable, check_still_there
from rolecall.scim.errors import InvalidValue, NoTarget, ScimError, TooMany
from rolecall.scim.filters import render_filter
from rolecall.scim.patch import Edit, Operation, OperationName, Patch, is_membership
from rolecall.scim.profiles import with_schemas
from rolecall.scim.schemas import Attribute, ResourceType
from rolecall.scim.values import check_count, combined, is_primary

_REMOVE: Final = OperationName.REMOVE


MAX_COMPARISONS: Final = 100_000
"""How often the filters of one PATCH may compare a value. Providers need a few dozen."""

MAX_MEMBER_SEARCHES: Final = 20
"""How often one PATCH may look through all members for those that fulfil a condition."""


def apply_to_profile(patch: Patch, profile: Document, resource_type: ResourceType) -> ProfileChange:
    """Return what the PATCH makes of the profile, which itself stays as it is.

    Raises: NoTarget, InvalidValue, TooMany.
    """
    return _apply(patch.operations, profile, resource_type)


def group_steps(patch: Patch, resource_type: ResourceType) -> tuple[GroupStep, ...]:
    """Return the PATCH of a group as changes of its profile and of its members, in the order of the request.

    Operations that touch no members share one step where they follow one another.
    """
    searches = [edit for operation in patch.operations for edit in operation.edits if _searches_members(edit)]
    if len(searches) > MAX_MEMBER_SEARCHES:
        raise TooMany(f"One PATCH can search the members at most {MAX_MEMBER_SEARCHES} times; name them by value.")
    steps: list[GroupStep] = []
    pending: list[Operation] = []
    for operation in patch.operations:
        profile_edits = tuple(edit for edit in operation.edits if not is_membership(edit.target))
        member_edits = [edit for edit in operation.edits if is_membership(edit.target)]
        if profile_edits or not member_edits:
            pending.append(Operation(position=operation.position, edits=profile_edits))
        if member_edits and pending:
            steps.append(_edit_profile(tuple(pending), resource_type))
            pending = []
        steps.extend(_membership_step(edit, operation.position) for edit in member_edits)
    if pending:
        steps.append(_edit_profile(tuple(pending), resource_type))
    return tuple(steps)


def _searches_members(edit: Edit) -> bool:
    where = edit.target.where
    return is_membership(edit.target) and where is not None and _members_named(where) is None


def _edit_profile(operations: tuple[Operation, ...], resource_type: ResourceType) -> EditProfile:
    return EditProfile(change=lambda profile: _apply(operations, profile, resource_type))


def _membership_step(edit: Edit, position: int) -> GroupStep:
    members = _ids(edit.value)
    where = edit.target.where
    match edit.name:
        case OperationName.ADD:
            return AddMembers(operation=position, members=members)
        case OperationName.REPLACE:
            return ReplaceMembers(operation=position, members=members)
        case OperationName.REMOVE if where is not None:
            named = _members_named(where)
            if named is None:
                return RemoveMatchingMembers(operation=position, where=where)
            return RemoveMembers(operation=position, members=named)
        case OperationName.REMOVE if edit.value is None:
            return ReplaceMembers(operation=position, members=())
        case OperationName.REMOVE:
            return RemoveMembers(operation=position, members=members)
        case _:
            assert_never(edit.name)


def _ids(value: Json) -> tuple[str, ...]:
    return tuple(str(member) for member in _listed(value))


def _members_named(where: Predicate) -> tuple[str, ...] | None:
    """Return the ids that the filter names one by one, so that no member has to be looked at."""
    match where:
        case Compare(path=("value",), operator=Operator.EQ, value=str() as member):
            return (member,)
        case Or(parts=parts):
            named = [_members_named(part) for part in parts]
            return None if None in named else tuple(dict.fromkeys(member for some in named for member in some or ()))
        case _:
            return None


def _apply(operations: Sequence[Operation], profile: Document, resource_type: ResourceType) -> ProfileChange:
    draft = dict(profile)
    outcomes: dict[int, Outcome] = {}
    comparisons = 0
    for operation in operations:
        try:
            comparisons += sum(_comparisons_of(edit, draft) for edit in operation.edits)
            if comparisons > MAX_COMPARISONS:
                raise TooMany("Its filters compare too many values; send fewer operations in one PATCH.")
            changes = [_apply_edit(edit, draft) for edit in operation.edits]
        except ScimError as refusal:
            refusal.about["operation"] = str(operation.position)
            raise
        outcomes[operation.position] = Outcome.APPLIED if any(changes) else Outcome.NO_CHANGE
    if draft.keys() != profile.keys():
        draft = with_schemas(draft, resource_type)
    check_still_there(profile, draft, resource_type)
    check_immutable(profile, draft, resource_type)
    return ProfileChange(profile=draft, outcomes=outcomes)


def _comparisons_of(edit: Edit, draft: Mapping[str, Json]) -> int:
    """Return how many comparisons an edit needs to find what it changes."""
    target = edit.target
    if target.where is None:
        return 0
    container = draft
    if target.extension is not None:
        container = _parts(draft.get(_spelled_as_in(draft, target.extension)))
    values = _listed(container.get(_spelled_as_in(container, str(target.name))))
    return sum(1 for _ in paths_of(target.where)) * len(values)


def _apply_edit(edit: Edit, draft: dict[str, Json]) -> bool:
    """Change the draft, and return whether anything differs. Its nested values are replaced, never changed."""
    target = edit.target
    if target.extension is None:
        return _apply_within(edit, draft)
    uri = _spelled_as_in(draft, target.extension)
    whole = _spelled_as_in(draft, str(target))
    if target.name is None or (edit.name is _REMOVE and target.where is None and whole in draft):
        return draft.pop(whole, None) is not None
    extension = dict(_parts(draft.get(uri)))
    changed = _apply_within(edit, extension)
    if extension:
        draft[uri] = extension
    else:
        draft.pop(uri, None)
    return changed


def _apply_within(edit: Edit, container: dict[str, Json]) -> bool:
    target = edit.target
    name = str(target.name)
    if target.attribute is None:
        name = _spelled_as_in(container, name)
    old = container.get(name)
    new = _edited(edit, old)
    if new == old and (target.attribute is not None or _identical(new, old)):
        return False
    if new is None:
        del container[name]
    else:
        container[name] = new
    return True


def _spelled_as_in(container: Mapping[str, Json], name: str) -> str:
    """Return the name as it is spelled there (RFC 7643 §2.1: case does not count), or as it is."""
    if name in container:
        return name
    lowered = name.lower()
    return next((key for key in container if key.lower() == lowered), name)


def _identical(one: Json, other: Json) -> bool:
    # What no schema declares may change from 1 to true, which Python holds to be equal.
    return orjson.dumps(one, option=orjson.OPT_SORT_KEYS) == orjson.dumps(other, option=orjson.OPT_SORT_KEYS)


def _edited(edit: Edit, old: Json) -> Json:
    if _has_several(edit, old):
        return _edited_values(edit, _listed(old))
    if edit.matches is not None and not edit.matches(_parts(old)):
        return _without_match(edit, old)
    return _edited_value(edit, old)


def _has_several(edit: Edit, old: Json) -> bool:
    target = edit.target
    if target.attribute is not None:
        return target.attribute.multi_valued
    if target.where is not None:
        return not isinstance(old, Mapping)
    replaced = edit.name is OperationName.REPLACE and target.sub_name is None
    return isinstance(old, Sequence) and not isinstance(old, str) and not replaced


def _edited_value(edit: Edit, old: Json) -> Json:
    sub_name, value = edit.target.sub_name, None if edit.name is _REMOVE else edit.value
    if sub_name is not None:
        sub = edit.target.sub_attribute
        if sub is not None and sub.multi_valued:
            value = _edited_part(edit, sub, _listed(_parts(old).get(sub.name)))
        return combined(_parts(old), {sub_name: value})
    if isinstance(value, Mapping):
        return combined(_parts(old), value)
    return value


def _edited_part(edit: Edit, sub: Attribute, old: Sequence[Json]) -> Json:
    """Return the values of a part that may have several."""
    if edit.name is OperationName.REPLACE:
        return edit.value
    values = _remaining(edit, old) if edit.name is _REMOVE else _added(edit, old, sub)
    check_count(values, str(edit.target))
    return values or None


def _without_match(edit: Edit, old: Json) -> Json:
    if edit.name is _REMOVE or (edit.creates and edit.value is None):
        return old
    created = _created(edit)
    if created is None:
        where = "" if edit.target.where is None else render_filter(edit.target.where)
        raise NoTarget(f"{edit.target} has no value that fulfils {where}.", attribute=str(edit.target))
    return created


def _created(edit: Edit) -> Json:
    """Return the value that an operation creates because none is selected; None when it may not."""
    if not edit.creates or edit.parts is None:
        return None
    return _edited_value(edit, edit.parts)


def _edited_values(edit: Edit, old: Sequence[Json]) -> Json:
    if edit.target.where is not None or edit.target.sub_name is not None:
        values = _distinct(_edited_selection(edit, old))
    elif edit.name is _REMOVE:
        values = _remaining(edit, old)
    elif edit.name is OperationName.ADD:
        values = _added(edit, old, edit.target.attribute)
    else:
        values = list(_listed(edit.value))
    check_count(values, str(edit.target))
    return _with_one_primary(edit, values, old) or None


def _edited_selection(edit: Edit, old: Sequence[Json]) -> Iterator[Json]:
    """Yield the values after those that the path selects were changed."""
    matches = edit.matches
    selected = [matches is None or (isinstance(value, Mapping) and matches(value)) for value in old]
    if sum(selected) > 1 and is_primary(_edited_value(edit, None)):
        raise InvalidValue(f"Only one value of {edit.target} can be primary.", attribute=str(edit.target))
    for value, is_selected in zip(old, selected, strict=True):
        changed = _selected_value(edit, value) if is_selected else value
        if changed is not None:
            yield changed
    if any(selected):
        return
    if matches is None:
        created = None if edit.name is _REMOVE else _edited_value(edit, None)
    else:
        created = _without_match(edit, None)
    if created is not None:
        yield created


def _distinct(values: Iterable[Json]) -> list[Json]:
    """Return the values, each once (RFC 7643 §2.4): a change can make one equal to another."""
    by_text: dict[bytes, Json] = {}
    for value in values:
        by_text.setdefault(orjson.dumps(value, option=orjson.OPT_SORT_KEYS), value)
    return list(by_text.values())


def _selected_value(edit: Edit, value: Json) -> Json:
    if edit.name is OperationName.REPLACE and edit.target.sub_name is None and edit.value is not None:
        # §3.5.2.3 replaces the whole value; what it was selected by stays, or the next request would not find it.
        return _edited_value(edit, edit.parts)
    if edit.name is _REMOVE and edit.target.sub_name is None:
        return None
    return _edited_value(edit, value)


def _remaining(edit: Edit, old: Sequence[Json]) -> list[Json]:
    if edit.value is None:
        return []
    unwanted = {_removal_key(value) for value in _listed(edit.value)}
    return [value for value in old if _removal_key(value) not in unwanted]


def _removal_key(value: Json) -> bytes:
    """Return what a value to remove has in common with the one that is there: its `value`, or else everything."""
    described = value.get("value", value) if isinstance(value, Mapping) else value
    return orjson.dumps(_comparable(described), option=orjson.OPT_SORT_KEYS)


def _comparable(value: Json) -> Json:
    if isinstance(value, str):
        return comparison_form(value)
    if isinstance(value, Mapping):
        return {name: _comparable(part) for name, part in value.items()}
    return value


def _added(edit: Edit, old: Sequence[Json], attribute: Attribute | None) -> list[Json]:
    """Return the values with more of them; one with the `value` and `type` of another is that one, not a second."""
    result = {_identity(value, attribute): value for value in old}
    for value in _listed(edit.value):
        identity = _identity(value, attribute)
        parts, there = _parts(value), _parts(result.get(identity))
        as_stored = {name: there[name] for name in ("value", "type") if name in there}
        result[identity] = {**there, **parts, **as_stored} if parts else value
    return list(result.values())


def _identity(value: Json, attribute: Attribute | None) -> bytes:
    """Return what two values have in common that are one: their `value`, by its own rule on case, and `type`."""
    parts = _parts(value)
    if "value" not in parts:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    declared = None if attribute is None else attribute.sub_attribute("value")
    with_case = declared is None or declared.case_exact
    named = {
        "value": parts["value"] if with_case else _comparable(parts["value"]),
        "type": _comparable(parts.get("type")),
    }
    return orjson.dumps(named, option=orjson.OPT_SORT_KEYS)


def _with_one_primary(edit: Edit, values: list[Json], old: Sequence[Json]) -> list[Json]:
    """Return the values with `primary` taken from all but the one that newly has it (RFC 7644 §3.5.2)."""
    primary = [value for value in values if is_primary(value)]
    new = [value for value in primary if value not in old]
    if len(primary) < 2 or not new or edit.target.attribute is None:  # noqa: PLR2004 - two are one too many
        return values
    return [{**_parts(value), "primary": value in new} if is_primary(value) else value for value in values]


def _parts(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, Mapping) else {}


def _listed(value: Json) -> Sequence[Json]:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return value
    return () if value is None else (value,)
