"""Which SCIM calls were there, and what came of each?"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from rolecall.authentication import connection_keys
from rolecall.authorization.actions import Action
from rolecall.authorization.check import require
from rolecall.connections import store
from rolecall.connections.log import decide
from rolecall.connections.log.model import CallSearch, Effect, ExplainedCall, LoggedCall
from rolecall.directory.model import DEFAULT_CONNECTION, ConnectionId
from rolecall.events.model import AuditRecord, LoggedEvent
from rolecall.events.search import calls, logs
from rolecall.events.search.model import CallNarrowing, Feed, LogPage, LogPlace, LogSearch
from rolecall.kernel.errors import NotFound
from rolecall.storage.transaction import ReadTx

MOST_EFFECTS: Final = 10_000
"""So many effects of one call are shown at most."""
FOLLOWED: Final = timedelta(days=1)
"""So long after a call is looked for what a job made of it."""

_SCIM: Final = CallNarrowing(below="/scim/v")
_AT_ONCE: Final = 2_000


def list_calls(tx: ReadTx, wanted: CallSearch) -> LogPage[LoggedCall]:
    """Return SCIM calls by the time at which they ended. A page may be empty although more follows.

    Raises: Forbidden, NotFound for a connection that is not there.
    """
    require(tx.actor, Action.AUDIT_READ)
    page = logs.search(
        tx,
        logs.RECORDS,
        LogSearch(
            where=wanted.where,
            since=wanted.since,
            after=wanted.after,
            newest_first=wanted.newest_first,
            limit=wanted.limit,
            narrowed=CallNarrowing(
                below=_SCIM.below,
                key_ids=None if wanted.connection_id is None else _keys_of(tx, wanted.connection_id),
                about=tuple(each for each in (wanted.user_id, wanted.group_id) if each is not None),
            ),
        ),
    )
    return LogPage(items=_told(tx, page.items), after=page.after)


def get_call(tx: ReadTx, call_id: str) -> ExplainedCall:
    """Return one SCIM call with who gained and lost what because of it, also by a job that it started.

    Raises: Forbidden, NotFound.
    """
    record = get_record(tx, call_id)
    events = calls.list_events_of_calls(tx, (record,), decide.AT_ONCE)[record.request_id]
    later, waiting = _made_by_job(tx, record, events)
    effects = (*decide.effects_of(events), *later)
    (call,) = _told(tx, (record,))
    return ExplainedCall(
        call=call, effects=effects[:MOST_EFFECTS], is_complete=not waiting and len(effects) <= MOST_EFFECTS
    )


def get_record(tx: ReadTx, call_id: str) -> AuditRecord:
    """Return the audit record of one SCIM call.

    Raises: Forbidden, NotFound.
    """
    require(tx.actor, Action.AUDIT_READ)
    is_number = call_id.isascii() and call_id.isdecimal() and len(call_id) < 19  # noqa: PLR2004  # fits 64 bits
    record = calls.find_result(tx, int(call_id), _SCIM) if is_number else None
    if record is None:
        raise NotFound(f"There is no SCIM call with the id {call_id}.", call_id=call_id)
    return record


def follow_calls(tx: ReadTx, *, after: int | None, since: datetime | None, until: int, limit: int) -> Feed[LoggedCall]:
    """Return the next SCIM calls in the order of writing, as `events.search.logs.follow` does.

    Raises: Forbidden.
    """
    require(tx.actor, Action.AUDIT_READ)
    feed = calls.follow_results(tx, _SCIM, after=after, since=since, until=until, limit=limit)
    return Feed(items=_told(tx, feed.items), after=feed.after, has_more=feed.has_more)


def _told(tx: ReadTx, records: Sequence[AuditRecord]) -> tuple[LoggedCall, ...]:
    events = calls.list_events_of_calls(tx, records, decide.AT_ONCE)
    owners = connection_keys.find_connections_of(
        tx, {record.api_key_id for record in records if record.api_key_id is not None}
    )
    names = {connection.id: connection.name for connection in store.list_connections(tx)}
    told = []
    for record in records:
        connection_id = owners.get(record.api_key_id or "")
        told.append(
            LoggedCall(
                record=record,
                connection_id=connection_id,
                connection_name=None if connection_id is None else names.get(connection_id),
                counts=decide.counts_of(events[record.request_id]),
            )
        )
    return tuple(told)


def _keys_of(tx: ReadTx, connection_id: str) -> tuple[str, ...]:
    if store.find_connection(tx, connection_id) is None:
        raise NotFound(f"There is no SCIM connection with the id {connection_id}.", connection_id=connection_id)
    return connection_keys.list_ids_of(
        tx, ConnectionId(connection_id), with_unbound=connection_id == DEFAULT_CONNECTION
    )


def _made_by_job(
    tx: ReadTx, record: AuditRecord, events: Sequence[LoggedEvent]
) -> tuple[tuple[Effect, ...], frozenset[str]]:
    """Return what jobs made of a call, and the sources that they have not come to the end of."""
    waiting = decide.sources_begun(events)
    made: list[Effect] = []
    place: LogPlace | None = LogPlace(at=record.recorded_at, sequence=0)
    while waiting and place is not None and len(made) <= MOST_EFFECTS:
        later, place = calls.list_events_between(
            tx, decide.LATER, place, until=record.recorded_at + FOLLOWED, limit=_AT_ONCE
        )
        effects, waiting = decide.followed(later, waiting)
        made += effects
    return tuple(made), waiting
