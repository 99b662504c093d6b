"""Partition: raw records, checked as training checks them, become entries of histories, scattered by their keys."""

from collections.abc import Sequence
from pathlib import Path

from fraud_detection_api.pipeline.given import RECORDS, SECRET_MARK, is_set, remembering_of, whole_of
from fraud_detection_api.pipeline.raw_records import checked_batches, raw_files
from fraud_detection_api.pipeline.scattered import BATCHES, SKIPPED, Scatter, layout_of, write_scattered
from fraud_detection_api.pipeline.step import Inputs, Parameters, Part, Step
from fraud_detection_api.storage.blocks import block_writer
from fraud_detection_api.training.tables.remembered import arrivals_in

PARTITIONS = 16


def scatter_of(histories: int, parameters: Parameters) -> Scatter:
    """How a run scatters its entries."""
    return Scatter(histories, whole_of(parameters, "partitions", PARTITIONS))


def parts(inputs: Inputs, _: Parameters) -> Sequence[Part]:
    """One for each raw file."""
    files = raw_files(inputs["make_sample"])
    return [Part(f"{number:05}.parquet", number) for number in range(len(files))]


def partition(inputs: Inputs, parameters: Parameters, part: Part, path: Path) -> int:
    """Scatter the records of one raw file."""
    remembering = remembering_of(parameters)
    scatter = scatter_of(len(remembering.kernels), parameters)
    widest = max(each.plan.width for each in remembering.kernels)
    raw = raw_files(inputs["make_sample"])[part.number]
    batches = rows = skipped = 0
    with block_writer(path, layout_of(remembering)) as writer:
        for checked in checked_batches(raw, remembering.use_case, skip_bad_rows=is_set(parameters, "skip_bad_rows")):
            times = remembering.times(checked.columns)
            arrivals = arrivals_in(checked.part.raw, times, remembering.use_case)
            for keyed in remembering.at_keys(checked.columns, arrivals):
                write_scattered(writer, scatter, checked.part.rows, keyed, widest)
            batches, rows, skipped = batches + 1, rows + len(times), skipped + checked.skipped
        writer.notes |= {BATCHES: batches, SKIPPED: skipped}
    return rows


STEP = Step("partition", ("make_sample",), (*RECORDS, SECRET_MARK, "partitions", "skip_bad_rows"), parts, partition)
