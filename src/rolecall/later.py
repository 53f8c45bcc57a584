"""What is done later, by which function, and on which schedule? Read it to know."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Final, Protocol

from rolecall.authentication.api_keys import warn_of_expiry
from rolecall.connections.drift.differences import REPAIR
from rolecall.connections.drift.jobs import repair
from rolecall.connections.guard.holders import count_holders, keep_counts
from rolecall.connections.held.changes import delete_decided
from rolecall.connections.leaving.decommissioning import LEAVE, RETURN, SETTLE
from rolecall.connections.leaving.jobs import come_back, leave, settle
from rolecall.connections.traffic import forget_traffic, watch_silence
from rolecall.connections.validation.caller import OwnAddress
from rolecall.connections.validation.jobs import validate
from rolecall.connections.validation.validations import VALIDATE, end_abandoned
from rolecall.directory.model import Reconciling, ground_of
from rolecall.directory.reconcile import RECONCILE, reconcile_slice
from rolecall.events import log
from rolecall.events.chain import sealing
from rolecall.jobs import jobs, queue
from rolecall.jobs.model import Declared, Job
from rolecall.jobs.runner import Handler
from rolecall.notifications.deliveries import DELIVER, delete_deliveries
from rolecall.notifications.jobs import Senders, deliver
from rolecall.storage.secrets import KeyRing
from rolecall.storage.transaction import WriteTx
from rolecall.storage.transactions import Transactions

FORGET_JOBS: Final = "jobs.forget-finished"
FORGET_AUDIT: Final = "events.forget-old-audit"
FORGET_EVENTS: Final = "events.forget-old"
FORGET_HELD: Final = "connections.forget-held-changes"
INDEX_MENTIONS: Final = "events.index-mentions"
FORGET_DELIVERIES: Final = "notifications.forget-deliveries"
WARN_OF_EXPIRY: Final = "authentication.warn-of-expiry"
WATCH_CONNECTIONS: Final = "connections.watch"
COUNT_HOLDERS: Final = "connections.count-holders"
_AT_ONCE: Final = 1_000

DECLARED: Final = (
    Declared(name="count-holders", cron="*/5 * * * *", kind=COUNT_HOLDERS),
    Declared(name="forget-deliveries", cron="27 * * * *", kind=FORGET_DELIVERIES),
    Declared(name="forget-decided-held-changes", cron="57 3 * * *", kind=FORGET_HELD),
    Declared(name="forget-finished-jobs", cron="17 * * * *", kind=FORGET_JOBS),
    Declared(name="forget-old-audit", cron="47 3 * * *", kind=FORGET_AUDIT),
    Declared(name="forget-old-events", cron="37 3 * * *", kind=FORGET_EVENTS),
    Declared(name="index-mentions", cron="*/10 * * * *", kind=INDEX_MENTIONS),
    Declared(name="warn-of-expiring-keys", cron="7 * * * *", kind=WARN_OF_EXPIRY),
    Declared(name="watch-scim-connections", cron="*/10 * * * *", kind=WATCH_CONNECTIONS),
)


def handlers(
    senders: Senders, keys: KeyRing, own: OwnAddress, *, job_days: int, event_days: int, audit_days: int
) -> Mapping[str, Handler]:
    """Return what is done for jobs of each kind. `own` is where this process is reached.

    Days say how long finished jobs (with deliveries), events and audit records (with held changes that are decided)
    are kept; 0: for ever.
    """
    return {
        COUNT_HOLDERS: recount,
        DELIVER: partial(deliver, senders=senders),
        FORGET_AUDIT: partial(_forget_audit, keys=keys, days=audit_days),
        LEAVE: leave,
        RECONCILE: reconcile,
        REPAIR: repair,
        RETURN: come_back,
        SETTLE: settle,
        FORGET_DELIVERIES: partial(_forget, forget=delete_deliveries, days=job_days),
        FORGET_HELD: partial(_forget, forget=delete_decided, days=audit_days),
        FORGET_JOBS: partial(_forget, forget=jobs.delete_finished, days=job_days),
        FORGET_EVENTS: partial(_forget_events, days=event_days),
        INDEX_MENTIONS: index_mentions,
        VALIDATE: partial(validate, own=own),
        WARN_OF_EXPIRY: warn,
        WATCH_CONNECTIONS: watch_connections,
    }


def reconcile(transactions: Transactions, job: Job) -> None:
    """Bring the assignments from one source up to date, some users a transaction, losses first.

    May begin anew at any time: how far it has come is kept with each slice.
    """
    ground = ground_of(str(job.payload["source"]))

    def step(tx: WriteTx) -> Reconciling | None:
        progress = reconcile_slice(tx, ground)
        if progress is not None:
            queue.advance(tx, job, done=progress.done, total=progress.total, message=progress.phase.value)
        return progress

    while transactions.run_write(queue.actor_for(job), step) is not None:
        pass


def recount(transactions: Transactions, job: Job) -> None:
    """Count who holds something, for the guards of SCIM connections."""
    actor = queue.actor_for(job)
    counts = transactions.run_read(actor, count_holders)
    transactions.run_write(actor, lambda tx: keep_counts(tx, counts))


def warn(transactions: Transactions, job: Job) -> None:
    """Tell of keys that end soon."""
    transactions.run_write(queue.actor_for(job), warn_of_expiry)


def index_mentions(transactions: Transactions, job: Job) -> None:
    """Put away whom the events of the last minutes mention, a thousand rows a transaction."""
    done = 0

    def step(tx: WriteTx) -> int:
        indexed = log.index_mentions(tx, limit=_AT_ONCE)
        queue.advance(tx, job, done=done + indexed)
        return indexed

    while indexed := transactions.run_write(queue.actor_for(job), step):
        done += indexed


def watch_connections(transactions: Transactions, job: Job) -> None:
    """Tell of SCIM connections that fell silent, forget old counts of calls, end validations whose job is gone."""

    def watch(tx: WriteTx) -> None:
        watch_silence(tx)
        forget_traffic(tx)
        end_abandoned(tx)

    transactions.run_write(queue.actor_for(job), watch)


class _Forget(Protocol):
    """A use case that deletes what is older than `before`."""

    def __call__(self, tx: WriteTx, /, *, before: datetime, limit: int) -> int:
        """Return how many it deleted, at most `limit`."""


def _forget(transactions: Transactions, job: Job, *, forget: _Forget, days: int) -> None:
    """Delete what is older than so many days, a thousand rows a transaction."""
    if days == 0:
        return
    forgotten = 0

    def step(tx: WriteTx) -> int:
        deleted = forget(tx, before=tx.now - timedelta(days=days), limit=_AT_ONCE)
        queue.advance(tx, job, done=forgotten + deleted)
        return deleted

    while deleted := transactions.run_write(queue.actor_for(job), step):
        forgotten += deleted


def _forget_events(transactions: Transactions, job: Job, *, days: int) -> None:
    """Forget events older than so many days, with whom they mention: what of that is fresh is put away first."""
    if days > 0:
        index_mentions(transactions, job)
        _forget(transactions, job, forget=log.delete_events, days=days)


def _forget_audit(transactions: Transactions, job: Job, *, keys: KeyRing, days: int) -> None:
    """Forget audit records up to a checkpoint that is older than so many days; first what was left the last time."""
    actor = queue.actor_for(job)
    forgotten = 0

    def begin(tx: WriteTx) -> bool:
        return days > 0 and sealing.begin_to_forget(tx, keys, before=tx.now - timedelta(days=days))

    def step(tx: WriteTx) -> int:
        deleted = sealing.forget_slice(tx, keys, limit=_AT_ONCE)
        queue.advance(tx, job, done=forgotten + deleted)
        return deleted

    begun = True
    while begun:
        while deleted := transactions.run_write(actor, step):
            forgotten += deleted
        begun = transactions.run_write(actor, begin)
