"""Tools come from the PATH, the cache, their official place, or are built; each with its reason."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from download_support import Site, closed_port, site, whole

from harness.cache import Cache
from harness.progress import Progress
from harness.supply import gobuild, nodes, official, tools

SAYS = {
    "kind": "kind v{} go1.24.6 linux/amd64",
    "helm": "v{}+g1234567",
    "minikube": "v{}",
    "kubectl": '{{"clientVersion": {{"major": "1", "gitVersion": "v{}"}}}}',
}


class FakeEngine:
    """An engine of which only the argument list of a fake client is used."""

    def __init__(self, client: Path, images: tuple[str, ...] = ()) -> None:
        self.client, self.images = client, images

    def argv(self, *words: str) -> list[str]:
        return [str(self.client), *words]

    def has_image(self, ref: str) -> bool:
        return ref in self.images


OFFICIAL = b"#!/bin/sh\necho official\n"


@pytest.fixture(autouse=True)
def pins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Official places at an address of our own; by default nobody is there."""
    file = tmp_path / "pins.toml"
    monkeypatch.setattr(official, "PINS", file)

    def write(address: str, kubectl: str = "v1.34.4") -> None:
        versions = {"kind": "v0.30.0", "helm": "v4.2.4", "kubectl": kubectl, "minikube": "v1.37.0"}
        text = ""
        for name, version in versions.items():
            digest = hashlib.sha256(OFFICIAL).hexdigest()
            text += f'[{name}]\nversion = "{version}"\nurl = "{address}/{name}"\n'
            text += f'[{name}.sha256]\n{official.this_platform()} = "{digest}"\n'
        file.write_text(text)

    write(f"http://127.0.0.1:{closed_port()}")
    return write


@pytest.fixture
def place(pins: Callable[..., None]) -> Iterator[Site]:
    """The official places, with all four tools."""
    with site() as running:
        for name in ("kind", "helm", "kubectl", "minikube"):
            running.puts(f"/{name}", whole(OFFICIAL))
        pins(running.url(""))
        yield running


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


@pytest.fixture
def progress() -> Progress:
    return Progress(stream=io.StringIO())


@pytest.fixture
def put(tmp_path: Path) -> Callable[..., dict[str, str]]:
    """Put fake tools of these versions on a PATH of their own; return the environment."""

    def make(**versions: str) -> dict[str, str]:
        folder = tmp_path / "path"
        folder.mkdir(exist_ok=True)
        for name, version in versions.items():
            script(folder / name, f"echo '{SAYS[name].format(version)}'")
        return {"PATH": str(folder)}

    return make


def script(file: Path, *lines: str) -> Path:
    file.write_text("\n".join(("#!/bin/sh", *lines, "")))
    file.chmod(0o755)
    return file


def cached(cache: Cache, *programs: gobuild.Program) -> None:
    for program in programs:
        folder = cache.path("tools", program.key())
        folder.mkdir(parents=True)
        script(folder / program.name, "echo cached")


def test_tools_on_the_path_are_taken(cache, progress, put):
    environ = put(kind="0.30.0", helm="3.19.2", kubectl="1.33.1")
    found = tools.find_tools(FakeEngine(Path("/none")), cache, progress, environ)
    folder = Path(environ["PATH"])
    assert found == tools.Tools(folder / "kind", folder / "helm", folder / "kubectl")
    assert {reason for _, _, reason in progress.choices} == {"on the PATH"}


@pytest.mark.parametrize(
    ("name", "version", "fits"),
    [
        pytest.param("kind", "0.29.0", False, id="kind-older"),
        pytest.param("kind", "0.30.0-alpha+123", True, id="kind-prerelease"),
        pytest.param("kind", "1.0.0", True, id="kind-newer"),
        pytest.param("helm", "3.18.6", False, id="helm-older"),
        pytest.param("helm", "4.2.4", True, id="helm-4"),
        pytest.param("kubectl", "1.32.4-dispatcher", False, id="kubectl-two-older"),
        pytest.param("kubectl", "1.33.0", True, id="kubectl-one-older"),
        pytest.param("kubectl", "1.35.9", True, id="kubectl-one-newer"),
        pytest.param("kubectl", "1.36.0", False, id="kubectl-two-newer"),
        pytest.param("kubectl", "2.34.0", False, id="kubectl-other-major"),
    ],
)
def test_only_a_version_that_fits_is_taken(put, name, version, fits):
    tool = {"kind": tools.KIND, "helm": tools.HELM, "kubectl": tools.kubectl("v1.34.4")}[name]
    path, seen = tool.on_path(put(**{name: version}))
    assert (path is not None) == fits
    assert "v" + version.split("+")[0] in seen


