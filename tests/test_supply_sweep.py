import io
import os
import shutil
import signal
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.cache import Cache
from harness.labels import MANAGED
from harness.progress import Progress
from harness.supply import sweep

OURS = {MANAGED: "true"}
RUN = {**OURS, "io.deploy-harness.cluster": "deploy-shop"}
NODE = {**OURS, "io.x-k8s.kind.cluster": "deploy-shop"}


class Things:
    """A collection of the engine: lists by label as the engine does, keeps what was removed."""

    def __init__(self, **labels: dict[str, str]) -> None:
        self.removed: list[str] = []
        self.items = {name: self._item(name, own) for name, own in labels.items()}

    def _item(self, name: str, labels: dict[str, str]) -> SimpleNamespace:
        return SimpleNamespace(
            name=name,
            id=f"sha256:{name}",
            tags=[],
            image=SimpleNamespace(labels={}),
            attrs={"Config": {"Labels": labels}},
            labels=labels,
            remove=lambda **_: self.removed.append(name),
        )

    def list(self, filters: dict[str, str] | None = None, **_: Any) -> list[SimpleNamespace]:
        if filters is None:
            return [item for name, item in self.items.items() if name not in self.removed]
        name, _, value = filters["label"].partition("=")
        return [item for item in self.items.values() if item.labels.get(name) == value]

    def remove(self, name: str, **_: Any) -> None:
        self.removed.append(name)


class FakeEngine:
    def __init__(self, **collections: Things) -> None:
        kinds = ("containers", "networks", "volumes", "images")
        self.client = SimpleNamespace(**{k: collections.get(k, Things()) for k in kinds})

    def sdk(self) -> Any:
        return self.client


def clean(engine: Any, cache: Cache) -> None:
    sweep.clean(engine, cache, Progress(quiet=True))


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


def test_only_what_carries_our_label_goes(cache: Cache) -> None:
    kinds = {
        kind: Things(ours=OURS, other={}, labelled={"other": "true"})
        for kind in ("containers", "networks", "volumes")
    }
    clean(FakeEngine(**kinds), cache)
    assert {kind: things.removed for kind, things in kinds.items()} == {
        kind: ["ours"] for kind in kinds
    }


def test_a_container_that_merely_inherits_our_label_stays(cache: Cache) -> None:
    containers = Things(someones=OURS, app=RUN, node=NODE)
    for item in containers.items.values():
        item.image = SimpleNamespace(labels=OURS)
    clean(FakeEngine(containers=containers), cache)
    assert containers.removed == ["app", "node"]


def test_a_container_whose_image_is_gone_is_judged_by_itself(cache: Cache) -> None:
    containers = Things(app=RUN)
    containers.items["app"].image = None
    clean(FakeEngine(containers=containers), cache)
    assert containers.removed == ["app"]


def images() -> Things:
    things = Things(app=OURS, dangling=OURS, base=OURS, both=OURS, other={})
    things.items["app"].tags = ["shop-api:1"]
    things.items["base"].tags = ["deploy-supply/python:3.12-slim-00"]
    things.items["both"].tags = ["shop-web:1", "deploy-supply/node:24-slim-00"]
    return things


def test_cleaning_keeps_what_was_prepared(cache: Cache) -> None:
    for name in ("clusters", "secrets", "databases", "standins", "tools", "wheels"):
        (cache.root / name).mkdir(parents=True)
    things = images()
    clean(FakeEngine(images=things), cache)
    assert things.removed == ["shop-api:1", "sha256:dangling", "shop-web:1"]
    assert sorted(path.name for path in cache.root.iterdir()) == ["tools", "wheels"]


def test_an_image_in_use_is_kept_and_said(cache: Cache) -> None:
    things = images()

    def refuse(name: str, **_: Any) -> None:
        from docker.errors import APIError

        raise APIError("conflict", explanation="image is being used by a container")

    things.remove = refuse  # type: ignore[method-assign]
    out = io.StringIO()
    sweep.clean(FakeEngine(images=things), cache, Progress(stream=out))  # type: ignore[arg-type]
    assert "kept image shop-api:1: image is being used" in out.getvalue()


def test_a_network_in_use_is_kept_and_the_rest_goes(cache: Cache) -> None:
    def refuse(**_: Any) -> None:
        from docker.errors import APIError

        raise APIError("conflict", explanation="network has active endpoints")

    networks, volumes = Things(used=OURS, idle=OURS), Things(data=OURS)
    networks.items["used"].remove = refuse
    out = io.StringIO()
    engine: Any = FakeEngine(networks=networks, volumes=volumes)
    sweep.clean(engine, cache, Progress(stream=out))
    assert (networks.removed, volumes.removed) == (["idle"], ["data"])
    assert "kept network used: network has active endpoints" in out.getvalue()


def filled(cache: Cache) -> Cache:
    for name in ("tools", "engine", "runtime"):
        (cache.root / name).mkdir(parents=True)
    (cache.root / "file").touch()
    return cache


def test_everything_prepared_goes_in_the_end(cache: Cache) -> None:
    things = images()
    engine: Any = FakeEngine(images=things)
    sweep.distclean(engine, filled(cache), Progress(quiet=True))
    assert things.removed == [
        "deploy-supply/python:3.12-slim-00",
        "deploy-supply/node:24-slim-00",
    ]
    assert list(cache.root.iterdir()) == []


def test_an_engine_that_others_use_stays_with_its_files(cache: Cache) -> None:
    engine: Any = FakeEngine(containers=Things(someones={}))
    sweep.distclean(engine, filled(cache), Progress(quiet=True))
    assert sorted(path.name for path in cache.root.iterdir()) == ["engine", "runtime"]


def test_without_engine_and_cache_there_is_nothing_to_do(cache: Cache) -> None:
    sweep.distclean(None, cache, Progress(quiet=True))


def test_a_process_that_is_not_the_engine_is_not_ended(cache: Cache) -> None:
    (cache.root / "engine").mkdir(parents=True)
    (cache.root / "engine" / "dockerd.pid").write_text(str(os.getpid()))
    sweep.stop_engine(cache, Progress(quiet=True))


def test_the_engine_that_we_started_is_ended(cache: Cache, tmp_path: Path) -> None:
    program = tmp_path / "dockerd"  # the kernel takes the name of a process from its file
    shutil.copy2(shutil.which("cat") or "", program)
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([program], bufsize=0, **pipes) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"up\n")
        assert process.stdout.read(3) == b"up\n"
        (cache.root / "engine").mkdir(parents=True)
        (cache.root / "engine" / "dockerd.pid").write_text(str(process.pid))
        sweep.stop_engine(cache, Progress(quiet=True))
        assert process.wait(10) == -signal.SIGTERM
