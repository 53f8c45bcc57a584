"""What would a mapping change if it were so?"""

from typing import Final

from rolecall.authorization.actions import Action
from rolecall.authorization.check import require
from rolecall.directory import decide as directory_decide
from rolecall.directory import grounds
from rolecall.directory.model import Ground, Held
from rolecall.kernel.errors import NotFound
from rolecall.mapping import decide, store
from rolecall.mapping.matching import list_matched
from rolecall.mapping.model import MappingDraft, MappingId, Preview
from rolecall.storage.transaction import ReadTx

_CHUNK: Final = 1000


def preview_mapping(tx: ReadTx, draft: MappingDraft | None, *, mapping_id: MappingId | None = None) -> Preview:
    """Return who would come to hold what, and who no more, if a mapping were as drafted; sorted.

    With `mapping_id` in place of that mapping, else beside all others; without a draft, as if it were deleted.
    Writes nothing. May look at every group and member: not for the writer.

    Raises: Forbidden, BadMapping, NotFound.
    """
    require(tx.actor, Action.MAPPING_LIST)
    if draft is not None:
        decide.check_draft(draft)
    if mapping_id is not None and store.find_mapping(tx, mapping_id) is None:
        raise NotFound(f"There is no mapping with the id {mapping_id}.", mapping_id=mapping_id)
    matched = frozenset(list_matched(tx, draft)) if draft is not None else frozenset[Ground]()
    matched_before = store.list_grounds(tx, mapping_id) if mapping_id is not None else ()
    gained: set[Held] = set()
    lost: set[Held] = set()
    for ground in sorted({*matched, *matched_before}):
        after = store.list_targets(tx, ground, besides=mapping_id or "")
        if draft is not None and ground in matched:
            after |= draft.targets
        before = grounds.list_given(tx, ground)
        if before != after:
            users = grounds.list_users(tx, ground, limit=grounds.count_users(tx, ground))
            gained |= directory_decide.wanted(ground, users, after - before)
            lost |= directory_decide.wanted(ground, users, before - after)
    return _preview(tx, frozenset(gained), frozenset(lost))


def _preview(tx: ReadTx, gained: frozenset[Held], lost: frozenset[Held]) -> Preview:
    users = sorted({each.user_id for each in gained | lost})
    held = frozenset[Held]().union(
        *(grounds.list_held_by(tx, users[start : start + _CHUNK]) for start in range(0, len(users), _CHUNK))
    )
    gains, losses = decide.effects(held, held - lost | gained)
    return Preview(gains=tuple(sorted(gains)), losses=tuple(sorted(losses)))
