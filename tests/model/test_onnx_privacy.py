"""ONNX Runtime reports to its maker unless it is told not to before it is imported."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]

from fraud_detection_api.training.exporting.exporting import exported

READ = "import sys; from fraud_detection_api.model.onnx_model import OnnxModel; OnnxModel.read(sys.stdin.buffer.read())"
RUN = "import sys; import onnxruntime; onnxruntime.InferenceSession(sys.stdin.buffer.read())"


@pytest.fixture(scope="module")
def model() -> bytes:
    """Any exported model."""
    matrix = np.random.default_rng(0).normal(size=(200, 3)).astype(np.float32)
    return exported(LogisticRegression().fit(matrix, matrix[:, 0] > 0), matrix)


def traces(code: str, model: bytes, home: Path) -> list[str]:
    """What a process leaves in the home of whoever runs it."""
    path = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    where = {"HOME": str(home), "XDG_CACHE_HOME": str(home / "cache"), "TMPDIR": str(home)}
    subprocess.run([sys.executable, "-c", code], cwd=home, env=path | where, input=model, check=True)
    return sorted(found.name for found in home.rglob("*") if found.is_file())


def test_a_model_that_is_served_leaves_no_trace_of_a_report(model: bytes, tmp_path: Path) -> None:
    assert traces(READ, model, tmp_path) == []


def test_without_our_word_it_would(model: bytes, tmp_path: Path) -> None:
    assert "deviceid" in traces(RUN, model, tmp_path)
