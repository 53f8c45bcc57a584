"""How does a SCIM call of the log stand in JSON and in a table?"""

import csv
import io
from collections.abc import Iterable
from typing import Any, Final

from rolecall.connections.log.model import Effect, ExplainedCall, LoggedCall
from rolecall.kernel.clock import to_rfc3339
from rolecall.kernel.text import harmless_cell

COLUMNS: Final = (
    "id",
    "ended_at",
    "request_id",
    "connection_id",
    "connection_name",
    "api_key_id",
    "ip_address",
    "user_agent",
    "method",
    "url",
    "outcome",
    "http_status",
    "error_reason",
    "detail",
    "operations",
    "subject_id",
    "gained_count",
    "lost_count",
    "ended_count",
    "goes_on",
    "duration_microseconds",
)
"""Of a table: all but the body."""


def to_document(call: LoggedCall) -> dict[str, Any]:
    """Return a call as JSON has it, with the names of the columns of a table."""
    record, counts = call.record, call.counts
    return {
        "id": str(record.sequence),
        "ended_at": to_rfc3339(record.recorded_at),
        "request_id": record.request_id,
        "connection_id": call.connection_id,
        "connection_name": call.connection_name,
        "api_key_id": record.api_key_id,
        "ip_address": record.address,
        "user_agent": record.user_agent,
        "method": record.method,
        "url": record.target,
        "request": record.request,
        "outcome": None if record.outcome is None else record.outcome.value,
        "http_status": record.status,
        "error_reason": record.code,
        "detail": record.detail,
        "operations": list(record.operations),
        "subject_id": record.subject_id,
        "gained_count": counts.gained,
        "lost_count": counts.lost,
        "ended_count": counts.ended,
        "goes_on": counts.goes_on,
        "duration_microseconds": record.duration_microseconds,
    }


def explained_document(explained: ExplainedCall) -> dict[str, Any]:
    """Return a call as JSON has it, with its effects."""
    return {
        **to_document(explained.call),
        "effects": [_effect_document(effect) for effect in explained.effects],
        "effects_complete": explained.is_complete,
    }


def render_csv(calls: Iterable[LoggedCall]) -> str:
    """Return calls, without their bodies, as CSV (RFC 4180) with a line of headings. Nothing in it is a formula."""
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow(COLUMNS)
    for call in calls:
        document = to_document(call)
        document["operations"] = " ".join(document["operations"])
        writer.writerow([harmless_cell(document[name]) for name in COLUMNS])
    return written.getvalue()


def _effect_document(effect: Effect) -> dict[str, Any]:
    return {
        "kind": effect.kind.value,
        "at": to_rfc3339(effect.at),
        "user_id": effect.user_id,
        "user_name": effect.user_name,
        "team_id": effect.team_id,
        "role": effect.role,
        "source": effect.source,
        "by_job": effect.by_job,
    }
