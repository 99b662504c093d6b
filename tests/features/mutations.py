"""Bodies that somebody has damaged."""

from collections.abc import Sequence
from random import Random

TOKENS = [b'"', b",", b":", b"{", b"}", b"[", b"]", b"-", b"+", b".", b"e", b"0", b"9", b" ", b"\n", b"\\", b"\0"]
TOKENS += [b"null", b"true", b"1e9", b"\xef\xbb\xbf", b"\xff", b"\xed\xa0\x80", b"\xc3", b"\x80", b'"note":', b"1" * 19]


def mutated(random: Random, body: bytes, tokens: Sequence[bytes] = TOKENS) -> bytes:
    """The body after one to three random edits."""
    for _ in range(random.choice((1, 1, 2, 3))):
        at, other = random.randint(0, len(body)), random.randint(0, len(body))
        inserted = random.choice((b"", b"%d" % at, random.choice(tokens), random.randbytes(1), body[other : other + 8]))
        rest = b"" if random.random() < 0.05 else body[at + random.choice((0, 0, 1, 1, 2, 5)) :]
        body = body[:at] + inserted + rest
    return body
