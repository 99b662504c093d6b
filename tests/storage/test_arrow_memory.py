"""A finished step's memory is not the next one's."""

import subprocess
import sys

FREED = """
import psutil
import pyarrow as pa
from fraud_detection_api.storage.arrow_memory import give_back
own = psutil.Process()
kept = [(bytes(2_000), pa.array(range(200))) for _ in range(60_000)]  # small pieces, as columns and texts are
freed, kept = kept[::2], kept[1::2]
del freed
kept = kept[-1:]
before = own.memory_info().rss
give_back()
print(before - own.memory_info().rss)
"""


def test_what_was_freed_in_small_pieces_goes_back_to_the_machine() -> None:
    said = subprocess.run([sys.executable, "-c", FREED], capture_output=True, text=True, check=True).stdout
    assert int(said) > 20_000_000
