"""Known labels: how many records there are, hour by hour, and of how many the label is known by now.

Now is when the last record arrived. Nothing learns from labels that are known later, and nothing is judged by them.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import orjson
from numpy.typing import NDArray

from fraud_detection_api.features.history_numpy import Whole
from fraud_detection_api.features.history_plan import MISSING
from fraud_detection_api.schemas.histories import HOUR
from fraud_detection_api.training.tables.periods import Hours

LABELS = "labels.json"

Batches = Iterable[tuple[Whole, Whole, Whole]]  # times, arrivals and labels


@dataclass(frozen=True)
class KnownLabels:
    """Until when records arrived, and for each hour with any of them their number, and that of labels and frauds."""

    now: int
    by_hour: Hours


def is_known(labels: Whole, now: int) -> NDArray[np.bool_]:
    """Whether labels, as entries hold them, are known by now."""
    known: NDArray[np.bool_] = (labels != MISSING) & (labels >> 1 <= now)
    return known


def known_labels(batches: Callable[[], Batches]) -> KnownLabels:
    """Counted; the batches are gone through twice, since only the end of them says what is known by then."""
    now = max((int(received.max()) for _, received, _ in batches() if len(received)), default=0)
    counts = {kind: Counter[int]() for kind in ("records", "known", "frauds")}
    for times, _, labels in batches():
        known = is_known(labels, now)
        for kind, which in (("records", slice(None)), ("known", known), ("frauds", known & (labels & 1 == 1))):
            counts[kind].update(dict(_counted(times[which] // HOUR)))
    hours = sorted(counts["records"])
    return KnownLabels(now, Hours(np.array(hours, np.int64), *(_listed(each, hours) for each in counts.values())))


def write_known_labels(path: Path, known: KnownLabels) -> None:
    """As JSON."""
    columns = {each.name: getattr(known.by_hour, each.name).tolist() for each in fields(Hours)}
    path.write_bytes(orjson.dumps({"now": known.now, **columns}))


def read_known_labels(path: Path) -> KnownLabels:
    """What `write_known_labels` has written."""
    found = orjson.loads(path.read_bytes())
    return KnownLabels(found["now"], Hours(*(np.array(found[each.name], np.int64) for each in fields(Hours))))


def _counted(hours: Whole) -> Iterator[tuple[int, int]]:
    distinct, counts = np.unique(hours, return_counts=True)
    return zip(distinct.tolist(), counts.tolist(), strict=True)


def _listed(counts: Counter[int], hours: list[int]) -> Whole:
    return np.array([counts[hour] for hour in hours], np.int64)
