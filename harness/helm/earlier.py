"""Earlier versions of the chart: from a git revision, a packaged chart, a folder, a registry."""

from __future__ import annotations

import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from harness.cache import Cache, digest
from harness.command import CommandFailedError, CommandMissingError, CommandTimedOutError, run
from harness.errors import Fault
from harness.helm import causes
from harness.helm.chart import ChartFacts, check_chart
from harness.helm.errors import HelmError
from harness.helm.process import Program

_GIT_SECONDS = 30.0
_PULL_SECONDS = 60.0
_LOOKED_BACK = 200  # commits
OCI = "oci://"
_PACKED = (".tgz", ".tar.gz")


class EarlierChartError(HelmError):
    """An earlier version of the chart that is named cannot be had."""

    fault = Fault.INPUT


class RevisionMissingError(EarlierChartError):
    """The repository has no such revision, or there is no repository."""

    def __init__(self, ref: str, where: Path, said: str) -> None:
        super().__init__(
            needed=f"the git revision {ref}, for the chart as it was then",
            seen=said,
            looked=f"the git repository around {where}",
            fix="name a tag, branch or commit that `git rev-parse` knows (a shallow clone knows "
            "few), a packaged chart (.tgz), or oci://REGISTRY/NAME:VERSION",
        )


class ChartNotInRevisionError(EarlierChartError):
    """The revision is there, and holds no chart at that place."""

    def __init__(self, ref: str, folder: str) -> None:
        super().__init__(
            needed=f"a chart in {folder or 'the top folder'} at git revision {ref}",
            seen="that revision has no such chart",
            looked=f"{ref}:{folder}",
            fix="name a revision in which the chart lies where it lies now, or package the "
            "earlier one and name the package",
        )


class PackageInvalidError(EarlierChartError):
    """The packaged chart is not there, or is none."""

    def __init__(self, package: Path, seen: str) -> None:
        super().__init__(
            needed=f"a packaged chart in {package}",
            seen=seen,
            looked=str(package),
            fix="name a file that `helm package` has made",
        )


class RegistryRefusedError(EarlierChartError):
    """The registry does not give the chart."""

    def __init__(self, ref: str, said: str) -> None:
        super().__init__(
            needed=f"the chart {ref}",
            seen=said,
            looked=f"the registry {urlsplit(ref).netloc}, by `helm pull`",
            fix="see that the registry can be reached, and that it holds a chart of that name "
            "and version (oci://REGISTRY/NAME:VERSION)",
        )


class OtherChartError(EarlierChartError):
    """What was found is another chart."""

    def __init__(self, origin: str, found: str, wanted: str) -> None:
        super().__init__(
            needed=f"an earlier version of the chart {wanted}",
            seen=f"the chart {found}",
            looked=origin,
            fix=f"name a version of {wanted}",
        )


class NoEarlierChartError(EarlierChartError):
    """Nothing was named, and no earlier version can be found."""

    def __init__(self, chart: Path, why: str) -> None:
        super().__init__(
            needed=f"an earlier version of the chart in {chart}",
            seen=why,
            looked="the tags and the history of its git repository",
            fix="name one: a git revision, a packaged chart, or oci://REGISTRY/NAME:VERSION",
        )


@dataclass(frozen=True)
class EarlierChart:
    """An earlier version of the chart, in a folder. `origin` says where it comes from."""

    path: Path
    facts: ChartFacts
    origin: str


class Puller(Program):
    """Gets packaged charts from registries; reads no kubeconfig."""

    def pull(self, name: str, version: str, folder: Path) -> None:
        """Have `helm pull` put the package into a folder; the newest version when none is named.

        Raises CommandFailedError and CommandTimedOutError.
        """
        argv = ["pull", name, "--destination", str(folder)]
        argv += ["--version", version] if version else []
        if urlsplit(name).hostname in ("localhost", "127.0.0.1", "::1"):
            argv.append("--plain-http")  # a registry of this machine has no certificate
        self._run(*argv, timeout=_PULL_SECONDS)


