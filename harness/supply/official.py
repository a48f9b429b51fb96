"""The tools' official releases: downloaded, verified, kept by content."""

from __future__ import annotations

import contextlib
import platform
import shutil
import sys
import tarfile
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from harness.errors import DeployError

if TYPE_CHECKING:
    from harness.cache import Cache
    from harness.progress import Progress, Step
    from harness.supply.download import Limits

PINS = Path(__file__).resolve().parents[2] / "supply" / "official" / "pins.toml"
MIRROR_VARIABLE = "DEPLOY_DOWNLOAD_MIRROR"
_ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
_NOT_FOUND = 404


class ReleaseUnreadableError(DeployError):
    """An archive has the pinned checksum, but not the program where the pins say."""

    def __init__(self, release: Release, said: str) -> None:
        super().__init__(
            needed=f"{release.member} in the archive of {release.tool} {release.version}",
            seen=said,
            looked=release.url,
            fix=f"correct `member` in {PINS}",
        )


@dataclass(frozen=True)
class Release:
    """One tool's official release for one platform.

    Args:
        tool: its name, and the program's.
        version: such as v1.34.4.
        url: where it is: its official place, or the same in a company's mirror.
        sha256: of the file that is downloaded.
        member: path of the program in it, empty when the file is the program.

    """

    tool: str
    version: str
    url: str
    sha256: str
    member: str = ""

    @property
    def key(self) -> str:
        """Name the content."""
        return f"{self.tool}-{self.version}-official-{self.sha256[:16]}"

    @property
    def place(self) -> str:
        """The host that it is downloaded from."""
        return urlsplit(self.url).hostname or self.url

    def cached(self, cache: Cache) -> Path | None:
        """Return the program if it was downloaded before."""
        path = cache.path("tools", self.key) / self.tool
        return path if path.is_file() else None

    def unpack(self, file: Path, program: Path) -> None:
        """Make the program out of the downloaded file, which is gone afterwards.

        Raises:
            ReleaseUnreadableError.

        """
        if self.member:
            try:
                with tarfile.open(file) as archive, program.open("wb") as out:
                    packed = archive.extractfile(self.member)
                    if packed is None:
                        raise ReleaseUnreadableError(self, "it is not a file")
                    shutil.copyfileobj(packed, out)
            except (KeyError, tarfile.TarError) as error:
                raise ReleaseUnreadableError(self, str(error)) from error
            file.unlink()
        else:
            shutil.move(file, program)
        program.chmod(0o755)


def this_platform() -> str:
    """Name this machine as releases do, such as linux-amd64."""
    machine = platform.machine().lower()
    return f"{sys.platform}-{_ARCHITECTURES.get(machine, machine)}"


def release_of(tool: str, environ: Mapping[str, str], on: str = "") -> Release | None:
    """Return the pinned release of a tool for a platform (this one), None when it has none.

    DEPLOY_DOWNLOAD_MIRROR in `environ` takes the place of the official scheme: below it,
    each download is at its host and path.
    """
    pins: dict[str, Any] = tomllib.loads(PINS.read_text()).get(tool, {})
    where = on or this_platform()
    sha256 = pins.get("sha256", {}).get(where)
    if sha256 is None:
        return None
    system, _, machine = where.partition("-")
    names = {"version": pins["version"], "os": system, "arch": machine}
    url = pins["url"].format(**names)
    if mirror := environ.get(MIRROR_VARIABLE):
        url = f"{mirror}/{url.partition('://')[2]}"
    return Release(tool, pins["version"], url, sha256, pins.get("member", "").format(**names))


@dataclass
class Official:
    """Fetches releases; a place that was not reached once is not asked again.

    Args:
        cache: where they are kept, and what arrived of one that was cut off.
        progress: told what is downloaded, and how much has come.
        environ: names proxies, certificates and a mirror.
        limits: bounds in time of one download.

    """

    cache: Cache
    progress: Progress
    environ: Mapping[str, str]
    limits: Limits | None = None
    _unreached: dict[str, str] = field(default_factory=dict)

    def ensure(self, tool: str) -> tuple[Path | None, str]:
        """Return the program and where it comes from; or None and, in one line, why not.

        Raises:
            ChecksumError: what arrived is another file.
            DiskTooSmallError, CommandCancelledError, ReleaseUnreadableError.
            DownloadError: the mirror that a person named does not answer, or does not let
                us read.

        """
        from harness.supply.download_errors import ChecksumError, DownloadError, UnreachableError

        release = release_of(tool, self.environ)
        if release is None:
            return None, f"no official release is pinned for {this_platform()}"
        if cached := release.cached(self.cache):
            return cached, f"downloaded before from {release.place}"
        if release.place in self._unreached:
            return None, self._unreached[release.place]
        try:
            return self._fetch(release), f"downloaded from {release.place}, checksum as pinned"
        except ChecksumError:
            raise
        except DownloadError as error:
            why = f"{release.place}: {error.seen.splitlines()[0]}"
            if self.environ.get(MIRROR_VARIABLE) and getattr(error, "status", 0) != _NOT_FOUND:
                error.add_note(
                    f"the mirror is named by --deploy-download-mirror, {MIRROR_VARIABLE}"
                )
                raise
            if isinstance(error, UnreachableError):
                self._unreached[release.place] = why
            return None, why

    def _fetch(self, release: Release) -> Path:
        from harness.supply.download import download

        def make(folder: Path) -> None:
            # Beside the finished things: what came before a cut outlives this folder.
            file = self.cache.path("downloads", release.sha256)
            with contextlib.ExitStack() as stack:
                steps: list[Step] = []

                def note(line: str) -> None:
                    if not steps:  # a place that is not reached gets no step, just its reason
                        name = f"download {release.tool} {release.version}"
                        steps.append(stack.enter_context(self.progress.step(name)))
                    steps[0].note(line)
                    steps[0].result = f"{line} from {release.place}"

                download(
                    release.url,
                    file,
                    sha256=release.sha256,
                    environ=self.environ,
                    limits=self.limits,
                    on_progress=note,
                )
                release.unpack(file, folder / release.tool)

        return self.cache.make("tools", release.key, make) / release.tool
