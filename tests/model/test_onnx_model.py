"""ONNX models as they are served: alone or together, in threads, without scikit-learn; hostile files are refused."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from onnx import ModelProto, TensorProto, helper, load_from_string
from sklearn.linear_model import SGDClassifier  # type: ignore[import-untyped]  # as above
from sklearn.naive_bayes import GaussianNB  # type: ignore[import-untyped]  # as above

from fraud_detection_api.features.matrix import Matrix
from fraud_detection_api.model.onnx_model import ROWS_AT_ONCE, OnnxModel
from fraud_detection_api.training.exporting.exporting import exported
from tests.training.exporting.made_pipelines import KINDS, fitted, made_up

SERVED = """
import sys
import numpy
from fraud_detection_api.model.onnx_model import OnnxModel
model = OnnxModel.read(sys.stdin.buffer.read())
print(model.scores(numpy.zeros((1, model.features), numpy.float32)).tolist())
print(sorted({name.partition(".")[0] for name in sys.modules}))
"""
TEAMS_OWN = {"naive Bayes": GaussianNB(), "gradient descent": SGDClassifier(loss="log_loss", random_state=0)}


@pytest.fixture(scope="module")
def rows() -> Matrix:
    return made_up(1, 2 * ROWS_AT_ONCE + 7)[0]


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    """A file of every kind."""
    rows, labels = made_up(0)
    return {kind: exported(fitted(kind, 0, rows, labels), rows) for kind in KINDS} | {
        name: exported(own.fit((rows / rows.std(axis=0)).astype(np.float64), labels), rows / rows.std(axis=0))
        for name, own in TEAMS_OWN.items()
    }


@pytest.fixture(scope="module")
def forest(files: dict[str, bytes]) -> ModelProto:
    return load_from_string(files["forest"])


def refusal(file: bytes) -> str:
    with pytest.raises(ValueError, match="model") as found:
        OnnxModel.read(file)
    return str(found.value)


def graph_of(shape: list[int | str | None], kind: int, given: list[int | str | None]) -> bytes:
    """A model that passes a table on, of these shapes and types."""
    taken = helper.make_tensor_value_info("records", kind, shape)
    told = helper.make_tensor_value_info("probability", TensorProto.DOUBLE, given)
    cast = helper.make_node("Cast", ["records"], ["wide"], to=TensorProto.DOUBLE)
    flat = helper.make_node("ReduceMax", ["wide"], ["probability"], keepdims=int(len(given) == len(shape)), axes=[1])
    graph = helper.make_graph([cast, flat], "graph", [taken], [told])
    opset = [helper.make_opsetid("", 17)]
    return bytes(helper.make_model(graph, ir_version=10, opset_imports=opset).SerializeToString())


@pytest.mark.parametrize("kind", [*KINDS, *TEAMS_OWN])
def test_a_row_scores_the_same_bits_whatever_stands_beside_it(kind: str, files: dict[str, bytes], rows: Matrix) -> None:
    model = OnnxModel.read(files[kind])
    together = model.scores(rows)
    assert np.isfinite(together).all()
    for size in (1, 2, 3, 5, 17):
        parts = [model.scores(rows[at : at + size]) for at in range(0, 340, size)]
        assert np.concatenate(parts)[:340].tobytes() == together[:340].tobytes()
    assert model.scores(rows[::-1])[::-1].tobytes() == together.tobytes()


@pytest.mark.parametrize("kind", ["forest", "logistic", "radial svm"])
def test_threads_share_one_model(kind: str, files: dict[str, bytes], rows: Matrix) -> None:
    model = OnnxModel.read(files[kind])
    expected = model.probabilities(rows)
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(model.probabilities, [rows] * 12))
    assert {each.tobytes() for each in found} == {expected.tobytes()}
    assert OnnxModel.read(files[kind], threads=2).probabilities(rows).tobytes() == expected.tobytes()


def test_probabilities_are_float32_and_no_rows_are_no_answers(files: dict[str, bytes], rows: Matrix) -> None:
    model = OnnxModel.read(files["forest"])
    found = model.probabilities(rows)
    assert found.dtype == np.float32
    assert found.shape == (len(rows),)
    assert model.features == rows.shape[1]
    assert (found >= 0).all()
    assert (found <= 1).all()
    assert model.probabilities(rows[:0]).shape == (0,)
    assert model.probabilities(np.asfortranarray(rows)).tobytes() == found.tobytes()


def test_a_model_gives_no_reasons(files: dict[str, bytes], rows: Matrix) -> None:
    with pytest.raises(ValueError, match="does not explain"):
        OnnxModel.read(files["forest"]).contributions(rows)


def test_other_features_are_refused(files: dict[str, bytes], rows: Matrix) -> None:
    model = OnnxModel.read(files["forest"])
    for other in (rows[:, :-1], np.column_stack([rows, rows]), rows[0]):
        with pytest.raises(ValueError, match="was made for 5 features"):
            model.probabilities(other)


@pytest.mark.parametrize("kind", ["forest", "logistic"])
def test_a_truncated_file_is_refused(kind: str, files: dict[str, bytes]) -> None:
    file = files[kind]
    for end in (0, 1, 7, 100, len(file) // 2, len(file) - 1, len(file) - 20):
        assert "not a model that can be read" in refusal(file[:end])


def test_a_damaged_file_never_ends_the_process(files: dict[str, bytes], rows: Matrix) -> None:
    random, file = np.random.default_rng(0), bytearray(files["tree"])
    for _ in range(300):
        copy = bytearray(file)
        for at in random.integers(0, len(file), random.integers(1, 6)):
            copy[at] = random.integers(0, 256)
        try:
            assert OnnxModel.read(bytes(copy)).scores(rows[:3]).shape == (3,)
        except ValueError:
            continue


def test_a_model_may_not_name_other_files_or_memory(forest: ModelProto, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(bytes(8))
    for place in (str(tmp_path / "secret"), "secret", "*/_ORT_MEM_ADDR_/*"):
        copy = ModelProto()
        copy.CopyFrom(forest)
        tensor = copy.graph.initializer[0]
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value=place)
        assert refusal(copy.SerializeToString()) == "a model may not name other files or memory"
    assert "other files or memory" in refusal(b"\0\0\0\0ORTM" + bytes(100))


def test_operators_that_only_a_plugin_knows_are_refused(forest: ModelProto) -> None:
    copy = ModelProto()
    copy.CopyFrom(forest)
    copy.graph.node[0].domain = "somebody.elses"
    copy.opset_import.append(helper.make_opsetid("somebody.elses", 1))
    assert "not a model that can be read" in refusal(copy.SerializeToString())


def test_models_of_another_shape_are_refused(forest: ModelProto) -> None:
    single, double = TensorProto.FLOAT, TensorProto.DOUBLE
    OnnxModel.read(graph_of([None, 3], single, [None]))
    assert "one table of float32" in refusal(graph_of([None, 3], double, [None]))
    assert "so many features each" in refusal(graph_of([None, None], single, [None]))
    assert "so many features each" in refusal(graph_of([4, 3], single, [4]))
    assert "one number a row" in refusal(graph_of([None, 3], single, [None, 1]))
    copy = ModelProto()
    copy.CopyFrom(forest)
    copy.graph.output.append(helper.make_tensor_value_info(copy.graph.node[0].output[0], double, [None, 5]))
    assert "one column of doubles" in refusal(copy.SerializeToString())
    copy.graph.input.append(helper.make_tensor_value_info("more", single, [None, 5]))
    assert "one table of float32" in refusal(copy.SerializeToString())


def test_a_model_that_fails_at_a_record_says_so() -> None:
    taken = helper.make_tensor_value_info("records", TensorProto.FLOAT, [None, 3])
    told = helper.make_tensor_value_info("probability", TensorProto.DOUBLE, [None])
    nodes = [
        helper.make_node("Cast", ["records"], ["wide"], to=TensorProto.DOUBLE),
        helper.make_node("Gather", ["wide", "column"], ["probability"], axis=1),
    ]
    column = helper.make_tensor("column", TensorProto.INT64, [], [99])
    graph = helper.make_graph(nodes, "graph", [taken], [told], [column])
    file = helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 17)]).SerializeToString()
    with pytest.raises(ValueError, match="the model fails"):
        OnnxModel.read(file).probabilities(np.zeros((2, 3), np.float32))


def test_it_is_served_without_scikit_learn(files: dict[str, bytes]) -> None:
    done = subprocess.run([sys.executable, "-c", SERVED], input=files["forest"], capture_output=True, check=True)
    assert done.stderr == b""
    for name in ("onnxruntime", "numpy"):
        assert f"'{name}'" in done.stdout.decode()
    for name in ("sklearn", "skl2onnx", "onnx", "scipy", "pandas", "joblib"):
        assert f"'{name}'" not in done.stdout.decode()


def test_without_the_extra_the_message_says_what_to_install(files: dict[str, bytes], tmp_path: Path) -> None:
    (tmp_path / "onnxruntime.py").write_text("raise ImportError('not here')\n")
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n{SERVED}"
    done = subprocess.run([sys.executable, "-c", code], input=files["tree"], capture_output=True, check=False)
    assert b"OnnxUnavailable" in done.stderr
    assert b"pip install 'fraud-detection-api[onnx]'" in done.stderr
