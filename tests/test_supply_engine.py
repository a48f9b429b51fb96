import os
import pickle
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness.cache import Cache
from harness.progress import Progress
from harness.supply import daemon, debian, engine
from harness.supply.engine import DEFAULT_HOST, Engine, ensure_engine, find_engine
from harness.supply.engine_errors import (
    EngineCannotBuildError,
    EngineForbiddenError,
    EngineMissingError,
    EngineNotRunningError,
    EngineTooOldError,
)

NO_BUILDX = "ERROR: BuildKit is enabled but the buildx component is missing or broken."


@pytest.fixture(autouse=True)
def _only_our_folders(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the machine's own clients out of the search."""
    monkeypatch.setattr(engine, "_FOLDERS", ())


@pytest.fixture
def quiet() -> Progress:
    return Progress(quiet=True)


def client(
    folder: Path,
    *,
    server: str = "24.0.7",
    builds: bool = True,
    refusal: str = "",
    context: str = "",
    images: str = "",
) -> Path:
    """A docker client that writes down how it was called, and answers as it was told."""
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / "docker"
    version = f"""echo '{{"Client": {{}}, "Server": {{"Version": "{server}"}}}}'"""
    if refusal:
        version = f"echo '{refusal}' >&2; exit 1"
    helps = "echo '  --secret stringArray'" if builds else f"echo '{NO_BUILDX}' >&2; exit 1"
    program.write_text(f"""#!/bin/sh
echo "$DOCKER_BUILDKIT $*" >> "{folder}/calls"
while [ "$1" = --host ]; do shift 2; done
case "$1 $2" in
  "version --format") {version} ;;
  "build --help") {helps} ;;
  "context inspect") echo "{context}" ;;
  "image inspect") case "$5" in {images or "none"}) echo sha256:1234 ;; *) exit 1 ;; esac ;;
  "echo "*) shift; echo "$@" ;;
esac
""")
    program.chmod(0o755)
    return program


def on_path(*folders: Path, **more: str) -> dict[str, str]:
    """An environment whose PATH has just these folders."""
    return {"PATH": os.pathsep.join(map(str, folders)), **more}


def test_the_first_client_that_builds_is_taken(tmp_path: Path, quiet: Progress) -> None:
    without = client(tmp_path / "a", builds=False)
    builds = client(tmp_path / "b")
    found = find_engine(on_path(tmp_path / "a", tmp_path / "b"), quiet)
    assert (found.client, found.host, found.version) == (builds, DEFAULT_HOST, "24.0.7")
    assert f"passed over {without}" in found.reason


def test_a_client_reached_by_two_names_is_tried_once(tmp_path: Path, quiet: Progress) -> None:
    client(tmp_path / "a", builds=False)
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "docker").symlink_to(tmp_path / "a" / "docker")
    with pytest.raises(EngineCannotBuildError):
        find_engine(on_path(tmp_path / "a", tmp_path / "b"), quiet)
    calls = (tmp_path / "a" / "calls").read_text()
    assert calls.count("build --help") == 1


def test_clients_that_cannot_build_are_named_with_their_words(
    tmp_path: Path, quiet: Progress
) -> None:
    program = client(tmp_path, builds=False)
    with pytest.raises(EngineCannotBuildError) as caught:
        find_engine(on_path(tmp_path), quiet)
    assert str(program) in caught.value.seen
    assert NO_BUILDX in caught.value.seen


def test_no_client_says_where_it_was_looked_for(tmp_path: Path, quiet: Progress) -> None:
    with pytest.raises(EngineMissingError) as caught:
        find_engine(on_path(tmp_path), quiet)
    assert str(tmp_path) in caught.value.looked


def test_an_engine_that_does_not_answer_is_named(tmp_path: Path, quiet: Progress) -> None:
    client(tmp_path, refusal="Cannot connect to the Docker daemon. Is it running?")
    with pytest.raises(EngineNotRunningError) as caught:
        find_engine(on_path(tmp_path), quiet)
    assert "Cannot connect" in caught.value.seen
    assert DEFAULT_HOST in caught.value.looked


