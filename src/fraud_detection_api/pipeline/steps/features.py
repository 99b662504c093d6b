"""Features: of every key what was known before each of its records, and what is known of it at the end.

A file for each history and partition, with a block for each batch of each raw file; beside it the final states of its
keys; and one that says how many records there are by the hour, and of how many the label is known by now.
"""

from collections.abc import Sequence
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np

from fraud_detection_api.features.final_states import final_states
from fraud_detection_api.features.remembering import AtKeys, Remembering, of_stream
from fraud_detection_api.pipeline.given import RECORDS, remembering_of
from fraud_detection_api.pipeline.known_labels import LABELS, known_labels, write_known_labels
from fraud_detection_api.pipeline.remembered_rows import layout_of, remembered_file, write_remembered
from fraud_detection_api.pipeline.scattered import Piece, Scatter, pieces_of, times_and_labels
from fraud_detection_api.pipeline.states import states_file, write_states
from fraud_detection_api.pipeline.step import Inputs, Parameters, Part, Step
from fraud_detection_api.pipeline.steps.partition import scatter_of
from fraud_detection_api.storage.blocks import block_writer


def parts(_: Inputs, parameters: Parameters) -> Sequence[Part]:
    """What is known before each record, of each history and partition; then the final states of these; then labels."""
    histories = remembering_of(parameters).histories.of
    places = list(product(histories, range(scatter_of(len(histories), parameters).partitions)))
    files = [file_of(*place) for file_of in (remembered_file, states_file) for place in places]
    return [Part(file, number) for number, file in enumerate([*files, LABELS])]


def features(inputs: Inputs, parameters: Parameters, part: Part, path: Path) -> int:
    """Make one of the files."""
    remembering = remembering_of(parameters)
    scatter, folder = scatter_of(len(remembering.kernels), parameters), inputs["partition"]
    history, partition = divmod(part.number, scatter.partitions)
    if history == 2 * scatter.histories:
        return _labels(folder, scatter, path)
    plan = remembering.kernels[history % scatter.histories].plan
    pieces = list(pieces_of(folder, scatter, history % scatter.histories, partition, plan.width))
    if history < scatter.histories:
        return _before_each_record(remembering, history, pieces, path)
    states = final_states(plan, _joined(pieces))
    write_states(path, plan, states)
    return len(states.keys)


def _before_each_record(remembering: Remembering, history: int, pieces: list[Piece], path: Path) -> int:
    values, flags = of_stream(remembering.kernels[history], _joined(pieces))
    declared = remembering.histories.of[history]
    with block_writer(path, layout_of(declared)) as writer:
        end = 0
        for piece in pieces:
            start, end = end, end + len(piece.rows)
            write_remembered(writer, declared, piece.rows, values[start:end], flags[start:end])
    return end


def _labels(folder: Path, scatter: Scatter, path: Path) -> int:
    known = known_labels(partial(times_and_labels, folder, scatter))
    write_known_labels(path, known)
    return int(known.by_hour.records.sum())


def _joined(pieces: list[Piece]) -> AtKeys:
    return AtKeys(
        np.concatenate([piece.keyed.keys for piece in pieces]),
        np.concatenate([piece.keyed.entries for piece in pieces]),
    )


STEP = Step("features", ("partition",), (*RECORDS, "partitions"), parts, features)
