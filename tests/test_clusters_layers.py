"""Layers read out of an engine's own storage: byte for byte, or not at all."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from clusters_support import World
from kube_support import FakeApi

from harness.clusters import delivery
from harness.clusters.engine_layers import EngineLayers, LayerUnreadableError
from harness.clusters.oci_layout import Described, documents

FILES = {"app/own.py": b"print('own')\n", "app/empty": b"", "etc/n\xe4me": b"n" * 700}


def digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def tar_of(files: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, data in files.items():
            head = tarfile.TarInfo(name)
            head.size, head.mtime = len(data), 1_700_000_000
            archive.addfile(head, io.BytesIO(data))
        gone = tarfile.TarInfo("app/.wh.gone")
        archive.addfile(gone)
        link = tarfile.TarInfo("app/link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    return target.getvalue()


def split(data: bytes) -> Iterator[dict[str, Any]]:
    """Yield what an engine notes of an archive beside its files (github.com/vbatts/tar-split)."""
    end = 0
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for member in archive:
            yield {"type": 2, "payload": base64.b64encode(data[end : member.offset_data]).decode()}
            end = member.offset_data + (member.size if member.isreg() else 0)
            entry: dict[str, Any] = {"type": 1, "payload": "crc"}
            if member.name.isascii():
                entry["name"] = member.name
            else:
                entry["name_raw"] = base64.b64encode(member.name.encode()).decode()
            yield entry | ({"size": member.size} if member.isreg() and member.size else {})
    yield {"type": 2, "payload": base64.b64encode(data[end:]).decode()}


class Storage:
    """An engine's folder with images in it."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(self, *layers: dict[str, bytes], marker: str = "") -> tuple[str, list[str]]:
        """Add an image; return its id and the digests of its layers."""
        archives = [tar_of(files) for files in layers]
        digests = [digest(data) for data in archives]
        chain = ""
        for files, data in zip(layers, archives, strict=True):
            chain = digest(f"{chain} {digest(data)}".encode()) if chain else digest(data)
            entry = self.root / "image/overlay2/layerdb/sha256" / chain[7:]
            entry.mkdir(parents=True, exist_ok=True)
            (entry / "cache-id").write_text(f"cache-{chain[7:17]}")
            (entry / "size").write_text(str(sum(map(len, files.values()))))
            with gzip.open(entry / "tar-split.json.gz", "wt") as lines:
                lines.writelines(json.dumps(line) + "\n" for line in split(data))
            for name, content in files.items():
                file = self.root / f"overlay2/cache-{chain[7:17]}/diff" / name
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content)
        config = json.dumps({"rootfs": {"diff_ids": digests}, "id": marker}).encode()
        image = self.root / "image/overlay2/imagedb/content/sha256" / digest(config)[7:]
        image.parent.mkdir(parents=True, exist_ok=True)
        image.write_bytes(config)
        return digest(config), digests


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return Storage(tmp_path / "engine")


BASE = {"usr/lib/base": b"b" * 3000}


def test_layer_is_what_it_was_byte_for_byte(storage: Storage) -> None:
    image, digests = storage.put(BASE, FILES)
    layers = EngineLayers(storage.root)
    assert json.loads(layers.config(image))["rootfs"]["diff_ids"] == digests
    assert layers.layer(digests, 0) == tar_of(BASE)
    assert layers.layer(digests, 1) == tar_of(FILES)
    assert layers.size(digests, 0) == 3000


