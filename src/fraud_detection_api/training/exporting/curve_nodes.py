"""Logistic regression and support vectors as ONNX, in double."""

import numpy as np
from skl2onnx.common._container import ModelComponentContainer  # type: ignore[import-untyped]  # it ships no types
from skl2onnx.common._topology import Operator, Scope  # type: ignore[import-untyped]  # it ships no types
from sklearn.svm import SVC  # type: ignore[import-untyped]  # scikit-learn ships no types

from fraud_detection_api.model.saved_trees import Doubles
from fraud_detection_api.training.exporting.writer import COLUMNS, Unconvertible, Writer, wide


def convert_logistic(scope: Scope, operator: Operator, container: ModelComponentContainer) -> None:
    """Write a logistic regression of two classes."""
    writer, model = Writer(scope, operator, container), operator.raw_operator
    _gives_curve(writer, writer.rows, model.coef_, float(np.ravel(model.intercept_)[0]))


def convert_support_vectors(scope: Scope, operator: Operator, container: ModelComponentContainer) -> None:
    """Write a support vector machine; its decision goes through the logistic curve, whose slope is not fitted here."""
    writer, model = Writer(scope, operator, container), operator.raw_operator
    if model.kernel not in ("rbf", "linear") or not isinstance(model.support_vectors_, np.ndarray):
        raise Unconvertible(f"support vectors with the kernel {model.kernel!r}, or sparse ones")
    if model.kernel == "linear":
        _gives_curve(writer, writer.rows, model.coef_, float(model.intercept_[0]))
        return
    spare = -len(model.support_vectors_) % COLUMNS  # vectors of no weight: `Exp` wants whole groups of columns
    vectors, weights = (
        np.pad(model.support_vectors_, ((0, spare), (0, 0))),
        np.pad(model.dual_coef_, ((0, 0), (0, spare))),
    )
    _gives_curve(writer, _nearness(writer, vectors, _gamma(model)), weights, float(model.intercept_[0]))


def _gives_curve(writer: Writer, table: str, weights: Doubles, intercept: float) -> None:
    """Hand on the logistic curve of a weighted sum."""
    weighted = writer.node("MatMul", table, writer.constant(wide(np.asarray(weights))))
    margins = writer.node("Add", weighted, writer.number(intercept))
    odds_against = writer.exponential(writer.node("Neg", margins))
    probabilities = writer.node("Div", writer.number(1), writer.node("Add", odds_against, writer.number(1)))
    writer.gives_probability(writer.column(probabilities, 0))


def _nearness(writer: Writer, vectors: Doubles, gamma: float) -> str:
    """How near each row lies to each support vector, between 0 and 1."""
    ones = writer.constant(np.ones((vectors.shape[1], 1)))
    lengths = writer.node("MatMul", writer.node("Mul", writer.rows, writer.rows), ones)
    products = writer.node("MatMul", writer.rows, writer.constant(2 * vectors.T))
    apart = writer.node("Sub", lengths, products)
    squares = writer.node("Add", apart, writer.constant((vectors**2).sum(axis=1)[None, :]))
    held = writer.node("Max", squares, writer.number(0))
    return writer.exponential(writer.node("Mul", held, writer.number(-gamma)))


def _gamma(model: SVC) -> float:
    return float(model._gamma)  # noqa: SLF001  the fitted gamma has no public name
