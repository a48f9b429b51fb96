from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.cache import Cache
from harness.errors import DeployError
from harness.progress import Progress
from harness.settings import Settings
from harness.supply import __main__ as command
from harness.supply import prepare
from harness.supply.browser import BrowserMissingError
from harness.supply.disk import DiskTooSmallError
from harness.supply.engine_errors import EngineNotRunningError

BASES = """
[images.api.bases]
BASE = "python:3.12-slim"

[images.worker]
context = "worker"
repository = "shop-worker"
port = 8000
health = "/health"
bases = { BASE = "python:3.12-slim", OTHER = "node:24-slim" }

[database]
image = "postgres:17"

[standins.mail]
context = "mail"
repository = "mail"
unless = "MAIL_KEY"
port = 25
health = "/"
bases = { BASE = "debian:trixie-slim" }
"""


@pytest.fixture
def settings(project_dir: Path) -> Callable[..., Settings]:
    """Settings of a project with several base images, under an environment."""
    with (project_dir / "deploy.toml").open("a") as file:
        file.write(BASES)
    return lambda **environ: Settings.load({}, environ, project_dir)


def test_every_image_that_the_run_stands_on_is_named_once(
    settings: Callable[..., Settings],
) -> None:
    assert prepare.base_images(settings()) == (
        "python:3.12-slim",
        "node:24-slim",
        "debian:trixie-slim",
        "postgres:17",
    )


def test_what_comes_from_outside_needs_no_image(settings: Callable[..., Settings]) -> None:
    given = settings(DATABASE_URL="postgresql://x", MAIL_KEY="k")
    assert prepare.base_images(given) == ("python:3.12-slim", "node:24-slim")


