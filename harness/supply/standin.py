"""Making the stand-in for an official image, once for each content of its recipe."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.cache import Cache, digest
from harness.command import CommandFailedError, CommandTimedOutError, run
from harness.errors import DeployError
from harness.labels import PREFIX
from harness.progress import Progress
from harness.supply import debian, gobuild, npm, wheels
from harness.supply.disk import check_disk
from harness.supply.engine import Engine
from harness.supply.recipe import Recipe, node_pins

REPOSITORY = "deploy-supply"
#: The label that names the official image.
STANDS_IN = PREFIX + "stands-in-for"
_TIMEOUT = 1200.0
_ROOM_GB = 3.0
_BOOTSTRAP = "mmdebstrap"


class BootstrapMissingError(DeployError):
    """mmdebstrap, which makes the Debian that the stand-ins stand on, is not here."""

    def __init__(self, official: str) -> None:
        super().__init__(
            needed=f"{_BOOTSTRAP}, to make a stand-in for {official}",
            seen="it is not installed, and this is not root on Debian, which could install it",
            looked="the PATH",
            fix=f"as root: `apt-get install {_BOOTSTRAP}`; or make an image registry reachable",
        )


class StandInFailedError(DeployError):
    """Making a stand-in failed."""

    def __init__(self, recipe: Recipe, said: str) -> None:
        super().__init__(
            needed=f"a stand-in for {recipe.official}: {recipe.holds}",
            seen=said,
            looked=f"the recipe in {recipe.folder}",
            fix="read the last words above; most often a package registry cannot be reached"
            " from a container",
        )


@dataclass(frozen=True)
class StandIn:
    """The stand-in for one official image."""

    recipe: Recipe
    engine: Engine
    cache: Cache
    progress: Progress
    environ: Mapping[str, str]

    @property
    def key(self) -> str:
        """Name the content: recipe, arguments, and what it stands on."""
        below = self._below()
        return digest(
            files=[self.recipe.folder],
            root=self.recipe.folder,
            arguments=sorted(self.recipe.arguments.items()),
            suite=self.recipe.suite,
            pins=sorted(node_pins(self.recipe.node).items()),
            below=below.key if below else "",
            **({"program": self._program().key("linux")} if self.recipe.program else {}),
            **({"target": self.recipe.target} if self.recipe.target else {}),
            **({"wheels": wheels.pinned(*self.recipe.wheels)} if self.recipe.wheels else {}),
        )

    @property
    def ref(self) -> str:
        """Its name: never the official one, and another for every content."""
        return f"{REPOSITORY}/{self.recipe.name}:{self.recipe.tag}-{self.key[:12]}"

    def exists(self) -> bool:
        """Say whether the engine has it."""
        return self.engine.has_image(self.ref)

    def ensure(self) -> str:
        """Return its name; make it unless the engine has it. Other processes wait.

        Raises:
            BootstrapMissingError, StandInFailedError, DiskTooSmallError,
            PackageNotFetchedError, PackageAlteredError, ProgramBuildFailedError,
            WheelNotInstalledError, InstallerMissingError.

        """
        if self.exists():
            return self.ref
        if self.recipe.program:
            self._compiled()
        below = self._below()
        base = below.ensure() if below else ""
        with self.cache.lock(f"base-{self.recipe.name}-{self.key}"):
            if not self.exists():
                check_disk(self.engine, _ROOM_GB)
                with self.progress.step(f"make a stand-in for {self.recipe.official}") as step:
                    try:
                        if self.recipe.suite:
                            self._bootstrap(step.note)
                        else:
                            self._build(base, step.note)
                    except (CommandFailedError, CommandTimedOutError) as error:
                        raise StandInFailedError(self.recipe, error.seen) from error
        return self.ref

    def _below(self) -> StandIn | None:
        if self.recipe.on is None:
            return None
        return StandIn(self.recipe.on, self.engine, self.cache, self.progress, self.environ)

    def _program(self) -> gobuild.Program:
        return next(p for p in gobuild.IN_IMAGES if p.name == self.recipe.program)

    def _compiled(self) -> Path:
        program = self._program()
        return program.build(self.cache, self.progress, self.environ, goos="linux")

    def _unpacked(self) -> Path:
        return wheels.install(
            *self.recipe.wheels, cache=self.cache, progress=self.progress, environ=self.environ
        )

    def _labels(self) -> list[str]:
        return self.engine.labels(stands_in_for=self.recipe.official, holds=self.recipe.holds)

    def _bootstrap(self, note: Callable[[str], None]) -> None:
        """Make a Debian by mmdebstrap and import it as an image of one layer."""
        program = shutil.which(_BOOTSTRAP, path=self.environ.get("PATH"))
        if program is None and not debian.may_install():
            raise BootstrapMissingError(self.recipe.official)
        if program is None:
            debian.install([_BOOTSTRAP], self.cache, self.progress)
        options = (self.recipe.folder / "bootstrap.args").read_text().splitlines()
        with self._folder() as folder:
            archive = folder / "root.tar"
            words = [program or _BOOTSTRAP, *options, self.recipe.suite, str(archive)]
            run(words, timeout=_TIMEOUT, env={"LC_ALL": "C.UTF-8"}, on_line=note)
            changes = [
                'CMD ["bash"]',
                "ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin",
            ]
            changes += [
                f'LABEL {fact.partition("=")[0]}="{fact.partition("=")[2]}"'
                for fact in self._labels()[1::2]
            ]
            flags = [word for change in changes for word in ("--change", change)]
            self.engine.run("import", *flags, archive, self.ref, timeout=_TIMEOUT)

    def _build(self, base: str, note: Callable[[str], None]) -> None:
        arguments = {**({"DEBIAN": base} if base else {}), **self.recipe.arguments}
        flags = [
            word for name, value in arguments.items() for word in ("--build-arg", f"{name}={value}")
        ]
        if self.recipe.target:
            flags += ["--target", self.recipe.target]
        with self._folder() as folder:
            context = folder / "context"
            shutil.copytree(self.recipe.folder, context)
            if self.recipe.node:
                self._fetch_node(context)
            if self.recipe.program:
                shutil.copy2(self._compiled(), context)
            if self.recipe.wheels:
                shutil.copytree(self._unpacked(), context / "wheels")
            words = ["--progress=plain", *self._labels(), "--tag", self.ref, *flags, str(context)]
            self.engine.run("build", *words, timeout=_TIMEOUT, on_line=note)

    def _fetch_node(self, context: Path) -> None:
        pins = node_pins(self.recipe.node)
        told = self.engine.run("version", "--format", "{{.Server.Arch}}", timeout=30).stdout.strip()
        architecture = {"amd64": "x64", "arm64": "arm64"}.get(told)
        if architecture is None:
            raise StandInFailedError(self.recipe, f"no Node is pinned for the architecture {told}")
        packages = {"node": (f"node-linux-{architecture}@{pins['node']}", pins[told])}
        for name in ("npm", "yarn", "corepack"):
            if version := pins.get(name):
                packages[name] = (f"{name}@{version}", pins[f"{name}_integrity"])
        for name, (package, integrity) in packages.items():
            npm.fetch(
                package,
                integrity,
                context / f"{name}.tgz",
                cache=self.cache,
                progress=self.progress,
                environ=self.environ,
            )

    @contextmanager
    def _folder(self) -> Iterator[Path]:
        """Give a folder for what is half-made, gone afterwards."""
        self.cache.root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".base-", dir=self.cache.root) as folder:
            yield Path(folder)