@dataclass(frozen=True)
class EarlierCharts:
    """Finds earlier versions of one chart, and unpacks them into the cache.

    Args:
        chart: the present chart's folder.
        cache: keeps what was unpacked, by content.
        program: Helm; pulls from registries.

    """

    chart: Path
    cache: Cache
    program: Puller

    def named(self, ref: str, base: Path) -> EarlierChart:
        """Return the version that a user names. No cluster is asked.

        Args:
            ref: oci://REGISTRY/NAME[:VERSION], a packaged chart (.tgz), a chart's folder, or
                else a git revision of the present chart's repository.
            base: the folder that relative paths start from.

        Raises:
            EarlierChartError: by cause; see the classes of this module.
            ChartInvalidError: what was found describes no valid chart.

        """
        if ref.startswith(OCI):
            return self._checked(self._pulled(ref), ref)
        path = base / Path(ref).expanduser()
        if ref.endswith(_PACKED) or path.is_file():
            return self._checked(self._unpacked(path), f"the package {ref}")
        if (path / "Chart.yaml").is_file():
            return self._checked(path.resolve(), f"the folder {ref}")
        commit = self._git(ref, "rev-parse", "--verify", "--end-of-options", f"{ref}^{{commit}}")
        return self._of_revision(ref, commit, f"the git revision {ref}")

    def inferred(self) -> EarlierChart:
        """Return the version before the present one: of a tag, else of a commit.

        That is the newest tag of the present history in which the chart is another than it
        is now; without one, the last commit that had another chart.

        Raises:
            NoEarlierChartError: there is none, with the reason.

        """
        try:
            present = self._present()
            tags = self._git("tags", "tag", "--merged", "HEAD", "--sort=-creatordate").split()
            log = self._git("HEAD", "log", f"-{_LOOKED_BACK}", "--format=%H", "--", ".").split()
        except EarlierChartError as error:
            raise NoEarlierChartError(self.chart, error.seen) from error
        for kind, refs in (("the git tag", tags), ("the git commit", log)):
            for ref in refs:
                tree = self._tree(ref)
                if tree not in ("", present):
                    shown = ref if kind == "the git tag" else ref[:10]
                    return self._of_revision(ref, ref, f"{kind} {shown}")
        shallow = self._git("HEAD", "rev-parse", "--is-shallow-repository") == "true"
        why = "every revision that is known holds the chart as it is now"
        raise NoEarlierChartError(self.chart, why + (" (the clone is shallow)" * shallow))

    def _of_revision(self, ref: str, commit: str, origin: str) -> EarlierChart:
        if not (tree := self._tree(commit)):
            raise ChartNotInRevisionError(ref, self._prefix())

        def unpack(folder: Path) -> None:
            with tempfile.TemporaryDirectory() as aside:
                packed = Path(aside) / "chart.tar"
                # In a folder that the revision need not have it refuses to work.
                top = ("-C", self._git(ref, "rev-parse", "--show-toplevel"))
                self._git(ref, *top, "archive", "--format=tar", f"--output={packed}", tree)
                _extract(packed, folder)

        path = self.cache.make("charts", tree[:16], unpack)
        if not (path / "Chart.yaml").is_file():
            raise ChartNotInRevisionError(ref, self._prefix())
        return self._checked(path, origin)

    def _tree(self, commit: str) -> str:
        """Return the id of the chart's folder at a commit, "" when it has none."""
        name = f"{commit}:{self._prefix().rstrip('/')}"
        try:
            return self._git(commit, "rev-parse", "--verify", "--end-of-options", name)
        except RevisionMissingError:
            return ""

    def _present(self) -> str:
        """Return the id of the chart's folder as it is now; "" when that is not committed."""
        if self._git("HEAD", "status", "--porcelain", "--", "."):
            return ""
        return self._tree("HEAD")

    def _prefix(self) -> str:
        return self._git("HEAD", "rev-parse", "--show-prefix")

    def _git(self, ref: str, *words: str) -> str:
        try:
            return run(["git", "-C", self.chart, *words], timeout=_GIT_SECONDS).stdout.strip()
        except CommandFailedError as error:
            said = error.completed.stderr.strip().removeprefix("fatal: ")
            raise RevisionMissingError(ref, self.chart, said) from error
        except CommandMissingError as error:
            raise RevisionMissingError(ref, self.chart, "git is not installed") from error

    def _unpacked(self, package: Path) -> Path:
        if not package.is_file():
            raise PackageInvalidError(package, "there is no such file")

        def unpack(folder: Path) -> None:
            _extract(package, folder)

        try:
            key = digest(files=[package], root=package.parent)
            folder = self.cache.make("charts", key, unpack)
        except (tarfile.TarError, OSError, EOFError) as error:
            raise PackageInvalidError(package, f"it cannot be unpacked: {error}") from error
        found = sorted(folder.glob("*/Chart.yaml"))
        if len(found) != 1:
            raise PackageInvalidError(package, "it holds no folder with a Chart.yaml")
        return found[0].parent

    def _pulled(self, ref: str) -> Path:
        name, version = _version_of(ref)
        with tempfile.TemporaryDirectory() as aside:
            try:
                self.program.pull(name, version, Path(aside))
            except CommandFailedError as error:
                said = causes.message_of(error.completed.stderr)
                raise RegistryRefusedError(ref, said) from error
            except CommandTimedOutError as error:
                raise RegistryRefusedError(ref, error.headline) from error
            packages = sorted(Path(aside).glob("*.tgz"))
            if not packages:
                raise RegistryRefusedError(ref, "`helm pull` has left no package")
            return self._unpacked(packages[0])

    def _checked(self, path: Path, origin: str) -> EarlierChart:
        facts, present = check_chart(path), check_chart(self.chart)
        if facts.name != present.name:
            raise OtherChartError(origin, facts.name, present.name)
        return EarlierChart(path, facts, origin)


def _version_of(ref: str) -> tuple[str, str]:
    """Split a reference at the colon of its version; a digest stays where it is."""
    head, slash, last = ref.rpartition("/")
    name, colon, version = last.partition(":")
    return (ref, "") if "@" in last or not colon else (head + slash + name, version)


def _extract(packed: Path, folder: Path) -> None:
    with tarfile.open(packed) as archive:
        archive.extractall(folder, filter="data")
