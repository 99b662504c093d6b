"""Data frames, kept out: xgboost loads pandas and scikit-learn wherever they are installed; nothing here needs them."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_ONE_AT_A_TIME = threading.RLock()  # what one thread hides another must not bring back


@contextmanager
def without_data_frames() -> Iterator[None]:
    """While this lasts, a first import of xgboost finds neither, which saves a second and 100 MB."""
    with _ONE_AT_A_TIME:
        hidden = [name for name in ("pandas", "sklearn") if name not in sys.modules]
        sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # None is how Python says: not installed
        try:
            yield
        finally:
            for name in hidden:
                sys.modules.pop(name, None)
