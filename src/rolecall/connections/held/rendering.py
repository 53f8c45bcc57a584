"""How does a held change stand in JSON?"""

from typing import Any

from rolecall.connections.held.model import HeldChange
from rolecall.kernel.clock import to_rfc3339


def to_document(held: HeldChange) -> dict[str, Any]:
    """Return a held change as JSON has it, without what was sent in its body."""
    decision = held.decision
    return {
        "id": held.id,
        "connection_id": held.connection_id,
        "connection_name": held.connection_name,
        "state": held.state.value,
        "method": held.sent.method,
        "url": held.sent.path,
        "request_id": held.request_id,
        "losing_people_count": held.losses.losing,
        "lost_in_hour_count": held.losses.lost,
        "limit_count": held.losses.limit,
        "try_count": held.tries,
        "held_at": to_rfc3339(held.held_at),
        "last_tried_at": to_rfc3339(held.last_tried_at),
        "decided_at": None if decision is None else to_rfc3339(decision.at),
        "decided_by_id": None if decision is None else decision.user_id,
        "decided_by_name": None if decision is None else decision.user_name,
        "result_status": None if decision is None else decision.status,
        "refusal": held.refusal,
    }
