"""How many examples a property test takes: all of them, or a share where the whole is tried elsewhere."""

import os

SHARE = float(os.environ.get("FRAUD_TEST_SHARE", "1"))  # scripts/test-compiled --quick takes less


def times(number: int) -> int:
    """So many examples, or the share of them that is asked for, and never none."""
    return max(round(number * SHARE), 1)
