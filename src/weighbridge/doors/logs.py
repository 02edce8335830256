"""The log of a server or worker: lines on stderr, as text or as JSON, none of which holds a secret."""

from __future__ import annotations

import json
import logging
import re
import sys
from datetime import UTC, datetime

from weighbridge.context import JOB, REQUEST

_SECRET = re.compile(r"hf_[A-Za-z0-9_\-]{6,}|(?i:bearer) [A-Za-z0-9._~+/=\-]{6,}")
_QUERY = re.compile(r"(https?://[^\s?'\"<>]+)\?[^\s'\"<>]*")
_USER = re.compile(r"([a-z][a-z0-9+]*://)[^\s/@'\"]+@")


def begin_log(kind: str) -> None:
    """Write what our own loggers say to stderr; ``kind`` is ``text`` or ``json``."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if kind == "json" else TextLines())
    ours = logging.getLogger("weighbridge")
    ours.handlers[:] = [handler]
    ours.setLevel(logging.INFO)
    ours.propagate = False


def without_secrets(text: str) -> str:
    """``text`` without tokens, without queries and credentials of addresses."""
    return _USER.sub(r"\1", _QUERY.sub(r"\1?...", _SECRET.sub("(secret)", text)))


class JsonLines(logging.Formatter):
    """One JSON object for each line: at, level, logger, message, and request and job where there are."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        said: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": without_secrets(record.getMessage()),
        }
        if REQUEST.get():
            said["request"] = REQUEST.get()
        if JOB.get():
            said["job"] = JOB.get()
        said.update(getattr(record, "fields", {}))
        if record.exc_info:
            said["traceback"] = without_secrets(self.formatException(record.exc_info))
        return json.dumps(said, ensure_ascii=True)


class TextLines(logging.Formatter):
    """Level, message, and request and job where there are; a traceback stands below."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, or more of them with a traceback."""
        about = "".join(
            f" [{name} {id}]" for name, id in (("request", REQUEST.get()), ("job", JOB.get())) if id
        )
        # A message of several lines could pass for lines of the log.
        message = without_secrets(record.getMessage()).replace("\n", "\\n").replace("\r", "\\r")
        below = f"\n{self.formatException(record.exc_info)}" if record.exc_info else ""
        return f"{record.levelname}: {message}{about}{without_secrets(below)}"
