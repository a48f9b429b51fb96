"""What `minikube --output=json` tells: one event a line, as its users read sentences."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass

_PREFIX = "io.k8s.sigs.minikube."
_PLAIN = re.compile(r"Exiting due to ([A-Z][A-Z0-9_]+): (.*)")


@dataclass(frozen=True)
class Event:
    """One thing that Minikube said.

    Attributes:
        kind: step, info, warning, error, download or download.progress.
        message: the sentence.
        name: of the step; of an error its identity, such as GUEST_PROVISION.
        exit_code: that Minikube will end with; 0 when the event does not tell.
        advice: what Minikube says about it.

    """

    kind: str
    message: str
    name: str = ""
    exit_code: int = 0
    advice: str = ""


def parse(line: str) -> Event | None:
    """Return the event of a line, None when the line holds none."""
    if plain := _PLAIN.search(line):
        return Event("error", plain[2].strip(), name=plain[1])
    try:
        told = json.loads(line)
        kind, data = str(told["type"]), told["data"]
    except (ValueError, KeyError, TypeError):
        return None
    if not kind.startswith(_PREFIX) or not isinstance(data, dict):
        return None
    code = str(data.get("exitcode") or "")
    return Event(
        kind.removeprefix(_PREFIX),
        str(data.get("message") or data.get("artifact") or "").strip(),
        name=str(data.get("name") or ""),
        exit_code=int(code) if code.isdecimal() else 0,
        advice=str(data.get("advice") or "").strip(),
    )


def reason(lines: Iterable[str]) -> Event | None:
    """Return why Minikube ended: the last error with a name, else the last error of all."""
    errors = [event for line in lines if (event := parse(line)) and event.kind == "error"]
    found = [event for event in errors if event.name] or errors
    return found[-1] if found else None
