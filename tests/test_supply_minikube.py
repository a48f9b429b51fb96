"""The base image of Minikube's node is found, or made of the node image and named by content."""

from __future__ import annotations

import io
import shutil
from pathlib import Path
from typing import Any

import pytest

from harness.cache import Cache
from harness.command import CommandFailedError, Completed
from harness.labels import MANAGED
from harness.progress import Progress
from harness.redact import Redactor
from harness.supply import gobuild, minikubebase, nodebuild, nodes
from harness.supply.minikubebase import BASE, OFFICIAL, RECIPE


class FakeEngine:
    """An engine with these images, that notes what it is to build."""

    def __init__(self, *images: str, fails: bool = False) -> None:
        self.images, self.fails, self.built = set(images), fails, list[str]()

    def has_image(self, ref: str) -> bool:
        return ref in self.images

    def labels(self) -> list[str]:
        return ["--label", f"{MANAGED}=true"]

    def run(self, *words: Any, **_: Any) -> None:
        if self.fails:
            done = Completed(tuple(map(str, words)), 1, "", "E: no package lz4", 0.1)
            raise CommandFailedError(done, Redactor())
        self.built = [str(word) for word in words]
        self.images.add(minikubebase.reference())


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


@pytest.fixture
def progress() -> Progress:
    return Progress(stream=io.StringIO())


@pytest.fixture(autouse=True)
def nothing_to_assemble(monkeypatch: pytest.MonkeyPatch) -> None:
    """No registry answers, and the node's image takes no minutes."""
    monkeypatch.setattr(nodes, "registry_reachable", lambda *_: False)
    monkeypatch.setattr(nodebuild, "build", lambda *_: nodebuild.reference())


def test_made_of_the_node_image_where_no_registry_answers(cache: Cache, progress: Progress) -> None:
    engine: Any = FakeEngine()
    image = nodes.ensure_node_image(engine, cache, progress, {}, BASE)
    assert (image.ref, image.stand_in) == (minikubebase.reference(), True)
    assert image.kubernetes_version == gobuild.KUBERNETES.version
    assert f"--build-arg=NODE={nodebuild.reference()}" in engine.built
    assert f"{MANAGED}=true" in engine.built
    assert [what for what, _, _ in progress.choices] == ["minikube base"]
    engine.built = []
    again = nodes.find_node_image(engine, cache, progress, {}, BASE)
    assert (again.ref, engine.built) == (image.ref, [])


def test_failed_build_is_told(cache: Cache, progress: Progress) -> None:
    engine: Any = FakeEngine(fails=True)
    with pytest.raises(minikubebase.MinikubeBaseFailedError, match="no package lz4") as caught:
        nodes.ensure_node_image(engine, cache, progress, {}, BASE)
    assert str(RECIPE) in caught.value.looked


def test_official_one_comes_first_in_the_version_that_minikube_names(
    cache: Cache, progress: Progress
) -> None:
    engine: Any = FakeEngine(OFFICIAL, minikubebase.reference())
    image = nodes.find_node_image(engine, cache, progress, {}, BASE)
    assert (image.ref, image.kubernetes_version, image.stand_in) == (OFFICIAL, "v1.34.0", False)


def test_none_names_both_and_the_remedy(cache: Cache, progress: Progress) -> None:
    engine: Any = FakeEngine()
    with pytest.raises(nodes.NodeImageMissingError, match="Minikube's node") as caught:
        nodes.find_node_image(engine, cache, progress, {}, BASE)
    assert OFFICIAL in caught.value.looked
    assert minikubebase.reference() in caught.value.looked
    assert "DEPLOY_CLUSTER=minikube make prepare" in caught.value.fix


def test_named_one_is_the_only_one_that_counts(cache: Cache, progress: Progress) -> None:
    engine: Any = FakeEngine(OFFICIAL)
    environ = {BASE.variable: "mine/kicbase:v1"}
    with pytest.raises(nodes.NamedNodeImageMissingError, match=BASE.variable):
        nodes.find_node_image(engine, cache, progress, environ, BASE)
    engine.images.add("mine/kicbase:v1")
    assert nodes.find_node_image(engine, cache, progress, environ, BASE).ref == "mine/kicbase:v1"


def test_reference_follows_recipe_and_node(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = minikubebase.reference()
    assert before.startswith(f"{minikubebase.REPOSITORY}:{gobuild.KUBERNETES.version}-")
    shutil.copytree(RECIPE, tmp_path / "recipe")
    monkeypatch.setattr(minikubebase, "RECIPE", tmp_path / "recipe")
    assert minikubebase.reference() == before
    with (tmp_path / "recipe" / "Dockerfile").open("a") as file:
        file.write("USER nobody\n")
    assert minikubebase.reference() != before
    monkeypatch.setattr(minikubebase, "RECIPE", RECIPE)
    monkeypatch.setattr(nodebuild, "reference", lambda: "deploy-supply/kind-node:v1.34.4-other")
    assert minikubebase.reference() != before
