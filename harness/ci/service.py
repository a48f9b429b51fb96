"""The services that run a gate, and how each is spoken to through the log of a job.

GitHub: https://docs.github.com/actions/reference/workflow-commands-for-github-actions
GitLab: https://docs.gitlab.com/ci/jobs/job_logs/#custom-collapsible-sections
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

#: GitHub shows no more of a step than this.
MOST_ANNOTATIONS = 10


@dataclass(frozen=True)
class Annotation:
    """A message at a line (from 1) of a file, whose path is relative to the repository."""

    file: str
    line: int
    title: str
    message: str


class Service(Protocol):
    """Turns what is to be told into lines of a job's log."""

    name: str
    #: where a summary in Markdown is appended to; None when the service shows none
    summary: Path | None
    #: the folder of the repository; None when the service does not say
    repository: Path | None

    def begin(self) -> list[str]:
        """Return what is written before anything of the run."""

    def group(self, title: str) -> list[str]:
        """Begin a section that can be folded; the one before has ended."""

    def end_group(self) -> list[str]:
        """End the section."""

    def annotate(self, annotations: list[Annotation]) -> list[str]:
        """Return the lines that put messages beside the files."""


@dataclass
class GitHub:
    """Workflow commands. Whatever else is printed in between is not obeyed.

    Containers' logs reach the output: without that a line of theirs could be a command.
    """

    summary: Path | None = None
    repository: Path | None = None
    name: str = "GitHub Actions"
    token: str = field(default_factory=lambda: secrets.token_hex(16))
    _open: bool = False

    def begin(self) -> list[str]:
        """Have the runner obey nothing but what comes between our tokens."""
        return [f"::stop-commands::{self.token}"]

    def group(self, title: str) -> list[str]:
        """Begin a section."""
        ended = ["::endgroup::"] if self._open else []
        self._open = True
        return self._obeyed([*ended, f"::group::{_data(title)}"])

    def end_group(self) -> list[str]:
        """End the section, if there is one."""
        if not self._open:
            return []
        self._open = False
        return self._obeyed(["::endgroup::"])

    def annotate(self, annotations: list[Annotation]) -> list[str]:
        """Return an error command for each; what is too much is counted in the last."""
        if not annotations:
            return []
        shown = annotations[:MOST_ANNOTATIONS]
        commands = [
            f"::error file={_property(a.file)},line={a.line},title={_property(a.title)}"
            f"::{_data(a.message)}"
            for a in shown
        ]
        if more := len(annotations) - len(shown):
            commands[-1] += _data(f"\n({more} more are in the summary)")
        return self._obeyed(commands)

    def _obeyed(self, commands: list[str]) -> list[str]:
        return [f"::{self.token}::", *commands, *self.begin()]


@dataclass
class GitLab:
    """Sections of a job's log; messages go into a code quality report instead."""

    summary: Path | None = None
    repository: Path | None = None
    name: str = "GitLab CI"
    _open: str = ""

    def begin(self) -> list[str]:
        """Nothing has to come first."""
        return []

    def group(self, title: str) -> list[str]:
        """Begin a section."""
        ended = self.end_group()
        self._open = f"deploy_{re.sub(r'[^a-z0-9]+', '_', title.lower()).strip('_')}"
        return [*ended, f"{self._mark('start', self._open)}{title}"]

    def end_group(self) -> list[str]:
        """End the section, if there is one."""
        name, self._open = self._open, ""
        return [self._mark("end", name)] if name else []

    def annotate(self, annotations: list[Annotation]) -> list[str]:  # noqa: ARG002
        """Return nothing: the log of a job has no annotations."""
        return []

    @staticmethod
    def _mark(what: str, name: str) -> str:
        return f"\x1b[0Ksection_{what}:{int(time.time())}:{name}\r\x1b[0K"


def detect(environ: Mapping[str, str], artifacts: Path) -> Service | None:
    """Return the service that runs this job, as its own variables say; None elsewhere.

    Args:
        environ: the environment.
        artifacts: where a summary goes with a service that has no place of its own for it.

    """
    if environ.get("GITHUB_ACTIONS") == "true":
        summary = environ.get("GITHUB_STEP_SUMMARY", "")
        return GitHub(Path(summary) if summary else None, _folder(environ, "GITHUB_WORKSPACE"))
    if environ.get("GITLAB_CI") == "true":
        return GitLab(artifacts / "summary.md", _folder(environ, "CI_PROJECT_DIR"))
    return None


def _folder(environ: Mapping[str, str], name: str) -> Path | None:
    return Path(environ[name]) if environ.get(name) else None


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
