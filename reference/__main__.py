"""`python -m reference [--check]`: write the reference pages, or say which are not up to date."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from reference import fixtures, options, sentences
from reference.modules import ROOT

FOLDER = ROOT / "docs" / "reference"
PAGES: dict[str, Callable[[], str]] = {
    "options": options.page,
    "fixtures": fixtures.page,
    "sentences": sentences.page,
}
_NOTE = "<!-- Made by `python -m reference` of the code; changes go there. -->\n"


def outdated(folder: Path = FOLDER) -> dict[Path, str]:
    """Return the pages that are not as the code says, with the text that they should have."""
    pages = {folder / f"{name}.md": _NOTE + make() for name, make in PAGES.items()}
    return {
        path: text
        for path, text in pages.items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    }


def main(words: Sequence[str] | None = None) -> int:
    """Do it, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m reference", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; fail on drift")
    options = parser.parse_args(words)
    pages = outdated()
    for path, text in pages.items():
        if not options.check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        verb = "is not as the code says" if options.check else "written"
        sys.stdout.write(f"{path.relative_to(ROOT)}: {verb}\n")
    return 1 if options.check and pages else 0


if __name__ == "__main__":
    sys.exit(main())
