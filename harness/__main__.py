"""`deploy`, or `python -m harness`: what can be said of a project without a cluster.

check DIR    judge it by everything that needs none: chart, images and code
init DIR     write a deploy.toml of what its chart, Dockerfiles and sources tell
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import DeployError, Fault
from harness.files import write_whole

if TYPE_CHECKING:
    from harness.verdict import Verdict

EXIT_CODES = """\
exit codes of check:
  0  everything that can be judged without a cluster is met
  1  something is not met; what it is stands in the verdict
  2  bad input: no such folder, a deploy.toml that cannot be, nothing that could be judged
  3  it could not be judged: Helm is missing, or it took too long
"""


def main(words: Sequence[str] | None = None) -> int:
    """Do it, and return the exit code."""
    from harness.inference.limits import limit_memory

    options = _parser().parse_args(words)
    limit_memory()
    try:
        work = _check if options.work == "check" else _init
        return work(options, os.environ)
    except BrokenPipeError:
        sys.stderr.close()  # whoever read has gone; nothing is to be said of it
        return 141
    except KeyboardInterrupt:
        sys.stderr.write("\ninterrupted\n")
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="deploy" if Path(sys.argv[0]).name == "deploy" else "python -m harness",
        description=__doc__,
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    works = parser.add_subparsers(dest="work", required=True)
    check = works.add_parser(
        "check",
        help="judge a project without a cluster",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    check.add_argument("folder", type=Path, nargs="?", default=Path(), metavar="DIR")
    check.add_argument("--json", metavar="FILE", help="write the verdict there too; -: only that")
    init = works.add_parser("init", help="write a deploy.toml of what is there")
    init.add_argument("folder", type=Path, nargs="?", default=Path(), metavar="DIR")
    init.add_argument("--print", action="store_true", help="show it, and write nothing")
    return parser


def _check(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    from harness.inference.folder import shown
    from harness.verdict import judge
    from harness.verdict.model import EXIT_BAD_INPUT, EXIT_NOT_JUDGED, refused

    verdict: Verdict | None = None
    try:
        verdict = judge(options.folder, environ)
        document, code = verdict.document(), verdict.exit_code
    except DeployError as error:
        code = EXIT_BAD_INPUT if error.fault is Fault.INPUT else EXIT_NOT_JUDGED
        document = refused(error, shown(str(options.folder)), code)
        sys.stderr.write(f"\n{error}\n")
    if options.json == "-":
        json.dump(document, sys.stdout, indent=2)
        sys.stdout.write("\n")
        return code
    if verdict is not None:
        _show(verdict, environ)
    if options.json:
        try:
            write_whole(Path(options.json), json.dumps(document, indent=2) + "\n")
        except OSError as error:
            sys.stderr.write(f"\n{options.json} cannot be written: {error.strerror}\n")
            return EXIT_BAD_INPUT
    return code


def _show(verdict: Verdict, environ: Mapping[str, str]) -> None:
    from harness.verdict.terminal import lines

    person = sys.stdout.isatty() and not environ.get("NO_COLOR")
    width = min(shutil.get_terminal_size().columns, 120) if sys.stdout.isatty() else 100
    for line in lines(verdict, colour=person, width=max(width, 40)):
        sys.stdout.write(line.rstrip() + "\n")
    sys.stdout.write(f"\njudged in {verdict.seconds:.1f} s\n")


def _init(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    from harness.inference.errors import FileKeptError
    from harness.inference.inferring import inferred
    from harness.project import FILE_NAME

    target = options.folder / FILE_NAME
    try:
        if not options.print and (target.exists() or target.is_symlink()):
            raise FileKeptError(target)
        text, facts = inferred(options.folder, environ)
        if options.print:
            sys.stdout.write(text)
            return 0
        # Not through a link that has come in the meantime, and never over a file.
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        with os.fdopen(os.open(target, flags, 0o644), "w", encoding="utf-8") as file:
            file.write(text)
    except DeployError as error:
        sys.stderr.write(f"\n{error}\n")
        return 2
    unsure = [fact for fact in facts.facts.values() if not fact.sure]
    sys.stdout.write(f"{target}: {len(facts.facts)} facts, each with what it was told by\n")
    for fact in unsure:
        sys.stdout.write(f"  see whether it is right: {fact.dotted} = {fact.value!r}\n")
    for remark in facts.remarks:
        sys.stdout.write(f"  note: {remark}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
