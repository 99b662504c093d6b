"""Memory that nobody uses any more goes back to the machine."""

import ctypes
from contextlib import suppress

import pyarrow as pa


def give_back() -> None:
    """Arrow and the C library keep what was freed for the next time; before other work it is only in the way."""
    pa.default_memory_pool().release_unused()
    with suppress(OSError, AttributeError):  # a C library of another kind gives it back by itself
        ctypes.CDLL(None).malloc_trim(0)
