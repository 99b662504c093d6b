"""Make sample records: a file a month, with frauds that are known, and how likely each record was to be one."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from fraud_detection_api.errors import DataRefused
from fraud_detection_api.pipeline.given import DEFAULT_USE_CASE, RECORDS, share_of, use_case_of, whole_of
from fraud_detection_api.pipeline.step import Inputs, Parameters, Part, Step
from fraud_detection_api.samples.order_population import OrderSettings
from fraud_detection_api.samples.orders import orders_file
from fraud_detection_api.samples.sample_table import TRUE_PROBABILITY, LabelledSample
from fraud_detection_api.storage.files import write_table


def _orders(parameters: Parameters, number: int) -> LabelledSample:
    usual = OrderSettings()
    settings = OrderSettings(
        whole_of(parameters, "files", usual.files),
        whole_of(parameters, "orders_per_file", usual.orders_a_file),
        whole_of(parameters, "customers", usual.customers),
        whole_of(parameters, "emails", usual.emails),
        whole_of(parameters, "addresses", usual.addresses),
        share_of(parameters, "new_address_share", usual.new_address_share),
    )
    return orders_file(number, settings, whole_of(parameters, "seed", 0))


MAKERS: Mapping[str, Callable[[Parameters, int], LabelledSample]] = {DEFAULT_USE_CASE: _orders}


def parts(_: Inputs, parameters: Parameters) -> Sequence[Part]:
    """A file for each month."""
    count = whole_of(parameters, "files", OrderSettings().files)
    return [Part(f"{number:04}.parquet", number) for number in range(count)]


def make_sample(_: Inputs, parameters: Parameters, part: Part, path: Path) -> int:
    """Write the records of a month; the file depends on no other."""
    name = use_case_of(parameters).name
    if name not in MAKERS:
        raise DataRefused(f"There are no sample records of {name}: start from raw records of your own.")
    sample = MAKERS[name](parameters, part.number)
    probabilities = np.asarray(sample.probabilities, np.float64)
    write_table(path, {**sample.columns, TRUE_PROBABILITY: probabilities})
    return len(sample)


STEP = Step(
    "make_sample",
    (),
    (*RECORDS, "seed", "files", "orders_per_file", "customers", "emails", "addresses", "new_address_share"),
    parts,
    make_sample,
)
