"""A node image is found, pulled, or built; a failed build is named and leaves nothing."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from harness.cache import Cache
from harness.progress import Progress
from harness.supply import debian, gobuild, nodeassembly, nodebuild, nodes

RECIPE = nodebuild.RECIPE


class FakeEngine:
    """An engine with these images whose client writes down what it is asked."""

    def __init__(self, folder: Path, *images: str) -> None:
        self.images, self.log = set(images), folder / "calls"
        self.client = script(
            folder / "docker",
            f'echo "$*" >>{self.log}',
            f'[ -e {folder}/fail-"$1" ] && {{ echo "no $1 today" >&2; exit 1; }}',
            'case $1 in run) echo box ;; save) : >"${2#--output=}" ;; esac',
            "exit 0",
        )
        self.fail = lambda word: (folder / f"fail-{word}").touch()

    def argv(self, *words: str) -> list[str]:
        return [str(self.client), *words]

    def has_image(self, ref: str) -> bool:
        return ref in self.images

    @property
    def calls(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []


def script(file: Path, *lines: str) -> Path:
    file.write_text("\n".join(("#!/bin/sh", *lines, "")))
    file.chmod(0o755)
    return file


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


@pytest.fixture
def progress() -> Progress:
    return Progress(stream=io.StringIO())


@pytest.fixture
def nothing_to_compile(monkeypatch, tmp_path):
    """Stand in for minutes of compiling and for Debian's archive, not for the engine."""
    program = script(tmp_path / "program")
    monkeypatch.setattr(gobuild.Program, "build", lambda *_, **__: program)
    monkeypatch.setattr(nodebuild, "runtime_wrapper", lambda *_: program)
    path = tmp_path / "mmdebstrap"
    script(
        path, f'echo "$@" >{tmp_path}/mmdebstrap.said', 'for last; do :; done; echo tar >"$last"'
    )
    monkeypatch.setattr(nodebuild, "_mmdebstrap", lambda *_: str(path))


def unreachable(monkeypatch) -> None:
    monkeypatch.setattr(nodes, "registry_reachable", lambda *_: False)


def test_official_image_in_the_engine_comes_first(cache, progress, tmp_path):
    engine = FakeEngine(tmp_path, nodes.OFFICIAL, nodebuild.reference())
    image = nodes.find_node_image(engine, cache, progress, {})
    assert image.ref == nodes.OFFICIAL
    assert image.kubernetes_version == "v1.34.0"
    assert not image.stand_in
    assert engine.calls == []


def test_built_image_says_that_it_is_a_stand_in(cache, progress, tmp_path):
    ours = nodebuild.reference()
    image = nodes.find_node_image(FakeEngine(tmp_path, ours), cache, progress, {})
    assert image == nodes.NodeImage(
        ours,
        gobuild.KUBERNETES.version,
        stand_in=True,
        detail=f"{ours}: built from packages before",
    )
    assert [what for what, _, _ in progress.choices] == ["node image"]


def test_finding_none_names_both_and_the_remedy(cache, progress, tmp_path):
    with pytest.raises(nodes.NodeImageMissingError) as caught:
        nodes.find_node_image(FakeEngine(tmp_path), cache, progress, {})
    assert nodes.OFFICIAL in caught.value.looked
    assert nodebuild.reference() in caught.value.looked
    assert "make prepare" in caught.value.fix


def test_named_image_is_the_only_one_that_counts(cache, progress, tmp_path):
    environ = {nodes.VARIABLE: "mine/node:v1.33.2"}
    engine = FakeEngine(tmp_path, nodes.OFFICIAL)
    with pytest.raises(nodes.NamedNodeImageMissingError, match=r"mine/node:v1\.33\.2"):
        nodes.find_node_image(engine, cache, progress, environ)
    engine.images.add("mine/node:v1.33.2")
    image = nodes.find_node_image(engine, cache, progress, environ)
    assert (image.ref, image.kubernetes_version) == ("mine/node:v1.33.2", "v1.33.2")
    assert nodes.wanted_kubernetes(environ) == "v1.33.2"


def test_named_image_is_pulled_or_its_failure_told(cache, progress, tmp_path):
    environ = {nodes.VARIABLE: "mine/node:latest"}
    engine = FakeEngine(tmp_path)
    assert nodes.ensure_node_image(engine, cache, progress, environ).kubernetes_version == ""
    assert engine.calls == ["pull mine/node:latest"]
    engine.fail("pull")
    with pytest.raises(nodes.NamedNodeImageMissingError, match="no pull today"):
        nodes.ensure_node_image(engine, cache, progress, environ)


def test_official_image_is_pulled_where_its_registry_answers(
    cache, progress, tmp_path, monkeypatch
):
    monkeypatch.setattr(nodes, "registry_reachable", lambda *_: True)
    engine = FakeEngine(tmp_path)
    assert nodes.ensure_node_image(engine, cache, progress, {}).ref == nodes.OFFICIAL
    assert engine.calls == [f"pull {nodes.OFFICIAL}"]
    engine.fail("pull")
    with pytest.raises(nodes.NodePullFailedError, match="no pull today"):
        nodes.ensure_node_image(engine, cache, progress, {})


