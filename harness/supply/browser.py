"""A Chromium for the browser scenarios."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from harness.cache import Cache
from harness.command import CommandFailedError, CommandTimedOutError, run
from harness.errors import DeployError
from harness.progress import Progress
from harness.supply import debian

VARIABLE = "DEPLOY_BROWSER"
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_APPLICATIONS = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
# Where Playwright keeps those that it downloaded, below a person's home.
_DOWNLOADED = (
    ".cache/ms-playwright/chromium-*/chrome-linux*/chrome",
    "Library/Caches/ms-playwright/chromium-*/chrome-mac*/*.app/Contents/MacOS/*",
)
_TIMEOUT = 900.0


class BrowserMissingError(DeployError):
    """No Chromium is on this machine."""

    def __init__(self, said: str = "none") -> None:
        super().__init__(
            needed="a Chromium or Chrome, for the browser scenarios",
            seen=said,
            looked=f"{', '.join(_NAMES)} on the PATH, applications, and Playwright's downloads",
            fix="run `make prepare`, or install one (Debian: `apt-get install chromium`;"
            f" elsewhere: `playwright install chromium`), or name one by {VARIABLE}",
        )


class NamedBrowserMissingError(DeployError):
    """The browser that was named is not there."""

    def __init__(self, named: str) -> None:
        super().__init__(
            needed=f"the browser {named}",
            seen="no program of this name",
            looked=f"{VARIABLE} and the PATH",
            fix=f"correct {VARIABLE}, or leave it out",
        )


def find_browser(environ: Mapping[str, str]) -> Path:
    """Return the browser: the one named by DEPLOY_BROWSER, else one that is installed.

    Raises:
        NamedBrowserMissingError, BrowserMissingError.

    """
    path = environ.get("PATH", "")
    if named := environ.get(VARIABLE):
        if found := shutil.which(named, path=path):
            return Path(found)
        raise NamedBrowserMissingError(named)
    for browser in _installed(path, Path(environ.get("HOME", "/nonexistent"))):
        return browser
    raise BrowserMissingError


def ensure_browser(environ: Mapping[str, str], cache: Cache, progress: Progress) -> Path:
    """Return the browser, installed if there is none: by apt as root on Debian, else by Playwright.

    Raises:
        NamedBrowserMissingError: a person named one; then none is installed.
        PackagesNotInstalledError: apt failed.
        BrowserMissingError: Playwright's download failed.

    """
    try:
        found = find_browser(environ)
    except BrowserMissingError:
        if debian.may_install():
            debian.install(["chromium"], cache, progress)
        else:
            _download(cache, progress)
        found = find_browser(environ)
    progress.choice("browser", str(found), "installed")
    return found


def _installed(path: str, home: Path) -> Iterator[Path]:
    yield from (Path(found) for name in _NAMES if (found := shutil.which(name, path=path)))
    yield from (Path(name) for name in _APPLICATIONS if Path(name).is_file())
    for pattern in _DOWNLOADED:
        yield from sorted(home.glob(pattern), reverse=True)


def _download(cache: Cache, progress: Progress) -> None:
    words = [sys.executable, "-m", "playwright", "install", "chromium"]
    with cache.lock("browser"), progress.step("download Chromium by Playwright") as step:
        try:
            run(words, timeout=_TIMEOUT, on_line=step.note)
        except (CommandFailedError, CommandTimedOutError) as error:
            raise BrowserMissingError(error.seen) from error
