"""`python -m harness.history [A B]`: what changed from one run to another."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.early_settings import Reporting
from harness.errors import DeployError
from harness.history import document, text
from harness.history.comparison import Comparison
from harness.history.errors import RunUnknownError
from harness.history.history import History

_ABOUT = """\
A and B are runs: numbers, commits (for the newest run of one), or last, last-1, ….
With A alone that run is compared with the last, without both the last two are.

exit code: 0; 1 when something that passed in A fails in B; 2 when there is
nothing to compare, or the history cannot be read
"""


def main(words: Sequence[str] | None = None) -> int:
    """Do it, and return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m harness.history",
        description="What changed from one run to another.",
        epilog=_ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("before", nargs="?", metavar="A", default="")
    parser.add_argument("after", nargs="?", metavar="B", default="last")
    parser.add_argument("--list", action="store_true", help="list the runs that are kept")
    parser.add_argument("--json", action="store_true", help="for other programs")
    parser.add_argument("--file", type=Path, help="the history (default: .deploy/history.sqlite)")
    options = parser.parse_args(words)
    try:
        with History.read(options.file or _file()) as history:
            if options.list:
                return _list(history, as_json=options.json)
            comparison = _comparison(history, options.before, options.after)
    except DeployError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    _write(document.compared(comparison) if options.json else text.compared(comparison))
    return 1 if comparison.worse else 0


def _file() -> Path:
    """Return where a run would keep the history that is told nothing else."""
    reporting = Reporting.load({}, os.environ, Path.cwd())
    return reporting.history or reporting.folder / "history.sqlite"


def _list(history: History, *, as_json: bool) -> int:
    runs = history.runs()
    if as_json:
        _write([document.run(run) for run in runs])
    else:
        _write(text.listed(runs) if runs else "No run is kept yet.")
    return 0


def _comparison(history: History, before: str, after: str) -> Comparison:
    here = Path.cwd()
    if not before and len(history.runs(last=2)) < 2:
        raise RunUnknownError("last-1", history.path, "fewer than two runs are kept")
    return Comparison(history.named(before or "last-1", here), history.named(after, here))


def _write(told: Any) -> None:
    shown = told if isinstance(told, str) else json.dumps(told, ensure_ascii=False, indent=2)
    data = f"{shown}\n".encode(sys.stdout.encoding or "utf-8", "replace")
    sys.stdout.write(data.decode(sys.stdout.encoding or "utf-8"))


if __name__ == "__main__":
    sys.exit(main())