@pytest.mark.usefixtures("nothing_to_compile")
def test_image_is_built_where_no_registry_answers(cache, progress, tmp_path, monkeypatch):
    unreachable(monkeypatch)
    engine = FakeEngine(tmp_path)
    image = nodes.ensure_node_image(engine, cache, progress, {})
    assert image.stand_in
    assert image.ref == nodebuild.reference()
    calls = engine.calls
    targets = [call.split("--target=")[1].split()[0] for call in calls if call.startswith("build")]
    assert targets == ["base", *nodeassembly.COMPONENTS]
    assert all(
        f"--label={nodeassembly.LABEL}" in c for c in calls if c.split()[0] in {"build", "run"}
    )
    assert [c.split()[0] for c in calls[-4:]] == ["exec", "commit", "rm", "rmi"]
    assert calls[-3].endswith(f"box {image.ref}")
    said = (tmp_path / "mmdebstrap.said").read_text()
    assert "containerd" in said
    assert f"--customize-hook={RECIPE / 'trim'}" in said


@pytest.mark.usefixtures("nothing_to_compile")
@pytest.mark.parametrize("word", ["build", "save", "run", "cp", "exec", "commit"])
def test_failed_build_names_its_step_and_leaves_nothing(
    cache, progress, tmp_path, monkeypatch, word
):
    unreachable(monkeypatch)
    engine = FakeEngine(tmp_path)
    engine.fail(word)
    with pytest.raises(nodeassembly.NodeBuildFailedError) as caught:
        nodes.ensure_node_image(engine, cache, progress, {})
    assert f"no {word} today" in caught.value.seen
    assert f"{engine.client} {word}" in caught.value.looked
    assert engine.calls[-1].startswith("rmi ")
    assert ("rm --force --volumes box" in engine.calls) == (word in {"cp", "exec", "commit"})


def test_packages_that_cannot_be_had_are_told(cache, progress, tmp_path, monkeypatch):
    failing = script(tmp_path / "mmdebstrap", "echo E: unable to fetch >&2", "exit 25")
    monkeypatch.setattr(nodebuild, "_mmdebstrap", lambda *_: str(failing))
    with pytest.raises(nodebuild.PackagesFailedError, match="unable to fetch"):
        nodebuild._root_file_system(cache, progress)


def test_mmdebstrap_that_is_missing_is_told(cache, progress, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    monkeypatch.setattr(debian, "may_install", lambda: False)
    with pytest.raises(nodebuild.MmdebstrapMissingError, match="apt-get install mmdebstrap"):
        nodebuild._root_file_system(cache, progress)


def test_reference_follows_recipe_and_programs(monkeypatch, tmp_path):
    before = nodebuild.reference()
    assert before.startswith(f"{nodebuild.REPOSITORY}:{gobuild.KUBERNETES.version}-")
    shutil.copytree(RECIPE, tmp_path / "node", symlinks=True)
    shutil.copytree(nodebuild.RUNTIME, tmp_path / "runtime")
    monkeypatch.setattr(nodebuild, "RECIPE", tmp_path / "node")
    monkeypatch.setattr(nodebuild, "RUNTIME", tmp_path / "runtime")
    assert nodebuild.reference() == before
    (tmp_path / "node" / "packages.txt").write_text("vim\n")
    assert nodebuild.reference() != before


@pytest.mark.parametrize(
    "file",
    sorted(path for path in RECIPE.rglob("*") if path.is_file() and path.read_bytes()[:2] == b"#!"),
    ids=lambda path: path.name,
)
def test_scripts_of_the_recipe_are_well_formed_and_executable(file):
    shell = "bash" if "bash" in file.read_text().splitlines()[0] else "sh"
    checked = subprocess.run([shell, "-n", file], capture_output=True, text=True, check=False)
    assert checked.stderr == ""
    assert os.access(file, os.X_OK)


def test_network_of_pods_is_named_once_for_all():
    """The entry point masquerades, and the manifest tells, what the plugins hand out."""
    root = RECIPE / "rootfs"
    plugins = json.loads((root / "etc/cni/net.d/10-pods.conflist").read_text())["plugins"]
    subnet = plugins[0]["ipam"]["ranges"][0][0]["subnet"]
    assert f"pod_subnet={subnet}\n" in (root / "usr/local/bin/entrypoint").read_text()
    assert f"subnet: {subnet}\n" in (root / "kind/manifests/default-cni.yaml").read_text()


def test_storage_class_names_the_node_s_provisioner():
    source = (gobuild.SOURCES / "kubernetes" / "storage.go").read_text()
    manifest = (RECIPE / "rootfs/kind/manifests/default-storage.yaml").read_text()
    name = manifest.split("provisioner: ")[1].split()[0]
    assert f'= "{name}"' in source
