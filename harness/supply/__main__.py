"""`python -m harness.supply`: prepare a machine, say what it lacks, or clean it up."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from harness.cache import Cache
from harness.early_settings import Planning
from harness.errors import DeployError
from harness.options import OPTIONS
from harness.progress import Progress
from harness.settings import Settings
from harness.supply.engine import Engine, find_engine


def main(words: Sequence[str] | None = None) -> int:
    """Do what the words say; return the exit code: 1 when something is missing or failed."""
    options = _options(words)
    environ = dict(os.environ)
    progress, cache = Progress(stream=sys.stdout), Cache.default(environ)
    try:
        if options.clean or options.distclean:
            _clean(environ, cache, progress, everything=options.distclean)
            return 0
        given = {option.name: getattr(options, option.dest) for option in OPTIONS}
        if Planning.load(given, environ, Path.cwd()).wanted and not options.check:
            progress.say("  a plan is wanted, so nothing is prepared")
            return 0
        settings = Settings.load(given, environ, Path.cwd())
        return (
            _check(settings, cache, progress)
            if options.check
            else _prepare(settings, cache, progress)
        )
    except DeployError as error:
        sys.stderr.write(f"\n{error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("\ninterrupted; run it again to go on\n")
        return 130


def _options(words: Sequence[str] | None) -> argparse.Namespace:
    parser = _parser()
    options = parser.parse_args(words)
    # The rest of what a run is told (-k, -n, files) is pytest's alone.
    return parser.parse_known_args(options.run, options)[0] if options.run else options


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m harness.supply", description=__doc__, allow_abbrev=False
    )
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--check", action="store_true", help="say what is missing, change nothing")
    mode.add_argument("--clean", action="store_true", help="remove what runs left behind")
    mode.add_argument("--distclean", action="store_true", help="remove what was prepared as well")
    for option in OPTIONS:
        parser.add_argument(
            option.flag, dest=option.dest, default=None, help=option.help, **option.parsed
        )
    parser.add_argument(
        "--run",
        nargs=argparse.REMAINDER,
        default=[],
        help="words that pytest will get: those of the options above count here, too",
    )
    return parser


def _prepare(settings: Settings, cache: Cache, progress: Progress) -> int:
    from harness.supply.prepare import prepare

    with progress.step(f"prepare for {settings.project.name}") as step:
        prepare(settings, cache, progress)
        step.result = "all is there"
    return 0


def _check(settings: Settings, cache: Cache, progress: Progress) -> int:
    from harness.supply.prepare import missing

    problems = missing(settings, cache, progress)
    for problem in problems:
        progress.say(f"\n{problem}")
    progress.say("\nnothing is missing" if not problems else f"\n{len(problems)} missing")
    return 1 if problems else 0


def _clean(environ: dict[str, str], cache: Cache, progress: Progress, *, everything: bool) -> None:
    from harness.supply import sweep

    engine: Engine | None = None
    try:
        engine = find_engine(environ, progress)
    except DeployError as error:
        progress.say(f"  no engine to clean ({error.headline})")
    if engine is not None:
        sweep.clean(engine, cache, progress)
    if everything:
        sweep.distclean(engine, cache, progress)


if __name__ == "__main__":
    sys.exit(main())
