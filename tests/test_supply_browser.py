from pathlib import Path

import pytest

from harness.cache import Cache
from harness.command import CommandFailedError, Completed
from harness.progress import Progress
from harness.redact import Redactor
from harness.supply import browser, debian
from harness.supply.browser import (
    BrowserMissingError,
    NamedBrowserMissingError,
    ensure_browser,
    find_browser,
)
from harness.supply.debian import PackagesNotInstalledError
from harness.supply.disk import DiskTooSmallError, check_disk
from harness.supply.engine import Engine


@pytest.fixture(autouse=True)
def _no_applications(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browser, "_APPLICATIONS", ())


def program(file: Path) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("#!/bin/sh\n")
    file.chmod(0o755)
    return file


@pytest.mark.parametrize("name", ["chromium", "chromium-browser", "google-chrome", "chrome"])
def test_a_browser_on_the_path_is_found(tmp_path: Path, name: str) -> None:
    expected = program(tmp_path / name)
    assert find_browser({"PATH": str(tmp_path)}) == expected


def test_the_newest_of_playwrights_downloads_is_found(tmp_path: Path) -> None:
    for version in ("1100", "1200"):
        folder = tmp_path / ".cache" / "ms-playwright" / f"chromium-{version}"
        newest = program(folder / "chrome-linux" / "chrome")
    assert find_browser({"PATH": "", "HOME": str(tmp_path)}) == newest


def test_a_named_browser_comes_first(tmp_path: Path) -> None:
    program(tmp_path / "bin" / "chromium")
    named = program(tmp_path / "mine")
    assert find_browser({"PATH": str(tmp_path / "bin"), "DEPLOY_BROWSER": str(named)}) == named


def test_a_named_browser_that_is_not_there_is_not_replaced(tmp_path: Path) -> None:
    program(tmp_path / "chromium")
    with pytest.raises(NamedBrowserMissingError, match="mine"):
        find_browser({"PATH": str(tmp_path), "DEPLOY_BROWSER": "mine"})


def test_no_browser_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(BrowserMissingError) as caught:
        find_browser({"PATH": str(tmp_path), "HOME": str(tmp_path)})
    assert "apt-get install chromium" in caught.value.fix


@pytest.mark.parametrize("may_install", [True, False], ids=["by apt", "by playwright"])
def test_a_missing_browser_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, may_install: bool
) -> None:
    ways: list[str] = []

    def install(way: str) -> None:
        ways.append(way)
        program(tmp_path / "chromium")

    def run(words: list[str], **_: object) -> Completed:
        install(" ".join(words[1:]))
        return Completed(tuple(words), 0, "", "", 0.1)

    monkeypatch.setattr(debian, "may_install", lambda: may_install)
    monkeypatch.setattr(debian, "install", lambda packages, *_: install(f"apt {packages[0]}"))
    monkeypatch.setattr(browser, "run", run)
    environ = {"PATH": str(tmp_path), "HOME": str(tmp_path)}
    cache = Cache(tmp_path / "cache")
    for _ in range(2):
        assert ensure_browser(environ, cache, Progress(quiet=True)) == tmp_path / "chromium"
    assert ways == ["apt chromium" if may_install else "-m playwright install chromium"]


def test_a_failed_download_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(words: list[str], **_: object) -> Completed:
        done = Completed(tuple(words), 1, "", "getaddrinfo ENOTFOUND", 0.1)
        raise CommandFailedError(done, Redactor())

    monkeypatch.setattr(debian, "may_install", lambda: False)
    monkeypatch.setattr(browser, "run", run)
    environ = {"PATH": str(tmp_path), "HOME": str(tmp_path)}
    with pytest.raises(BrowserMissingError, match="ENOTFOUND"):
        ensure_browser(environ, Cache(tmp_path / "cache"), Progress(quiet=True))


class Apt:
    """apt-get, installing only after an update when `stale`; `broken` never."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, behaviour: str) -> None:
        self.calls = folder / "calls"
        script = folder / "apt-get"
        script.write_text(f"""#!/bin/sh
echo "$DEBIAN_FRONTEND $*" >> {self.calls}
case "$*" in *update*) touch {folder}/updated; exit 0 ;; esac
case {behaviour} in
  broken) echo "E: Unable to locate package" >&2; exit 100 ;;
  stale) [ -e {folder}/updated ] || exit 100 ;;
esac
""")
        script.chmod(0o755)
        monkeypatch.setattr(debian, "_APT", (str(script), "-q"))


def test_packages_are_installed_from_the_lists_at_hand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    apt = Apt(tmp_path, monkeypatch, "well")
    debian.install(["one", "two"], Cache(tmp_path / "cache"), Progress(quiet=True))
    line = "noninteractive -q install --yes --no-install-recommends one two"
    assert apt.calls.read_text().splitlines() == [line]


def test_stale_lists_are_fetched_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    apt = Apt(tmp_path, monkeypatch, "stale")
    debian.install(["one"], Cache(tmp_path / "cache"), Progress(quiet=True))
    assert [line.split()[2] for line in apt.calls.read_text().splitlines()] == [
        "install",
        "update",
        "install",
    ]


def test_what_only_some_releases_offer_is_installed_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    apt = Apt(tmp_path, monkeypatch, "well")
    knows = tmp_path / "apt-cache"
    knows.write_text("""#!/bin/sh
case "$2" in
  offered) printf 'offered:\\n  Installed: (none)\\n  Candidate: 1.0\\n' ;;
  virtual) printf 'virtual:\\n  Installed: (none)\\n  Candidate: (none)\\n' ;;
esac
""")
    knows.chmod(0o755)
    monkeypatch.setattr(debian, "_APT_CACHE", str(knows))
    cache, quiet = Cache(tmp_path / "cache"), Progress(quiet=True)
    debian.install(["one"], cache, quiet, where_offered=["offered", "virtual", "unknown"])
    assert [line.split()[-1] for line in apt.calls.read_text().splitlines()] == ["one", "offered"]


def test_apts_refusal_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Apt(tmp_path, monkeypatch, "broken")
    with pytest.raises(PackagesNotInstalledError, match="Unable to locate"):
        debian.install(["one"], Cache(tmp_path / "cache"), Progress(quiet=True))


def test_room_that_is_there_passes(tmp_path: Path) -> None:
    check_disk(tmp_path / "not" / "made" / "yet", 0.000001)


def test_a_full_disk_is_told_in_figures(tmp_path: Path) -> None:
    with pytest.raises(DiskTooSmallError) as caught:
        check_disk(tmp_path, 10**9)
    assert caught.value.needed == "1000000000.0 GB free"
    assert caught.value.looked == str(tmp_path)


def test_the_engines_own_folder_is_asked_about(tmp_path: Path) -> None:
    client = tmp_path / "docker"
    client.write_text(f'#!/bin/sh\n[ "$3" = info ] && echo {tmp_path}\n')
    client.chmod(0o755)
    engine = Engine(client, "unix:///x", "24.0", "test")
    with pytest.raises(DiskTooSmallError) as caught:
        check_disk(engine, 10**9)
    assert caught.value.looked == str(tmp_path)
    check_disk(Engine(client, "tcp://elsewhere:1", "24.0", "test"), 10**9)
