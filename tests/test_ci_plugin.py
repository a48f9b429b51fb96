"""A run in a job of a CI service, by pytest itself."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import record_support
from record_support import FEATURES, make_shop

BUYING = "features/buying.feature"


@pytest.fixture
def shop(
    pytester: pytest.Pytester, project_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> pytest.Pytester:
    monkeypatch.delenv("CI", raising=False)
    plugins = [*record_support.PLUGINS, "binding", "changed", "ci"]
    monkeypatch.setattr(record_support, "PLUGINS", [p for p in plugins if p != "binding"])
    make_shop(pytester, project_dir, FEATURES)
    return pytester


@pytest.fixture
def github(shop: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Path:
    summary = shop.path / "summary.md"
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    monkeypatch.setenv("GITHUB_WORKSPACE", str(shop.path))
    return summary


def run(shop: pytest.Pytester, *args: str) -> list[str]:
    result = shop.runpytest_subprocess("-p", "no:cacheprovider", *args, timeout=60)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    return result.outlines


def obeyed(lines: list[str]) -> list[str]:
    """Return the commands that GitHub's runner obeys, which reads as it does."""
    token, found = "", []
    for line in lines:
        if token:
            token = "" if line == f"::{token}::" else token
        elif stop := re.fullmatch(r"::stop-commands::(.+)", line):
            token = stop[1]
        elif re.match(r"::[a-z-]+[ :]", line):
            found.append(line)
    return found


@pytest.mark.parametrize("args", [(), ("-n", "2")], ids=["one process", "two processes"])
def test_github(shop: pytest.Pytester, github: Path, args: tuple[str, ...]) -> None:
    commands = obeyed(run(shop, *args))
    (error, pending) = [c for c in commands if c.startswith("::error")]
    assert error.startswith(f"::error file={BUYING},line=6,title=It fails::")
    assert "needed: a customer%0A" in error
    assert pending.startswith(f"::error file={BUYING},line=11,title=It is pending::")
    groups = [c for c in commands if c.startswith("::group::")]
    assert groups == ([] if args else [f"::group::{BUYING}", "::group::features/selling.feature"])
    assert commands.count("::endgroup::") == len(groups)
    text = github.read_text()
    assert "**Not accepted: 2 scenarios did not pass." in text
    assert "a customer" in text


def test_a_log_gives_no_commands(shop: pytest.Pytester, github: Path) -> None:
    conftest = shop.path / "conftest.py"
    text = conftest.read_text()
    hostile = 'def nobody(): print("::error file=x::injected\\n::group::y"); raise NobodyError'
    conftest.write_text(text.replace("def nobody(): raise NobodyError", hostile))
    lines = run(shop)
    assert "::error file=x::injected" in lines
    assert not [c for c in obeyed(lines) if "injected" in c or "::group::y" in c]


def test_gitlab(shop: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITLAB_CI", "true")
    lines = run(shop)
    assert f"\x1b[0K{BUYING}" in lines
    assert sum("section_start:" in line for line in lines) == 2
    told = json.loads((shop.path / ".deploy" / "gl-code-quality-report.json").read_text())
    assert [t["location"]["path"] for t in told] == [BUYING, BUYING]
    assert "Not accepted" in (shop.path / ".deploy" / "summary.md").read_text()


def test_elsewhere_nothing_is_told(shop: pytest.Pytester) -> None:
    assert not [line for line in run(shop) if line.startswith("::") or "section_" in line]


def test_a_summary_that_cannot_be_written_changes_nothing(
    shop: pytest.Pytester, github: Path
) -> None:
    github.mkdir()
    lines = run(shop)
    assert any(line.startswith("nothing could be told GitHub Actions: ") for line in lines)
