"""Programs that are built from the Go module proxy, pinned in supply/go."""

from __future__ import annotations

import platform
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.cache import Cache, digest
from harness.command import CommandFailedError, run
from harness.errors import DeployError
from harness.progress import Progress
from harness.supply.go import ensure_go

SOURCES = Path(__file__).resolve().parents[2] / "supply" / "go"
_TIMEOUT = 3600.0  # seconds; Kubernetes takes five minutes of two idle cores


class ModulePinMissingError(DeployError):
    """A folder of supply/go does not name the version of the module that it pins."""

    def __init__(self, module: str, file: Path) -> None:
        super().__init__(
            needed=f"the pinned version of {module}",
            seen="no line that requires it",
            looked=str(file),
            fix="restore the file from version control",
        )


class ProgramBuildFailedError(DeployError):
    """The Go compiler did not make a program: mostly, a module could not be had."""

    def __init__(self, program: Program, error: CommandFailedError) -> None:
        super().__init__(
            needed=f"{program.name} {program.version}, built from the Go module proxy",
            seen=error.seen,
            looked=str(program.folder),
            fix="check that `go env GOPROXY` names a proxy that this machine reaches, run again",
        )


@dataclass(frozen=True)
class Program:
    """One program of supply/go.

    Args:
        name: of the program, and of its folder.
        module: the module whose version is the program's; empty for our own code.
        package: what to build in the folder's module.
        version_variables: Go variables that hold the version, as the linker names them.
        version_facts: further variables, each with what to make of the version's parts.

    """

    name: str
    module: str = ""
    package: str = "."
    version_variables: tuple[str, ...] = ()
    version_facts: tuple[tuple[str, str], ...] = ()

    @property
    def folder(self) -> Path:
        """Where its module lies."""
        return SOURCES / self.name

    @property
    def version(self) -> str:
        """The pinned version, such as v1.34.4; `local` for our own code."""
        if not self.module:
            return "local"
        file = self.folder / "go.mod"
        pin = rf"^(?:require)?\s*{re.escape(self.module)} (v\S+)"
        found = re.search(pin, file.read_text(), re.M)
        if not found:
            raise ModulePinMissingError(self.module, file)
        return found[1]

    @property
    def linker_flags(self) -> str:
        """Strip symbols, and stamp the version as the project's own build does."""
        major, minor, *_ = [*self.version.lstrip("v").split("."), "", ""]
        facts = [(name, self.version) for name in self.version_variables]
        facts += [(n, fact.format(major=major, minor=minor)) for n, fact in self.version_facts]
        return " ".join(["-s", "-w", *(f"-X={name}={value}" for name, value in facts)])

    def key(self, goos: str = "") -> str:
        """Name the content that the program is built from, for this system by default."""
        return f"{self.name}-{self.version}-" + digest(
            files=[self.folder],
            root=self.folder,
            package=self.package,
            flags=self.linker_flags,
            platform=f"{goos or sys.platform}/{platform.machine()}",
        )

    def cached(self, cache: Cache, goos: str = "") -> Path | None:
        """Return the program if it was built before."""
        path = cache.path("tools", self.key(goos)) / self.name
        return path if path.is_file() else None

    def build(
        self, cache: Cache, progress: Progress, environ: Mapping[str, str], *, goos: str = ""
    ) -> Path:
        """Return the program, built unless the cache has it.

        Args:
            cache: where it is kept.
            progress: told what is built, and which package now.
            environ: where a Go compiler is looked for.
            goos: operating system it is for, by default this one.

        Raises:
            WheelNotInstalledError: there is no Go and it cannot be had.
            ProgramBuildFailedError: with the compiler's words.

        """

        def make(folder: Path) -> None:
            go = ensure_go(environ, cache, progress)
            with progress.step(f"build {self.name} {self.version}") as step:
                try:
                    run(
                        [go.program, *self._arguments(folder / self.name)],
                        timeout=_TIMEOUT,
                        cwd=self.folder,
                        env={**go.env, **_environment(goos)},
                        on_line=step.note,
                    )
                except CommandFailedError as error:
                    raise ProgramBuildFailedError(self, error) from error
                step.result = f"{(folder / self.name).stat().st_size / 1e6:.0f} MB"

        return cache.make("tools", self.key(goos), make) / self.name

    def _arguments(self, output: Path) -> Sequence[str]:
        return (
            "build",
            "-v",
            "-mod=readonly",
            "-trimpath",
            "-buildvcs=false",
            f"-ldflags={self.linker_flags}",
            f"-o={output}",
            self.package,
        )


def _environment(goos: str) -> dict[str, str]:
    # Every hash stands in go.sum, so no checksum database is asked, and what a person set
    # up for their own Go work does not change what comes out.
    settings = {"CGO_ENABLED": "0", "GOFLAGS": "", "GOWORK": "off"}
    return settings | ({"GOOS": goos} if goos else {})


_COMPONENT = "k8s.io/component-base/version."
_CLIENT = "k8s.io/client-go/pkg/version."

KIND = Program("kind", "sigs.k8s.io/kind", "sigs.k8s.io/kind")
HELM = Program(
    "helm",
    "helm.sh/helm/v4",
    "helm.sh/helm/v4/cmd/helm",
    version_variables=("helm.sh/helm/v4/internal/version.version",),
)
_MINIKUBE = "k8s.io/minikube/pkg/version."
MINIKUBE = Program(
    "minikube",
    "k8s.io/minikube",
    "k8s.io/minikube/cmd/minikube",
    version_variables=(_MINIKUBE + "version", _MINIKUBE + "isoVersion"),
    version_facts=((_MINIKUBE + "storageProvisionerVersion", "v5"),),
)
CRICTL = Program(
    "crictl",
    "sigs.k8s.io/cri-tools",
    "sigs.k8s.io/cri-tools/cmd/crictl",
    version_variables=("sigs.k8s.io/cri-tools/pkg/version.Version",),
)
KUBERNETES = Program(
    "kubernetes",
    "k8s.io/kubernetes",
    version_variables=(_COMPONENT + "gitVersion", _CLIENT + "gitVersion"),
    version_facts=tuple(
        (package + name, fact)
        for package in (_COMPONENT, _CLIENT)
        for name, fact in (
            ("gitMajor", "{major}"),
            ("gitMinor", "{minor}"),
            ("gitTreeState", "clean"),
        )
    ),
)
ETCD = Program("etcd", "go.etcd.io/etcd/server/v3")
COREDNS = Program("coredns", "github.com/coredns/coredns")
PAUSE = Program("pause")
REGISTRY = Program(
    "registry",
    "github.com/distribution/distribution/v3",
    version_variables=("github.com/distribution/distribution/v3/version.version",),
)
#: Each unpacks the CPython that it carries.
PYTHONS = tuple(
    Program(f"python{version}", "github.com/kluctl/go-embed-python")
    for version in ("3.10", "3.11", "3.14")
)
#: What images are made of.
IN_IMAGES = (REGISTRY, *PYTHONS)
