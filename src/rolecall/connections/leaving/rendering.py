"""How does a connection's leaving stand in JSON?"""

from typing import Any

from rolecall.connections.leaving.model import Preview, Report
from rolecall.connections.preview.rendering import radius_document
from rolecall.kernel.clock import to_rfc3339


def report_document(report: Report) -> dict[str, Any]:
    """Return how far it is as JSON has it."""
    leaving = report.leaving
    return {
        "connection_id": leaving.connection_id,
        "is_preview": False,
        "phase": leaving.phase.value,
        "users": leaving.plan.users.value,
        "assignments": leaving.plan.assignments.value,
        "to_connection_id": leaving.plan.to_connection_id,
        "done_count": leaving.done,
        "total_count": leaving.total,
        "started_at": to_rfc3339(leaving.started_at),
        "finished_at": None if leaving.finished_at is None else to_rfc3339(leaving.finished_at),
        "undo_until": to_rfc3339(leaving.undo_until),
        "kept_back": [
            {"kind": each.kind, "id": each.id, "name": each.name, "because": each.because.value}
            for each in report.kept_back
        ],
        "radius": None,
    }


def preview_document(preview: Preview) -> dict[str, Any]:
    """Return what leaving would do as JSON has it."""
    return {**report_document(preview.report), "is_preview": True, "radius": radius_document(preview.radius)}
