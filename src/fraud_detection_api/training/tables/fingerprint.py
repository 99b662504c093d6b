"""The fingerprint of the data a model was made from: another value, row or order of rows, another fingerprint."""

import hashlib

import numpy as np
from numpy.typing import NDArray

from fraud_detection_api.training.tables.dataset import Dataset


def fingerprint(dataset: Dataset) -> str:
    """SHA-256 over features, labels and days, row by row in their order."""
    sha = hashlib.sha256(repr(dataset.columns.numbers.shape).encode())
    sha.update(_bytes_of(dataset.columns.numbers))
    for name in sorted(dataset.columns.texts):
        sha.update(name.encode() + b"\0")
        sha.update("\0".join("\1" if text is None else text for text in dataset.columns.texts[name]).encode())
    sha.update(_bytes_of(dataset.labels))
    if dataset.days is not None:
        sha.update(_bytes_of(dataset.days))
    if dataset.weights is not None:
        sha.update(_bytes_of(dataset.weights))
    return sha.hexdigest()


def _bytes_of(values: NDArray[np.generic]) -> memoryview:
    return np.ascontiguousarray(values).data.cast("B")
