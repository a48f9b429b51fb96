"""What a change does to the rendered manifests, by the real Helm and a real git repository."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from chart_support import helm_binary
from test_changed import git

from harness.changes.files import BaseUnknownError
from harness.ci.__main__ import main
from harness.ci.checkout import project_at
from harness.ci.manifests import MOST, compare, told
from harness.helm.rendering import Renderer

ROOT = Path(__file__).parents[1]
CONFIG = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}-config
data:
  word: {{ .Values.word | quote }}
"""
SECRET = """\
apiVersion: v1
kind: Secret
metadata:
  name: keys
stringData:
  key: "%s"
  other: same-in-both
"""


@pytest.fixture
def helm(tmp_path: Path) -> Renderer:
    binary = helm_binary()
    if binary is None:
        pytest.skip("Helm is not there")
    return Renderer(binary, Path("/dev/null"), "none", tmp_path / "helm")


@pytest.fixture
def shop(project_dir: Path) -> Path:
    """A committed project whose chart renders two objects."""
    chart = project_dir / "chart"
    (chart / "templates").mkdir()
    (chart / "values.yaml").write_text("word: hello\n")
    (chart / "templates" / "config.yaml").write_text(CONFIG)
    (chart / "templates" / "secret.yaml").write_text(SECRET % "a-word-nobody-may-see")
    git(project_dir, "init", "-q", "-b", "main")
    git(project_dir, "add", ".")
    git(project_dir, "commit", "-q", "-m", "begun")
    return project_dir


def compared(shop: Path, helm: Renderer, base: str = "HEAD") -> str:
    with project_at(base, shop) as before:
        return told(compare(before, shop, helm), base)


def test_same_is_said(shop: Path, helm: Renderer) -> None:
    assert "No difference, in 1 way to install the chart." in compared(shop, helm)


def test_objects_that_differ(shop: Path, helm: Renderer) -> None:
    (shop / "chart" / "values.yaml").write_text("word: bye\n")
    new = CONFIG.replace("-config", "-new")
    (shop / "chart" / "templates" / "new.yaml").write_text(new)
    with project_at("HEAD", shop) as before:
        comparison = compare(before, shop, helm)
        back = compare(shop, before, helm)
    assert [(d.what, d.how) for d in comparison.differences] == [
        ("ConfigMap shop-config", "changed"),
        ("ConfigMap shop-new", "added"),
    ]
    assert "-  word: hello\n+  word: bye" in comparison.differences[0].text
    assert [d.how for d in back.differences] == ["changed", "removed"]


def test_values_of_secrets_are_hidden_and_seen_to_differ(shop: Path, helm: Renderer) -> None:
    secret = SECRET % "another-word-nobody-may-see"
    (shop / "chart" / "templates" / "secret.yaml").write_text(secret)
    text = compared(shop, helm)
    assert "nobody-may-see" not in text
    assert "same-in-both" not in text
    assert "-  key: 21 characters, hidden" in text
    assert "+  key: 27 characters, hidden" in text
    assert "-  other" not in text


def test_chart_that_does_not_render_is_told(shop: Path, helm: Renderer) -> None:
    (shop / "chart" / "templates" / "config.yaml").write_text("a: {{ .Values.word")
    text = compared(shop, helm)
    assert "as described, now: not rendered, so not compared" in text
    assert "config.yaml" in text
    assert "No difference" not in text


def test_description_of_another_time_is_told(shop: Path, helm: Renderer) -> None:
    description = shop / "deploy.toml"
    good = description.read_text()
    description.write_text("unheard-of = 1\n" + good)
    git(shop, "commit", "-q", "-a", "-m", "wrong")
    description.write_text(good)
    text = compared(shop, helm)
    assert "all of it, before the change: not rendered" in text
    assert "unheard-of" in text


def test_comparison_fits_a_comment(shop: Path, helm: Renderer) -> None:
    many = "---\n".join(CONFIG.replace("-config", f"-{n}") for n in range(700))
    (shop / "chart" / "templates" / "many.yaml").write_text(many)
    text = compared(shop, helm)
    assert len(text) < MOST + 200
    assert "more objects differ; no room here." in text


def test_project_in_a_folder_of_its_repository(shop: Path, helm: Renderer, tmp_path: Path) -> None:
    top = tmp_path / "top"
    top.mkdir()
    git(top, "init", "-q", "-b", "main")
    shutil.copytree(shop, top / "shop", ignore=shutil.ignore_patterns(".git"))
    git(top, "add", ".")
    git(top, "commit", "-q", "-m", "below")
    (top / "shop" / "chart" / "values.yaml").write_text("word: bye\n")
    assert "+  word: bye" in compared(top / "shop", helm)
    (top / "shop" / "deploy.toml").rename(top / "deploy.toml")
    with pytest.raises(BaseUnknownError), project_at("HEAD", top / "elsewhere"):
        pass


def test_command(
    shop: Path,
    helm: Renderer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    summary = tmp_path / "summary.md"
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    words = ["diff", "HEAD", f"--project={shop}", f"--output={tmp_path / 'out' / 'm.md'}"]
    assert main(words) == 0
    said = capsys.readouterr().out
    assert said == (tmp_path / "out" / "m.md").read_text()
    assert said in summary.read_text()
    assert main(["diff", "nowhere", f"--project={shop}"]) == 1
    assert "needed: the git revision nowhere" in capsys.readouterr().err


def test_record_of_a_killed_run_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record = tmp_path / "messages.ndjson"
    assert main(["summary", str(record)]) == 1
    assert "needed: the record of a run" in capsys.readouterr().err
    record.write_text('{"testRunStarted": {"timestamp": {"seconds": 1, "nanos": 0}}}\n{"cut')
    assert main(["summary", str(record)]) == 0
    assert "Not accepted: the record ends before the run did." in capsys.readouterr().out
