"""The start of the writer process, where the machine has none to give."""

import subprocess
import sys

START_WHERE_NO_PROCESS_MAY = """
import os, resource, tempfile
from pathlib import Path
from fraud_detection_api.services.answer_log.writer_launcher import WriterOptions, WriterProcess
resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
if os.getuid() == 0:
    os.setuid(65_534)
with tempfile.TemporaryDirectory() as folder:
    process = WriterProcess(Path(folder), WriterOptions("sqlite:///store", "kept", 5, "INFO", log_json=False))
    for _ in range(2):
        try:
            process.tend()
        except OSError as error:
            print(os.strerror(error.errno))
"""


def test_a_machine_that_starts_no_more_processes_is_told_and_not_taken_for_another_worker() -> None:
    command = [sys.executable, "-c", START_WHERE_NO_PROCESS_MAY]
    found = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert found.stdout == "Resource temporarily unavailable\n"  # and tried again only after a while
