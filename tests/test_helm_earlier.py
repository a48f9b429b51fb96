"""Earlier versions of a chart: from git, packages and a registry, or a clear word why not."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from chart_support import helm_binary
from registry_support import registry

from harness.cache import Cache
from harness.command import run
from harness.helm.earlier import (
    ChartNotInRevisionError,
    EarlierChart,
    EarlierCharts,
    NoEarlierChartError,
    OtherChartError,
    PackageInvalidError,
    Puller,
    RegistryRefusedError,
    RevisionMissingError,
)
from harness.helm.errors import ChartInvalidError
from harness.ports import free_port

FOLDER = "deploy/chart"


def git(repo: Path, *words: str) -> str:
    who = ["-c", "user.name=T", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
    return run(["git", "-C", repo, *who, *words], timeout=30).stdout.strip()


def write_chart(chart: Path, version: str, name: str = "shop") -> None:
    (chart / "templates").mkdir(parents=True, exist_ok=True)
    (chart / "Chart.yaml").write_text(f"apiVersion: v2\nname: {name}\nversion: {version}\n")
    text = f"kind: ConfigMap\napiVersion: v1\nmetadata: {{name: v{version[0]}}}\n"
    (chart / "templates" / "map.yaml").write_text(text)


def commit(repo: Path, version: str) -> str:
    write_chart(repo / FOLDER, version)
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", version)
    return git(repo, "rev-parse", "HEAD")


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A repository with the chart's versions 1.0.0 and 2.0.0, and a commit without a chart."""
    repo = tmp_path / "repo"
    repo.mkdir()
    git(repo, "init", "-q", "-b", "main")
    (repo / "README").write_text("one")
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", "before the chart")
    git(repo, "tag", "bare")
    commit(repo, "1.0.0")
    commit(repo, "2.0.0")
    (repo / "README").write_text("two")
    git(repo, "commit", "-q", "-am", "something else")
    return repo


@pytest.fixture
def puller(tmp_path: Path) -> Puller:
    binary = helm_binary()
    if binary is None:
        pytest.skip("Helm is neither in the cache (`make prepare` puts it there) nor on the PATH")
    return Puller(binary, Path("unused"), "unused", tmp_path / "home")


@pytest.fixture
def charts(repo: Path, tmp_path: Path) -> EarlierCharts:
    unused = Puller(Path("no-helm"), Path("unused"), "unused", tmp_path)
    return EarlierCharts(repo / FOLDER, Cache(tmp_path / "cache"), unused)


def version(chart: EarlierChart) -> str:
    assert (chart.path / "templates" / "map.yaml").read_text().count(chart.facts.version[0]) >= 1
    return chart.facts.version


def test_a_revision_that_is_named(charts: EarlierCharts, repo: Path) -> None:
    git(repo, "tag", "v1", "HEAD~2")
    for ref in ("v1", "HEAD~2", git(repo, "rev-parse", "--short", "HEAD~2")):
        found = charts.named(ref, repo)
        assert version(found) == "1.0.0"
        assert found.origin == f"the git revision {ref}"
    assert sorted(path.name for path in charts.named("v1", repo).path.iterdir()) == [
        "Chart.yaml",
        "templates",
    ]


@pytest.mark.parametrize("ref", ["v9", "--output=/tmp/x", "no such thing", ""])
def test_a_revision_that_is_not_there(charts: EarlierCharts, repo: Path, ref: str) -> None:
    with pytest.raises(RevisionMissingError) as caught:
        charts.named(ref, repo)
    assert caught.value.needed.startswith(f"the git revision {ref}")
    assert caught.value.seen


def test_a_revision_without_the_chart(charts: EarlierCharts, repo: Path) -> None:
    with pytest.raises(ChartNotInRevisionError) as caught:
        charts.named("bare", repo)
    assert FOLDER in caught.value.needed


def test_no_repository(tmp_path: Path, charts: EarlierCharts) -> None:
    write_chart(tmp_path / "alone", "1.0.0")
    alone = EarlierCharts(tmp_path / "alone", charts.cache, charts.program)
    with pytest.raises(RevisionMissingError, match="not a git repository"):
        alone.named("v1", tmp_path)
    with pytest.raises(NoEarlierChartError, match="not a git repository"):
        alone.inferred()


def test_a_packaged_chart(charts: EarlierCharts, puller: Puller, tmp_path: Path) -> None:
    write_chart(tmp_path / "old", "0.9.0")
    puller._run("package", str(tmp_path / "old"), "--destination", str(tmp_path), timeout=30)
    found = charts.named("shop-0.9.0.tgz", tmp_path)
    assert (version(found), found.origin) == ("0.9.0", "the package shop-0.9.0.tgz")
    assert charts.named(str(tmp_path / "shop-0.9.0.tgz"), Path("/")).path == found.path


def test_a_folder(charts: EarlierCharts, tmp_path: Path) -> None:
    write_chart(tmp_path / "old", "0.9.0")
    assert version(charts.named("old", tmp_path)) == "0.9.0"


def test_a_package_that_is_not_there(charts: EarlierCharts, tmp_path: Path) -> None:
    with pytest.raises(PackageInvalidError) as caught:
        charts.named("shop-1.tgz", tmp_path)
    assert caught.value.looked == str(tmp_path / "shop-1.tgz")
    assert caught.value.seen == "there is no such file"


