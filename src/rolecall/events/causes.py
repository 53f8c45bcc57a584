"""Which change made something as it is?

Needs no action: whoever shows it asks for one.
"""

from collections.abc import Collection

from rolecall.events import store
from rolecall.events.model import LoggedEvent
from rolecall.storage.transaction import ReadTx


def find_last_about(
    tx: ReadTx, subject_id: str, types: Collection[str], *, mentioning: str | None = None
) -> LoggedEvent | None:
    """Return the newest event of these types about something, or None: one that also mentions another, if given."""
    return store.find_last_about(tx, subject_id, types, mentioning=mentioning)
