from pathlib import Path

import pytest

from harness.cache import Cache, digest


def test_digest_follows_names_bytes_and_executable_bits(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_text("one")
    before = digest(files=[tmp_path], root=tmp_path)
    assert digest(files=[tmp_path], root=tmp_path) == before
    file.chmod(0o755)
    executable = digest(files=[tmp_path], root=tmp_path)
    file.write_text("two")
    changed = digest(files=[tmp_path], root=tmp_path)
    file.rename(tmp_path / "b")
    renamed = digest(files=[tmp_path], root=tmp_path)
    assert len({before, executable, changed, renamed}) == 4


def test_digest_follows_facts() -> None:
    assert digest(version=1) != digest(version=2)


def test_a_thing_is_made_once(tmp_path: Path) -> None:
    cache, calls = Cache(tmp_path), []

    def build(folder: Path) -> None:
        calls.append(folder)
        (folder / "tool").write_text("x")

    first = cache.make("tools", "k", build)
    assert cache.make("tools", "k", build) == first
    assert len(calls) == 1
    assert (first / "tool").read_text() == "x"


def test_what_is_half_made_is_not_seen(tmp_path: Path) -> None:
    cache = Cache(tmp_path)

    def interrupted(folder: Path) -> None:
        (folder / "tool").write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cache.make("tools", "k", interrupted)
    assert not cache.path("tools", "k").exists()
    assert list((tmp_path / "tools").iterdir()) == []


def test_place_comes_from_the_environment_given(tmp_path: Path) -> None:
    assert Cache.default({"DEPLOY_CACHE_DIR": str(tmp_path)}).root == tmp_path
    assert Cache.default({"XDG_CACHE_HOME": "/x"}).root == Path("/x/deploy-harness")
