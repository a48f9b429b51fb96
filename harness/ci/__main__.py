"""`python -m harness.ci`: what a job does beside the run itself.

diff BASE      compare the rendered manifests with those of a git revision
comment FILE   write a file as a comment on the pull request, or over the one of before
summary        show a record in Markdown, that of a run that was killed too
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.errors import DeployError
from harness.redact import Redactor

ABOUT = "rendered manifests"


def main(words: Sequence[str] | None = None) -> int:
    """Do it, and return the exit code."""
    options = _parser().parse_args(words)
    try:
        text = _WORK[options.work](options, os.environ)
    except DeployError as error:
        sys.stderr.write(f"\n{error}\n")
        return 1
    sys.stdout.write(text)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m harness.ci",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    works = parser.add_subparsers(dest="work", required=True)
    diff = works.add_parser("diff", help="compare the rendered manifests with a revision's")
    diff.add_argument("base", help="a git revision")
    diff.add_argument("--project", type=Path, default=Path(), help="folder of deploy.toml")
    diff.add_argument("--output", type=Path, help="write the Markdown there as well")
    comment = works.add_parser("comment", help="write a file as a comment on the pull request")
    comment.add_argument("file", type=Path)
    record = works.add_parser("summary", help="show a record in Markdown")
    record.add_argument("record", nargs="?", type=Path, default=Path(".deploy/messages.ndjson"))
    return parser


def _diff(options: argparse.Namespace, environ: Mapping[str, str]) -> str:
    from harness.cache import Cache
    from harness.ci.checkout import project_at
    from harness.ci.manifests import compare, told
    from harness.ci.service import detect
    from harness.helm.rendering import Renderer
    from harness.progress import Progress
    from harness.supply.tools import find_helm

    project = options.project.resolve()
    cache, progress, redact = Cache.default(environ), Progress(quiet=True), Redactor()
    helm = find_helm(cache, progress, environ)
    renderer = Renderer(helm, Path(os.devnull), "none", cache.root, redact, progress)
    with project_at(options.base, project) as before:
        text = redact(told(compare(before, project, renderer), options.base[:40]))
    if options.output:
        options.output.parent.mkdir(parents=True, exist_ok=True)
        options.output.write_text(text, encoding="utf-8")
    service = detect(environ, options.output.parent if options.output else Path())
    if service and service.summary and service.summary != options.output:
        with service.summary.open("a", encoding="utf-8") as summary:
            summary.write(text + "\n")
    return text


def _comment(options: argparse.Namespace, environ: Mapping[str, str]) -> str:
    from harness.ci.comment import CommentRefusedError, PullRequest

    try:
        text = options.file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise TextMissingError(options.file, str(error)) from None
    try:
        return f"{PullRequest.of_job(environ).write(text, ABOUT)}\n"
    except CommentRefusedError as error:
        if not error.forbidden:
            raise
        return f"no comment: {error.headline}\n{error.fix}\n"


def _summary(options: argparse.Namespace, environ: Mapping[str, str]) -> str:  # noqa: ARG001
    from harness.ci.summary import summary
    from harness.record.merging import merge
    from harness.record.reading import read_parts
    from harness.report.reader import read_run

    parts = read_parts(options.record)
    problems = [problem for part in parts for problem in part.problems]
    return summary(read_run(merge(parts), problems))


class TextMissingError(DeployError):
    """The file that is to be the comment cannot be read."""

    def __init__(self, file: Path, said: str) -> None:
        super().__init__(
            needed="the text of the comment",
            seen=said,
            looked=str(file),
            fix="write it first: `python -m harness.ci diff BASE --output FILE`",
        )


_WORK = {"diff": _diff, "comment": _comment, "summary": _summary}

if __name__ == "__main__":
    sys.exit(main())
