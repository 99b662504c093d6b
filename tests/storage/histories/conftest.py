"""One server of Redis for all tests that only use it."""

from collections.abc import Iterator

import pytest

from tests.storage.histories.private_redis import PrivateRedis, private_redis


@pytest.fixture(scope="session")
def redis() -> Iterator[PrivateRedis]:
    """A running server; whoever needs it empty empties it."""
    with private_redis() as server:
        yield server
