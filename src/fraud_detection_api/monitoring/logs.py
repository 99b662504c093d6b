"""Logs: loguru on stderr, as lines for people or as JSON; never a record's values."""

import json
import logging
import re
import sys
from typing import TYPE_CHECKING

import orjson
from loguru import logger

if TYPE_CHECKING:
    from loguru import Message

_PLAIN = re.compile(r"[^\s\"'=\[\]{}]+")  # what needs no quotation marks to be told from its neighbours


def configure_logs(level: str, as_json: bool) -> None:
    """Send every log line of this process to stderr in one form."""
    logger.remove()
    logger.add(_write_json if as_json else _write_line, level=level, format="{message}")
    logging.basicConfig(handlers=[_FromStandardLibrary()], level=logging.WARNING, force=True)
    for name in ("uvicorn", "uvicorn.error"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True


class _FromStandardLibrary(logging.Handler):
    """What the server itself has to say, in the same form; without its traces, which may hold values."""

    def emit(self, record: logging.LogRecord) -> None:
        logger.log(record.levelname, "{}", record.getMessage())


def _write_line(message: "Message") -> None:
    record = message.record
    beside = "".join(f" {name}={_shown(value)}" for name, value in record["extra"].items() if value is not None)
    head = f"{record['time']:YYYY-MM-DD HH:mm:ss.SSS} {record['level'].name:<7}"
    sys.stderr.write(f"{head} {' '.join(record['message'].splitlines())}{beside}\n")
    sys.stderr.flush()


def _shown(value: object) -> str:
    if isinstance(value, dict | list | tuple):
        return json.dumps(value, ensure_ascii=False, default=str)
    text = str(value)
    return text if _PLAIN.fullmatch(text) else json.dumps(text, ensure_ascii=False)


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