def test_a_forbidden_socket_is_not_a_missing_engine(tmp_path: Path, quiet: Progress) -> None:
    client(tmp_path, refusal="dial unix /var/run/docker.sock: connect: permission denied")
    with pytest.raises(EngineForbiddenError) as caught:
        find_engine(on_path(tmp_path), quiet)
    assert "group" in caught.value.fix


@pytest.mark.parametrize("version", ["19.03.15", "20.9.1", "1.13"])
def test_an_engine_that_is_too_old_is_refused(
    tmp_path: Path, quiet: Progress, version: str
) -> None:
    client(tmp_path, server=version)
    with pytest.raises(EngineTooOldError) as caught:
        find_engine(on_path(tmp_path), quiet)
    assert version in caught.value.seen


@pytest.mark.parametrize("version", ["20.10.24+dfsg1", "28.2.2"])
def test_an_engine_that_is_new_enough_is_taken(
    tmp_path: Path, quiet: Progress, version: str
) -> None:
    client(tmp_path, server=version)
    assert find_engine(on_path(tmp_path), quiet).version == version


def test_a_client_that_the_server_refuses_does_not_hide_another(
    tmp_path: Path, quiet: Progress
) -> None:
    client(tmp_path / "a", refusal="client version 1.52 is too new", builds=False)
    client(tmp_path / "b")
    found = find_engine(on_path(tmp_path / "a", tmp_path / "b"), quiet)
    assert found.client == tmp_path / "b" / "docker"


def test_docker_host_is_read_once_said_and_passed_on(tmp_path: Path, quiet: Progress) -> None:
    client(tmp_path)
    environ = on_path(tmp_path, DOCKER_HOST="tcp://127.0.0.1:1")
    found = find_engine(environ, quiet)
    assert found.argv("ps") == [str(tmp_path / "docker"), "--host", "tcp://127.0.0.1:1", "ps"]
    assert "DOCKER_HOST" in found.reason
    asked = (tmp_path / "calls").read_text().splitlines()
    assert asked
    assert all("--host tcp://127.0.0.1:1" in line for line in asked)


def test_the_clients_context_is_respected(tmp_path: Path, quiet: Progress) -> None:
    client(tmp_path, context="unix:///home/someone/.desktop/docker.sock")
    found = find_engine(on_path(tmp_path), quiet)
    assert found.host == "unix:///home/someone/.desktop/docker.sock"
    assert "context" in found.reason


def test_a_named_client_is_the_only_one(tmp_path: Path, quiet: Progress) -> None:
    client(tmp_path / "a")
    named = client(tmp_path / "b")
    environ = on_path(tmp_path / "a", DEPLOY_DOCKER=str(named))
    assert find_engine(environ, quiet).client == named


def test_calls_build_with_buildkit_on_the_right_host(tmp_path: Path) -> None:
    one = Engine(client(tmp_path), "unix:///x.sock", "24.0", "test")
    assert one.run("echo", "hello", timeout=20).stdout == "hello\n"
    assert (tmp_path / "calls").read_text() == "1 --host unix:///x.sock echo hello\n"


def test_images_are_found_by_name(tmp_path: Path) -> None:
    one = Engine(client(tmp_path, images="shop:1"), "unix:///x.sock", "24.0", "test")
    assert one.image_id("shop:1") == "sha256:1234"
    assert one.has_image("shop:1")
    assert not one.has_image("shop:2")
    assert one.image_id("shop:2") is None


def test_labels_say_that_it_is_ours() -> None:
    one = Engine(Path("docker"), DEFAULT_HOST, "24.0", "test")
    assert one.labels(stands_in_for="a:1") == [
        "--label",
        "io.deploy-harness.managed=true",
        "--label",
        "io.deploy-harness.stands-in-for=a:1",
    ]


def test_an_engine_travels_to_another_process() -> None:
    one = Engine(Path("docker"), DEFAULT_HOST, "24.0", "test")
    assert pickle.loads(pickle.dumps(one)) == one


