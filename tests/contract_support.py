"""A made-up shop that breaks no contract, to be broken in one place at a time."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from chart_support import helm

from harness.contract import CHECKS, Contract, Finding, Judgement
from harness.project import Project

SHOP = Path(__file__).with_name("shop")
Edit = tuple[str, str, str]


@dataclass
class Shop:
    """A copy of the shop."""

    root: Path

    def edit(self, *edits: Edit) -> None:
        """Replace texts, each of which stands in its file; None as new text removes the file."""
        for name, old, new in edits:
            file = self.root / name
            text = file.read_text() if file.is_file() else ""
            assert old in text, f"{name} does not hold {old!r}"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text.replace(old, new) if old else text + new)

    def contract(self) -> Contract:
        return Contract(Project.load(self.root), helm())

    def judged(self, check: str) -> Judgement:
        return self.contract().examine(check)

    def one(self, check: str) -> Finding:
        """Return the one thing that a check finds."""
        found = self.judged(check).findings
        assert len(found) == 1, "\n".join(map(str, found)) or f"{check} has found nothing"
        return found[0]


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    shutil.copytree(SHOP, tmp_path / "shop")
    return Shop(tmp_path / "shop")


__all__ = ["CHECKS", "SHOP", "Edit", "Shop", "shop"]
