"""Which figures does Rolecall keep about its own work?"""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

_METHODS: Final = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_BATCH_SIZES: Final = (1, 2, 4, 8, 16, 32, 64, 128)

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST
"""Of what `Metrics.render` returns."""


class Metrics:
    """The figures of one running Rolecall, in a registry of their own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry(auto_describe=True)
        # Finding a row by its labels costs more than counting in it.
        self._rows: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self._requests = Counter(
            "rolecall_http_requests",
            "Requests that were answered, by method, route and status.",
            ("method", "route", "status"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "rolecall_http_request_seconds",
            "Time from the request's first byte to the answer's last.",
            ("method", "route"),
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._batches = Histogram(
            "rolecall_write_batch_changes",
            "Changes that shared one commit.",
            buckets=_BATCH_SIZES,
            registry=self._registry,
        )
        self._jobs = Counter(
            "rolecall_jobs",
            "Attempts at jobs that have ended, by kind and what became of the job.",
            ("kind", "outcome"),
            registry=self._registry,
        )

    def observe_request(self, *, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answered request. `route` is a template: a path with ids in it would be a new row each time."""
        # Anybody can invent methods; each would be a row that stays in memory.
        known = method if method in _METHODS else "other"
        row = self._rows.get((known, route, status))
        if row is None:
            row = self._requests.labels(known, route, str(status)), self._seconds.labels(known, route)
            self._rows[known, route, status] = row
        count, duration = row
        count.inc()
        duration.observe(seconds)

    def observe_batch(self, changes: int) -> None:
        """Count one commit of so many changes."""
        self._batches.observe(changes)

    def observe_job(self, kind: str, outcome: str) -> None:
        """Count one attempt at a job. `outcome`: done, failed, dead, cancelled, or lost to another runner."""
        self._jobs.labels(kind, outcome).inc()

    def render(self) -> bytes:
        """Return all figures in the Prometheus text format (`CONTENT_TYPE`)."""
        return generate_latest(self._registry)
