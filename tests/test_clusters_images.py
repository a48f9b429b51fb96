"""Images in a node: sent only when missing, verified, and tidied up."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from clusters_support import World
from kube_support import FakeApi

from harness.clusters.errors import ClusterMissingError, ImageMissingError, ImageNotLoadedError
from harness.clusters.node_disk import KEEP, Ledger, NodeImage, repository, superseded


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    api = FakeApi()
    world = World(tmp_path / "world", api)
    world.make()
    images = {f"app:{i}": f"sha256:app{i}" for i in range(9)} | {"db:1": "sha256:db1"}
    world.books.change(images=world.books.read()["images"] | images)
    yield world
    api.close()


def saves(world: World) -> list[list[str]]:
    return [call[1:] for call in world.books.calls("docker") if call[0] == "save"]


def test_all_that_is_missing_goes_in_one_stream(world: World) -> None:
    saves(world)
    loaded = world.provider().load(["app:1", "db:1", "app:1"])
    assert loaded.loaded == ("app:1", "db:1")
    assert saves(world) == [["app:1", "db:1"]]


def test_what_the_node_holds_is_not_sent(world: World) -> None:
    world.provider().load(["app:1"])
    saves(world)
    loaded = world.provider().load(["app:1", "db:1"])
    assert (loaded.loaded, loaded.already_there) == (("db:1",), ("app:1",))
    assert saves(world) == [["db:1"]]
    assert world.provider().load(["app:1", "db:1"]).loaded == ()
    assert saves(world) == []


def sent(world: World) -> int:
    """Return how many bytes went into the node with the last import."""
    return sum(world.books.read()["sent"].values())


@pytest.mark.parametrize("oci", [False, True])
def test_layer_that_the_node_has_is_left_out(world: World, *, oci: bool) -> None:
    world.books.change(oci=oci)
    world.provider().load(["app:1"])
    first = sent(world)
    layers = [d for d, size in world.books.read()["content"].items() if size == 1300]
    assert len(layers) == 1
    world.provider().load(["app:2"])
    assert layers[0] not in world.books.read()["sent"]
    assert first - 1300 - 50 < sent(world) < first - 1300 + 50
    assert set(world.books.read()["held"]) == {"sha256:app1", "sha256:app2"}


@pytest.mark.parametrize("oci", [False, True])
def test_layer_of_which_the_node_has_only_the_name_is_sent(world: World, *, oci: bool) -> None:
    world.books.change(oci=oci)
    world.provider().load(["app:1"])
    content = world.books.read()["content"]
    [layer] = [d for d, size in content.items() if size == 1300]
    world.books.change(content=content | {layer: 0})
    world.provider().load(["app:2"])
    assert world.books.read()["sent"][layer] == 1300


def test_all_is_sent_when_the_node_does_not_have_what_it_told(world: World) -> None:
    """Between the look and the import the node's own tidying may have removed a layer."""
    world.provider().load(["app:1"])
    world.books.change(forgets=True)
    saves(world)
    assert world.provider().load(["app:2"]).loaded == ("app:2",)
    assert saves(world) == [["app:2"]] * 2


def test_names_of_layers_are_forgotten_with_the_cluster(world: World) -> None:
    world.provider().load(["app:1"])
    known = world.provider().folder / "images-layers.json"
    assert len(json.loads(known.read_text())) == 2
    world.provider().delete()
    assert not known.exists()


def test_knowledge_that_is_nonsense_is_none(world: World) -> None:
    world.provider().load(["app:1"])
    (world.provider().folder / "images-layers.json").write_text("{half")
    assert world.provider().load(["app:2"]).loaded == ("app:2",)


