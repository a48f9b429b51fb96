"""Each example gets the verdict that lies beside it, deployed to a cluster of its own.

Those that take some minutes run where this file is named: `make examples`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from test_examples import EXAMPLES, NAMES

ROOT = Path(__file__).parents[1]
LONG = {"notes", "tickets"}
pytestmark = [pytest.mark.engine, pytest.mark.cluster, pytest.mark.timeout(1500)]


def told(document: dict[str, Any]) -> dict[str, Any]:
    requirements: dict[str, list[str]] = {}
    for item in document["requirements"]:
        requirements.setdefault(item["status"], []).append(item["id"])
    return {
        "verdict": document["verdict"],
        "exit_code": document["exit_code"],
        "requirements": requirements,
    }


def accepted(name: str, folder: Path) -> tuple[int, dict[str, Any], str]:
    """Accept an example as somebody would; what is set for the run around it is not heard."""
    told = folder / "verdict.json"
    deciding = ("DEPLOY_FRESH", "DEPLOY_KEEP", "DEPLOY_CLUSTER", "DEPLOY_EXTENDED", "PYTEST_")
    environ = {k: v for k, v in os.environ.items() if not k.startswith(deciding)}
    words = [sys.executable, "-m", "harness", "accept", str(EXAMPLES / name), "--json", str(told)]
    words += ["--", "--deploy-fresh=yes", "--deploy-keep=never", f"--deploy-artifacts={folder}"]
    done = subprocess.run(
        words, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=1400, check=False
    )
    return done.returncode, json.loads(told.read_text()), done.stdout[-6000:] + done.stderr[-2000:]


@pytest.mark.parametrize("name", NAMES)
def test_accepted_as_expected(name: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    if name in LONG and not any(Path(__file__).name in arg for arg in request.config.args):
        pytest.skip("takes some minutes; `make examples` runs it")
    code, document, said = accepted(name, tmp_path)
    assert told(document) == json.loads((EXAMPLES / name / "accepted.json").read_text()), said
    assert code == document["exit_code"]
