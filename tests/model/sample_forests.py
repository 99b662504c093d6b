"""Random models of XGBoost's own, rows that try their edges, and damage to what they saved."""

from typing import NamedTuple

import numpy as np
import orjson
import xgboost
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from fraud_detection_api.model.forest import Forest
from fraud_detection_api.model.saved_trees import CATEGORY_KEYS, COVER_KEY, NODE_KEYS
from tests.thoroughness import times

Floats = NDArray[np.float32]
Setting = str | int | float
TINY, HUGE = np.finfo(np.float32).smallest_subnormal, np.finfo(np.float32).max
EDGES = np.array([0.0, -0.0, TINY, -TINY, HUGE, -HUGE, np.inf, -np.inf, np.nan, 1.0, -1.0], np.float32)
ODD_CATEGORIES = np.array([-1, -0.5, -0.0, 2.999, 31, 32, 63, 64, 2**24 - 1, 2**24, 3e38, np.inf, np.nan], np.float32)
ODD_NUMBERS = st.integers(-3, 130) | st.sampled_from([2**16, 2**31 - 1, 2**31, -(2**63), 1e300, 0.5, None, "x"])
SLOW = settings(max_examples=times(80), deadline=None, suppress_health_check=list(HealthCheck))


class Sample(NamedTuple):
    """A trained model with the rows it was trained on."""

    booster: xgboost.Booster
    rows: Floats
    kinds: list[str]

    @property
    def saved(self) -> bytes:
        return bytes(self.booster.save_raw("json"))


def column(random: np.random.Generator, kind: str, length: int) -> Floats:
    drawn = random.integers(0, random.integers(2, 90), length) if kind == "c" else random.normal(size=length)
    return drawn.astype(np.float32)


def train(
    seed: int, kinds: list[str], missing: float, trees: int, length: int = 300, /, **parameters: Setting
) -> Sample:
    random = np.random.default_rng(seed)
    rows = np.column_stack([column(random, kind, length) for kind in kinds])
    rows[random.random(rows.shape) < missing] = np.nan
    labels = np.nan_to_num(np.sin(3 * rows)).sum(axis=1) + random.normal(size=length) > 0.5
    labels[:2] = [False, True]
    data = xgboost.DMatrix(rows, labels, feature_types=kinds, enable_categorical=True)
    settled = {"objective": "binary:logistic", "nthread": 1, "seed": seed} | parameters
    return Sample(xgboost.train(settled, data, trees), rows, kinds)


def thresholds(saved: bytes) -> Floats:
    trees = orjson.loads(saved)["learner"]["gradient_booster"]["model"]["trees"]
    return np.concatenate([np.asarray(tree["split_conditions"], np.float32) for tree in trees])


def trial_rows(sample: Sample, seed: int, length: int = 400) -> Floats:
    """Rows on and beside the model's thresholds, at the edges of float32, and of categories it never saw."""
    random = np.random.default_rng(seed)
    cuts = thresholds(sample.saved)
    beside = [np.nextafter(cuts, HUGE), np.nextafter(cuts, -HUGE)]
    numbers = np.concatenate([cuts, *beside, np.tile(EDGES, 1 + len(cuts) // 20)])
    rows = random.choice(numbers, size=(length, len(sample.kinds))).astype(np.float32)
    for at in (index for index, kind in enumerate(sample.kinds) if kind == "c"):
        known, odd = random.integers(0, 95, length), random.choice(ODD_CATEGORIES, length)
        rows[:, at] = np.where(random.random(length) < 0.8, known, odd)
    return rows


Choices = dict[str, st.SearchStrategy[Setting]]
COMMON: Choices = {
    "max_depth": st.integers(1, 10),
    "grow_policy": st.sampled_from(["depthwise", "lossguide"]),
    "max_leaves": st.sampled_from([0, 5, 40]),
    "min_child_weight": st.sampled_from([0.0, 1.0]),
    "base_score": st.sampled_from([0.0, 1e-7, 0.001, 0.5, 0.9999999, 1.0]),
    "num_parallel_tree": st.sampled_from([1, 1, 3]),
    "eta": st.sampled_from([0.3, 0.3, 30.0]),
}
NUMERIC: Choices = {"tree_method": st.sampled_from(["hist", "exact", "approx"]), "max_bin": st.sampled_from([16, 900])}
CATEGORICAL: Choices = {"tree_method": st.sampled_from(["hist", "approx"]), "max_cat_to_onehot": st.integers(1, 100)}


@st.composite
def samples(draw: st.DrawFn, alphabet: str, extra: Choices) -> Sample:
    kinds = draw(st.lists(st.sampled_from(alphabet), min_size=1, max_size=8))
    missing, trees = draw(st.sampled_from([0.0, 0.1, 0.6])), draw(st.integers(1, 50))
    return train(draw(st.integers(0, 10_000)), kinds, missing, trees, **draw(st.fixed_dictionaries(COMMON | extra)))


def damage(data: st.DataObject, tree: dict[str, list[object]]) -> None:
    """Overwrite, drop or add one entry of one array of a saved tree, or empty the array."""
    values = tree[data.draw(st.sampled_from([*NODE_KEYS, *CATEGORY_KEYS, "categories", COVER_KEY]))]
    action = data.draw(st.sampled_from(["overwrite"] * 6 + ["drop", "add", "empty"]))
    if action == "empty":
        values.clear()
    elif action == "add":
        values.append(data.draw(ODD_NUMBERS))
    elif values:
        at = data.draw(st.integers(0, len(values) - 1))
        values[at : at + 1] = [data.draw(ODD_NUMBERS)] if action == "overwrite" else []


def margins(own: Forest, rows: Floats) -> Floats:
    """The log-odds that the compiled forest adds up before it makes probabilities of them."""
    out = np.empty(len(rows), np.float32)
    own._score(rows, out, False)
    return out
