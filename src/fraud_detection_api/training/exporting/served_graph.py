"""The graph that is served: one table in, one column out, and only what leads from the one to the other."""

from collections.abc import Iterable

import numpy as np
from onnx import GraphProto, ModelProto, NodeProto, helper
from onnx.numpy_helper import from_array

from fraud_detection_api.model.onnx_model import PROBABILITY, RECORDS, ROWS, TOGETHER
from fraud_detection_api.training.exporting.writer import DOUBLE, FLOAT, ML, ML_OPSET, TREES, WHOLE

IR = 10
# Nodes whose result for a row is the same to the bit, whatever stands beside it.
ARITHMETIC = frozenset(
    {"Add", "Cast", "Div", "Greater", "IsNaN", "Less", "MatMul", "Max", "Mul", "Neg", "Sub", "Where"}
)
CHOICE = frozenset({"ArrayFeatureExtractor", "Concat", "Gather", "Identity", "LabelEncoder", "Reshape", TREES})
FLAT, LAST = "served:flat", "served:last"  # no name of skl2onnx's holds a colon


def served_graph(written: ModelProto, *, is_margin: bool) -> ModelProto:
    """What skl2onnx has written, from float32 records to the score alone; a margin goes through the logistic curve."""
    graph = written.graph
    taken, scores = graph.input[0], graph.output[1].name
    features = taken.type.tensor_type.shape.dim[1].dim_value
    nodes = [
        helper.make_node("Cast", [RECORDS], [taken.name], to=taken.type.tensor_type.elem_type),
        *graph.node,
        helper.make_node("Gather", [scores, LAST], ["served:column"], axis=1),
        helper.make_node("Sigmoid" if is_margin else "Identity", ["served:column"], ["served:score"]),
        helper.make_node("Cast", ["served:score"], ["served:double"], to=DOUBLE),
        helper.make_node("Reshape", ["served:double", FLAT], [PROBABILITY]),
    ]
    kept = _leading_to(PROBABILITY, nodes)
    constants = [*graph.initializer, *(from_array(np.array([-1]), name) for name in (LAST, FLAT))]
    used = {name for node in kept for name in _takes(node)}
    served = helper.make_graph(
        kept,
        PROBABILITY,
        [helper.make_tensor_value_info(RECORDS, FLOAT, [None, features])],
        [helper.make_tensor_value_info(PROBABILITY, DOUBLE, [None])],
        [constant for constant in constants if constant.name in used],
    )
    together = all(node.op_type in ARITHMETIC | CHOICE or node.name.startswith(WHOLE) for node in kept)
    _rename(served, {"": "", RECORDS: RECORDS, PROBABILITY: PROBABILITY})
    return _model(served, written, together=together)


def _leading_to(name: str, nodes: Iterable[NodeProto]) -> list[NodeProto]:
    """The nodes that a value depends on, each behind its own: skl2onnx's order depends on the order of sets."""
    makers = {output: node for node in nodes for output in node.output}
    ordered: dict[int, NodeProto] = {}
    waiting = [makers[name]]
    while waiting:
        node = waiting[-1]
        before = [makers[each] for each in _takes(node) if each in makers and id(makers[each]) not in ordered]
        if before:
            waiting.extend(before)
        else:
            ordered[id(waiting.pop())] = node
    return list(ordered.values())


def _takes(node: NodeProto) -> list[str]:
    """What a node is given, the nodes inside of it included."""
    inside = [inner for graph in _inner(node) for each in graph.node for inner in _takes(each)]
    return [*node.input, *inside]


def _inner(node: NodeProto) -> list[GraphProto]:
    """The graphs inside of a node."""
    found: list[GraphProto] = []
    for attribute in node.attribute:
        found += [attribute.g] if attribute.HasField("g") else attribute.graphs
    return found


def _rename(graph: GraphProto, names: dict[str, str]) -> None:
    """Count the values instead of naming them: skl2onnx's names depend on what it has written before."""

    def counted(name: str) -> str:
        return names.setdefault(name, f"value{len(names)}")

    for named in (*graph.input, *graph.output, *graph.initializer):
        named.name = counted(named.name)
    del graph.value_info[:]
    for node in graph.node:
        node.name = ""
        node.input[:], node.output[:] = map(counted, node.input), map(counted, node.output)
        for inner in _inner(node):
            inner.name = node.op_type
            _rename(inner, names)


def _model(graph: GraphProto, written: ModelProto, *, together: bool) -> ModelProto:
    """The file around the graph; it does not name what wrote it, so that equal fits give equal bytes."""
    versions = {each.domain: each.version for each in written.opset_import}
    if any(node.op_type == TREES for node in graph.node):
        versions[ML] = ML_OPSET
    domains = sorted({"", *(node.domain for node in graph.node)})
    model = helper.make_model(
        graph, ir_version=IR, opset_imports=[helper.make_opsetid(domain, versions[domain]) for domain in domains]
    )
    if together:
        helper.set_model_props(model, {ROWS: TOGETHER})
    return model
