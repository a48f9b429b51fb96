"""Logs: one JSON line a record, and no secret in it."""

from __future__ import annotations

import json
import logging
import sys
from typing import Any

from todo_backend.logs import JsonFormatter


def line(formatter: JsonFormatter, message: str, **fields: Any) -> dict[str, Any]:
    record = logging.makeLogRecord({"msg": message, "levelname": "INFO", "name": "x"} | fields)
    text = formatter.format(record)
    assert "\n" not in text
    entry: dict[str, Any] = json.loads(text)
    return entry


def test_a_record_is_one_line_of_json() -> None:
    entry = line(JsonFormatter(), "a\nb", ms=1.5)
    assert entry["message"] == "a\nb"
    assert entry["level"] == "info"
    assert entry["ms"] == 1.5
    assert entry["time"].endswith("Z")


def test_no_secret_gets_through_in_any_form() -> None:
    formatter = JsonFormatter(["p@ss/word", "postgresql://u:p@ss/word@h/d"])
    try:
        raise ValueError("p@ss/word")
    except ValueError:
        info = sys.exc_info()
    entry = line(
        formatter, "to postgresql://u:p@ss/word@h/d p%40ss%2Fword", exc_info=info, f="p@ss/word"
    )
    assert entry["message"] == "to *** ***"
    assert entry["f"] == "***"
    assert "p@ss" not in entry["error"]
    assert "ValueError: ***" in entry["error"]


def test_uvicorn_s_notices_do_not_look_like_errors() -> None:
    assert line(JsonFormatter(), "up", name="uvicorn.error")["logger"] == "uvicorn"
