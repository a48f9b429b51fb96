"""Dependencies that a project leaves open, resolved as of a date."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path, PurePosixPath

from harness.images.given import Given

_MINUTES_A_DAY = 24 * 60
#: What a step of a Dockerfile is known by, and the files that pin all that it fetches.
_TOOLS: dict[str, tuple[re.Pattern[str], tuple[str, ...]]] = {
    "npm": (
        re.compile(r"\bnpm\s+(install|i|ci|add|exec|x|update)\b|\bnpx\s"),
        ("package-lock.json", "npm-shrinkwrap.json"),
    ),
    "pnpm": (re.compile(r"\bpnpm\s"), ("pnpm-lock.yaml",)),
    "yarn": (re.compile(r"\byarn(\s|$)", re.M), ("yarn.lock",)),
    "bun": (re.compile(r"\bbunx?\s"), ("bun.lock", "bun.lockb")),
    "uv": (re.compile(r"\buv\s+(pip|sync|add|lock|run|tool)\b|\buvx\s"), ("uv.lock",)),
    "poetry": (re.compile(r"\bpoetry\s+(install|add|update|lock)\b"), ("poetry.lock",)),
    "pipenv": (re.compile(r"\bpipenv\s+(install|sync|lock)\b"), ("Pipfile.lock",)),
    "pip": (re.compile(r"(?<!\buv )\bpip[\d.]*\s+(install|wheel|download)\b"), ()),
}
_OF_NODE = ("npm", "pnpm", "yarn", "bun")
_BY_NAME = re.compile(r"\bnpx\s|\bnpm\s+(?:install|i|add)\s+(?:-\S+\s+)*[@\w]")
# Yarn knows an age since 4.10, and refuses to work when it is told of what it does not know.
_YARN = re.compile(r'"packageManager"\s*:\s*"yarn@(\d+)\.(\d+)')
_YARN_SINCE = (4, 10)
_REFUSED = re.compile(
    r"with a date before|exclude-newer|uploaded.prior.to|upload.time|minimumReleaseAge"
    r"|minimal.?age|NO_MATURE|quarantined|conflicts? .*constraint|user requested \(constraint\)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class AsOf:
    """What of an image's dependencies is resolved as of a date.

    Attributes:
        day: as of whose beginning, in UTC; YYYY-MM-DD.
        variables: what tells the tools.
        held: the tools that keep to it.
        pinned: tools that have nothing to resolve, and the file that pins it.
        free: tools that know no date, and why.

    """

    day: str
    variables: dict[str, str] = field(default_factory=dict)
    held: list[str] = field(default_factory=list)
    pinned: list[str] = field(default_factory=list)
    free: list[str] = field(default_factory=list)

    @property
    def given(self) -> Given:
        """What the build is given for it."""
        return Given(self.variables)

    @property
    def told(self) -> str:
        """What was done, in words."""
        verb = "resolves" if len(self.held) == 1 else "resolve"
        held = f"what {' and '.join(self.held)} {verb}"
        parts = [held if self.held else "nothing to resolve"]
        parts += [f"{text}, which pins all" for text in self.pinned]
        parts += [f"{text} is not held to it" for text in self.free]
        return "; ".join(parts)

    def note(self, said: str) -> str:
        """Return what to add to a build's failure, empty when it is not of the date."""
        if not self.held or not _REFUSED.search(said):
            return ""
        return (
            f"dependencies were resolved as of {self.day} (--deploy-as-of): what is pinned to "
            "something newer cannot be had, nor what the registry dates later: some mirrors tell "
            "when they copied a version, or nothing. Name a later day, or leave the option out"
        )


def as_of(day: str, text: str, files: list[PurePosixPath], root: Path) -> AsOf:
    """Return what tells the tools of a Dockerfile to resolve as of the beginning of a day.

    Args:
        day: YYYY-MM-DD.
        text: the Dockerfile.
        files: what reaches the build, relative to `root`.
        root: the build's context.

    """
    found = AsOf(day)
    steps = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    for tool, (pattern, locks) in _TOOLS.items():
        if not pattern.search(steps):
            continue
        pins = _pins(tool, locks, files)
        if not pins:
            _hold(found, tool, files, root)
            continue
        found.pinned.append(f"{tool} has {pins}")
        if tool == "npm" and _BY_NAME.search(steps):
            found.free.append("what npm installs by name beside it")
    return found


def _pins(tool: str, locks: tuple[str, ...], files: list[PurePosixPath]) -> str:
    """Return the lock file's name when all that a tool is to install is in one."""
    there = {file.parent for file in files if file.name in locks}
    named = [file.name for file in files if file.name in locks]
    if tool in _OF_NODE:
        manifests = [file.parent for file in files if file.name == "package.json"]
        if not all(there & {folder, *folder.parents} for folder in manifests):
            return ""
    return named[0] if named else ""


def _hold(found: AsOf, tool: str, files: list[PurePosixPath], root: Path) -> None:
    begin = f"{found.day}T00:00:00Z"
    # Whole days, so that what the engine has built today is found again today.
    days = (datetime.now(UTC).date() - date.fromisoformat(found.day)).days
    age = str(days * _MINUTES_A_DAY)
    variables: dict[str, str] = {}
    if tool == "npm":
        variables = {"npm_config_before": begin}
    elif tool == "pnpm":  # since 10.16; 11 has a prefix of its own
        variables = dict.fromkeys(("npm_config", "pnpm_config"), age)
        variables = {f"{name}_minimum_release_age": value for name, value in variables.items()}
    elif tool == "yarn" and _yarn(files, root) >= _YARN_SINCE:
        variables = {"YARN_NPM_MINIMAL_AGE_GATE": age}
    elif tool == "uv":
        variables = {"UV_EXCLUDE_NEWER": begin}
    elif tool == "pip":  # since 26.0; earlier ones are held by constraints
        variables = {"PIP_UPLOADED_PRIOR_TO": begin}
    if variables:
        found.variables.update(variables)
        found.held.append(tool)
    else:
        since = " before 4.10" if tool == "yarn" else ""
        found.free.append(f"{tool}{since}, which knows no date,")


def _yarn(files: list[PurePosixPath], root: Path) -> tuple[int, int]:
    """Return the version of Yarn that a package.json asks for."""
    for file in files:
        if file.name == "package.json":
            text = (root / file).read_text(encoding="utf-8", errors="replace")
            if match := _YARN.search(text):
                return int(match[1]), int(match[2])
    return 1, 0
