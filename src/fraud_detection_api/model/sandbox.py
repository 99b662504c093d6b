"""Sandbox: XGBoost gets a model in a process of its own first, since on broken trees it crashes or never returns."""

import re
import resource
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fraud_detection_api.model.data_frames import without_data_frames
from fraud_detection_api.model.saved_trees import ForestUnsupported
from fraud_detection_api.model.tree_checks import refuse_unsound

if TYPE_CHECKING:
    from fraud_detection_api.model.xgboost_library import LibraryModel

LONGEST_SECONDS = 60
SPARE_BYTES, BYTES_A_BYTE = 1 << 30, 20  # what reading a model may take: so much, and so many times its own size
EXTREMES = (0, np.nan, 3e38, -3e38)
_CHILD = f"from {__name__} import main; main()"


def why_unusable(model: bytes, seconds: float = LONGEST_SECONDS) -> str:
    """Why XGBoost must not be given this model, in JSON or UBJ; nothing where it has read and used it."""
    command = [sys.executable, "-c", _CHILD]
    try:
        done = subprocess.run(command, input=model, capture_output=True, timeout=seconds, check=False)  # noqa: S603 - ourselves
    except subprocess.TimeoutExpired:
        return f"XGBoost does not return within {seconds:g} seconds"
    if done.returncode < 0:
        return f"XGBoost crashes on it ({signal.strsignal(-done.returncode)})"
    said = done.stderr.decode(errors="replace").strip().splitlines()
    return "" if done.returncode == 0 else said[-1] if said else "XGBoost ends without a word"


def main() -> None:
    """The process of its own: it ends with why the model cannot be used."""
    model = sys.stdin.buffer.read()
    with without_data_frames():
        from fraud_detection_api.model.xgboost_library import LibraryModel
    _bound(len(model))
    try:
        library = LibraryModel.read(model)
        refuse_unsound(library.saved())
        _use(library)
    except MemoryError:
        sys.exit("it takes more memory than a model of its size may")
    except ForestUnsupported as error:
        sys.exit(str(error))
    except ValueError as error:  # XGBoost's own error is one
        sys.exit(f"XGBoost cannot read it: {_first_line(error)}")


def _use(library: "LibraryModel") -> None:
    rows = np.array(EXTREMES, np.float32)
    matrix = np.repeat(rows[:, None], library.features, axis=1)
    library.probabilities(matrix)
    with suppress(ValueError):  # trees without covers are scored, but not explained
        library.contributions(matrix)


def _bound(size: int) -> None:
    """Hold this process to a time and to some memory beyond what its libraries have taken."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + SPARE_BYTES + BYTES_A_BYTE * size
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CPU, (LONGEST_SECONDS, LONGEST_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or ["no reason given"]
    return re.sub(r"^(\[[\d:]+\] )?(/\S+:\d+: )?", "", lines[0])
