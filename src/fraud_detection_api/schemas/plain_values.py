"""What a refusal repeats of a request: values that JSON can say, cut short."""

import math
from itertools import islice

DEEPEST = 3
LONGEST_TEXT = 500
MOST_ITEMS = 50  # of an array or object


def plain(value: object, depth: int = 0) -> object:
    """The value without infinities and objects, nothing nested or long without end."""
    if depth > DEEPEST:
        return "..."
    if isinstance(value, dict):
        return {_short(str(key)): plain(each, depth + 1) for key, each in islice(value.items(), MOST_ITEMS)}
    if isinstance(value, list | tuple):
        return [plain(each, depth + 1) for each in value[:MOST_ITEMS]]
    if isinstance(value, bool | None) or (isinstance(value, int | float) and abs(value) < math.inf):
        return value
    return _short(value if isinstance(value, str) else str(value))


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_TEXT else text[:LONGEST_TEXT] + "..."
