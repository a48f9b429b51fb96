"""A company's mirror of images: names, causes, and a real registry that an engine pulls from."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import tarfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from registry_support import registry

from harness.cache import Cache
from harness.command import CommandFailedError, Completed
from harness.progress import Progress
from harness.redact import Redactor
from harness.supply import mirror, nodes
from harness.supply.bases import Bases
from harness.supply.engine import Engine, find_engine
from harness.supply.mirror import MirrorFailedError, mirrored

HUB = "registry.example.test/hub"


@pytest.mark.parametrize(
    ("image", "names"),
    [
        ("python:3.12-slim", (f"{HUB}/library/python:3.12-slim", f"{HUB}/python:3.12-slim")),
        ("kindest/node:v1@sha256:0", (f"{HUB}/kindest/node:v1@sha256:0",)),
        ("other.example.test/x:1", ()),
        ("scratch", ()),
    ],
)
def test_an_image_has_its_names_in_the_mirror(image: str, names: tuple[str, ...]) -> None:
    assert mirrored(image, {"DEPLOY_MIRROR": HUB}) == names
    assert mirrored(image, {}) == ()


class FakeEngine(Engine):
    """Has what it pulled; `fails` says of the pull, if anything."""

    def __init__(self, fails: str = "") -> None:
        super().__init__(Path("docker"), "unix:///nowhere.sock", "24.0", "test")
        for name, value in (("images", []), ("fails", fails)):
            object.__setattr__(self, name, value)

    images: list[str]
    fails: str

    def has_image(self, ref: str) -> bool:
        return ref in self.images

    def image_labels(self, ref: str) -> dict[str, str]:
        return {}

    def run(self, *args: str | Path, timeout: float, **_: Any) -> Completed:
        words = tuple(map(str, args))
        assert words[0] == "pull", words
        if self.fails:
            raise CommandFailedError(Completed(words, 1, "", self.fails, 0.1), Redactor())
        self.images.append(words[1])
        return Completed(words, 0, "", "", 0.1)


@pytest.fixture
def says(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What the mirror says to each name, nothing where it has it; and who asked."""
    answers: dict[str, str] = {}
    monkeypatch.setattr(mirror, "registry_problem", lambda _, ref: answers.get(ref, ""))
    return answers


def of(engine: Engine, tmp_path: Path, prefix: str = HUB) -> Bases:
    environ = {"DEPLOY_MIRROR": prefix, "PATH": os.environ["PATH"]}
    return Bases(engine, Cache(tmp_path), Progress(quiet=True), environ)


LACKS = "the registry has no such image: manifest unknown"


def test_the_mirror_comes_before_the_official_registry(
    tmp_path: Path, says: dict[str, str]
) -> None:
    engine = FakeEngine()
    base = of(engine, tmp_path).ensure("python:3.12-slim")
    assert (base.ref, base.stand_in) == (f"{HUB}/library/python:3.12-slim", False)
    assert base.detail == "pulled from the mirror"
    assert not of(engine, tmp_path).missing("python:3.12-slim")
    again = of(engine, tmp_path).ensure("python:3.12-slim")
    assert (again.ref, again.detail) == (base.ref, "the mirror's, in the engine")
    assert engine.images == [base.ref]


def test_the_second_name_is_tried(tmp_path: Path, says: dict[str, str]) -> None:
    says[f"{HUB}/library/python:3.12-slim"] = LACKS
    base = of(FakeEngine(), tmp_path).ensure("python:3.12-slim")
    assert base.ref == f"{HUB}/python:3.12-slim"


