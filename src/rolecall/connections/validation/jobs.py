"""How is a validation carried out?"""

import time
from functools import partial

from rolecall.connections.validation import decide, validations
from rolecall.connections.validation.caller import Caller, OwnAddress, open_caller
from rolecall.connections.validation.model import Answer, StepReport, Validation
from rolecall.directory.installation import get_installation
from rolecall.jobs import queue
from rolecall.jobs.model import Job
from rolecall.kernel.errors import DomainError
from rolecall.storage.transaction import ReadTx, WriteTx
from rolecall.storage.transactions import Transactions


def validate(transactions: Transactions, job: Job, *, own: OwnAddress) -> None:
    """Run through the life of a user and a group by calls to ourselves. However it ends, nothing is left of them.

    A run whose process died begins anew, after what it had made was removed.
    """
    actor = queue.actor_for(job)
    started = transactions.run_write(actor, lambda tx: validations.start(tx, str(job.payload["validation_id"])))
    if started is None:
        return
    run, secret = started
    try:
        public_url = transactions.run_read(actor, get_installation).public_url
        caller = open_caller(own, public_url, run.way, secret)
        _make_steps(transactions, job, run, caller)
    finally:
        transactions.run_write(actor, partial(validations.end, run=run))


def _make_steps(transactions: Transactions, job: Job, run: Validation, caller: Caller) -> None:
    actor, known = queue.actor_for(job), decide.Known()
    for step in decide.STEPS:
        begun = time.monotonic()
        request = None if step.request is None else step.request(run, known)
        answer = caller.call(request) if request is not None else _look(transactions, job, run, step.name, known)
        report = decide.report_of(step, run, known, request, answer, int((time.monotonic() - begun) * 1000))
        known = decide.learned(step, known, answer)
        noted = transactions.run_write(actor, partial(_note, job=job, run=run, report=report))
        if noted is None or not report.passed:
            return
        run = noted


def _note(tx: WriteTx, *, job: Job, run: Validation, report: StepReport) -> Validation | None:
    queue.advance(tx, job, done=len(run.reports) + 1, total=len(decide.STEPS), message=report.title)
    return validations.note_step(tx, run, report)


def _look(transactions: Transactions, job: Job, run: Validation, name: str, known: decide.Known) -> Answer:
    """Make a step that is no call."""
    actor = queue.actor_for(job)
    if name == "map_group":
        try:
            transactions.run_write(actor, partial(validations.map_group, run=run))
        except DomainError as error:
            return Answer(status=None, body={"mapped": False, "because": error.detail})
        return Answer(status=None, body={"mapped": True})

    def ask(tx: ReadTx) -> bool:
        return validations.holds_role(tx, known.user_id)

    return Answer(status=None, body={"holds_role": transactions.run_read(actor, ask)})
