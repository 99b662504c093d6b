"""A fitted pipeline as a graph of ONNX: skl2onnx writes it, the converters here write what it leaves out or inexact.

The graph takes float32, as matrices are, and widens it first. From there on everything is in double, as it is in
scikit-learn when it is asked in double.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial

from onnx import ModelProto
from skl2onnx import convert_sklearn  # type: ignore[import-untyped]  # it ships no types
from skl2onnx.common._container import ModelComponentContainer  # type: ignore[import-untyped]  # as above
from skl2onnx.common._topology import Operator, Scope  # type: ignore[import-untyped]  # as above
from skl2onnx.common.data_types import (  # type: ignore[import-untyped]  # as above
    DoubleTensorType,
    FloatTensorType,
    TensorType,
)
from sklearn.base import BaseEstimator, is_classifier  # type: ignore[import-untyped]  # scikit-learn ships no types
from sklearn.ensemble import (  # type: ignore[import-untyped]  # as above
    ExtraTreesClassifier,
    RandomForestClassifier,
)
from sklearn.impute import SimpleImputer  # type: ignore[import-untyped]  # as above
from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]  # as above
from sklearn.preprocessing import OneHotEncoder  # type: ignore[import-untyped]  # as above
from sklearn.svm import SVC, LinearSVC  # type: ignore[import-untyped]  # as above
from sklearn.tree import DecisionTreeClassifier, ExtraTreeClassifier  # type: ignore[import-untyped]  # as above

from fraud_detection_api.training.exporting.column_nodes import (
    convert_encoder,
    convert_imputer,
    encoded_shape,
    imputed_shape,
)
from fraud_detection_api.training.exporting.curve_nodes import convert_logistic, convert_support_vectors
from fraud_detection_api.training.exporting.originals import gives_probabilities, last_step
from fraud_detection_api.training.exporting.served_graph import served_graph
from fraud_detection_api.training.exporting.tree_nodes import convert_trees
from fraud_detection_api.training.exporting.writer import ML

GIVEN = "given"
OPSETS = {"": 18, ML: 3}

Converter = Callable[[Scope, Operator, ModelComponentContainer], None]

CONVERTERS: Mapping[type[BaseEstimator], Converter] = {
    DecisionTreeClassifier: convert_trees,
    ExtraTreeClassifier: convert_trees,
    ExtraTreesClassifier: convert_trees,
    LogisticRegression: convert_logistic,
    OneHotEncoder: convert_encoder,
    RandomForestClassifier: convert_trees,
    SVC: convert_support_vectors,
    SimpleImputer: convert_imputer,
}
SHAPES = {OneHotEncoder: encoded_shape, SimpleImputer: imputed_shape}


def graphs(pipeline: BaseEstimator, features: int) -> Iterator[Callable[[], ModelProto]]:
    """The ways to write a pipeline, the exact one first; the other is what skl2onnx alone makes of it, in float32."""
    yield partial(_graph, pipeline, DoubleTensorType([None, features]), CONVERTERS)
    yield partial(_graph, pipeline, FloatTensorType([None, features]), {})


def _graph(
    pipeline: BaseEstimator, given: TensorType, converters: Mapping[type[BaseEstimator], Converter]
) -> ModelProto:
    written = convert_sklearn(
        pipeline,
        name=GIVEN,
        initial_types=[(GIVEN, given)],
        target_opset=OPSETS,
        custom_conversion_functions=dict(converters),
        custom_shape_calculators={kind: SHAPES[kind] for kind in converters if kind in SHAPES},
        options=_options(pipeline),
    )
    return served_graph(written, is_margin=_is_margin(pipeline))


def _options(pipeline: BaseEstimator) -> dict[int, dict[str, bool]]:
    if not is_classifier(pipeline):
        return {}
    options: dict[int, dict[str, bool]] = {}
    if not isinstance(last_step(pipeline), LinearSVC):  # which alone has no maps to be left out
        options[id(pipeline)] = {"zipmap": False}
    if _is_margin(pipeline):
        options[id(last_step(pipeline))] = options.get(id(last_step(pipeline)), {}) | {"raw_scores": True}
    return options


def _is_margin(pipeline: BaseEstimator) -> bool:
    """Whether skl2onnx leaves a margin; the converter of support vectors has put it through the curve already."""
    return not gives_probabilities(pipeline) and not isinstance(last_step(pipeline), SVC)
