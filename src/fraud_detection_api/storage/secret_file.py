"""The secret that texts and numbers of people are hashed with before they are remembered: 32 random bytes in a file."""

import os
import secrets
from contextlib import suppress
from pathlib import Path

from fraud_detection_api.atomic import sync
from fraud_detection_api.history_errors import SecretUnreadable

LEAST_BYTES, MOST_BYTES = 16, 4_096


def secret_in(path: Path) -> bytes:
    """The secret in a file that only its owner may read; made on first use, by whichever process comes first."""
    try:
        if not path.exists():
            _make(path)
        content = path.read_bytes().strip()
    except OSError as error:
        raise SecretUnreadable(path, error.strerror or type(error).__name__) from None
    if not LEAST_BYTES <= len(content) <= MOST_BYTES:
        raise SecretUnreadable(path, f"it holds {len(content):,} bytes, and a secret {LEAST_BYTES} to {MOST_BYTES:,}")
    return content


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    mine = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    descriptor = os.open(mine, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_hex(32).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):  # somebody else was quicker
            path.hardlink_to(mine)
    finally:
        mine.unlink()
    sync(path.parent)
