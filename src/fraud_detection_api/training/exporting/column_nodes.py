"""Imputers and one-hot encoders as ONNX, with what skl2onnx leaves out: marks of what is missing, rare codes."""

import warnings

import numpy as np
from skl2onnx.common._container import ModelComponentContainer  # type: ignore[import-untyped]  # it ships no types
from skl2onnx.common._topology import Operator, Scope  # type: ignore[import-untyped]  # it ships no types
from skl2onnx.common.data_types import DoubleTensorType  # type: ignore[import-untyped]  # as above
from sklearn.impute import SimpleImputer  # type: ignore[import-untyped]  # scikit-learn ships no types
from sklearn.preprocessing import OneHotEncoder  # type: ignore[import-untyped]  # as above

from fraud_detection_api.errors import ExportRefused
from fraud_detection_api.model.saved_trees import Doubles
from fraud_detection_api.training.exporting.writer import DOUBLE, FLOAT, ML, Attribute, Unconvertible, Writer


def imputed_shape(operator: Operator) -> None:
    """Say how wide an imputer's table is."""
    imputer = operator.raw_operator
    width = len(imputer.get_feature_names_out())
    operator.outputs[0].type = DoubleTensorType([None, width])


def encoded_shape(operator: Operator) -> None:
    """Say how wide an encoder's table is."""
    operator.outputs[0].type = DoubleTensorType([None, len(operator.raw_operator.get_feature_names_out())])


def convert_imputer(scope: Scope, operator: Operator, container: ModelComponentContainer) -> None:
    """Write an imputer: what fills the gaps, and behind it the marks of where they were."""
    writer, imputer = Writer(scope, operator, container), operator.raw_operator
    if not _marks_nan(imputer):
        raise Unconvertible(f"an imputer that takes {imputer.missing_values!r} for missing")
    fill = np.asarray(imputer.statistics_, dtype=np.float64)
    filled = writer.node("Where", writer.node("IsNaN", writer.rows), writer.constant(fill[None, :]), writer.rows)
    kept = np.flatnonzero(~np.isnan(fill))
    parts = [writer.node("Gather", filled, writer.constant(kept), axis=1)]
    marked = imputer.indicator_.features_ if imputer.add_indicator else ()
    if len(marked):
        chosen = writer.node("Gather", writer.rows, writer.constant(np.asarray(marked, np.int64)), axis=1)
        parts.append(writer.node("Cast", writer.node("IsNaN", chosen), to=DOUBLE))
    writer.gives(0, writer.node("Concat", *parts, axis=1))


def convert_encoder(scope: Scope, operator: Operator, container: ModelComponentContainer) -> None:
    """Write a one-hot encoder of numbered categories: each column looks its rows up in a table."""
    writer, encoder = Writer(scope, operator, container), operator.raw_operator
    if encoder.handle_unknown == "error":
        raise ExportRefused("OneHotEncoder", "it ends in an error where a category is new: let it ignore such")
    if any(categories.dtype.kind not in "fiu" for categories in encoder.categories_):
        raise ExportRefused("OneHotEncoder", "it knows texts, but categories come as their codes")
    parts = [_looked_up(writer, encoder, position) for position in range(len(encoder.categories_))]
    writer.gives(0, writer.node("Concat", *parts, axis=1))


def _looked_up(writer: Writer, encoder: OneHotEncoder, position: int) -> str:
    """One column's part: the row of its code, the last row but one where it is new, the last where it is missing."""
    codes = np.asarray(encoder.categories_[position], dtype=np.float64)
    codes = codes[~np.isnan(codes)]
    if (codes.astype(np.float32) != codes).any():
        raise ExportRefused("OneHotEncoder", "it knows codes that are no float32")
    given = writer.column(writer.rows, position)
    narrowed = writer.node("Cast", given, to=FLOAT)
    keys = [float(code) for code in codes] or [0.0]
    places = list(range(len(codes))) or [0]
    known: dict[str, Attribute] = {"keys_floats": keys, "values_int64s": places, "default_int64": len(codes)}
    found = writer.node("LabelEncoder", narrowed, op_domain=ML, **known)
    missing = writer.constant(np.array(len(codes) + 1))
    place = writer.node("Where", writer.node("IsNaN", given), missing, found)
    flat = writer.node("Reshape", place, writer.constant(np.array([-1])))
    return writer.node("Gather", writer.constant(_rows(encoder, position, codes)), flat, axis=0)


def _rows(encoder: OneHotEncoder, position: int, codes: Doubles) -> Doubles:
    """What the encoder itself makes of each code of one column, of a new one, and of none."""
    new = codes.max() + 1 if len(codes) else 0.0
    asked = np.zeros((len(codes) + 2, len(encoder.categories_)))
    asked[:, position] = [*codes, new, np.nan]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of what is new, and is asked about just that
        encoded = encoder.transform(asked)
    dense = np.asarray(encoded.toarray() if encoder.sparse_output else encoded, dtype=np.float64)
    ends = np.cumsum([_width(encoder, each) for each in range(len(encoder.categories_))])
    return dense[:, ends[position] - _width(encoder, position) : ends[position]]


def _width(encoder: OneHotEncoder, position: int) -> int:
    rare = getattr(encoder, "infrequent_categories_", [None] * len(encoder.categories_))[position]
    dropped = encoder.drop_idx_ is not None and encoder.drop_idx_[position] is not None
    together = 0 if rare is None else len(rare) - 1
    return len(encoder.categories_[position]) - together - dropped


def _marks_nan(imputer: SimpleImputer) -> bool:
    return isinstance(imputer.missing_values, float) and np.isnan(imputer.missing_values)