@pytest.mark.parametrize("fails", [False, True])
def test_another_tag_of_what_the_node_holds_is_only_named(world: World, *, fails: bool) -> None:
    world.books.change(
        images=world.books.read()["images"] | {"app:next": "sha256:app1", "web:1": "sha256:app1"},
        tag_fails=fails,
    )
    world.provider().load(["app:1"])
    saves(world)
    assert world.provider().load(["app:next"]).loaded == ("app:next",)
    assert saves(world) == ([["app:next"]] if fails else [])
    assert world.provider().load(["app:1", "app:next"]).loaded == ()
    world.provider().load(["web:1"])
    assert saves(world) == [["web:1"]], "its name is that of another image"


def test_same_name_with_other_content_is_sent(world: World) -> None:
    world.provider().load(["app:1"])
    images = world.books.read()["images"] | {"app:1": "sha256:new"}
    world.books.change(images=images)
    assert world.provider().load(["app:1"]).loaded == ("app:1",)


def test_engine_that_counts_ids_otherwise(world: World) -> None:
    """An engine on containerd names an image by its manifest: the layers then tell."""
    world.books.change(node_id="config-")
    assert world.provider().load(["app:1"]).loaded == ("app:1",)
    assert world.provider().load(["app:1"]).already_there == ("app:1",)


def test_image_that_the_engine_does_not_have(world: World) -> None:
    with pytest.raises(ImageMissingError, match="ghost:1"):
        world.provider().load(["app:1", "ghost:1"])
    assert saves(world) == []


def test_import_that_fails_says_why(world: World) -> None:
    world.books.change(import_fails=True)
    with pytest.raises(ImageNotLoadedError, match="no space left"):
        world.provider().load(["app:1"])


def test_import_is_not_believed_but_looked_at(world: World) -> None:
    world.books.change(import_loses=True)
    with pytest.raises(ImageNotLoadedError, match="app:1"):
        world.provider().load(["app:1"])


def test_load_needs_a_running_cluster(world: World) -> None:
    world.provider().stop()
    with pytest.raises(ClusterMissingError):
        world.provider().load(["app:1"])


def test_superseded_images_go_but_the_newest_few(world: World) -> None:
    world.provider().load(["db:1"])
    for i in range(KEEP + 3):
        world.provider().load([f"app:{i}"])
    held = set(world.books.read()["held"])
    assert held == {"sha256:db1"} | {f"sha256:app{i}" for i in range(2, KEEP + 3)}


def test_what_a_container_uses_stays(world: World) -> None:
    world.books.change(used=["sha256:app0"])
    for i in range(KEEP + 2):
        world.provider().load([f"app:{i}"])
    world.provider().load([f"app:{KEEP + 2}"])
    assert "sha256:app0" in world.books.read()["held"]
    assert "sha256:app1" not in world.books.read()["held"]


def test_content_that_lost_its_name_goes_too() -> None:
    ledger = {f"sha256:{i}": ("app", float(i)) for i in range(6)}
    held = [NodeImage(f"sha256:{i}", ()) for i in range(5)] + [NodeImage("sha256:5", ("app:1",))]
    gone = superseded(["app:1"], held, set(), ledger)
    assert {image.id for image in gone} == {"sha256:0", "sha256:1"}


def test_what_we_did_not_bring_is_never_removed() -> None:
    held = [NodeImage(f"sha256:{i}", (f"app:{i}",)) for i in range(20)]
    assert superseded(["app:99"], held, set(), {}) == []


def test_ledger_survives_nonsense(tmp_path: Path) -> None:
    file = tmp_path / "images.json"
    file.write_text("{half")
    ledger = Ledger(file)
    assert ledger.read() == {}
    ledger.note([NodeImage("sha256:1", ("reg.example/library/app:1",))], ["app:1"])
    assert ledger.read()["sha256:1"][0] == "app"


@pytest.mark.parametrize(
    ("ref", "expected"),
    [
        ("app:1", "app"),
        ("a.example:5000/app", "a.example:5000/app"),
        ("a.example:5000/me/app:2", "a.example:5000/me/app"),
        ("app:1@sha256:0", "app"),
    ],
)
def test_repository(ref: str, expected: str) -> None:
    assert repository(ref) == expected
