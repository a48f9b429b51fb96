"""The script that makes the Python environment."""

from __future__ import annotations

import subprocess
from pathlib import Path

SCRIPT = Path(__file__).parents[1] / "supply" / "python-environment"


def test_environment_of_another_folder_is_left_alone(tmp_path: Path) -> None:
    theirs, ours = tmp_path / "theirs", tmp_path / "ours"
    for folder in (theirs, ours):
        folder.mkdir()
    (theirs / "synced").touch()
    (ours / ".venv").symlink_to(theirs)
    made = subprocess.run(
        ["sh", SCRIPT], cwd=ours, capture_output=True, text=True, timeout=60, check=False
    )
    assert made.returncode == 1
    assert f"seen:   .venv is a link to {theirs}" in made.stderr
    assert all(part in made.stderr for part in ("needed:", "looked:", "fix:"))
    assert (theirs / "synced").exists()
    assert (ours / ".venv").is_symlink()
