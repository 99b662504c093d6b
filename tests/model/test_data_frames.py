"""Data frames are hidden by one thread at a time, and found again afterwards."""

import importlib.util
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

from fraud_detection_api.model.data_frames import without_data_frames

NAMES: tuple[str, ...] = ("pandas", "sklearn")


def hide(meet: threading.Barrier) -> None:
    meet.wait()
    for _ in range(200):
        with without_data_frames():
            assert {name for name in NAMES if name not in sys.modules} == set()


def test_threads_that_hide_them_at_once_do_not_disturb_each_other() -> None:
    interval = sys.getswitchinterval()
    kept = {name: sys.modules.pop(name) for name in NAMES if name in sys.modules}
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(hide, [threading.Barrier(4)] * 4)) == [None] * 4
        assert not set(NAMES) & sys.modules.keys()
        assert importlib.util.find_spec("pandas")
    finally:
        sys.setswitchinterval(interval)
        sys.modules.update(kept)


def test_a_name_that_is_gone_when_the_block_ends_is_no_mistake() -> None:
    kept = {name: sys.modules.pop(name) for name in NAMES if name in sys.modules}
    try:
        with without_data_frames():
            del sys.modules["sklearn"]
    finally:
        sys.modules.update(kept)
