"""The in-process limit: what the library's own prediction on one thread allows if HTTP cost nothing."""

import time

import numpy as np
import orjson
import xgboost

from benchmarks.cells import Figures
from benchmarks.sample_model import FEATURES, ONE_THREAD


def limit(booster: xgboost.Booster, body: bytes, seconds: float) -> Figures:
    """Answer the same body for so long: parse, columns, float32 matrix, predict, write."""
    booster.set_param(ONE_THREAD)
    requests, start, cpu = 0, time.perf_counter(), time.process_time()
    while (elapsed := time.perf_counter() - start) < seconds:
        answer(booster, body)
        requests += 1
    return Figures(requests / elapsed, 1e3 * (time.process_time() - cpu) / requests)


def answer(booster: xgboost.Booster, body: bytes) -> bytes:
    """The answer to one body, made the quickest way we know with orjson and numpy."""
    records = orjson.loads(body)
    matrix = np.empty((len(records), len(FEATURES)), dtype=np.float32)
    for column, name in enumerate(FEATURES):
        matrix[:, column] = [record[name] for record in records]
    probabilities = booster.inplace_predict(matrix).tolist()
    return orjson.dumps(
        [
            {"customer_id": record["customer_id"], "fraud_probability": probability}
            for record, probability in zip(records, probabilities, strict=True)
        ]
    )
