"""Logs: one JSON object a line on standard output, without secrets."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from urllib.parse import quote

_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message"}
_SHORTEST_SECRET = 4
"""Replacing shorter texts would garble the log and protect nothing."""


class JsonFormatter(logging.Formatter):
    """Formats a record as one line of JSON; `extra=` fields become members."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        super().__init__()
        texts = {form for secret in secrets for form in (secret, quote(secret, safe=""))}
        # The longest first: a URL goes before the password inside it.
        self._secrets = sorted((t for t in texts if len(t) >= _SHORTEST_SECRET), key=len)[::-1]

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, with every known secret replaced by `***`."""
        when = datetime.fromtimestamp(record.created, UTC)
        entry: dict[str, object] = {
            "time": when.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            # Not its name for it: "uvicorn.error" is where uvicorn says that all is well.
            "logger": record.name.removesuffix(".error"),
            "message": self._clean(record.getMessage()),
        }
        for key, value in vars(record).items():
            if key not in _OWN:
                entry[key] = self._clean(value) if isinstance(value, str) else value
        if record.exc_info:
            entry["error"] = self._clean(self.formatException(record.exc_info))
        return json.dumps(entry, ensure_ascii=False, default=str)

    def _clean(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text


def configure(level: str, secrets: Iterable[str] = ()) -> None:
    """Send the logs of this process to standard output, from `level` up."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter(secrets))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # Their request lines repeat ours, and at debug level hold headers and statements.
    for name in ("httpx", "httpcore", "asyncio", "alembic.runtime.plugins"):
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