def test_an_engine_that_went_away_is_told_not_raised_by_the_sdk(tmp_path: Path) -> None:
    with pytest.raises(EngineNotRunningError):
        Engine(Path("docker"), f"unix://{tmp_path}/gone", "24.0", "test").sdk()


class Machine:
    """A Debian on which installing and starting take effect at once."""

    def __init__(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, *, installs: bool, dockerd: bool
    ) -> None:
        self.folder, self.done = folder, list[str]()
        self.dockerd = dockerd
        monkeypatch.setattr(debian, "may_install", lambda: installs)
        monkeypatch.setattr(debian, "install", self._install)
        monkeypatch.setattr(daemon, "program", lambda: Path("dockerd") if self.dockerd else None)
        monkeypatch.setattr(daemon, "answers", lambda host: "started" in self.done)
        monkeypatch.setattr(daemon, "start", self._start)

    def _install(self, packages: Sequence[str], *_: object, where_offered: Sequence[str]) -> None:
        assert set(where_offered) == {"docker-cli", "docker-buildx"}
        self.done.append(f"installed {' '.join(packages)}")
        self.dockerd = True

    def _start(self, cache: Cache, progress: Progress, environ: object) -> None:
        self.done.append("started")
        client(self.folder)


def test_a_bare_debian_gets_an_engine(
    tmp_path: Path, quiet: Progress, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = Machine(tmp_path / "bin", monkeypatch, installs=True, dockerd=False)
    found = ensure_engine(on_path(tmp_path / "bin"), quiet, Cache(tmp_path / "cache"))
    assert machine.done == ["installed docker.io", "started"]
    assert found.client == tmp_path / "bin" / "docker"


def test_an_installed_engine_is_only_started(
    tmp_path: Path, quiet: Progress, monkeypatch: pytest.MonkeyPatch
) -> None:
    client(tmp_path / "bin", refusal="Cannot connect to the Docker daemon")
    machine = Machine(tmp_path / "bin", monkeypatch, installs=True, dockerd=True)
    ensure_engine(on_path(tmp_path / "bin"), quiet, Cache(tmp_path / "cache"))
    assert machine.done == ["started"]


def test_a_running_engine_is_left_alone(
    tmp_path: Path, quiet: Progress, monkeypatch: pytest.MonkeyPatch
) -> None:
    client(tmp_path / "bin")
    machine = Machine(tmp_path / "bin", monkeypatch, installs=True, dockerd=True)
    ensure_engine(on_path(tmp_path / "bin"), quiet, Cache(tmp_path / "cache"))
    assert machine.done == []


def test_without_the_right_to_install_the_cause_is_told(
    tmp_path: Path, quiet: Progress, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = Machine(tmp_path / "bin", monkeypatch, installs=False, dockerd=False)
    with pytest.raises(EngineMissingError):
        ensure_engine(on_path(tmp_path), quiet, Cache(tmp_path / "cache"))
    assert machine.done == []


def test_an_engine_that_somebody_named_is_never_started(
    tmp_path: Path, quiet: Progress, monkeypatch: pytest.MonkeyPatch
) -> None:
    client(tmp_path / "bin", refusal="Cannot connect to the Docker daemon")
    machine = Machine(tmp_path / "bin", monkeypatch, installs=True, dockerd=True)
    environ = on_path(tmp_path / "bin", DOCKER_HOST="tcp://127.0.0.1:1")
    with pytest.raises(EngineNotRunningError):
        ensure_engine(environ, quiet, Cache(tmp_path / "cache"))
    assert machine.done == []


def test_of_two_that_want_an_engine_one_starts_it(
    tmp_path: Path, quiet: Progress, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = Machine(tmp_path / "bin", monkeypatch, installs=True, dockerd=False)
    gate = threading.Barrier(2)

    def ensure(_: int) -> Engine:
        gate.wait()
        return ensure_engine(on_path(tmp_path / "bin"), quiet, Cache(tmp_path / "cache"))

    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(ensure, range(2))
    assert one == other
    assert machine.done == ["installed docker.io", "started"]