class Machine:
    """Has or lacks each thing as the test says; keeps what was made."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *lacks: str) -> None:
        self.lacks, self.made = set(lacks), list[str]()
        self.engine, self.nodes = SimpleNamespace(), list[str]()
        for name in ("engine", "browser", "node_image", "tools"):
            monkeypatch.setattr(prepare, f"find_{name}", self._find(name))
        for name in ("engine", "browser", "node_image", "tools", "probe_image", "formatter"):
            monkeypatch.setattr(prepare, f"ensure_{name}", self._ensure(name))
        monkeypatch.setattr(prepare, "find_minikube", self._find("minikube"))
        monkeypatch.setattr(prepare, "ensure_minikube", self._ensure("minikube"))
        monkeypatch.setattr(prepare, "Bases", lambda *_: self)
        monkeypatch.setattr(prepare, "check_disk", self._check_disk)

    def _find(self, name: str) -> Callable[..., Any]:
        def find(*parts: Any) -> Any:
            if name == "node_image":
                self.nodes.append(parts[-1].tool)
            if name in self.lacks:
                raise self._error(name)
            return SimpleNamespace(name=name)

        return find

    def _ensure(self, name: str) -> Callable[..., Any]:
        def ensure(*parts: Any) -> Any:
            if name == "node_image":
                self.nodes.append(parts[-1].tool)
            if f"broken {name}" in self.lacks:
                raise self._error(name)
            self.made.append(name)
            return SimpleNamespace(name=name)

        return ensure

    def _error(self, name: str) -> DeployError:
        if name == "engine":
            return EngineNotRunningError("unix:///x", "test", "no answer")
        return DeployError(needed=name, seen="none", looked="here", fix="make it")

    def _check_disk(self, where: object, needed: float) -> None:
        if "disk" in self.lacks and needed >= prepare.ROOM_TO_PREPARE_GB:
            raise DiskTooSmallError(Path("/"), 1, needed)

    def missing(self, official: str) -> bool:
        return official in self.lacks

    def ensure(self, official: str) -> Any:
        self.made.append(official)
        return SimpleNamespace(ref=official)


ALL = {"engine", "browser", "node_image", "tools", "probe_image", "formatter"}


def test_everything_is_prepared_the_engine_first(
    settings: Callable[..., Settings], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = Machine(monkeypatch)
    done = prepare.prepare(settings(), Cache(tmp_path), Progress(quiet=True))
    assert machine.made[0] == "engine"
    assert set(machine.made) == ALL | set(prepare.base_images(settings()))
    assert len(machine.made) == len(set(machine.made))
    assert [base.ref for base in done.bases] == list(prepare.base_images(settings()))


@pytest.mark.parametrize("what", ["engine", "browser", "node_image", "tools", "probe_image"])
def test_the_first_failure_is_raised(
    settings: Callable[..., Settings], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    Machine(monkeypatch, f"broken {what}")
    with pytest.raises(DeployError):
        prepare.prepare(settings(), Cache(tmp_path), Progress(quiet=True))


def test_room_to_build_is_asked_for_only_when_something_is_built(
    settings: Callable[..., Settings], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Machine(monkeypatch, "disk")
    prepare.prepare(settings(), Cache(tmp_path), Progress(quiet=True))
    machine = Machine(monkeypatch, "disk", "node_image")
    with pytest.raises(DiskTooSmallError):
        prepare.prepare(settings(), Cache(tmp_path), Progress(quiet=True))
    assert machine.made == ["engine"]


def test_minikube_is_prepared_only_when_it_is_asked_for(
    settings: Callable[..., Settings], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = Machine(monkeypatch, "minikube")
    prepare.prepare(settings(), Cache(tmp_path), Progress(quiet=True))
    assert "minikube" not in machine.made
    assert prepare.missing(settings(), Cache(tmp_path), Progress(quiet=True)) == []
    assert set(machine.nodes) == {"kind"}
    machine.nodes.clear()
    asked = settings(DEPLOY_CLUSTER="minikube")
    prepare.prepare(asked, Cache(tmp_path), Progress(quiet=True))
    assert "minikube" in machine.made
    [lacks] = prepare.missing(asked, Cache(tmp_path), Progress(quiet=True))
    assert lacks.needed == "minikube"
    assert set(machine.nodes) == {"Minikube"}


def test_nothing_missing_is_an_empty_list(
    settings: Callable[..., Settings], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = Machine(monkeypatch)
    assert prepare.missing(settings(), Cache(tmp_path), Progress(quiet=True)) == []
    assert machine.made == []


def test_all_that_is_missing_is_told_at_once(
    settings: Callable[..., Settings], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Machine(monkeypatch, "browser", "tools", "node_image", "postgres:17")
    found = prepare.missing(settings(), Cache(tmp_path), Progress(quiet=True))
    assert {error.needed for error in found} == {
        "node_image",
        "tools",
        "browser",
        "the base image postgres:17, or a stand-in for it",
    }


def test_without_an_engine_the_rest_is_still_looked_at(
    settings: Callable[..., Settings], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Machine(monkeypatch, "engine", "browser")
    found = prepare.missing(settings(), Cache(tmp_path), Progress(quiet=True))
    assert isinstance(found[0], EngineNotRunningError)
    assert len(found) == 2


class TestCommand:
    @pytest.fixture(autouse=True)
    def _here(
        self, settings: Callable[..., Settings], project_dir: Path, tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:  # fmt: skip
        monkeypatch.chdir(project_dir)
        monkeypatch.setenv("DEPLOY_CACHE_DIR", str(tmp_path / "cache"))

    def test_check_lists_what_is_missing_and_fails(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(prepare, "missing", lambda *_: [BrowserMissingError()])
        assert command.main(["--check"]) == 1
        assert "apt-get install chromium" in capsys.readouterr().out

    def test_check_of_a_complete_machine_succeeds(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(prepare, "missing", lambda *_: [])
        assert command.main(["--check"]) == 0
        assert "nothing is missing" in capsys.readouterr().out

    def test_a_failure_is_told_in_its_four_parts(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def fail(*_: object) -> None:
            raise BrowserMissingError

        monkeypatch.setattr(prepare, "prepare", fail)
        assert command.main([]) == 1
        error = capsys.readouterr().err
        assert all(part in error for part in ("needed:", "seen:", "looked:", "fix:"))

    def test_an_interruption_says_how_to_go_on(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def interrupt(*_: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(prepare, "prepare", interrupt)
        assert command.main([]) == 130
        assert "run it again" in capsys.readouterr().err

    def test_the_runs_options_are_understood(self, monkeypatch: pytest.MonkeyPatch) -> None:
        given: list[Settings] = []
        monkeypatch.setattr(prepare, "prepare", lambda settings, *_: given.append(settings))
        assert command.main(["--deploy-cluster-name=deploy-other"]) == 0
        assert given[0].cluster_name == "deploy-other"

    def test_of_a_run_s_words_only_our_options_count(self, monkeypatch: pytest.MonkeyPatch) -> None:
        given: list[Settings] = []
        monkeypatch.setattr(prepare, "prepare", lambda settings, *_: given.append(settings))
        words = ["-k", "US2 and not x", "features/a.feature", "-n", "2", "--deploy-keep", "never"]
        assert command.main(["--run", *words, "--deploy-cluster=minikube"]) == 0
        assert (given[0].cluster, given[0].keep) == ("minikube", "never")
        assert command.main(["--run"]) == 0
        assert given[1].cluster == "kind"

    def test_a_wrong_option_is_told_before_anything_else(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert command.main(["--deploy-timeout=soon"]) == 1
        assert "timeout" in capsys.readouterr().err
