"""How does a connection's leaving stand in JSON?"""

from typing import Any, Final

from rolecall.connections.leaving.model import Effect, Preview, Report
from rolecall.kernel.clock import to_rfc3339

MOST_EFFECTS: Final = 1_000
"""So many are named; `people_losing_count` counts all."""


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
        "people_losing_count": None,
        "effects": [],
        "goes_on": False,
    }


def preview_document(preview: Preview) -> dict[str, Any]:
    """Return what leaving would do as JSON has it."""
    return {
        **report_document(preview.report),
        "is_preview": True,
        "people_losing_count": preview.people_losing,
        "effects": [_effect_document(each) for each in preview.effects[:MOST_EFFECTS]],
        "goes_on": preview.goes_on,
    }


def _effect_document(effect: Effect) -> dict[str, Any]:
    target = effect.target
    return {
        "kind": effect.kind,
        "user_id": effect.user_id,
        "user_name": effect.user_name,
        "team_id": None if target is None else target.team_id,
        "role": None if target is None else target.role,
    }
