from typing import Self

import numpy as np
from numpy.typing import NDArray

class Trees:
    """Checked, planned and immutable; raises ValueError when the parts do not fit together.

    The leaves in `values` are float32 or float64, as their length says, and so is what `score` writes: margins, or
    probabilities, which are float32 alone.
    """

    def __new__(
        cls,
        features: int,
        base_score: float,
        nodes: bytes,
        values: bytes,
        sets: bytes,
        ranks: bytes,
        starts: bytes,
        pool: bytes,
        categories: bytes,
        cuts: bytes,
        cut_ends: bytes,
        group_ends: bytes,
        covers: bytes,
        /,
    ) -> Self: ...
    def score(
        self, matrix: NDArray[np.float32], out: NDArray[np.float32] | NDArray[np.float64], probabilities: bool, /
    ) -> None: ...
    def explain(self, matrix: NDArray[np.float32], out: NDArray[np.float64], /) -> None: ...
