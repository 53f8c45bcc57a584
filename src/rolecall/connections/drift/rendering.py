"""How does a difference stand in JSON and in a table?"""

import csv
import io
from collections.abc import Iterable
from typing import Any, Final

from rolecall.connections.drift.model import Comparison, DriftKind, ExplainedDifference
from rolecall.kernel.clock import to_rfc3339
from rolecall.kernel.text import harmless_cell

COLUMNS: Final = (
    "id",
    "connection_id",
    "kind",
    "name",
    "resource_id",
    "member_id",
    "member_name",
    "attributes",
    "found_at",
    "cause_type",
    "cause_at",
    "cause_actor_kind",
    "cause_user_id",
    "cause_request_id",
)
"""Of a table: all but what the provider says."""


def to_document(explained: ExplainedDifference) -> dict[str, Any]:
    """Return a difference as JSON has it."""
    difference, cause = explained.difference, explained.cause
    finding = difference.finding
    return {
        "id": difference.id,
        "connection_id": difference.connection_id,
        "kind": finding.kind.value,
        "name": finding.name,
        "resource_id": finding.resource_id,
        "member_id": finding.member_id,
        "member_name": finding.member_name,
        "attributes": list(finding.attributes),
        "said": finding.said,
        "found_at": to_rfc3339(difference.found_at),
        "cause_type": None if cause is None else cause.type,
        "cause_at": None if cause is None else to_rfc3339(cause.happened_at),
        "cause_actor_kind": None if cause is None else cause.actor_kind,
        "cause_user_id": None if cause is None else cause.actor_user_id,
        "cause_request_id": None if cause is None else cause.request_id,
    }


def comparison_document(comparison: Comparison) -> dict[str, Any]:
    """Return what came of a comparison as JSON has it, in numbers."""
    kinds = [finding.kind for finding in comparison.findings]
    return {
        "user_count": comparison.users,
        "group_count": comparison.groups,
        "unknown_member_count": comparison.unknown_members,
        "difference_count": len(kinds),
        "counts": {kind.value: kinds.count(kind) for kind in DriftKind},
    }


def render_csv(differences: Iterable[ExplainedDifference]) -> str:
    """Return differences as CSV (RFC 4180) with a line of headings. Nothing in it is a formula."""
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow(COLUMNS)
    for each in differences:
        document = to_document(each)
        document["attributes"] = " ".join(document["attributes"])
        writer.writerow([harmless_cell(document[name]) for name in COLUMNS])
    return written.getvalue()
