"""A journal that is away for a moment, such as a server that is restarted, ends no run."""

import time
from collections.abc import Callable
from typing import TypeVar

from fraud_detection_api.run_errors import JournalUnavailable

LONGEST_SECONDS, REST_SECONDS = 60.0, 0.5

Result = TypeVar("Result")


def patiently(work: Callable[[], Result]) -> Result:
    """What work returns, tried again as long as it may take a server to be back."""
    until = time.monotonic() + LONGEST_SECONDS
    while True:
        try:
            return work()
        except JournalUnavailable:
            if time.monotonic() > until:
                raise
            time.sleep(REST_SECONDS)