@pytest.mark.parametrize("what", ["changed", "longer", "gone", "no cache-id", "no split", "cut"])
def test_what_is_not_as_it_was_is_not_believed(storage: Storage, what: str) -> None:
    _, digests = storage.put(BASE, FILES)
    [file] = storage.root.glob("overlay2/*/diff/app/own.py")
    [entry] = [
        path.parent
        for path in storage.root.glob("image/overlay2/layerdb/sha256/*/cache-id")
        if path.read_text() == file.parents[2].name
    ]
    if what == "changed":
        file.write_bytes(b"print('owm')\n")
    elif what == "longer":
        file.write_bytes(b"print('own')\n\n")
    elif what == "gone":
        file.unlink()
    elif what == "no cache-id":
        (entry / "cache-id").unlink()
    elif what == "no split":
        (entry / "tar-split.json.gz").unlink()
    else:
        data = (entry / "tar-split.json.gz").read_bytes()
        (entry / "tar-split.json.gz").write_bytes(data[: len(data) // 2])
    layers = EngineLayers(storage.root)
    with pytest.raises(LayerUnreadableError):
        layers.layer(digests, 1)
    assert layers.layer(digests, 0) == tar_of(BASE)


def test_image_that_is_not_there(storage: Storage) -> None:
    storage.put(BASE)
    layers = EngineLayers(storage.root)
    with pytest.raises(LayerUnreadableError):
        layers.config("sha256:none")
    with pytest.raises(LayerUnreadableError):
        layers.size(["sha256:none"], 0)


def engine(root: Path, driver: str = "overlay2", *, local: bool = True) -> Any:
    return SimpleNamespace(local=local, argv=lambda *words: ["echo", driver, str(root)])


def test_storage_is_found_where_this_process_can_read_it(storage: Storage, tmp_path: Path) -> None:
    storage.put(BASE)
    assert EngineLayers.of(engine(storage.root)) == EngineLayers(storage.root)
    assert EngineLayers.of(engine(storage.root, "overlayfs")) is None
    assert EngineLayers.of(engine(tmp_path / "elsewhere")) is None
    assert EngineLayers.of(engine(storage.root, local=False)) is None


def test_layout_names_every_layer() -> None:
    image = Described(b"{}", [("sha256:1", 5), ("sha256:2", 7)], ["reg.example/app:1"])
    found = dict(documents([image]))
    [entry] = json.loads(found["index.json"])["manifests"]
    assert entry["annotations"]["io.containerd.image.name"] == "reg.example/app:1"
    manifest = found["blobs/sha256/" + entry["digest"][7:]]
    assert (digest(manifest), len(manifest)) == (entry["digest"], entry["size"])
    told = json.loads(manifest)
    assert [(one["digest"], one["size"]) for one in told["layers"]] == image.layers
    assert told["config"]["digest"] == digest(b"{}")


class TestHandedOver:
    """A cluster whose engine keeps its images on this machine."""

    @pytest.fixture
    def world(self, tmp_path: Path, storage: Storage, monkeypatch: pytest.MonkeyPatch) -> World:
        api = FakeApi()
        world = World(tmp_path / "world", api)
        world.make()
        image, digests = storage.put(BASE, FILES, marker="one")
        other, _ = storage.put(BASE, FILES | {"app/own.py": b"print(2)\n"}, marker="two")
        images = {"app:1": image, "app:2": other}
        world.books.change(images=world.books.read()["images"] | images, root=str(storage.root))
        world.books.change(content={digests[0]: len(tar_of(BASE))})
        monkeypatch.setattr("clusters_support.FakeEngine.local", True)
        return world

    def saves(self, world: World) -> int:
        return sum(call[0] == "save" for call in world.books.calls("docker"))

    def test_only_what_the_node_lacks(self, world: World) -> None:
        self.saves(world)
        assert world.provider().load(["app:1"]).loaded == ("app:1",)
        assert self.saves(world) == 0
        sent = world.books.read()["sent"]
        assert digest(tar_of(FILES)) in sent
        assert digest(tar_of(BASE)) not in sent
        assert world.provider().load(["app:1"]).already_there == ("app:1",)

    def test_two_images_at_once(self, world: World) -> None:
        assert world.provider().load(["app:1", "app:2"]).loaded == ("app:1", "app:2")
        assert self.saves(world) == 0

    @pytest.mark.parametrize("why", ["too much", "unreadable", "refused"])
    def test_engine_is_asked_when_that_cannot_be(
        self, world: World, storage: Storage, monkeypatch: pytest.MonkeyPatch, why: str
    ) -> None:
        if why == "too much":
            monkeypatch.setattr(delivery, "_IN_MEMORY", 100)
        elif why == "unreadable":
            for file in storage.root.glob("overlay2/*/diff/app/own.py"):
                os.truncate(file, 1)
        else:
            world.books.change(refuses=1)
        self.saves(world)
        assert world.provider().load(["app:1"]).loaded == ("app:1",)
        assert self.saves(world) == 1
