"""Files that are written whole or not at all."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from harness.files import write_whole


def test_what_stands_there_is_replaced_and_a_link_is_not_followed(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.write_text("somebody's")
    file = tmp_path / "file"
    file.symlink_to(kept)
    write_whole(file, "ours")
    assert (file.read_text(), file.is_symlink(), kept.read_text()) == ("ours", False, "somebody's")
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    write_whole(file, "a secret", 0o600)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_nothing_half_made_stays(tmp_path: Path) -> None:
    file = tmp_path / "file"
    write_whole(file, "before")
    with pytest.raises(UnicodeEncodeError):
        write_whole(file, "after \ud800")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert file.read_text() == "before"
