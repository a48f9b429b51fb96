"""Constraints for a pip that knows no dates: what its requirements resolve to as of a day."""

from __future__ import annotations

import re
import shutil
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from harness.command import CommandFailedError, CommandTimedOutError, run
from harness.images.dockerfile import Dockerfile
from harness.supply.authority import for_programs

_TIMEOUT = 120.0  # seconds
_LARGEST = 1_000_000  # bytes
_TRIES = 12
_NEVER = "9999-01-01T00:00:00Z"
_INSTALL = re.compile(r"(?<!\buv )\bpip[\d.]*\s+(?:install|wheel|download)\s+([^|;&]*)")
_NAMED = re.compile(r"(?:^|\s)(?:-r|--requirement)(?:\s+|=)?(\S+)")
_INCLUDED = re.compile(r"^(?:-r|--requirement)(?:\s+|=)?(\S+)")
_NO_WHEEL = re.compile(r"Wheels are required for `([\w.-]+)`")


@dataclass(frozen=True)
class Resolved:
    """What requirements resolve to.

    Attributes:
        text: a line `NAME==VERSION` for each package; empty when nothing was resolved.
        why: what was left out, or why nothing was resolved.
        newer: whether something is pinned to a version newer than the day.
        pinned: whether the requirements name all of it with its version already.

    """

    text: str
    why: str = ""
    newer: bool = False
    pinned: bool = False

    @property
    def told(self) -> str:
        """What came of it, in words."""
        if not self.text:
            return f"none: {self.why}; a pip before 26 is not held to the date"
        if self.pinned:
            return "none: all is pinned"
        parts = [f"versions of {len(self.text.splitlines())} packages"]
        parts += ["what is pinned to something newer stays"] if self.newer else []
        parts += [f"not held: {self.why}"] if self.why else []
        return "; ".join(parts)


def requirements(dockerfile: Dockerfile, root: Path, files: Sequence[PurePosixPath]) -> list[str]:
    """Return what a Dockerfile has pip install: names with versions, as PEP 508 writes them.

    They come from its RUN steps and from the files of the context that these name. What is no
    name is left out: links, paths, options. So is everything when hashes are demanded, since
    that pins all. Nothing of the project is run for it.
    """
    found: dict[str, None] = {}
    for one in dockerfile.instructions:
        if one.word != "RUN":
            continue
        if "--require-hashes" in one.rest:
            return []
        for match in _INSTALL.finditer(one.rest):
            words = match[1]
            for named in _NAMED.findall(words):
                if (file := _file(named.strip("\"'"), files)) and not _read(root, file, found):
                    return []
            plain = [word.strip("\"'") for word in _NAMED.sub(" ", words).split()]
            if any(re.match(r"\.{1,2}(/|\[|$)", word) for word in plain):
                project = _file("pyproject.toml", files)
                found |= dict.fromkeys(_of_project(root / project) if project else ())
            found |= dict.fromkeys(_names(plain))
    return list(found)


def resolve(lines: Sequence[str], day: str, python: str, environ: Mapping[str, str]) -> Resolved:
    """Resolve requirements as of the beginning of a day, with uv; never raises for what it says.

    Only wheels and what the index tells are looked at, so that no code of a package runs here.

    Args:
        lines: of `requirements`.
        day: YYYY-MM-DD, in UTC.
        python: the version that they are for, such as 3.12.
        environ: this machine's, which names certificates.

    """
    beside = Path(sys.executable).parent / "uv"
    uv = beside if beside.is_file() else shutil.which("uv", path=environ.get("PATH"))
    if not uv:
        return Resolved("", "uv is not here to resolve with")
    argv: list[str | Path] = [uv, "pip", "compile", "--no-config", "--quiet", "--no-header"]
    argv += ["--no-annotate", "--strip-extras", "--no-build", "--python-version", python]
    argv += ["--python-platform", "linux", "--exclude-newer", f"{day}T00:00:00Z", "-"]
    pins = {name: one for name, one in map(_pin, lines) if one}
    free = [f"--exclude-newer-package={name}={_NEVER}" for name in pins]
    left, without, more = list(lines), list[str](), list[str]()
    for _ in range(_TRIES):
        try:
            text = "\n".join(left) + "\n"
            done = run([*argv, *more], timeout=_TIMEOUT, stdin=text, env=for_programs(environ))
        except CommandTimedOutError:
            return Resolved("", f"uv took longer than {_TIMEOUT:.0f} s")
        except CommandFailedError as error:
            said = error.completed.stderr
            match = _NO_WHEEL.search(said)
            kept = [line for line in left if not match or _name(line) != _name(match[1])]
            if match and len(kept) < len(left):
                left = kept
                without.append(match[1])
                continue
            if free and not more:
                more = free
                continue
            cause = next((part for part in said.splitlines() if "cause:" in part), said)
            return Resolved("", "uv said: " + cause.strip()[:300])
        packages = [line for line in done.stdout.splitlines() if line.strip()]
        known = {f"{name}=={version}" for name, version in pins.items()}
        return Resolved(
            text="".join(f"{line}\n" for line in packages),
            why=f"{', '.join(without)}: no wheel tells what it needs" if without else "",
            newer=bool(more),
            pinned={line.partition(" ;")[0] for line in packages} <= known and not without,
        )
    return Resolved("", "too many packages without a wheel")


def _file(named: str, files: Sequence[PurePosixPath]) -> PurePosixPath | None:
    """Return the file of the context that a step means; the nearest to its root of several."""
    parts = PurePosixPath(named).parts
    same = [file for file in files if file.name == PurePosixPath(named).name]
    same.sort(key=lambda file: (file.parts[-len(parts) :] != parts, len(file.parts), str(file)))
    return same[0] if same else None


def _read(root: Path, file: PurePosixPath, found: dict[str, None], depth: int = 3) -> bool:
    """Add what a file of requirements names; False when it demands hashes."""
    path = root / file
    inside = path.resolve().is_relative_to(root.resolve())
    if not inside or not path.is_file() or path.stat().st_size > _LARGEST:
        return True
    text = path.read_text(encoding="utf-8-sig", errors="replace").replace("\\\n", " ")
    if "--hash=" in text or "--require-hashes" in text:
        return False
    for line in text.splitlines():
        line = re.sub(r"(^|\s)#.*", "", line).strip()
        if (match := _INCLUDED.match(line)) and depth:
            if not _read(root, file.parent / match[1], found, depth - 1):
                return False
        else:
            found |= dict.fromkeys(_names([line]))
    return True


def _of_project(file: Path) -> list[str]:
    try:
        read = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    project = read.get("project")
    told = project.get("dependencies") if isinstance(project, dict) else None
    return list(_names([str(one) for one in told])) if isinstance(told, list) else []


def _names(words: Sequence[str]) -> Iterator[str]:
    for word in words:
        try:
            one = Requirement(word)
        except InvalidRequirement:
            continue
        if not one.url:
            yield str(one)


def _name(line: str) -> str:
    match = re.match(r"[\w.-]+", line)
    return canonicalize_name(match[0]) if match else ""


def _pin(line: str) -> tuple[str, str]:
    """Return name and exact version, which is empty when a requirement leaves it open."""
    exact = [one for one in Requirement(line).specifier if one.operator in ("==", "===")]
    version = exact[0].version if len(exact) == 1 else ""
    return _name(line), "" if version.endswith(".*") else version
