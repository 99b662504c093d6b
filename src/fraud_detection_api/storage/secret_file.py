"""The secret that texts and numbers of people are hashed with before they are remembered: 32 random bytes in a file."""

import secrets
from pathlib import Path

from fraud_detection_api.atomic import make_once
from fraud_detection_api.history_errors import SecretUnreadable

LEAST_BYTES, MOST_BYTES = 16, 4_096


def secret_in(path: Path) -> bytes:
    """The secret in a file that only its owner may read; made on first use, by whichever process comes first."""
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            make_once(path, secrets.token_hex(32).encode() + b"\n", 0o600)
        content = path.read_bytes().strip()
    except OSError as error:
        raise SecretUnreadable(path, error.strerror or type(error).__name__) from None
    if not LEAST_BYTES <= len(content) <= MOST_BYTES:
        raise SecretUnreadable(path, f"it holds {len(content):,} bytes, and a secret {LEAST_BYTES} to {MOST_BYTES:,}")
    return content
