"""Shapley values by their definition, for what the walks of trees say of a feature."""

from collections.abc import Callable
from itertools import combinations
from math import factorial


def shapley(value: Callable[[frozenset[int]], float], features: int, at: int) -> float:
    """The textbook's sum over all sets of the other features."""
    others = [feature for feature in range(features) if feature != at]
    return sum(
        factorial(size)
        * factorial(features - size - 1)
        / factorial(features)
        * (value(frozenset(held) | {at}) - value(frozenset(held)))
        for size in range(features)
        for held in combinations(others, size)
    )
