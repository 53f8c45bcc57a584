"""What does a mapping match, what does a name ask for, and what would a change bring about?"""

from collections.abc import Callable, Iterable
from typing import Final

import re2

from rolecall.authorization.actions import RAISING, Action
from rolecall.authorization.roles import ADMIN, RoleId
from rolecall.directory.model import Held, Target
from rolecall.kernel.names import check_name
from rolecall.kernel.text import comparison_form
from rolecall.mapping.errors import BadMapping
from rolecall.mapping.model import MAPPABLE, Effect, Known, MappingDraft, MatchKind

_MOST_TARGETS: Final = 100
_PATTERN_BYTES: Final = 1 << 20
"""Memory that a compiled pattern may take; more is refused when the mapping is made."""


def check_draft(draft: MappingDraft) -> None:
    """Return when a mapping can be as drafted.

    Raises: BadMapping, naming the field.
    """
    if draft.source not in MAPPABLE:
        raise BadMapping("A mapping looks at groups, roles or claims.", attribute="source")
    check_name(BadMapping, "match_value", draft.match_value)
    if draft.match_kind is MatchKind.PATTERN:
        _compiled(draft.match_value)
    if not draft.targets:
        raise BadMapping("A mapping gives at least one role in a team.", attribute="assignments")
    if len(draft.targets) > _MOST_TARGETS:
        raise BadMapping(f"A mapping gives at most {_MOST_TARGETS} roles.", attribute="assignments")


def matcher_of(match_kind: MatchKind, match_value: str) -> Callable[[Known], bool]:
    """Return the test whether something is matched. Takes time in proportion to the length of its name."""
    if match_kind is MatchKind.ID:
        return lambda known: match_value in known.ids
    if match_kind is MatchKind.NAME:
        form = comparison_form(match_value)
        return lambda known: comparison_form(known.name) == form
    pattern = _compiled(match_value)
    return lambda known: pattern.fullmatch(known.name) is not None


def split_name(name: str) -> tuple[str, str] | None:
    """Return the alias of a team and the name of a role that a group's name asks for, or None."""
    alias, _, role = name.rpartition(":")
    return (alias.strip(), role.strip()) if alias.strip() and role.strip() else None


def needs_consent(role: RoleId, actions: frozenset[Action]) -> bool:
    """Return whether a role, with what it gives in its team, is never given by a name alone."""
    return role == ADMIN or not actions.isdisjoint(RAISING)


def effects(before: Iterable[Held], after: Iterable[Held]) -> tuple[frozenset[Effect], frozenset[Effect]]:
    """Return what users hold afterwards and did not before, and what they held before and do not any more.

    An assignment is there as long as one source gives it: what another source gives too is neither.
    """
    had, have = _effective(before), _effective(after)
    return have - had, had - have


def _effective(held: Iterable[Held]) -> frozenset[Effect]:
    return frozenset(Effect(user_id=each.user_id, target=Target(team_id=each.team_id, role=each.role)) for each in held)


def _compiled(pattern: str) -> "re2._Regexp":
    # RE2 matches in linear time, whatever the pattern: no name can keep the writer busy.
    options = re2.Options()
    options.max_mem = _PATTERN_BYTES
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0] if error.args else error
        reason = reason.decode(errors="replace") if isinstance(reason, bytes) else reason
        raise BadMapping(f"This is not a pattern that can be used: {reason}.", attribute="match_value") from error
