"""Hashes of what tells who somebody is, with a secret; only whether two are the same is ever asked."""

from collections.abc import Iterable, Sequence
from hashlib import blake2b

import numpy as np

from fraud_detection_api.features.entry_layout import NO_VALUE, VALUE_BYTES
from fraud_detection_api.features.history_numpy import Whole
from fraud_detection_api.features.history_plan import MISSING

KEY_BYTES = 8
NO_KEY = int(MISSING).to_bytes(KEY_BYTES, "big", signed=True)
UNUSED_BITS = 64 - 8 * VALUE_BYTES

Value = str | float | None


class SecretHash:
    """Hashes of texts and whole numbers: as a key, and of fewer bits as a value of an entry.

    48 bits are enough to tell a few thousand values apart, and take less room in a store. The two are parts of one
    digest, of which neither tells anything of the other.
    """

    def __init__(self, secret: bytes) -> None:
        self.secret = blake2b(secret, digest_size=32).digest()
        self._hasher = blake2b(digest_size=KEY_BYTES + VALUE_BYTES, key=self.secret)

    def __call__(self, value: Value) -> tuple[bytes, bytes]:
        """Both hashes of a value, the highest byte first; those of nothing are no others'."""
        if value is None:
            return NO_KEY, NO_VALUE
        hasher = self._hasher.copy()
        hasher.update(text_of(value).encode())
        digest = hasher.digest()
        key, other = digest[:KEY_BYTES], digest[KEY_BYTES:]
        return _LEAST_KEY if key == NO_KEY else key, _LEAST_VALUE if other == NO_VALUE else other

    def of_keys(self, values: Iterable[Value]) -> Whole:
        """The hashes of many keys as numbers, each computed once."""
        return np.frombuffer(b"".join(self._each(values, 0)), ">i8").astype(np.int64)

    def of_values(self, values: Iterable[Value]) -> Whole:
        """The hashes of many values as numbers, each computed once."""
        shifted = np.frombuffer(b"".join(self._each(values, 1)), np.uint8).reshape(-1, VALUE_BYTES)
        numbers = np.zeros((len(shifted), 8), np.uint8)
        numbers[:, :VALUE_BYTES] = shifted
        found: Whole = numbers.view(">i8")[:, 0].astype(np.int64)
        return np.where(found == MISSING, MISSING, found >> UNUSED_BITS)

    def _each(self, values: Iterable[Value], which: int) -> Sequence[bytes]:
        every = list(values)
        known = {value: self(value)[which] for value in set(every)}
        return [known[value] for value in every]


_LEAST_KEY = (1 + int(MISSING)).to_bytes(KEY_BYTES, "big", signed=True)
_LEAST_VALUE = NO_VALUE[:-1] + b"\1"


def joined(parts: Sequence[Value]) -> Value:
    """A key of one field or of several, each with its length so that no two look alike; none where one is missing."""
    if len(parts) == 1:
        return parts[0]
    texts = ["" if part is None else text_of(part) for part in parts]
    return None if None in parts else "".join(f"{len(text)}:{text}" for text in texts)


def text_of(value: str | float) -> str:
    """A value as it is hashed: a text as it is, a number, which is whole, as all of its digits."""
    return value if isinstance(value, str) else str(int(value))
