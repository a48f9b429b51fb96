"""Which database a deployment has outside the cluster, and what becomes of it."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from neon_support import KEY, Neon, serving

from harness.cache import Cache
from harness.clusters.existing.errors import DatabaseUnreachableError
from harness.databases.choice import DatabaseNotGivenError, NotOursError
from harness.databases.database import Database
from harness.databases.neon import errors
from harness.deployment import Deployment
from harness.jobs import Jobs
from harness.outside import Outside
from harness.progress import Progress
from harness.project_file import ProjectFileInvalidError
from harness.redact import Redactor
from harness.settings import Settings

DATABASE = '[database]\nname = "shop"\n'


@pytest.fixture
def neon() -> Neon:
    return Neon()


@pytest.fixture
def url(neon: Neon) -> Iterator[str]:
    with serving(neon) as url:
        yield url


def outside(root: Path, environ: Mapping[str, str], database: str = "") -> Outside:
    file = root / "deploy.toml"
    if DATABASE not in file.read_text():
        file.write_text(file.read_text().replace("[requirements]", f"{DATABASE}\n[requirements]"))
    settings = Settings.load({"database": database} if database else {}, environ, root)
    nothing: Any = None
    progress = Progress(stream=io.StringIO())
    cache = Cache(root / "cache")
    return Outside(settings, nothing, nothing, nothing, cache, progress, Redactor(), Jobs())


@pytest.fixture
def let_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever connects is let in, encrypted."""
    connection = SimpleNamespace(close=lambda: None)
    query = SimpleNamespace(tls=lambda: SimpleNamespace(used=True))
    monkeypatch.setattr("harness.databases.given.connect", lambda *_: connection)
    monkeypatch.setattr("harness.databases.given.Query", lambda *_: query)


@pytest.mark.usefixtures("let_in")
def test_a_branch_at_neon_is_there_for_the_run_alone(
    project_dir: Path, neon: Neon, url: str
) -> None:
    environ = {"NEON_API_KEY": KEY, "NEON_API_HOST": url}
    there = outside(project_dir, environ)
    there.check()
    assert len(neon.names()) == 2
    database = there.database()
    assert there.database_alone() is there.database_beside() is database
    with pytest.raises(NotOursError, match="NEON_API_KEY is set"):
        there.postgres()
    there.end()
    there.end()
    assert neon.names() == ["main"]
    said = there.progress.stream
    assert isinstance(said, io.StringIO)
    shown = said.getvalue() + repr(there) + there.redact(f"{KEY} {database.url_in_cluster}")
    assert KEY not in shown
    assert "hunter2" not in shown


def test_a_key_that_is_refused_ends_the_run_before_anything_is_made(
    project_dir: Path, url: str
) -> None:
    there = outside(project_dir, {"NEON_API_KEY": "napi_wrong_key", "NEON_API_HOST": url})
    with pytest.raises(errors.NeonKeyRefusedError):
        there.check()


@pytest.mark.usefixtures("let_in")
def test_a_given_database_is_used_as_it_is(project_dir: Path) -> None:
    given = "postgresql://me:hunter2-hunter2@db.example.org/shop"
    there = outside(project_dir, {"DATABASE_URL": given, "NEON_API_KEY": KEY})
    assert there.database().url_in_cluster == given
    assert "hunter2" not in there.redact(given)
    there.end()


def test_what_was_asked_for_and_is_not_there(project_dir: Path) -> None:
    with pytest.raises(DatabaseNotGivenError, match="NEON_API_KEY"):
        outside(project_dir, {}, database="neon")


def test_a_database_in_the_cluster_is_not_ours_to_break(project_dir: Path) -> None:
    there = outside(project_dir, {}, database="in-cluster")
    assert there.inside
    with pytest.raises(NotOursError, match="in-cluster"):
        there.postgres()
    assert not outside(project_dir, {}).inside


@pytest.mark.parametrize("interrupted", [True, False])
def test_what_was_made_for_a_run_goes_however_it_ends(*, interrupted: bool) -> None:
    ended: list[str] = []

    def fails(**_: bool) -> None:
        raise RuntimeError("the cluster cannot be removed")

    deployment: Any = SimpleNamespace(
        jobs=SimpleNamespace(close=lambda **_: ended.append("jobs")),
        outside=SimpleNamespace(end=lambda: ended.append("branch")),
        settings=SimpleNamespace(keep="never"),
        guest=None,
        usage=SimpleNamespace(last=fails),
        _guard=SimpleNamespace(stop=lambda: ended.append("guard")),
        entrance=SimpleNamespace(way_in=SimpleNamespace(close=lambda: ended.append("tunnels"))),
    )
    with pytest.raises(RuntimeError):
        Deployment.close(deployment, interrupted=interrupted, failed=False)
    assert ended == ["jobs", "guard", "tunnels", "branch"]


def test_what_a_database_in_the_cluster_is_made_of(project_dir: Path) -> None:
    there = outside(project_dir, {}, database="in-cluster")
    there.bases = SimpleNamespace(  # type: ignore[assignment]
        ensure=lambda name: SimpleNamespace(ref=f"registry.test:5000/made/{name}-1")
    )
    facts = there.facts_inside()
    assert facts["database.repository"] == "registry.test:5000/made/postgres"
    assert facts["database.tag"] == "17-1"
    password = str(facts["database.password"])
    assert len(password) >= 24
    assert password not in there.redact(f"password {password}")


def test_a_variant_that_is_not_described(project_dir: Path) -> None:
    file = project_dir / "deploy.toml"
    described = '[database]\ninside = "somewhere"\n\n[requirements]'
    file.write_text(file.read_text().replace("[requirements]", described))
    with pytest.raises(ProjectFileInvalidError, match=r"there is no \[variants.somewhere\]"):
        Settings.load({}, {}, project_dir)


@pytest.mark.parametrize("adopted", [True, False])
def test_a_database_that_was_just_made_is_new(
    project_dir: Path, monkeypatch: pytest.MonkeyPatch, *, adopted: bool
) -> None:
    made = Database("shop", "host", 5432, adopted, True, "postgres:17", "url", "url")  # noqa: FBT003
    monkeypatch.setattr("harness.outside.PostgresExternal.ensure", lambda _: made)
    assert outside(project_dir, {}).is_new() is not adopted
    assert not outside(project_dir, {}, database="in-cluster").is_new()


@pytest.mark.parametrize("kind", ["external", "pooled", ""])
def test_a_database_of_ours_has_to_be_reached_by_a_cluster_that_exists(
    project_dir: Path, kind: str
) -> None:
    there = outside(project_dir, {}, kind)
    there.guest = cast("Any", SimpleNamespace(options=SimpleNamespace(host_address="")))
    with pytest.raises(DatabaseUnreachableError, match="--deploy-database=in-cluster"):
        there.check()
    there.guest = cast("Any", SimpleNamespace(options=SimpleNamespace(host_address="192.0.2.7")))
    there.check()


def test_a_database_in_a_cluster_that_exists_needs_no_address(project_dir: Path) -> None:
    there = outside(project_dir, {}, "in-cluster")
    there.guest = cast("Any", SimpleNamespace(options=SimpleNamespace(host_address="")))
    there.check()
    assert there.begin() == []
    assert there.facts() == {"database.url": ""}
