"""Random isolation forests of scikit-learn's own, and rows that try their edges."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from hypothesis import strategies as st
from sklearn.ensemble import IsolationForest as Fitted  # type: ignore[import-untyped]

from fraud_detection_api.training.isolating.forest_file import forest_file
from tests.model.sample_forests import EDGES, HUGE, Floats

Setting = str | int | float | bool
KINDS = ("usual", "usual", "few values", "constant", "huge", "tiny")
MAX_SAMPLES: tuple[Setting, ...] = ("auto", 2, 1.0)
CONTAMINATION: tuple[Setting, ...] = ("auto", 0.001, 0.01, 0.25, 0.5)


@dataclass(frozen=True)
class Sample:
    """A fitted forest with the rows it was fitted on."""

    fitted: Fitted
    rows: Floats

    @cached_property
    def saved(self) -> bytes:
        """What training writes of it."""
        return forest_file(self.fitted, self.rows)


def column(random: np.random.Generator, kind: str, length: int) -> Floats:
    usual = random.normal(size=length)
    drawn = {
        "usual": usual,
        "few values": random.integers(0, 4, length),
        "constant": np.full(length, usual[0]),
        "huge": HUGE * np.tanh(usual),
        "tiny": 1e-40 * usual,
    }
    return drawn[kind].astype(np.float32)


def grow(
    seed: int, kinds: list[str], length: int = 300, missing: float = 0.0, copies: int = 1, /, **parameters: Setting
) -> Sample:
    """Fit a forest on so many made-up rows, each of them there so many times."""
    random = np.random.default_rng(seed)
    rows = np.column_stack([column(random, kind, length) for kind in kinds])
    rows[random.random(rows.shape) < missing] = np.nan
    rows = np.repeat(rows, copies, axis=0)
    return Sample(Fitted(**{"random_state": seed} | parameters).fit(rows), rows)


def trial_rows(sample: Sample, seed: int, length: int = 200) -> Floats:
    """Rows on and beside the forest's thresholds, and at the edges of float32."""
    random = np.random.default_rng(seed)
    cuts = np.concatenate([tree.tree_.threshold for tree in sample.fitted.estimators_]).astype(np.float32)
    beside = [np.nextafter(cuts, HUGE), np.nextafter(cuts, -HUGE)]
    numbers = np.concatenate([cuts, *beside, np.tile(EDGES, 1 + len(cuts) // 20)])
    return random.choice(numbers, size=(length, sample.rows.shape[1]))


@st.composite
def samples(draw: st.DrawFn) -> Sample:
    """Any kind of forest that scikit-learn grows."""
    kinds = draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=30))
    length, copies = draw(st.integers(2, 400)), draw(st.sampled_from([1, 1, 3]))
    return grow(
        draw(st.integers(0, 10_000)),
        kinds,
        length,
        draw(st.sampled_from([0.0, 0.0, 0.2])),
        copies,
        n_estimators=draw(st.sampled_from([1, 2, 9, 40, 200])),
        max_samples=draw(st.sampled_from(MAX_SAMPLES) | st.integers(2, length)),
        max_features=draw(st.sampled_from([1.0, 1.0, 0.6, 0.1])),
        bootstrap=draw(st.booleans()),
        contamination=draw(st.sampled_from(CONTAMINATION)),
    )