def test_broken_tool_on_the_path_is_passed_over_with_its_words(put, tmp_path):
    environ = put(kind="0.30.0")
    script(tmp_path / "path" / "kind", "echo cannot run >&2", "exit 3")
    path, seen = tools.KIND.on_path(environ)
    assert path is None
    assert "does not tell its version" in seen


def test_missing_tool_says_what_to_do(cache, progress, put):
    environ = put(helm="4.2.4", kind="0.20.0")
    with pytest.raises(tools.ToolMissingError) as caught:
        tools.find_tools(FakeEngine(Path("/none")), cache, progress, environ)
    text = str(caught.value)
    assert "kind 0.30 or later" in text
    assert "v0.20.0" in text
    assert str(cache.root) in text
    assert "make prepare" in text


def test_cache_is_used_and_says_why_not_the_path(cache, progress, put):
    cached(cache, gobuild.KIND, gobuild.HELM, gobuild.KUBERNETES)
    environ = put(kubectl="1.20.0")
    found = tools.find_tools(FakeEngine(Path("/none")), cache, progress, environ)
    assert found.kind == gobuild.KIND.cached(cache)
    assert found.kubectl.name == "kubectl"
    assert found.kubectl.samefile(gobuild.KUBERNETES.cached(cache))
    reasons = {name: reason for name, _, reason in progress.choices}
    assert "v1.20.0, needed is 1.33 to 1.35" in reasons["kubectl"]


def test_kubectl_comes_out_of_the_official_image_without_compiling(cache, progress, put, tmp_path):
    environ = put(kind="0.30.0", helm="4.2.4")
    client = script(
        tmp_path / "docker",
        f'echo "$@" >>{tmp_path}/calls',
        'case $1 in create) echo box ;; cp) for last; do :; done; echo tool >"$last" ;; esac',
    )
    engine = FakeEngine(client, (nodes.OFFICIAL,))
    found = tools.ensure_tools(engine, cache, progress, environ)
    assert found.kubectl.read_text() == "tool\n"
    calls = (tmp_path / "calls").read_text().splitlines()
    assert [call.split()[0] for call in calls] == ["create", "cp", "rm"]
    assert "io.deploy-harness.managed=true" in calls[0]
    # The second time nothing is asked of the engine, and `find` finds it too.
    assert tools.ensure_tools(engine, cache, progress, environ) == found
    assert tools.find_tools(engine, cache, progress, environ) == found
    assert len((tmp_path / "calls").read_text().splitlines()) == len(calls)


def test_what_is_missing_is_built(cache, progress, put, monkeypatch):
    cached(cache, gobuild.HELM, gobuild.KUBERNETES)
    compiler = script(
        cache.root / "go",
        "case $1 in version) echo go version go1.99 linux/amd64; exit ;; esac",
        'for word; do case $word in -o=*) echo built >"${word#-o=}" ;; esac; done',
        'echo "$CGO_ENABLED $GOFLAGS $@" >"$0.said"',
    )
    environ = put()
    shutil.copy2(compiler, Path(environ["PATH"]) / "go")
    found = tools.ensure_tools(FakeEngine(Path("/none")), cache, progress, environ)
    assert found.kind.read_text() == "built\n"
    said = (Path(environ["PATH"]) / "go.said").read_text()
    assert said.startswith("0  build")
    assert "-mod=readonly" in said
    reasons = {name: (path, reason) for name, path, reason in progress.choices}
    path, reason = reasons["kind"]
    assert path == str(found.kind)
    assert reason.startswith("built from the Go module proxy; 127.0.0.1: it cannot be reached: ")
    assert reasons["helm"][1] == "in our cache, built from the Go module proxy before"


def test_official_releases_come_before_building(cache, progress, put, place):
    environ = put(kind="0.20.0")
    found = tools.ensure_tools(FakeEngine(Path("/none")), cache, progress, environ)
    assert [path.read_bytes() for path in (found.kind, found.helm, found.kubectl)] == [OFFICIAL] * 3
    reasons = {name: reason for name, _, reason in progress.choices}
    assert reasons["helm"] == "downloaded from 127.0.0.1, checksum as pinned"
    assert reasons["kind"].startswith("downloaded from 127.0.0.1, checksum as pinned; ")
    assert "v0.20.0, needed is 0.30 or later" in reasons["kind"]
    assert "no node image is in the engine" in reasons["kubectl"]
    # Found again without asking anybody.
    again = Progress(quiet=True)
    assert tools.find_tools(FakeEngine(Path("/none")), cache, again, environ) == found
    assert {name: reason for name, _, reason in again.choices}["helm"] == (
        "in our cache, downloaded before from 127.0.0.1"
    )
    assert sorted(place.asked) == ["/helm", "/kind", "/kubectl"]