def test_what_the_mirror_lacks_is_looked_for_elsewhere(
    tmp_path: Path, says: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from harness.supply import bases

    monkeypatch.setattr(bases, "registry_problem", lambda *_: "")
    says |= dict.fromkeys(mirrored("nginx:1", {"DEPLOY_MIRROR": HUB}), LACKS)
    assert of(FakeEngine(), tmp_path).ensure("nginx:1").ref == "nginx:1"


@pytest.mark.parametrize(
    ("said", "fix"),
    [
        ("denied: requested access to the resource is denied", "docker login registry.example"),
        ("unauthorized: authentication required", "docker login registry.example.test"),
        ("tls: x509: certificate signed by unknown authority", "certs.d/registry.example.test/ca"),
        ("http: server gave HTTP response to HTTPS client", "insecure-registries"),
        ("dial tcp: lookup registry.example.test: no such host", "or correct --deploy-mirror"),
        ("toomanyrequests: you have reached your pull rate limit", "--deploy-mirror"),
    ],
)
def test_a_mirror_that_refuses_ends_the_run_with_the_remedy(
    tmp_path: Path, says: dict[str, str], said: str, fix: str
) -> None:
    names = mirrored("python:3.12-slim", {"DEPLOY_MIRROR": HUB})
    says |= {names[0]: said, names[1]: LACKS}
    with pytest.raises(MirrorFailedError) as caught:
        of(FakeEngine(), tmp_path).ensure("python:3.12-slim")
    assert caught.value.seen == said
    assert caught.value.looked == names[0]
    assert fix in caught.value.fix


def test_a_pull_that_breaks_off_ends_the_run(tmp_path: Path, says: dict[str, str]) -> None:
    with pytest.raises(MirrorFailedError, match="no space left on device"):
        of(FakeEngine("write /x: no space left on device"), tmp_path).ensure("postgres:17")


def test_the_node_image_comes_from_the_mirror_by_its_digest(
    tmp_path: Path, says: dict[str, str]
) -> None:
    engine, cache, progress = FakeEngine(), Cache(tmp_path), Progress(quiet=True)
    environ = {"DEPLOY_MIRROR": "127.0.0.1:5000"}
    image = nodes.ensure_node_image(engine, cache, progress, environ)
    assert image.ref == f"127.0.0.1:5000/{nodes.OFFICIAL}"
    assert image.ref.endswith(nodes.OFFICIAL.partition("@")[2])
    assert (image.kubernetes_version, image.stand_in) == ("v1.34.0", False)
    assert progress.choices[-1][2] == "the official image of kind 0.30, pulled from the mirror"
    assert nodes.find_node_image(engine, cache, progress, environ).ref == image.ref


def tiny(address: str, name: str) -> None:
    """Put an image with one file, made for this test alone, into a registry."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        content = uuid.uuid4().bytes
        entry = tarfile.TarInfo("file")
        entry.size = len(content)
        tar.addfile(entry, io.BytesIO(content))
    layer = gzip.compress(packed.getvalue())
    config = {
        "architecture": "amd64",
        "os": "linux",
        "rootfs": {"type": "layers", "diff_ids": [_digest(packed.getvalue())]},
    }
    docker = "application/vnd.docker."
    kinds = (docker + "container.image.v1+json", docker + "image.rootfs.diff.tar.gzip")
    blobs = (json.dumps(config).encode(), layer)
    for blob in blobs:
        url = f"http://{address}/v2/{name}/blobs/uploads/1"
        httpx.put(url, params={"digest": _digest(blob)}, content=blob, trust_env=False)
    described = [
        {"mediaType": kind, "size": len(blob), "digest": _digest(blob)}
        for kind, blob in zip(kinds, blobs, strict=True)
    ]
    kind = docker + "distribution.manifest.v2+json"
    manifest = {"schemaVersion": 2, "mediaType": kind, "config": described[0]}
    httpx.put(
        f"http://{address}/v2/{name}/manifests/1",
        content=json.dumps(manifest | {"layers": described[1:]}).encode(),
        headers={"Content-Type": kind},
        trust_env=False,
    ).raise_for_status()


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


@pytest.mark.engine
class TestRegistry:
    @pytest.fixture
    def engine(self) -> Engine:
        return find_engine(dict(os.environ), Progress(quiet=True))

    @pytest.fixture
    def prefix(self, engine: Engine) -> Iterator[str]:
        with registry() as address:
            yield f"{address}/hub"
        for name in ("here:1", "library/here:1"):
            engine.run("image", "rm", f"{address}/hub/{name}", timeout=60, check=False)

    @pytest.mark.parametrize("below", ["", "library/"])
    def test_an_engine_pulls_from_a_mirror(
        self, engine: Engine, prefix: str, below: str, tmp_path: Path
    ) -> None:
        address, _, path = prefix.partition("/")
        tiny(address, f"{path}/{below}here")
        base = of(engine, tmp_path, prefix).ensure("here:1")
        assert base.ref == f"{prefix}/{below}here:1"
        assert engine.has_image(base.ref)
        assert not engine.has_image("here:1")

    def test_an_engine_that_finds_no_mirror_says_so(self, engine: Engine, tmp_path: Path) -> None:
        with registry() as address:
            pass  # and is gone again
        with pytest.raises(MirrorFailedError, match="refused") as caught:
            of(engine, tmp_path, f"{address}/hub").ensure("here:1")
        assert "--deploy-mirror" in caught.value.fix

    def test_what_a_real_mirror_lacks_is_lacking(
        self, engine: Engine, prefix: str, tmp_path: Path
    ) -> None:
        environ = {"DEPLOY_MIRROR": prefix}
        assert mirror.pull(engine, "here:1", environ, Progress(quiet=True)) == ""
