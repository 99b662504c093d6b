"""A native XGBoost file, read first where it can do no harm: on a broken one the library may crash or never return."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import xgboost
from xgboost.core import XGBoostError

from fraud_detection_api.errors import DataRefused
from fraud_detection_api.model.data_frames import without_data_frames
from fraud_detection_api.training.bundling.boosters import loaded

LONGEST_SECONDS = 120
_TRY_OUT = f"""
from {without_data_frames.__module__} import without_data_frames
with without_data_frames():
    from {__name__} import main
main()
"""


def read_native(file: Path) -> bytes:
    """The content of a file that the library has read, and predicted with, in a process of its own."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise DataRefused(f"{file} cannot be read: {error.strerror or error}.") from error
    ends = content.strip()[:1], content.strip()[-1:]
    why = "it is not whole" if ends != (b"{", b"}") else _why_refused(file)
    if why:
        raise DataRefused(
            f"{file} is not a model that XGBoost {xgboost.__version__} can read ({why}): "
            "save it anew with booster.save_model('model.json')."
        )
    return content


def _why_refused(file: Path) -> str:
    command = [sys.executable, "-c", _TRY_OUT, str(file.resolve())]
    try:
        done = subprocess.run(command, capture_output=True, timeout=LONGEST_SECONDS, check=False)  # noqa: S603 - ourselves
    except subprocess.TimeoutExpired:
        return f"the library did not return within {LONGEST_SECONDS} seconds"
    if done.returncode == 0:
        return ""
    return done.stderr.decode(errors="replace").strip() if done.returncode == 1 else "the library crashed on it"


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or ["no reason given"]
    return re.sub(r"^(\[[\d:]+\] )?(/\S+:\d+: )?", "", lines[0])


def _try_out(file: Path) -> str | None:
    try:
        booster = loaded(file.read_bytes())
        booster.save_raw("json")
        for value in (0, np.nan, np.float32(3e38), np.float32(-3e38)):
            booster.inplace_predict(np.full((2, booster.num_features()), value, dtype=np.float32))
    except (XGBoostError, ValueError) as error:
        return _first_line(error)
    return None


def main() -> None:
    """The process of its own: nothing, or why the library refuses the file."""
    sys.exit(_try_out(Path(sys.argv[1])))
