"""Where tables go; apart from the commands, because a serving process should not hold what draws them."""

import sys

from rich.console import Console

WIDE = 400  # where nobody looks, a table is as wide as it needs to be


def console() -> Console:
    """Standard output, as plain as it is given."""
    return Console(soft_wrap=True, highlight=False, markup=False, width=None if sys.stdout.isatty() else WIDE)
