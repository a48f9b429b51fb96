"""Stand-ins for services outside the cluster, for real."""

from __future__ import annotations

import io
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from images_support import FixedBases, official, real_engine

from harness.cache import Cache
from harness.images import containers
from harness.images.alone import Alone
from harness.images.build import Builder
from harness.images.spec import ImageSpec
from harness.progress import Progress
from harness.standins import StandIn, StandInFailedError, StandIns
from harness.supply.engine import Engine

pytestmark = [pytest.mark.engine, pytest.mark.timeout(300)]
SOURCE = Path(__file__).parent.parent / "supply" / "cohere"
BASE = "python:3.12-slim"
REPOSITORY = f"deploy-harness-test-{uuid.uuid4().hex[:8]}"


@pytest.fixture(scope="module")
def engine() -> Engine:
    return real_engine()


@pytest.fixture(scope="module")
def standins(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIns]:
    cache = Cache(tmp_path_factory.mktemp("cache"))
    bases: Any = FixedBases({BASE: official(engine, BASE)})
    progress = Progress(stream=io.StringIO())
    builder = Builder(engine, bases, cache, progress, {})
    cluster = f"test-{uuid.uuid4().hex[:8]}"
    standins = StandIns(engine, builder, cache, progress, cluster, "no-such-network", timeout=30)
    yield standins
    standins.delete("cohere")
    assert containers.find(engine, cluster, "standin-cohere") == []
    assert engine.sdk().networks.list(names=[f"{cluster}-side"]) == []
    for image in engine.sdk().images.list(filters={"reference": f"{REPOSITORY}/*"}):
        engine.run("image", "rm", "--force", *image.tags, timeout=60)


@pytest.fixture(scope="module")
def cohere() -> StandIn:
    bases = {"PYTHON_IMAGE": BASE}
    image = ImageSpec("cohere", SOURCE, f"{REPOSITORY}/cohere", bases=bases)
    return StandIn("cohere", image, 8080)


def test_it_runs_and_wants_its_key(standins: StandIns, cohere: StandIn) -> None:
    running = standins.ensure(cohere)
    assert running.get("/v1/models")["models"]
    with pytest.raises(httpx.HTTPStatusError, match="401"):
        replace(running, key="another").get("/v1/models")
    assert running.key not in repr(running)
    assert running.get("/requests")["requests"]["GET /v1/models"] == {"200": 1, "401": 1}


def test_a_later_run_adopts_it(standins: StandIns, cohere: StandIn) -> None:
    first, again = standins.ensure(cohere), standins.ensure(cohere)
    assert again.adopted
    assert (again.url_on_host, again.key) == (first.url_on_host, first.key)


def test_a_stopped_one_is_started_again(
    engine: Engine, standins: StandIns, cohere: StandIn
) -> None:
    first = standins.ensure(cohere)
    [container] = containers.find(engine, standins.cluster, "standin-cohere")
    container.stop(timeout=5)
    again = standins.ensure(cohere)
    assert again.adopted
    assert again.get("/requests")["total"] == 0
    assert again.url_on_host == first.url_on_host


def test_a_changed_one_is_made_anew(standins: StandIns, cohere: StandIn) -> None:
    standins.ensure(cohere)
    changed = replace(cohere, env={"LOG_LEVEL": "debug"})
    assert not standins.ensure(changed).adopted
    assert standins.ensure(changed).adopted


def test_a_container_beside_it_reaches_it_by_name(
    engine: Engine, standins: StandIns, cohere: StandIn
) -> None:
    running = standins.ensure(cohere)
    network = containers.side_network(engine, standins.cache, standins.cluster)
    url = f"{running.url_in_cluster}/health"
    look = f"import urllib.request; print(urllib.request.urlopen('{url}').read())"
    image = official(engine, BASE)
    log = Alone(engine, image, None, command=["python3", "-c", look], network=network).to_end()
    assert "ok" in log


def test_it_runs_without_privileges(engine: Engine, standins: StandIns, cohere: StandIn) -> None:
    standins.ensure(cohere)
    [container] = containers.find(engine, standins.cluster, "standin-cohere")
    host = container.attrs["HostConfig"]
    assert host["ReadonlyRootfs"]
    assert host["CapDrop"] == ["ALL"]
    assert container.attrs["Config"]["User"] == "10001:10001"


def test_one_that_ends_tells_its_last_words(
    engine: Engine, standins: StandIns, tmp_path: Path
) -> None:
    (tmp_path / "Dockerfile").write_text(
        f"ARG BASE={BASE}\nFROM ${{BASE}}\n"
        'CMD ["python3", "-c", "import os; exit(\'no \' + os.environ[\'STANDIN_API_KEY\'])"]\n'
    )
    image = ImageSpec("bad", tmp_path, f"{REPOSITORY}/bad", bases={"BASE": BASE})
    with pytest.raises(StandInFailedError, match="exit code 1") as raised:
        standins.ensure(StandIn("bad", image, 8080))
    assert "no [redacted]" in raised.value.seen
    assert containers.find(engine, standins.cluster, "standin-bad") == []


def test_one_that_is_never_healthy_tells_the_last_answer(
    standins: StandIns, cohere: StandIn
) -> None:
    impatient = replace(standins, timeout=2)
    with pytest.raises(StandInFailedError, match="last: status 401") as raised:
        impatient.ensure(replace(cohere, name="sick", health="/no-such-path"))
    assert "GET /no-such-path" in raised.value.seen
