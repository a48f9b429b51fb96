"""Packages that Dockerfiles install: as their lock says, without those of development."""

from __future__ import annotations

import re
from collections.abc import Iterator

from harness.contract.finding import Notes
from harness.contract.program import Program
from harness.contract.subject import Subject
from harness.images.dockerfile import Instruction

_LOCKS = {
    "npm": ("package-lock.json", "npm-shrinkwrap.json"),
    "pnpm": ("pnpm-lock.yaml",),
    "yarn": ("yarn.lock",),
}
_DEV_FILE = re.compile(r"requirements[-_.]?(dev|test)\S*|dev[-_]requirements\S*", re.IGNORECASE)
#: Packages that no build needs, only whoever tests or reads the code.
_FOR_TESTS = re.compile(
    r"(vitest|jest|mocha|chai|cypress|playwright|oxlint|eslint|prettier|husky|lint-staged|nyc|msw)\b"
    r"|@(testing-library|playwright|vitest|storybook|eslint)/|(eslint|prettier)-|jsdom|happy-dom"
)


def check(subject: Subject, notes: Notes) -> None:
    """Packages are installed as their lock says, without those of development."""
    for program in subject.programs.values():
        if program.dockerfile is None:
            continue
        notes.saw(program.docker_place().file)
        copied: list[str] = []
        for one in program.dockerfile.instructions:
            if one.word == "FROM":
                copied = []
            elif one.word in ("COPY", "ADD"):
                copied += one.arguments[:-1]
            elif one.word == "RUN":
                for seen, fix in _installs(program, one, copied):
                    notes.found(
                        program.docker_place(one.line),
                        needed=f"packages of {program.name} as a lock file names them",
                        seen=seen,
                        fix=fix,
                    )


def _installs(program: Program, one: Instruction, copied: list[str]) -> Iterator[tuple[str, str]]:
    text = re.sub(r"\s+", " ", one.rest)
    if re.search(r"\bnpm (ci|clean-install)\b", text) and not _brings(
        program, copied, _LOCKS["npm"]
    ):
        yield (
            "`npm ci` fails: no package-lock.json is copied before it",
            "COPY package.json package-lock.json ./ before it",
        )
    elif re.search(r"\bnpm (install|i)\b(?! -g| --global)", text):
        yield "`npm install` takes what is newest, whatever the lock says", "use `npm ci`"
    needless = program.package.get("devDependencies")
    if (
        re.search(r"\bnpm (ci|clean-install)\b(?![^&;]*(--omit[= ]dev|--production|--only))", text)
        and isinstance(needless, dict)
        and needless
        and all(_FOR_TESTS.match(name) for name in needless)
    ):
        yield "development packages that no build needs are installed", "add --omit=dev"
    for tool in ("pnpm", "yarn"):
        if re.search(
            rf"\b{tool}( install| i)?\b.*--(frozen-lockfile|immutable)", text
        ) and not _brings(program, copied, _LOCKS[tool]):
            yield f"no {_LOCKS[tool][0]} is copied before it", f"COPY {_LOCKS[tool][0]} before it"
    if _DEV_FILE.search(text) or re.search(r"pip install[^&;]*\[[^\]]*\b(dev|test)\b", text):
        yield "dependencies of development are installed", "install those of production only"
    if re.search(r"\buv sync\b(?!.*--no-dev)(?!.*--only-group)", text):
        yield "`uv sync` installs dependencies of development too", "add --no-dev"
    if re.search(r"\bnpm (ci|install)\b[^&;]*--include=dev", text):
        yield "dependencies of development are installed", "leave --include=dev out"
    if match := re.search(r"\bpip3? install\b([^&;]*)", text):
        words = [w for w in match[1].split() if not w.startswith(("-", "."))]
        loose = [w for w in words if re.fullmatch(r"[A-Za-z][\w.-]*(\[[\w,]*\])?", w)]
        loose = [w for w in loose if w not in ("pip", "uv", "setuptools", "wheel", "poetry")]
        if loose and not re.search(r"(-r|--requirement|-c|--constraint|--target|-t)\b", match[1]):
            yield f"`{loose[0]}` is installed without a version", "install from a lock file"


def _brings(program: Program, copied: list[str], names: tuple[str, ...]) -> bool:
    for name in names:
        if not (program.folder / name).is_file():
            continue
        for word in copied:
            pattern = re.escape(word.removeprefix("./")).replace(r"\*", ".*")
            if word in (".", "./") or re.fullmatch(pattern, name):
                return True
    return False
