"""A column whose length is not known before its end."""

import numpy as np

from fraud_detection_api.features.tables import RawColumn


class GrowingColumn:
    """Grows where it lies: a list of pieces would have every value in memory twice when it is joined."""

    def __init__(self, empty: RawColumn) -> None:
        self._values = empty.copy()
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def append(self, piece: RawColumn) -> None:
        """Add values at the end; whole numbers become floats once a piece has floats."""
        dtype = np.result_type(self._values.dtype, piece.dtype)
        if dtype != self._values.dtype:
            self._values = self._values[: self._size].astype(dtype)
        size = self._size + len(piece)
        if size > len(self._values):
            self._values.resize(size + size // 8, refcheck=False)  # no other name points at it yet
        self._values[self._size : size] = piece
        self._size = size

    def whole(self) -> RawColumn:
        """The column at its final length."""
        self._values.resize(self._size, refcheck=False)
        return self._values
