"""The matrix: columns as the model sees them, float32, one row a record, categories as their codes."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from fraud_detection_api.features.columns import Columns, Texts

Matrix = NDArray[np.float32]
Categories = Mapping[str, Sequence[str]]


class MatrixMaker:
    """Makes matrices in the order of the features, with the categories that a bundle was trained on."""

    def __init__(self, feature_names: Sequence[str], categories: Categories) -> None:
        self._names = tuple(feature_names)
        self._codes = {name: {text: float(code) for code, text in enumerate(categories[name])} for name in categories}

    def matrix(self, columns: Columns) -> Matrix:
        """The matrix of these columns; a category never seen in training is missing."""
        matrix = np.ascontiguousarray(columns.numbers.T, dtype=np.float32)
        for name, codes in self._codes.items():
            texts = columns.texts[name]
            matrix[:, self._names.index(name)] = [np.nan if text is None else codes.get(text, np.nan) for text in texts]
        return matrix

    def unseen(self, columns: Columns) -> dict[str, list[int]]:
        """The rows that hold a category never seen in training, by feature."""
        rows = {
            name: [row for row, text in enumerate(columns.texts[name]) if text is not None and text not in codes]
            for name, codes in self._codes.items()
        }
        return {name: found for name, found in rows.items() if found}


def categories_of(texts: Mapping[str, Texts]) -> dict[str, list[str]]:
    """The distinct categories of each text column, sorted."""
    return {name: sorted({text for text in values if text is not None}) for name, values in texts.items()}
