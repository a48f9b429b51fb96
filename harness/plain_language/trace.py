"""What kubectl-ai did, by the trace that it writes: the commands, and what they showed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from harness.plain_language.errors import TraceUnreadableError


@dataclass(frozen=True)
class Ran:
    """One command that was run on this machine against the cluster."""

    command: str
    output: str
    error: str
    code: int

    def describe(self) -> str:
        """Return it with its first words, for a report."""
        said = (self.output.strip() or self.error.strip()).splitlines()
        return f"{self.command} (exit code {self.code}): {said[0] if said else 'nothing'}"


def read_trace(path: Path) -> list[Ran]:
    """Return the commands of a trace in order; raises TraceUnreadableError."""
    try:
        documents = list(yaml.safe_load_all(path.read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError) as error:
        raise TraceUnreadableError(str(path), str(error)) from None
    asked: dict[str, str] = {}
    ran = []
    for event in documents:
        if not isinstance(event, dict):
            continue
        payload: Any = event.get("payload") or {}
        if event.get("action") == "tool-request":
            asked[payload.get("id", "")] = str((payload.get("arguments") or {}).get("command", ""))
        elif event.get("action") == "tool-response":
            ran.append(_ran(asked.get(payload.get("id", ""), ""), payload))
    return ran


def _ran(command: str, payload: dict[str, Any]) -> Ran:
    told: Any = payload.get("response") or {}
    if not isinstance(told, dict):
        return Ran(command, str(told), str(payload.get("error") or ""), 0)
    error = told.get("stderr") or told.get("error") or payload.get("error") or ""
    code = int(told.get("exit_code") or 0) or int(bool(told.get("error") or payload.get("error")))
    return Ran(command, str(told.get("stdout") or ""), str(error), code)
