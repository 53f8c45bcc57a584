"""How does a validation stand in JSON?"""

from typing import Any

from rolecall.connections.validation import decide
from rolecall.connections.validation.model import StepReport, Validation
from rolecall.kernel.clock import to_rfc3339


def to_document(run: Validation) -> dict[str, Any]:
    """Return a validation as JSON has it, with the steps that were made."""
    return {
        "id": run.id,
        "connection_id": run.connection_id,
        "address": run.way.value,
        "state": run.state.value,
        "step_count": len(decide.STEPS),
        "steps": [step_document(each) for each in run.reports],
        "created_at": to_rfc3339(run.created_at),
        "finished_at": None if run.finished_at is None else to_rfc3339(run.finished_at),
    }


def step_document(report: StepReport) -> dict[str, Any]:
    """Return one step as JSON has it."""
    request = report.request
    return {
        "name": report.name,
        "title": report.title,
        "passed": report.passed,
        "method": None if request is None else request.method,
        "path": None if request is None else request.path,
        "request": None if request is None else request.body,
        "status": report.answer.status,
        "answer": report.answer.body,
        "means": report.means,
        "advice": report.advice,
        "duration_ms": report.milliseconds,
    }
