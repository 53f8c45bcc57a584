"""How do a guide and the first calls stand in JSON?"""

from typing import Any

from rolecall.connections.guide.model import FirstCalls, Guide
from rolecall.kernel.clock import to_rfc3339


def guide_document(guide: Guide) -> dict[str, Any]:
    """Return a guide as JSON has it."""
    return {
        "provider": guide.provider.value,
        "base_url": guide.base_url,
        "document": guide.document,
        "steps": [
            {
                "name": step.name,
                "title": step.title,
                "instructions": list(step.instructions),
                "entries": [{"label": entry.label, "value": entry.value} for entry in step.entries],
                "done": step.done,
            }
            for step in guide.steps
        ],
    }


def first_calls_document(seen: FirstCalls) -> dict[str, Any]:
    """Return what was seen of first calls as JSON has it."""
    return {
        "dialect": None if seen.dialect is None else seen.dialect.value,
        "sightings": [
            {
                "kind": each.kind.value,
                "at": to_rfc3339(each.at),
                "method": each.method,
                "path": each.path,
                "status": each.status,
                "means": each.means,
            }
            for each in seen.sightings
        ],
    }
