"""Where histories live and what is asked of that; what could never work is refused before anything is connected."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from fraud_detection_api.history_errors import HistoriesUnusable
from fraud_detection_api.schemas.times import DAY

MEMORY = "memory"
REDIS_PORT = 6379


@dataclass(frozen=True)
class RedisAddress:
    """A server of Redis, or one of a cluster's."""

    host: str
    port: int = REDIS_PORT
    user: str = ""
    password: str = field(default="", repr=False)
    database: int = 0
    is_encrypted: bool = False
    authorities: str = ""  # a file of certificates to trust instead of the system's


@dataclass(frozen=True)
class HistoryOptions:
    """Where histories live; the URL may hold a password."""

    url: str = field(default=MEMORY, repr=False)
    prefix: str = "fraud"
    ttl_days: float = 400
    away: Literal["refuse", "degrade"] = "refuse"
    timeout_seconds: float = 1
    spool: Path = Path("spool/histories")
    spool_max_bytes: int = 1_000_000_000

    def __post_init__(self) -> None:
        if self.url != MEMORY:
            address_of(self.url)

    @property
    def ttl_milliseconds(self) -> int:
        """How long a key is remembered after its last record."""
        return max(round(self.ttl_days * DAY), 1)


def address_of(url: str) -> RedisAddress:
    """The server that a URL names, as redis://user:password@host:port/database or rediss:// for TLS."""
    try:
        parts = urlsplit(url)
        return _address(parts)
    except ValueError:
        raise HistoriesUnusable(
            f"FRAUD_HISTORIES has to be {MEMORY}, or redis:// or rediss:// with a host, and then maybe "
            "a port, a database's number and ?ssl_ca_certs=file."
        ) from None


def _address(parts: SplitResult) -> RedisAddress:
    query = parse_qs(parts.query, strict_parsing=True) if parts.query else {}
    if parts.scheme not in ("redis", "rediss") or not parts.hostname or query.keys() - {"ssl_ca_certs"}:
        raise ValueError
    return RedisAddress(
        parts.hostname,
        parts.port or REDIS_PORT,
        unquote(parts.username or ""),
        unquote(parts.password or ""),
        int(parts.path.strip("/") or 0),
        parts.scheme == "rediss",
        query.get("ssl_ca_certs", [""])[0],
    )
