"""The comment on a pull request, by a server that speaks as much of GitHub's API as it needs."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from harness.ci.__main__ import main
from harness.ci.comment import CommentRefusedError, NotAPullRequestError, PullRequest

TOKEN = "the-token-of-the-job"


class _Handler(BaseHTTPRequestHandler):
    comments: list[dict[str, Any]]
    forbidden = False

    def do_GET(self) -> None:
        page = int(parse_qs(urlsplit(self.path).query)["page"][0])
        self._answer(200, self.comments[(page - 1) * 100 : page * 100])

    def do_POST(self) -> None:
        assert urlsplit(self.path).path == "/repos/shop/shop/issues/7/comments"
        if self.forbidden:
            self._answer(403, {"message": "Resource not accessible by integration"})
            return
        told = {"id": len(self.comments) + 1, "user": {"login": "github-actions[bot]"}}
        self.comments.append(told | self._body())
        self._answer(201, {"html_url": "https://github.test/new"})

    def do_PATCH(self) -> None:
        number = int(self.path.rpartition("/")[2])
        (comment,) = [c for c in self.comments if c["id"] == number]
        comment.update(self._body())
        self._answer(200, {"html_url": "https://github.test/old"})

    def _body(self) -> dict[str, Any]:
        return dict(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def _answer(self, status: int, told: object) -> None:
        assert self.headers["Authorization"] == f"Bearer {TOKEN}"
        body = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words: object) -> None: ...


@pytest.fixture
def api() -> Iterator[tuple[type[_Handler], str]]:
    """The handler of a server that runs, and its address."""
    handler = type("Handler", (_Handler,), {"comments": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield handler, f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def job(api: tuple[type[_Handler], str], tmp_path: Path) -> dict[str, str]:
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"pull_request": {"number": 7}}))
    return {
        "GITHUB_TOKEN": TOKEN,
        "GITHUB_REPOSITORY": "shop/shop",
        "GITHUB_EVENT_PATH": str(event),
        "GITHUB_API_URL": api[1],
    }


def test_one_comment_is_written_over(api: tuple[type[_Handler], str], job: dict[str, str]) -> None:
    handler, _ = api
    handler.comments += [{"id": n, "body": "hello", "user": None} for n in range(1000, 1150)]
    copied = {"id": 5000, "body": "<!-- deploy-harness: x -->", "user": {"login": "somebody"}}
    handler.comments.append(copied)
    request = PullRequest.of_job(job)
    assert request.write("one", "x") == "https://github.test/new"
    assert request.write("two", "x") == "https://github.test/old"
    assert request.write("three", "y") == "https://github.test/new"
    ours = [c["body"] for c in handler.comments[151:]]
    assert ours == ["<!-- deploy-harness: x -->\ntwo", "<!-- deploy-harness: y -->\nthree"]
    assert copied["body"] == "<!-- deploy-harness: x -->"


def test_token_is_not_shown(job: dict[str, str]) -> None:
    assert TOKEN not in repr(PullRequest.of_job(job))


@pytest.mark.parametrize("name", ["GITHUB_TOKEN", "GITHUB_REPOSITORY", "GITHUB_EVENT_PATH"])
def test_variable_that_is_missing_is_named(job: dict[str, str], name: str) -> None:
    with pytest.raises(NotAPullRequestError, match=name):
        PullRequest.of_job(job | {name: ""})


@pytest.mark.parametrize("told", ["{}", "not json", '{"pull_request": {}}', "[]"])
def test_event_without_a_pull_request(job: dict[str, str], told: str) -> None:
    Path(job["GITHUB_EVENT_PATH"]).write_text(told)
    with pytest.raises(NotAPullRequestError, match="names no pull request"):
        PullRequest.of_job(job)


def test_server_that_is_away(job: dict[str, str]) -> None:
    with pytest.raises(CommentRefusedError, match="ConnectError"):
        PullRequest.of_job(job | {"GITHUB_API_URL": "http://127.0.0.1:1"}).write("x", "y")


def test_token_that_may_not_write_is_told_and_fails_nothing(
    api: tuple[type[_Handler], str],
    job: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    api[0].forbidden = True
    for name, value in job.items():
        monkeypatch.setenv(name, value)
    text = tmp_path / "text.md"
    assert main(["comment", str(text)]) == 1
    assert "needed: the text of the comment" in capsys.readouterr().err
    text.write_text("hello")
    assert main(["comment", str(text)]) == 0
    assert "no comment: GitHub to take the comment: 403" in capsys.readouterr().out
