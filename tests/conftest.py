"""What the fast tests share."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

DESCRIPTION = """\
name = "shop"

[chart]
path = "chart"
release = "shop"
namespace = "shop"

[images.api]
context = "api"
repository = "shop-api"
port = 8000
health = "/health"

[services.api]
image = "api"
type = "ClusterIP"
port = 8000
health = "/ready"

[requirements]
"FR-1" = "The shop sells"
"FR-2" = "The shop buys"
"""


@pytest.fixture
def project_dir(tmp_path: Path) -> Path:
    """A folder with the least that makes a project: a description and a chart."""
    root = tmp_path / "project"
    (root / "chart").mkdir(parents=True)
    (root / "chart" / "Chart.yaml").write_text("apiVersion: v2\nname: shop\nversion: 1.0.0\n")
    (root / "deploy.toml").write_text(DESCRIPTION)
    return root


@pytest.fixture(autouse=True)
def no_job(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that a test starts is none of the job's that runs the tests."""
    for name in ("GITHUB_ACTIONS", "GITLAB_CI"):
        monkeypatch.delenv(name, raising=False)
