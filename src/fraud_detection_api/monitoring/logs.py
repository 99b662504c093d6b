"""Logs: loguru on stderr, as lines for people or as JSON; never a record's values."""

import logging
import sys
from typing import TYPE_CHECKING

import orjson
from loguru import logger

if TYPE_CHECKING:
    from loguru import Message


_LINE = "{time:YYYY-MM-DD HH:mm:ss.SSS} {level:<7} {message} {extra}"


def configure_logs(level: str, as_json: bool) -> None:
    """Send every log line of this process to stderr in one form."""
    logger.remove()
    if as_json:
        logger.add(_write_json, level=level, format="{message}")
    else:
        logger.add(sys.stderr, level=level, format=_LINE, diagnose=False)
    logging.basicConfig(handlers=[_FromStandardLibrary()], level=logging.WARNING, force=True)
    for name in ("uvicorn", "uvicorn.error"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True


class _FromStandardLibrary(logging.Handler):
    """What the server itself has to say, in the same form; without its traces, which may hold values."""

    def emit(self, record: logging.LogRecord) -> None:
        logger.log(record.levelname, "{}", record.getMessage())


def _write_json(message: "Message") -> None:
    record = message.record
    line = {
        "time": record["time"].isoformat(),
        "level": record["level"].name,
        "message": record["message"],
        **record["extra"],
    }
    sys.stderr.buffer.write(orjson.dumps(line, default=str) + b"\n")
    sys.stderr.flush()
