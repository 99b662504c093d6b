"""Writing nodes of ONNX: values go by the names that skl2onnx keeps apart, constants by their arrays."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper
from onnx.numpy_helper import from_array
from skl2onnx.common._container import ModelComponentContainer  # type: ignore[import-untyped]  # it ships no types
from skl2onnx.common._topology import Operator, Scope  # type: ignore[import-untyped]  # it ships no types
from skl2onnx.operator_converters.common import concatenate_variables  # type: ignore[import-untyped]  # as above

FLOAT, DOUBLE, INT64 = TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.INT64
ML, ML_OPSET, TREES = "ai.onnx.ml", 5, "TreeEnsemble"
# `Exp` treats the last few numbers of a tensor in another way than the others, and differs in the last bit. Where the
# columns are a multiple of sixteen there are no last few, and a row does not depend on how many rows stand beside it.
COLUMNS, WHOLE = 16, "whole"

Attribute = int | str | list[int] | list[float] | TensorProto


class Unconvertible(Exception):
    """Why a fitted estimator cannot be written as ONNX."""


@dataclass(frozen=True)
class Writer:
    """Where a converter writes its nodes."""

    scope: Scope
    operator: Operator
    container: ModelComponentContainer

    @property
    def rows(self) -> str:
        """What the estimator is given, its inputs side by side."""
        inputs = self.operator.inputs
        if len(inputs) == 1:
            return str(inputs[0].full_name)
        return str(concatenate_variables(self.scope, inputs, self.container))

    def constant(self, values: NDArray[np.generic]) -> str:
        """An array that belongs to the model."""
        name = str(self.scope.get_unique_variable_name("constant"))
        self.container.add_initializer(name, None, None, from_array(np.ascontiguousarray(values)))
        return name

    def number(self, value: float) -> str:
        """One double."""
        return self.constant(np.array(value, dtype=np.float64))

    def node(self, kind: str, *inputs: str, **attributes: Attribute) -> str:
        """A node of ONNX's own, and the name of what it gives."""
        name = str(self.scope.get_unique_variable_name(kind.lower()))
        self.container.add_node(kind, list(inputs), [name], **attributes)
        return name

    def exponential(self, table: str) -> str:
        """The exponential of a table with a multiple of sixteen columns, marked as such."""
        name = str(self.scope.get_unique_variable_name("exponential"))
        self.container.add_node("Exp", [table], [name], name=self.scope.get_unique_operator_name(WHOLE))
        return name

    def trees(self, table: str, **attributes: Attribute) -> str:
        """The sum of trees, by a node of ONNX that skl2onnx does not know yet and would refuse to add."""
        name = str(self.scope.get_unique_variable_name("trees"))
        node = helper.make_node(TREES, [table], [name], domain=ML)
        node.attribute.extend(helper.make_attribute(key, value) for key, value in sorted(attributes.items()))
        self.container.nodes.append(node)
        return name

    def column(self, table: str, position: int) -> str:
        """One column of a table, itself a table."""
        return self.node("Gather", table, self.constant(np.array([position])), axis=1)

    def gives(self, output: int, value: str) -> None:
        """Hand a value on as one of the estimator's outputs."""
        self.container.add_node("Identity", [value], [self.operator.outputs[output].full_name])

    def gives_probability(self, probability: str) -> None:
        """Hand on a classifier's two outputs, from the probability of its second class, [rows, 1]."""
        complement = self.node("Sub", self.number(1), probability)
        self.gives(1, self.node("Concat", complement, probability, axis=1))
        likely = self.node("Cast", self.node("Greater", probability, self.number(0.5)), to=INT64)
        self.gives(0, self.node("Reshape", likely, self.constant(np.array([-1]))))


def wide(column: NDArray[np.float64]) -> NDArray[np.float64]:
    """A column of weights, repeated so that what follows can be put through `Exp`."""
    return np.repeat(column.reshape(-1, 1).astype(np.float64), COLUMNS, axis=1)
