"""One comment on a pull request, written anew with each run instead of a second one.

https://docs.github.com/rest/issues/comments
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.errors import DeployError

_SECONDS = 30.0
_PAGES = 20  # of 100 comments each
_AUTHOR = "github-actions[bot]"


class CommentError(DeployError):
    """The comment cannot be written."""


class NotAPullRequestError(CommentError):
    """The job does not run for a pull request."""

    def __init__(self, missing: str, event: str) -> None:
        super().__init__(
            needed="a job of GitHub Actions that runs for a pull request",
            seen=missing,
            looked=f"the environment and {event or 'GITHUB_EVENT_PATH'}",
            fix="run it in a workflow `on: pull_request`, with GITHUB_TOKEN in its environment",
        )


class CommentRefusedError(CommentError):
    """GitHub does not take the comment.

    Attributes:
        forbidden: whether the token may not, as that of a fork's pull request may not.

    """

    def __init__(self, call: str, status: int, said: str) -> None:
        self.forbidden = status in (401, 403, 404)
        super().__init__(
            needed="GitHub to take the comment",
            seen=f"{status}: {said[:300]}",
            looked=call,
            fix="give the job `permissions: pull-requests: write`; the token of a pull request "
            "from a fork never has them"
            if self.forbidden
            else "run it again",
        )


@dataclass(frozen=True)
class PullRequest:
    """A pull request, and the way to it. `token` is told to nobody but GitHub."""

    api: str
    repository: str
    number: int
    token: str = field(repr=False)

    @classmethod
    def of_job(cls, environ: Mapping[str, str]) -> PullRequest:
        """Return that for which this job runs. Raises NotAPullRequestError."""
        event = environ.get("GITHUB_EVENT_PATH", "")
        for name in ("GITHUB_TOKEN", "GITHUB_REPOSITORY", "GITHUB_EVENT_PATH"):
            if not environ.get(name):
                raise NotAPullRequestError(f"{name} is not set", event)
        try:
            told = json.loads(Path(event).read_text(encoding="utf-8"))
            number = int(told["pull_request"]["number"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise NotAPullRequestError("the event names no pull request", event) from error
        return cls(
            api=environ.get("GITHUB_API_URL") or "https://api.github.com",
            repository=environ["GITHUB_REPOSITORY"],
            number=number,
            token=environ["GITHUB_TOKEN"],
        )

    def write(self, text: str, about: str) -> str:
        """Write the comment about something, over ours of before; return its address.

        Args:
            text: Markdown.
            about: what it is about; names the comment, and is not shown.

        Raises:
            CommentRefusedError.

        """
        mark = f"<!-- deploy-harness: {about} -->"
        body = {"body": f"{mark}\n{text}"}
        issues = f"/repos/{self.repository}/issues"
        if ours := self._ours(f"{issues}/{self.number}/comments", mark):
            told = self._call("PATCH", f"{issues}/comments/{ours}", body)
        else:
            told = self._call("POST", f"{issues}/{self.number}/comments", body)
        return str(told.get("html_url") or "")

    def _ours(self, comments: str, mark: str) -> int | None:
        """Return the number of our comment, if there is one. Anybody may copy the mark."""
        for page in range(1, _PAGES + 1):
            found = self._call("GET", f"{comments}?per_page=100&page={page}")
            for comment in found:
                author = (comment.get("user") or {}).get("login")
                if author == _AUTHOR and str(comment.get("body") or "").startswith(mark):
                    return int(comment["id"])
            if len(found) < 100:
                return None
        return None

    def _call(self, method: str, path: str, body: Mapping[str, str] | None = None) -> Any:
        import httpx

        headers = {
            "Authorization": f"Bearer {self.token}",
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
        }
        call = f"{method} {self.api}{path}"
        try:
            answer = httpx.request(
                method, f"{self.api}{path}", headers=headers, json=body, timeout=_SECONDS
            )
            told = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise CommentRefusedError(call, 0, f"{type(error).__name__}: {error}") from error
        if not answer.is_success:
            raise CommentRefusedError(call, answer.status_code, str(told.get("message") or told))
        return told
