"""The matrix: columns as the model sees them, float32, one row a record, categories as their codes."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fraud_detection_api.features.columns import Columns, Texts

Matrix = NDArray[np.float32]


@dataclass(frozen=True)
class KnownTexts:
    """The texts of a feature in the order of their codes; one more code may stand for every other text."""

    texts: tuple[str, ...]
    has_other: bool = False

    @property
    def code_of_others(self) -> float:
        """What any other text is to the model: a category of its own, or missing."""
        return float(len(self.texts)) if self.has_other else np.nan


Categories = Mapping[str, KnownTexts]


class MatrixMaker:
    """Makes matrices in the order of the features, with the categories that a bundle was trained on."""

    def __init__(self, feature_names: Sequence[str], categories: Categories) -> None:
        self._names, self.categories = tuple(feature_names), categories
        self._codes = {
            name: ({text: float(code) for code, text in enumerate(known.texts)}, known.code_of_others)
            for name, known in categories.items()
        }

    def matrix(self, columns: Columns) -> Matrix:
        """The matrix of these columns; a text without a code of its own is the feature's other, or else missing."""
        matrix = np.ascontiguousarray(columns.numbers.T, dtype=np.float32)
        for name, (codes, other) in self._codes.items():
            texts = columns.texts[name]
            matrix[:, self._names.index(name)] = [np.nan if text is None else codes.get(text, other) for text in texts]
        return matrix

    def unseen(self, columns: Columns) -> dict[str, list[int]]:
        """The rows that hold a text without a code of its own, by feature."""
        rows = {
            name: [row for row, text in enumerate(columns.texts[name]) if text is not None and text not in codes]
            for name, (codes, _) in self._codes.items()
        }
        return {name: found for name, found in rows.items() if found}


def categories_of(texts: Mapping[str, Texts], most: int) -> dict[str, KnownTexts]:
    """The commonest texts of each column, sorted, and whether there are others."""
    return {name: _commonest(values, most) for name, values in texts.items()}


def _commonest(texts: Texts, most: int) -> KnownTexts:
    counts = Counter(text for text in texts if text is not None)
    kept = sorted(counts, key=lambda text: (-counts[text], text))[:most]
    return KnownTexts(tuple(sorted(kept)), has_other=len(counts) > most)
