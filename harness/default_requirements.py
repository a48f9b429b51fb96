"""What is demanded of a project that demands nothing itself: requirements that hold for any."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from harness.project_file import ProjectFileMissingError, read_project_file

FOLDER = Path(__file__).resolve().parents[1] / "features_for_everyone"
_FILE = "requirements.toml"


@dataclass(frozen=True)
class Default:
    """A requirement in general words; `unprovable` is why no scenario can prove it, if none can."""

    text: str
    unprovable: str = ""


@lru_cache
def defaults() -> dict[str, Default]:
    """Return each by its id, in order."""
    told = tomllib.loads((FOLDER / _FILE).read_text(encoding="utf-8"))
    return {name: Default(**one) for name, one in told.items()}


def has_features(root: Path) -> bool:
    """Say whether a project brings features of its own."""
    return any((root / "features").rglob("*.feature"))


def requirements_of(root: Path) -> dict[str, str]:
    """Return the sentence of each requirement of a project by id.

    They are its own. Where it has none, and no features, those are that hold for any project.

    Raises:
        ProjectFileInvalidError, and ProjectFileMissingError where it has features all the same.

    """
    try:
        own = read_project_file(root).get("requirements", {})
    except ProjectFileMissingError:
        if has_features(root):
            raise
        own = {}
    if own or has_features(root):
        return {str(name): str(sentence) for name, sentence in own.items()}
    return {name: one.text for name, one in defaults().items()}
