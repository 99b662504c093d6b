"""What does the parts of a step, whichever it is, and what it is told."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from fraud_detection_api.pipeline.outputs import DonePart
from fraud_detection_api.pipeline.part_work import PartWork, result_of
from fraud_detection_api.run_errors import DaskUnavailable, PartFailed

TICK_SECONDS = 0.2  # between two moments at which whoever waits for parts may look at something else
IN_PROCESS, LOCAL = "none", "local"


@dataclass(frozen=True)
class ExecutingOptions:
    """Where parts are done; the key of a certificate is a file that only its owner may read."""

    dask: str = IN_PROCESS  # or `local`, or the address of a scheduler
    at_once: int = 2  # parts, in threads here or in processes of a local cluster
    tls_ca: str = ""
    tls_cert: str = ""
    tls_key: str = field(default="", repr=False)
    # with a scheduler that is not there, yet or any more, and with one without workers
    patience_seconds: float = field(default=60.0, kw_only=True)

    def __post_init__(self) -> None:
        if self.dask not in (IN_PROCESS, LOCAL) and not self.dask.startswith(("tcp://", "tls://")):
            raise DaskUnavailable("FRAUD_DASK has to be none, local, or a scheduler's address: tcp://host:port.")
        if self.dask.startswith("tls://") and not (self.tls_ca and self.tls_cert and self.tls_key):
            raise DaskUnavailable("A scheduler at tls:// needs FRAUD_DASK_TLS_CA, FRAUD_DASK_TLS_CERT and _KEY.")


class Executor(Protocol):
    """Whatever does parts."""

    dashboard: str | None

    def run(self, works: Sequence[PartWork]) -> Iterator[DonePart | None]:
        """Each part once it is done, in any order, and None now and then; raises PartFailed at the first error."""

    def close(self, patience: float = 5.0) -> None:
        """Do no more; what is being done is given up, and ends with this process at the latest."""


def done_or_raise(work: PartWork, text: str) -> DonePart:
    """What was done; raises PartFailed where it was not."""
    result = result_of(text)
    if result.done is None:
        raise PartFailed(work.step, work.file, result.error)
    return result.done
