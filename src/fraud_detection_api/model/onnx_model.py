"""ONNX Runtime as a runtime: an exported scikit-learn pipeline, served without scikit-learn."""

import os
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from fraud_detection_api.features.matrix import Matrix

if TYPE_CHECKING:
    import onnxruntime  # type: ignore[import-untyped]  # it ships no types
else:
    os.environ["ORT_DISABLE_TELEMETRY"] = (
        "1"  # read once, on import: it would tell its maker of every process and model
    )
    try:
        import onnxruntime
    except ImportError:
        onnxruntime = None

RECORDS, PROBABILITY = "records", "probability"
ROWS, TOGETHER = "rows", "together"  # the exporter's word that a row's score depends on no other row, to the bit
ROWS_AT_ONCE = 1_024  # keeps what lies between the nodes small
ELSEWHERE = b"location"  # the key without which no tensor can lie outside the file
OTHER_FORMAT = b"ORTM"  # ONNX Runtime's own: it carries memory layouts instead of a description
PROVIDERS, ONLY_FATAL = ["CPUExecutionProvider"], 4

Scores = NDArray[np.float64]


class OnnxUnavailable(Exception):
    """Why no ONNX model can be served here."""


class OnnxModel:
    """One session; safe in threads, and a row's score never depends on the rows beside it."""

    is_quick = False

    def __init__(self, session: "onnxruntime.InferenceSession", features: int) -> None:
        self._session = session
        together = session.get_modelmeta().custom_metadata_map.get(ROWS) == TOGETHER
        self._at_once = ROWS_AT_ONCE if together else 1
        self.features = features

    @classmethod
    def read(cls, model: bytes, threads: int = 1) -> "OnnxModel":
        """The model of a whole file; ValueError where it is none, or not of the shape that the exporter writes."""
        if onnxruntime is None:
            raise OnnxUnavailable("ONNX Runtime is not installed: pip install 'fraud-detection-api[onnx]'")
        if ELSEWHERE in model or model[4:8] == OTHER_FORMAT:
            raise ValueError("a model may not name other files or memory")
        try:
            session = onnxruntime.InferenceSession(model, _options(threads), providers=PROVIDERS, enable_fallback=0)
        except Exception as error:  # ONNX Runtime's own share no other base
            raise ValueError(f"not a model that can be read: {_first_line(error)}") from error
        return cls(session, _features(session))

    def probabilities(self, matrix: Matrix) -> NDArray[np.float32]:
        """The probability of each row, as the pipeline gives it to within 1e-6."""
        return self.scores(matrix).astype(np.float32)

    def contributions(self, matrix: Matrix) -> Scores:
        """Refused: such a model does not say what each feature adds."""
        raise ValueError(f"an ONNX model does not explain its scores; {len(matrix)} rows were asked about")

    def scores(self, matrix: Matrix) -> Scores:
        """Whatever the model says of each row, in full precision."""
        if matrix.ndim != 2 or matrix.shape[1] != self.features:
            raise ValueError(f"the model was made for {self.features} features, not for {matrix.shape[1:]}")
        scores = np.empty(len(matrix))
        for start in range(0, len(matrix), self._at_once):
            rows = slice(start, start + self._at_once)
            scores[rows] = self._run(matrix[rows])
        return scores

    def _run(self, rows: Matrix) -> Scores:
        try:
            return cast(Scores, self._session.run([PROBABILITY], {RECORDS: np.ascontiguousarray(rows)})[0])
        except Exception as error:  # ONNX Runtime's own share no other base
            raise ValueError(f"the model fails: {_first_line(error)}") from error


def _options(threads: int) -> "onnxruntime.SessionOptions":
    """Nothing is rewritten: what was compared with the original is what runs, its casts among it."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.enable_cpu_mem_arena = options.enable_mem_pattern = False
    options.log_severity_level = ONLY_FATAL
    options.add_session_config_entry("session.load_model_format", "ONNX")
    return options


def _features(session: "onnxruntime.InferenceSession") -> int:
    """How many features the model takes, where its shape is the one that the exporter writes."""
    takes, gives = session.get_inputs(), session.get_outputs()
    if [(each.name, each.type) for each in takes] != [(RECORDS, "tensor(float)")]:
        raise ValueError("a model takes one table of float32, its records")
    if len(gives) != 1 or gives[0].name != PROBABILITY or gives[0].type != "tensor(double)":
        raise ValueError("a model gives one column of doubles, probabilities")
    table, column = takes[0].shape, gives[0].shape
    if len(table) != 2 or isinstance(table[0], int) or not isinstance(table[1], int) or table[1] < 1:
        raise ValueError("a model takes any number of rows with so many features each")
    if len(column) != 1 or isinstance(column[0], int):
        raise ValueError("a model gives one number a row")
    return table[1]


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
