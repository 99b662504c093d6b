"""The trees of a saved model: their arrays, joined and measured, or why they cannot be scored without the library."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from typing import cast

import numpy as np
from numpy.typing import NDArray

# The only float32 whose shortest decimal, read as a double, rounds to its neighbour: all 2,139,095,040 were tried.
TWICE_ROUNDED = 7.038531e-26
NODE_KEYS = ("left_children", "right_children", "split_indices", "split_conditions", "default_left", "split_type")
CATEGORY_KEYS = ("categories_nodes", "categories_segments", "categories_sizes")
COVER_KEY = "sum_hessian"

Saved = dict[str, list[float]]
Ints = NDArray[np.int64]
Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]


class ForestUnsupported(Exception):
    """Why a model cannot be scored without its own library."""


@contextmanager
def readable(what: str) -> Iterator[None]:
    """Leave a file to its library if it is not what it should be, whatever breaks on the way."""
    try:
        yield
    except (AttributeError, IndexError, KeyError, OverflowError, RecursionError, TypeError, ValueError) as error:
        raise ForestUnsupported(f"not {what} that can be read: {error!r}") from error


def refuse_unless(holds: bool | np.bool_, reason: str) -> None:
    """Leave the model to its library for this reason."""
    if not holds:
        raise ForestUnsupported(reason)


def sizes_of(trees: list[Saved], *keys: str) -> Ints:
    """Measure each tree's arrays, which must be of one length."""
    sizes = np.array([[len(tree[key]) for tree in trees] for key in keys])
    refuse_unless((sizes == sizes[0]).all(), "a tree with arrays of different lengths")
    return cast(Ints, sizes[0])


def joined(trees: list[Saved], key: str) -> Ints:
    """Join the trees' whole numbers of one kind."""
    return np.fromiter(chain.from_iterable(tree[key] for tree in trees), np.int64)


def doubles(trees: list[Saved], key: str) -> Doubles:
    """Join the trees' numbers of one kind, as they were written."""
    return np.fromiter(chain.from_iterable(tree[key] for tree in trees), np.float64)


def floats(trees: list[Saved], key: str) -> Floats:
    """Join the trees' numbers of one kind, each the float32 that the library reads."""
    written = doubles(trees, key)
    with np.errstate(over="ignore"):
        numbers = written.astype(np.float32)
    numbers[np.abs(written) == TWICE_ROUNDED] *= np.float32(1 - 2**-24)
    return numbers


def first_of(counts: Ints) -> Ints:
    """Where each of so many entries begins, one kind after the other."""
    return np.cumsum(counts) - counts
