"""A made-up shop that breaks no contract, to be broken in one place at a time."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from chart_support import helm

from harness.contract import Contract, Finding, Judgement
from harness.project import Project

SHOP = Path(__file__).with_name("shop")
Edit = tuple[str, str, str]


@dataclass
class Shop:
    """A copy of the shop."""

    root: Path

    def edit(self, *edits: Edit) -> None:
        """Replace texts that stand in files; an empty old text adds to the file, or makes it."""
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

    def shows(self, check: str, place: str, seen: str) -> None:
        """Assert that a check finds something at `file` or `file: words of the line`."""
        found = self.judged(check).findings
        assert found, f"{check} has found nothing"
        assert all(finding.check == check for finding in found)
        assert all(finding.needed and finding.fix for finding in found)
        hits = [f for f in found if self._stands(f, place) and seen in f.seen]
        assert hits, "\n".join(finding.headline for finding in found)

    def _stands(self, finding: Finding, place: str) -> bool:
        file, _, words = place.partition(": ")
        if finding.place.file != file or not words:
            return finding.place.file == file
        lines = (self.root / file).read_text().splitlines()
        return finding.place.line is not None and words in lines[finding.place.line - 1]


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    shutil.copytree(SHOP, tmp_path / "shop")
    return Shop(tmp_path / "shop")


__all__ = ["SHOP", "Edit", "Shop", "shop"]
