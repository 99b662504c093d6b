"""Errors of the pipeline's runs, on the same tree as all others."""

from collections.abc import Sequence

from fraud_detection_api.errors import FraudError


class PipelineBusy(FraudError):
    """Two runs never work in one data folder at once."""

    status = 409
    code = "pipeline_busy"
    exit_code = 5

    def __init__(self, folder: object) -> None:
        super().__init__(
            f"Another run is at work in {folder}: wait until it ends, cancel it, or queue this one with "
            "`fraud pipeline submit`."
        )


class UnknownRun(FraudError):
    status = 404
    code = "unknown_run"

    def __init__(self, run: str) -> None:
        super().__init__(f"There is no run {run!r}; see `fraud pipeline list`.")


class RunHasEnded(FraudError):
    status = 409
    code = "run_has_ended"

    def __init__(self, run: str, state: str) -> None:
        super().__init__(f"Run {run} has ended already: it is {state}.")


class RunCancelled(FraudError):
    code = "run_cancelled"
    exit_code = 4

    def __init__(self, run: str) -> None:
        super().__init__(f"Run {run} was cancelled.")


class TooManyRuns(FraudError):
    status = 429
    code = "too_many_runs"

    def __init__(self, most: int) -> None:
        super().__init__(f"{most:,} runs are queued already; cancel some, or come again when some have ended.")


class PartFailed(FraudError):
    """The work of a step itself went wrong, which another try would not change."""

    code = "part_failed"

    def __init__(self, step: str, part: str, why: str) -> None:
        super().__init__(f"Step {step} failed at {part}: {why}")
        self.step = step


class UnknownStep(FraudError):
    status = 404
    code = "unknown_step"

    def __init__(self, name: str, known: Sequence[str]) -> None:
        super().__init__(f"There is no step {name!r}; there are: {', '.join(known)}.")


class StepNotReady(FraudError):
    """A step was asked for alone, and what it reads is not there."""

    status = 409
    code = "step_not_ready"

    def __init__(self, step: str, needed: str) -> None:
        super().__init__(
            f"Step {step} reads what {needed} makes, which is not finished with these parameters: "
            f"`fraud pipeline step {needed}` makes it."
        )


class RawOrdersMissing(FraudError):
    status = 422
    code = "raw_orders_missing"

    def __init__(self, folder: object) -> None:
        super().__init__(f"There is no file of raw orders in {folder}.")


class ParametersRefused(FraudError):
    status = 422
    code = "parameters_refused"


class DaskUnavailable(FraudError):
    """No scheduler, or no worker that could do what it is given."""

    status = 503
    code = "dask_unavailable"


class JournalUnavailable(FraudError):
    status = 503
    code = "journal_unavailable"
    words = "The journal of runs (FRAUD_JOURNAL) cannot be used at the moment; try again later."


class LockLost(FraudError):
    """The database server that held this run's lock has gone, and somebody else has it now."""

    status = 409
    code = "lock_lost"
    words = "The lock of the data folder was lost with the connection to the journal, and another run has it now."
