"""The workflow of the gate is one that GitHub would run, safely."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.command import run
from harness.options import CLUSTERS

ROOT = Path(__file__).parents[1]
WORKFLOW = ROOT / ".github" / "workflows" / "deploy.yml"


@pytest.fixture(scope="module")
def workflow() -> dict[Any, Any]:
    return dict(yaml.safe_load(WORKFLOW.read_text(encoding="utf-8")))


def test_zizmor_finds_nothing() -> None:
    zizmor = Path(sys.executable).with_name("zizmor")
    run([zizmor, "--offline", "--no-progress", "--persona=pedantic", WORKFLOW], timeout=60)


def test_actions_are_pinned_by_commit_with_their_version(workflow: dict[Any, Any]) -> None:
    lines = [line for line in WORKFLOW.read_text().splitlines() if "uses:" in line]
    assert lines
    for line in lines:
        assert re.search(r"uses: [\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line), line


def test_clusters_of_the_matrix_are_those_that_there_are(workflow: dict[Any, Any]) -> None:
    matrix = workflow["jobs"]["deploy"]["strategy"]["matrix"]["cluster"]
    assert set(matrix) <= set(CLUSTERS)
    assert "kind" in matrix


def test_only_the_comment_may_write(workflow: dict[Any, Any]) -> None:
    assert workflow["permissions"] == {}
    granted = {name: job["permissions"] for name, job in workflow["jobs"].items()}
    assert granted == {
        "checks": {"contents": "read"},
        "deploy": {"contents": "read"},
        "comment": {"contents": "read", "pull-requests": "write"},
    }


def test_each_command_is_one_that_there_is(workflow: dict[Any, Any]) -> None:
    makefile = (ROOT / "Makefile").read_text()
    commands = [
        step["run"] for job in workflow["jobs"].values() for step in job["steps"] if "run" in step
    ]
    targets = {name for command in commands for name in re.findall(r"make ([a-z]+)", command)}
    assert targets == {"prepare", "lint", "fast", "deploy"}
    assert all(f"\n{name}: " in makefile for name in targets)
    modules = {name for command in commands for name in re.findall(r"-m ([a-z.]+)", command)}
    assert {"pytest", "harness.ci"} <= modules <= {"pytest", "harness.ci", "static"}


def test_changes_to_what_is_deployed_are_noticed(workflow: dict[Any, Any]) -> None:
    paths = workflow[True]["pull_request"]["paths"]  # YAML 1.1 takes the key `on` for true
    for path in ("helm/**", "images/**", "features/**", "harness/**", "deploy.toml"):
        assert path in paths
    assert all((ROOT / path.split("*")[0]).exists() for path in paths)


@pytest.mark.parametrize("name", [".pre-commit-config.yaml", ".pre-commit-hooks.yaml"])
def test_hooks_are_complete(name: str) -> None:
    told = yaml.safe_load((ROOT / name).read_text())
    hooks = told["repos"][0]["hooks"] if isinstance(told, dict) else told
    assert all({"id", "name", "entry", "language"} <= hook.keys() for hook in hooks)
    assert any("-m static" in hook["entry"] for hook in hooks)
