"""What a second installation does to Helm and the cluster, and when it does nothing."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kube_support import FakeApi, deployment, pod, replica_set

from harness.helm import Revision
from harness.installation import Installation
from harness.kube.client import Kube
from harness.kube.resources import DEPLOYMENT, POD, RELEASE, REPLICA_SET
from harness.kube.waits import WaitTimeoutError
from harness.project import Project

DESCRIPTION = """
[services.web]
image = "api"
type = "NodePort"
port = 80
health = "/ready"
public = true
"""


class _Ready(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/ready" else 404)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def url() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Ready) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


class Rollout:
    """Notes what is rolled out; it is Helm as well, and tells its revisions."""

    timeout = 60.0

    def __init__(self) -> None:
        self.done: list[Any] = []
        self.revisions = 0
        self.helm = self
        self.kube: Kube | None = None

    def run(self, chart: Path, release: str, namespace: str, values: dict[str, Any]) -> float:
        self.revisions += 1
        self.done.append((chart.name, release, namespace, values))
        return 1.0

    def back(self, release: str, namespace: str, revision: int) -> float:
        self.revisions += 1
        self.done.append(revision)
        return 1.0

    def history(self, release: str, namespace: str) -> list[Revision]:
        return [Revision(n, "deployed", "c", "", "", "") for n in range(1, self.revisions + 1)]

    def uninstall(self, release: str, namespace: str, *, timeout: float) -> bool:
        self.done.append("uninstalled")
        return True


@pytest.fixture
def rollout() -> Rollout:
    return Rollout()


@pytest.fixture
def api() -> Iterator[FakeApi]:
    """A cluster in which the second installation is ready."""
    api = FakeApi()
    for resource in RELEASE:
        api.objects[resource.path("shop-beside")] = {}
    api.put(POD.path("shop-beside"), pod(ready=True))
    api.put(REPLICA_SET.path("shop-beside"), replica_set())
    api.put(DEPLOYMENT.path("shop-beside"), deployment())
    yield api
    api.close()


@pytest.fixture
def installation(
    project_dir: Path, rollout: Rollout, url: str, api: FakeApi, tmp_path: Path
) -> Installation:
    rollout.kube = api.client(tmp_path)
    file = project_dir / "deploy.toml"
    file.write_text(file.read_text() + DESCRIPTION)
    project: Any = Project.load(project_dir)
    return Installation(rollout, project, "shop-beside", {"a": {"b": 1, "c": 2}}, {}, url)  # type: ignore[arg-type]


def test_it_is_installed_with_its_base_values_once(
    installation: Installation, rollout: Rollout
) -> None:
    installation.restore()
    installation.restore()
    assert rollout.done == [("chart", "shop", "shop-beside", {"a": {"b": 1, "c": 2}})]


def test_it_is_waited_for_when_it_is_not_ready(
    installation: Installation, api: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.installation._AGAIN", 0.2)
    installation.restore()
    api.put(DEPLOYMENT.path("shop-beside"), deployment(ready=0))
    with pytest.raises(WaitTimeoutError, match="0 of 1 pods ready"):
        installation.restore()


def test_a_change_is_laid_over_and_undone(installation: Installation, rollout: Rollout) -> None:
    installation.restore()
    installation.change({"a.b": 7})
    installation.restore()
    assert [values for *_, values in rollout.done] == [
        {"a": {"b": 1, "c": 2}},
        {"a": {"b": 7, "c": 2}},
        {"a": {"b": 1, "c": 2}},
    ]


def test_another_chart_is_not_the_known_state(
    installation: Installation, rollout: Rollout, tmp_path: Path
) -> None:
    installation.change({}, tmp_path / "old")
    installation.restore()
    assert [chart for chart, *_ in rollout.done] == ["old", "chart"]


def test_a_rollback_to_a_known_revision_is_a_way_back(
    installation: Installation, rollout: Rollout
) -> None:
    installation.restore()
    installation.change({"a.b": 7})
    installation.back(1)
    installation.restore()
    assert rollout.done[2:] == [1]
    installation.back(2)
    installation.restore()
    assert len(rollout.done) == 5


def test_a_change_that_fails_leaves_nothing_known(
    installation: Installation, rollout: Rollout, monkeypatch: pytest.MonkeyPatch
) -> None:
    installation.restore()
    with monkeypatch.context() as patch:
        patch.setattr(rollout, "run", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            installation.change({"a.b": 7})
    installation.restore()
    assert len(rollout.done) == 2


def test_after_uninstalling_it_is_installed_anew(
    installation: Installation, rollout: Rollout
) -> None:
    installation.restore()
    assert installation.uninstall()
    installation.restore()
    assert len(rollout.done) == 3


def test_values_are_not_shown(installation: Installation) -> None:
    assert "'c': 2" not in repr(installation)
