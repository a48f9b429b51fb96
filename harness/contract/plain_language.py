"""Operation in plain language: which commands of kubectl-ai or kagent a repository shows."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from harness.contract.finding import Notes, Place
from harness.contract.subject import Subject
from harness.inference.folder import ONE_FILE, SKIPPED

#: How many different ones are to be shown (SC-005).
LEAST = 3
_FILES = 500
_WRITTEN = frozenset({".md", ".rst", ".txt", ".adoc", ".sh", ".ps1"})
# What demands them is no demonstration of them.
_SPECS = frozenset({"specs", "spec", "history", "prompts"})
_TOOL = re.compile(r"\b(?:kubectl[- ]ai|kagent)\b")
_ASKED = re.compile(r"\b(?:kubectl[- ]ai|kagent)\b[^\"'`|]*[\"'](?P<request>[^\"']+\s[^\"']+)[\"']")
_PIPED = re.compile(
    r"echo\s+[\"'](?P<request>[^\"']+\s[^\"']+)[\"']\s*\|\s*(?:kubectl[- ]ai|kagent)\b"
)


def shown(subject: Subject, notes: Notes) -> None:
    """Where kubectl-ai or kagent is spoken of, a command shows what it is asked for."""
    found, spoken = _commands(subject.project.root)
    for request in found:
        notes.saw(request)
    if spoken is not None and not found:
        notes.found(
            spoken,
            needed="a command that asks kubectl-ai or kagent for something",
            seen="it is spoken of, and no command of it is shown anywhere",
            fix='show one, such as kubectl-ai "show me the pods that are not running"',
        )


def several(subject: Subject, notes: Notes) -> None:
    """Commands that are shown ask for different things."""
    found, _ = _commands(subject.project.root)
    for request in found:
        notes.saw(request)
    if found and len(found) < LEAST:
        told = "; ".join(f"`{request}`" for request in found)
        notes.found(
            next(iter(found.values())),
            needed=f"at least {LEAST} different commands in plain language",
            seen=f"{len(found)}: {told}",
            fix="show more of what can be asked for: scaling, finding what fails, its log",
        )


def _commands(root: Path) -> tuple[dict[str, Place], Place | None]:
    """Return each request with its first place, and where a tool is first spoken of."""
    found: dict[str, Place] = {}
    spoken: Place | None = None
    for file in _files(root):
        name = file.relative_to(root).as_posix()
        for number, line in enumerate(_text(file).splitlines(), 1):
            if not _TOOL.search(line):
                continue
            spoken = spoken or Place(name, number)
            for told in (*_ASKED.finditer(line), *_PIPED.finditer(line)):
                found.setdefault(" ".join(told["request"].lower().split()), Place(name, number))
    return found, spoken


def _files(root: Path) -> Iterator[Path]:
    left = _FILES
    for here, folders, files in os.walk(root):
        folders[:] = sorted(
            name for name in folders if name not in SKIPPED | _SPECS and not name.startswith(".")
        )
        for name in sorted(files):
            if Path(name).suffix.lower() in _WRITTEN or name == "Makefile":
                left -= 1
                if left < 0:
                    return
                yield Path(here, name)


def _text(file: Path) -> str:
    try:
        if not file.is_file() or file.stat().st_size > ONE_FILE:
            return ""
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
