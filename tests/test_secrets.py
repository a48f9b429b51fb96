import stat
from pathlib import Path

import pytest

from harness.cache import Cache
from harness.project import Project
from harness.secrets import secret_values

SECRET = '\n[secrets.key]\nenv = "THE_KEY"\ngenerate = 32\n'


@pytest.fixture
def project(project_dir: Path) -> Project:
    with (project_dir / "deploy.toml").open("a") as file:
        file.write(SECRET)
    return Project.load(project_dir)


def test_secret_is_made_once_and_kept_privately(project: Project, tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    first = secret_values(project, cache, "deploy-x", {})
    assert secret_values(project, cache, "deploy-x", {}) == first
    assert len(first["key"]) >= 32
    files = [file for file in (cache.root / "secrets").iterdir() if file.is_file()]
    assert [stat.S_IMODE(file.stat().st_mode) for file in files] == [0o600]


def test_clusters_have_different_secrets(project: Project, tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    values = {secret_values(project, cache, name, {})["key"] for name in ("deploy-a", "deploy-b")}
    assert len(values) == 2


def test_given_secret_is_used_and_not_kept(project: Project, tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    assert secret_values(project, cache, "deploy-x", {"THE_KEY": "given"}) == {"key": "given"}
    assert secret_values(project, cache, "deploy-x", {})["key"] != "given"


def test_damaged_file_is_made_anew(project: Project, tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    secret_values(project, cache, "deploy-x", {})
    for file in (cache.root / "secrets").iterdir():
        file.write_text("{half")
    assert secret_values(project, cache, "deploy-x", {})["key"]