def test_a_release_that_does_not_fit_the_cluster_is_not_downloaded(
    cache, progress, put, place, pins, monkeypatch
):
    pins(place.url(""), kubectl="v1.30.0")
    cached(cache, gobuild.KIND, gobuild.HELM)
    client = script(
        cache.root / "docker", 'case $1 in cp) for last; do :; done; echo tool >"$last" ;; esac'
    )
    engine = FakeEngine(client)
    monkeypatch.setattr(
        tools, "ensure_node_image", lambda *_: setattr(engine, "images", (nodes.OFFICIAL,))
    )
    found = tools.ensure_tools(engine, cache, progress, put())
    assert found.kubectl.read_text() == "tool\n"
    assert "official v1.30.0 does not fit the cluster" in progress.choices[-1][2]
    assert place.asked == []


def test_minikube_is_downloaded_and_found_again(cache, progress, put, place):
    with pytest.raises(tools.ToolMissingError, match=r"DEPLOY_CLUSTER=minikube make prepare"):
        tools.find_minikube(cache, progress, put())
    program = tools.ensure_minikube(cache, progress, put())
    assert program.read_bytes() == OFFICIAL
    assert tools.find_minikube(cache, progress, put()) == program
    environ = put(minikube="1.37.0")
    assert tools.find_minikube(cache, progress, environ) == Path(environ["PATH"]) / "minikube"


def test_minikube_is_built_where_its_place_is_not_reached(cache, progress, put):
    environ = put()
    script(
        Path(environ["PATH"]) / "go",
        "case $1 in version) echo go version go1.99 linux/amd64; exit ;; esac",
        'for word; do case $word in -o=*) echo built >"${word#-o=}" ;; esac; done',
    )
    program = tools.ensure_minikube(cache, progress, environ)
    assert program == gobuild.MINIKUBE.cached(cache)
    assert tools.find_minikube(cache, progress, environ) == program


def test_failed_build_leaves_nothing_and_names_the_proxy(cache, progress, put):
    environ = put()
    script(
        Path(environ["PATH"]) / "go",
        "case $1 in version) echo go version go1.99 linux/amd64; exit ;; esac",
        "echo no such module >&2; exit 1",
    )
    with pytest.raises(gobuild.ProgramBuildFailedError) as caught:
        gobuild.KIND.build(cache, progress, environ)
    assert "no such module" in caught.value.seen
    assert "GOPROXY" in caught.value.fix
    assert gobuild.KIND.cached(cache) is None


@pytest.mark.parametrize(
    ("program", "version"),
    [
        (gobuild.KIND, "v0.30.0"),
        (gobuild.HELM, "v4.2.4"),
        (gobuild.KUBERNETES, "v1.34.4"),
        (gobuild.ETCD, "v3.6.5"),
        (gobuild.COREDNS, "v1.12.1"),
        (gobuild.CRICTL, "v1.34.0"),
        (gobuild.MINIKUBE, "v1.37.0"),
        (gobuild.PAUSE, "local"),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_versions_are_read_from_the_pins(program, version):
    assert program.version == version
    assert version in program.key()


def test_version_is_stamped_as_kubernetes_does():
    flags = gobuild.KUBERNETES.linker_flags.split()
    assert "-X=k8s.io/component-base/version.gitVersion=v1.34.4" in flags
    assert "-X=k8s.io/component-base/version.gitMinor=34" in flags


def test_key_follows_system_and_content(tmp_path, monkeypatch):
    assert gobuild.KIND.key("linux") != gobuild.KIND.key("darwin")
    monkeypatch.setattr(gobuild, "SOURCES", tmp_path)
    shutil.copytree(Path(__file__).parents[1] / "supply" / "go" / "kind", tmp_path / "kind")
    before = gobuild.KIND.key()
    with (tmp_path / "kind" / "go.sum").open("a") as file:
        file.write("\n")
    assert gobuild.KIND.key() != before


def test_missing_pin_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(gobuild, "SOURCES", tmp_path)
    (tmp_path / "kind").mkdir()
    (tmp_path / "kind" / "go.mod").write_text("module x\n")
    with pytest.raises(gobuild.ModulePinMissingError, match=r"sigs\.k8s\.io"):
        _ = gobuild.KIND.version


@pytest.mark.skipif(shutil.which("go") is None, reason="needs a Go compiler")
def test_pause_ends_when_told_and_reaps(cache, progress):
    program = gobuild.PAUSE.build(cache, progress, os.environ)
    process = subprocess.Popen([program])
    try:
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.3)
    finally:
        process.terminate()
    assert process.wait(5) == 0
