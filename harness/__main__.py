"""`deploy`, or `python -m harness`: what is to be said of a project.

check DIR    judge it by everything that needs no cluster: chart, images and code
accept DIR   judge it so, then deploy it and judge it by its scenarios as well
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
exit codes of check and accept:
  0  met: everything that is demanded; of check everything that can be judged without a cluster
  1  something is not met; what it is stands in the verdict
  2  bad input: no such folder, a deploy.toml that cannot be, nothing that could be judged
  3  it could not be judged: engine, cluster or a tool failed or is missing, or not all was run
"""


def main(words: Sequence[str] | None = None) -> int:
    """Do it, and return the exit code."""
    words = list(sys.argv[1:] if words is None else words)
    own = words.index("--") if "--" in words else len(words)
    options = _parser().parse_args(words[:own])
    options.further = words[own + 1 :]
    works = {"check": _check, "accept": _accept, "init": _init}
    try:
        return works[options.work](options, os.environ)
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
    accept = works.add_parser(
        "accept",
        help="judge a project on a cluster",
        usage="%(prog)s [-h] [--json FILE] [DIR] [-- OPTIONS OF PYTEST]",
        description="Options after -- go to pytest, such as -n 2 or --deploy-cluster=minikube.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    accept.add_argument("folder", type=Path, nargs="?", default=Path(), metavar="DIR")
    accept.add_argument("--json", metavar="FILE", help="write the verdict there too; -: only that")
    init = works.add_parser("init", help="write a deploy.toml of what is there")
    init.add_argument("folder", type=Path, nargs="?", default=Path(), metavar="DIR")
    init.add_argument("--print", action="store_true", help="show it, and write nothing")
    return parser


def _check(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    from harness.verdict.model import STATIC

    verdict, error = _judged(options.folder, environ)
    return _told(verdict, error, STATIC, options, environ)


def _accept(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    from harness import accept
    from harness.verdict.accepting import broken
    from harness.verdict.model import CLUSTER
    from harness.verdict.reading import read

    verdict, error = _judged(options.folder, environ)
    if verdict is None:
        return _told(None, error, CLUSTER, options, environ)
    quiet = options.json == "-"
    if not quiet:
        sys.stdout.write(f"{verdict.name}: {verdict.status} without a cluster; the run begins\n\n")
    try:
        verdict = read(accept.run(options.folder, options.further, quiet=quiet))
    except accept.RunRefusedError as refused:
        return _told(None, refused, CLUSTER, options, environ)
    except accept.RunEndedError as ended:
        verdict = broken(verdict, ended.headline)
    return _told(verdict, None, CLUSTER, options, environ)


def _judged(folder: Path, environ: Mapping[str, str]) -> tuple[Verdict | None, DeployError | None]:
    """Return the verdict without a cluster, or why there can be none."""
    from harness.inference.limits import limited_memory
    from harness.verdict import judge

    try:
        with limited_memory():
            return judge(folder, environ), None
    except DeployError as error:
        return None, error


def _told(
    verdict: Verdict | None,
    error: DeployError | None,
    stage: str,
    options: argparse.Namespace,
    environ: Mapping[str, str],
) -> int:
    """Tell a verdict, or why there is none, as it was asked for; return the exit code."""
    from harness.accept import RunRefusedError
    from harness.inference.folder import shown
    from harness.verdict.model import EXIT_BAD_INPUT, EXIT_NOT_JUDGED, refused

    if verdict is not None:
        document, code = verdict.document(), verdict.exit_code
    else:
        assert error is not None
        code = EXIT_BAD_INPUT if error.fault is Fault.INPUT else EXIT_NOT_JUDGED
        document = refused(error, shown(str(options.folder)), code, stage)
        if not isinstance(error, RunRefusedError):  # which has been told by the run
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
        except OSError as error_:
            sys.stderr.write(f"\n{options.json} cannot be written: {error_.strerror}\n")
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
    from harness.inference.limits import limit_memory
    from harness.project import FILE_NAME

    limit_memory()
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
