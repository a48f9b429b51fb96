"""`python -m harness.report [RECORD] [PAGE]`: make the page of a record, whole or damaged."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from harness.early_settings import Reporting
from harness.errors import DeployError
from harness.record.messages import NAME
from harness.record.place import PAGE
from harness.report.writing import write_page
from harness.traceability import project_name, requirements


def main(words: Sequence[str] | None = None) -> int:
    """Do it, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m harness.report", description=__doc__)
    parser.add_argument("record", nargs="?", type=Path, default=Path(".deploy") / NAME)
    parser.add_argument("page", nargs="?", type=Path, help="default: report.html beside it")
    options = parser.parse_args(words)
    page = options.page or options.record.with_name(PAGE)
    here = Path.cwd()
    try:
        told = {"name": project_name(here), "requirements": requirements(here)}
    except DeployError:
        told = {"name": here.name, "requirements": {}}
    beside = {"artifacts": str(options.record.parent)}
    try:
        history = Reporting.load(beside, os.environ, here).history
        problems = write_page(options.record, page, dict(os.environ), told, history)
    except DeployError as error:
        sys.stderr.write(f"\n{error}\n")
        return 1
    for problem in problems:
        sys.stdout.write(f"missing: {problem}\n")
    sys.stdout.write(f"{page}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