@pytest.mark.parametrize("content", [b"no archive", b"", b"\x1f\x8b\x08\x00cut"])
def test_a_package_that_is_none(charts: EarlierCharts, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.tgz").write_bytes(content)
    with pytest.raises(PackageInvalidError, match="cannot be unpacked"):
        charts.named("x.tgz", tmp_path)


def test_an_archive_of_something_else(charts: EarlierCharts, tmp_path: Path) -> None:
    subprocess.run(["tar", "-czf", "x.tgz", "repo/README"], cwd=tmp_path, check=True, timeout=30)
    with pytest.raises(PackageInvalidError, match=r"no folder with a Chart\.yaml"):
        charts.named("x.tgz", tmp_path)


def test_an_archive_that_leads_outside(charts: EarlierCharts, tmp_path: Path) -> None:
    words = ["tar", "-czPf", "x.tgz", "../outside"]
    (tmp_path / "inside").mkdir()
    (tmp_path / "outside").write_text("x")
    subprocess.run(words, cwd=tmp_path / "inside", check=True, timeout=30)
    with pytest.raises(PackageInvalidError, match="cannot be unpacked"):
        charts.named("x.tgz", tmp_path / "inside")


def test_another_chart(charts: EarlierCharts, tmp_path: Path) -> None:
    write_chart(tmp_path / "old", "1.0.0", name="kiosk")
    with pytest.raises(OtherChartError) as caught:
        charts.named("old", tmp_path)
    assert (caught.value.seen, caught.value.looked) == ("the chart kiosk", "the folder old")


def test_an_earlier_chart_that_is_broken(charts: EarlierCharts, tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "Chart.yaml").write_text("name: shop\n")
    with pytest.raises(ChartInvalidError, match="apiVersion"):
        charts.named("old", tmp_path)


def test_a_registry(repo: Path, puller: Puller, tmp_path: Path) -> None:
    charts = EarlierCharts(repo / FOLDER, Cache(tmp_path / "cache"), puller)
    write_chart(tmp_path / "old", "0.8.0")
    puller._run("package", str(tmp_path / "old"), "--destination", str(tmp_path), timeout=30)
    with registry() as address:
        url = f"oci://{address}/charts"
        package = str(tmp_path / "shop-0.8.0.tgz")
        puller._run("push", package, url, "--plain-http", timeout=30)
        for ref in (f"{url}/shop:0.8.0", f"{url}/shop"):
            found = charts.named(ref, repo)
            assert (version(found), found.origin) == ("0.8.0", ref)
        with pytest.raises(RegistryRefusedError) as caught:
            charts.named(f"{url}/shop:0.7.0", repo)
        assert "0.7.0" in caught.value.needed
        assert address in caught.value.looked
        assert caught.value.seen


def test_a_registry_that_is_not_there(repo: Path, puller: Puller, tmp_path: Path) -> None:
    charts = EarlierCharts(repo / FOLDER, Cache(tmp_path / "cache"), puller)
    with pytest.raises(RegistryRefusedError, match="connection refused"):
        charts.named(f"oci://127.0.0.1:{free_port()}/charts/shop:1.0.0", repo)


def test_the_newest_tag_with_another_chart_is_inferred(charts: EarlierCharts, repo: Path) -> None:
    git(repo, "tag", "v2", "HEAD")  # the chart as it is now
    git(repo, "tag", "v1", "HEAD~2")
    found = charts.inferred()
    assert (version(found), found.origin) == ("1.0.0", "the git tag v1")


def test_without_a_tag_the_last_commit_with_another_chart_is_inferred(
    charts: EarlierCharts, repo: Path
) -> None:
    found = charts.inferred()
    assert version(found) == "1.0.0"
    assert found.origin == f"the git commit {git(repo, 'rev-parse', 'HEAD~2')[:10]}"


@pytest.mark.parametrize("new", [False, True])
def test_of_a_chart_with_changes_the_committed_one_is_inferred(
    charts: EarlierCharts, repo: Path, *, new: bool
) -> None:
    write_chart(repo / FOLDER, "2.0.0" if new else "3.0.0")
    if new:
        (repo / FOLDER / "templates" / "new.yaml").touch()
    assert version(charts.inferred()) == "2.0.0"


def test_a_chart_that_never_was_another(charts: EarlierCharts, repo: Path) -> None:
    git(repo, "checkout", "-q", "--orphan", "fresh")
    git(repo, "commit", "-q", "-m", "all anew")
    with pytest.raises(NoEarlierChartError, match="as it is now") as caught:
        charts.inferred()
    assert "shallow" not in caught.value.seen


def test_a_shallow_clone_says_that_it_is_one(
    repo: Path, charts: EarlierCharts, tmp_path: Path
) -> None:
    git(repo, "clone", "-q", "--depth=1", f"file://{repo}", str(tmp_path / "clone"))
    clone = EarlierCharts(tmp_path / "clone" / FOLDER, charts.cache, charts.program)
    with pytest.raises(NoEarlierChartError, match="shallow"):
        clone.inferred()
