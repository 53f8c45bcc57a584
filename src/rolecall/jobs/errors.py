"""What can jobs refuse?"""

from rolecall.kernel.errors import DomainError, ErrorKind


class JobFinished(DomainError):
    """The job has come to its end, so there is nothing to cancel."""

    kind = ErrorKind.CONFLICT
    code = "job_finished"


class JobNotFinished(DomainError):
    """The job waits or runs, so there is nothing to try again."""

    kind = ErrorKind.CONFLICT
    code = "job_not_finished"


class JobRepeated(DomainError):
    """Another job that does the same waits already."""

    kind = ErrorKind.CONFLICT
    code = "job_repeated"


class JobCancelWanted(DomainError):
    """Somebody wants the job to end. Raised to the job itself, when it tells how far it is."""

    kind = ErrorKind.CONFLICT
    code = "job_cancel_wanted"


class JobLeaseLost(DomainError):
    """The job was silent for too long and is no longer its runner's. Raised to the job itself."""

    kind = ErrorKind.CONFLICT
    code = "job_lease_lost"


class BadCron(DomainError):
    """Not a cron expression of five fields."""

    kind = ErrorKind.INVALID
    code = "bad_cron"


class GiveUp(Exception):
    """Raised by what a job does: trying again is of no use."""
