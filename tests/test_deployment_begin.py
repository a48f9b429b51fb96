"""What cannot be deployed hides nothing that can still be built and tried."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.cache import Cache
from harness.clusters.untouched import Untouched
from harness.clusters.usage import Usage
from harness.deployment import Deployment
from harness.images import precheck
from harness.images.precheck import CopySourceMissingError
from harness.images.project import ProjectImages
from harness.images.spec import BuiltImage, ImageSpec
from harness.jobs import Jobs
from harness.progress import Progress
from harness.redact import Redactor
from harness.settings import Settings
from harness.tenant import Tenant

WEB = """
[images.web]
context = "web"
repository = "shop-web"
port = 3000
health = "/"
env = { SIBLING = "the api", OWN = "${images.web.tag}" }
"""


class Builder:
    """Judges sources as the real one does, and builds nothing."""

    def __init__(self) -> None:
        self.built: list[str] = []

    def check(self, spec: ImageSpec) -> None:
        precheck.check(spec)

    def build(self, spec: ImageSpec) -> BuiltImage:
        precheck.check(spec)
        self.built.append(spec.name)
        return BuiltImage(spec.name, spec.repository, "1", "sha256:1", {}, 0.0, built=True)


class NotAsked(Untouched):
    """A cluster that nobody may make."""

    def ensure(self) -> Any:
        raise AssertionError("a cluster was made")


@pytest.fixture
def deployment(project_dir: Path, tmp_path: Path) -> Deployment:
    file = project_dir / "deploy.toml"
    file.write_text(file.read_text().replace("[services.api]", f"{WEB}\n[services.api]"))
    for name, text in (("api", "COPY gone /\n"), ("web", "")):
        (project_dir / name).mkdir()
        (project_dir / name / "Dockerfile").write_text(f"FROM scratch\n{text}")
    settings = Settings.load({"project": str(project_dir)}, {}, tmp_path)
    cache, jobs = Cache(tmp_path / "cache"), Jobs()
    builder: Any = Builder()
    tools: Any = SimpleNamespace(helm=Path("helm"))
    outside: Any = SimpleNamespace(
        facts=lambda **_: {}, network_alone=lambda: "none", begin=lambda: [], check=lambda: None
    )
    nothing: Any = None
    return Deployment(
        settings, cache, Progress(quiet=True), Redactor(), nothing, tools,
        ProjectImages(settings.project, builder, jobs), outside, nothing, NotAsked(), {}, jobs,
        Usage(cache, Tenant("untouched")),
    )  # fmt: skip


def test_one_image_that_cannot_be_built_hides_no_other(deployment: Deployment) -> None:
    deployment.begin(cluster=True)
    for asked in (deployment.release, deployment.cluster, lambda: deployment.image("api")):
        with pytest.raises(CopySourceMissingError, match="image api copies"):
            asked()
    assert deployment.image("web").repository == "shop-web"
    # A container of it is told nothing of the other, and so does not wait for it.
    assert deployment.alone("web").env == {"SIBLING": "the api", "OWN": "1"}


def test_nothing_is_built_before_it_is_asked_for_where_there_can_be_no_release(
    deployment: Deployment,
) -> None:
    deployment.begin(cluster=True)
    builder: Any = deployment.sources.builder
    assert not builder.built
