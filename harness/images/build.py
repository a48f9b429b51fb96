"""Building an image, once for each content of its sources."""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.cache import Cache, digest
from harness.command import CommandTimedOutError
from harness.errors import DeployError
from harness.images import precheck
from harness.images.additions import Adder, Additions
from harness.images.context import Context
from harness.images.dockerfile import Dockerfile
from harness.images.failure import BuildFailedError, BuildTimedOutError, read_failure
from harness.images.foreign import CA_SECRET, adapted, foreign, syntax_image
from harness.images.given import Given
from harness.images.leavings import remove_layers
from harness.images.limits import BuildExceededError, Limits
from harness.images.spec import HASH_LABEL, NAME_LABEL, BuiltImage, ImageSpec
from harness.images.steps import MARK, limitable
from harness.images.watch import BuildWatch
from harness.labels import MANAGED
from harness.progress import Progress
from harness.redact import Redactor
from harness.supply.authority import ca_bundle
from harness.supply.disk import engine_folder

if TYPE_CHECKING:
    from harness.supply.bases import Bases
    from harness.supply.engine import Engine

# Build in the engine itself, whatever builder the user prefers: another would keep the
# image to itself; and no attestations, which would change the image each time.
_BUILDKIT = {
    "DOCKER_BUILDKIT": "1",
    "BUILDX_BUILDER": "default",
    "BUILDX_NO_DEFAULT_ATTESTATIONS": "1",
}


def wanted_bases(spec: ImageSpec, dockerfile: Dockerfile) -> dict[str, str]:
    """Return the official names of the images that an image is made from, its own base last.

    Where the spec says that an ARG stands for one, its key is that ARG, else the name itself.
    """
    named = {official: argument for argument, official in spec.bases.items()}
    wanted = dict(spec.bases)
    for one in foreign(dockerfile, {**spec.build_args, **spec.bases}, spec.target):
        key = named.get(one.name, one.name)
        wanted.pop(key, None)
        wanted[key] = one.name
    return wanted


@dataclass(frozen=True)
class _Work:
    """One build: of what, on what, and the name that it gets."""

    spec: ImageSpec
    dockerfile: Dockerfile
    ref: str
    key: str
    bases: Mapping[str, str]
    given: Given
    additions: Additions


@dataclass
class Builder:
    """Builds images in the engine, each named by the hash of all that goes into it.

    An image whose context, Dockerfile, arguments, target and base images are unchanged
    is found by its tag and label, and not built again. Safe to use from several threads
    and processes: of those that want the same image one builds, the others wait.

    Args:
        engine: where to build.
        bases: finds the base images.
        cache: holds the locks between processes.
        progress: told what is going on.
        environ: read for the host's CA bundle, which a Dockerfile may mount as the
            build secret `ca_bundle`; it never becomes part of an image by itself.
        timeout: seconds that one build may take.
        redact: applied to what a failure shows.
        limits: what one build may take.
        as_of: day as of whose beginning dependencies are resolved that nothing pins,
            YYYY-MM-DD; empty for today.

    """

    engine: Engine
    bases: Bases
    cache: Cache
    progress: Progress
    environ: Mapping[str, str]
    timeout: float = 900.0
    redact: Redactor = field(default_factory=Redactor)
    limits: Limits = field(default_factory=Limits)
    as_of: str = ""
    _folder: tuple[Path | None] | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        self._adder = Adder(self.engine, self.progress, self.environ, self.as_of)

    def check(self, spec: ImageSpec) -> None:
        """Check a spec against its sources without building; see `precheck.check`."""
        precheck.check(spec)

    def find(self, spec: ImageSpec, bases: Mapping[str, str]) -> tuple[str, bool]:
        """Return the name for the present sources, and whether the engine has it. Builds nothing.

        Args:
            spec: what would be built.
            bases: what would stand in its FROM, in the engine, by the names of `wanted_bases`.

        Raises:
            DeployError: the spec does not fit its sources (see `precheck`).

        """
        context, _ = precheck.check(spec)
        key = self._key(spec, context, bases, self._adder.look(spec, context))
        ref = f"{spec.repository}:{key[:12]}"
        return ref, self._find(ref, key) is not None

    def build(self, spec: ImageSpec) -> BuiltImage:
        """Return the image for the present sources, building it when it is not there.

        Raises:
            BuildFailedError: a step failed; names image, step, line and cause (EC-1).
            BuildTimedOutError: the build took longer than `timeout`.
            BuildExceededError: it came to one of its `limits`.
            DeployError: the spec does not fit its sources (see `precheck`), or a base
                image is not to be had.

        """
        started = time.monotonic()
        context, dockerfile = precheck.check(spec)
        wanted = wanted_bases(spec, dockerfile)
        bases = {name: self._base(spec, dockerfile, wanted[name]) for name in wanted}
        additions = self._adder.look(spec, context)
        self._adder.tell(spec, additions)
        key = self._key(spec, context, bases, additions)
        tag = key[:12]
        ref = f"{spec.repository}:{tag}"
        with self.cache.lock(f"build-{spec.repository.replace('/', '_')}-{tag}"):
            found = self._find(ref, key)
            built = found is None
            if found is None:
                with self.progress.step(f"building image {spec.name}") as step:
                    with tempfile.TemporaryDirectory(prefix="deploy-given-") as folder:
                        given = self._adder.give(
                            spec, context, dockerfile, additions, bases, Path(folder)
                        )
                        work = _Work(spec, dockerfile, ref, key, bases, given, additions)
                        self._run(work, step.note)
                    found = self._find(ref, key)
                    step.result = ref
            else:
                self.progress.choice(f"image {spec.name}", ref, "unchanged, already in the engine")
        if found is None:
            output = f"the build ended well, but the engine has no image {ref} with our label"
            raise BuildFailedError(spec, read_failure(output, dockerfile), self.redact)
        seconds = time.monotonic() - started
        return BuiltImage(spec.name, spec.repository, tag, found, bases, seconds, built)

    def _base(self, spec: ImageSpec, dockerfile: Dockerfile, official: str) -> str:
        try:
            return self.bases.ensure(official).ref
        except DeployError as error:
            for one in foreign(dockerfile, {**spec.build_args, **spec.bases}, spec.target):
                if one.name == official:
                    step = f"`{one.instruction.word} {one.instruction.rest}`"
                    note = f"image {spec.name} asks for it: {spec.file}, line"
                    error.add_note(f"{note} {one.instruction.line}, {step}")
            raise

    @contextlib.contextmanager
    def _adapted(self, work: _Work) -> Iterator[Path]:
        """Give the Dockerfile as it can be built here: itself, or one that stands on others."""
        spec, bases = work.spec, work.bases
        text = spec.file.read_text(encoding="utf-8", errors="surrogateescape")
        new = adapted(
            text,
            work.dockerfile,
            {**spec.build_args, **spec.bases},
            {name: ref for name, ref in bases.items() if name not in spec.bases},
            trust=ca_bundle(self.environ) is not None,
            given=work.given,
            syntax=self._reads(syntax_image(text)),
        )
        if new.splitlines() == text.splitlines():
            yield spec.file
            return
        with tempfile.TemporaryDirectory(prefix="deploy-build-") as folder:
            file = Path(folder, spec.file.name)
            file.write_text(new, encoding="utf-8", errors="surrogateescape")
            own = spec.file.with_name(f"{spec.file.name}.dockerignore")
            if own.is_file():
                shutil.copyfile(own, file.with_name(own.name))
            yield file

    def _reads(self, syntax: str) -> bool:
        """Say whether the frontend that a Dockerfile asks for is to be had."""
        try:
            if syntax:
                self.bases.ensure(syntax)
        except DeployError:
            self.progress.choice("syntax", "the engine's own", f"{syntax} is not to be had")
            return False
        return True

    def _key(
        self, spec: ImageSpec, context: Context, bases: Mapping[str, str], additions: Additions
    ) -> str:
        return digest(
            files=context.files(),
            root=spec.context,
            dockerfile=spec.file.read_bytes(),
            arguments=sorted(spec.build_args.items()),
            bases=sorted((name, self.engine.image_id(ref)) for name, ref in bases.items()),
            target=spec.target,
            **additions.key,
        )

    def _find(self, ref: str, key: str) -> str | None:
        """Return the image's id when the tag is there and its label says the same content."""
        shown = self.engine.run("image", "inspect", ref, timeout=30, check=False)
        if shown.returncode != 0:
            return None
        facts: list[dict[str, Any]] = json.loads(shown.stdout)
        labels = (facts[0].get("Config") or {}).get("Labels") or {}
        return str(facts[0]["Id"]) if labels.get(HASH_LABEL) == key else None

    def _run(self, work: _Work, note: Callable[[str], None]) -> None:
        dated = work.additions.dated
        with self._adapted(work) as file:
            try:
                self._run_on(file, work, note)
            except BuildFailedError as error:
                if dated and (told := dated.note(error.log)):
                    error.add_note(told)
                raise

    def _argv(self, file: Path, work: _Work) -> list[str]:
        """Return the words for the engine's client, the context apart."""
        spec = work.spec
        argv = ["build", "--progress=plain", "--file", str(file), "--tag", work.ref]
        labels = {MANAGED: "true", HASH_LABEL: work.key, NAME_LABEL: spec.name}
        for name, value in labels.items():
            argv += ["--label", f"{name}={value}"]
        arguments = {name: ref for name, ref in work.bases.items() if name in spec.bases}
        for name, value in {**spec.build_args, **arguments}.items():
            argv += ["--build-arg", f"{name}={value}"]
        if spec.target:
            argv += ["--target", spec.target]
        if bundle := ca_bundle(self.environ):
            argv += ["--secret", f"id={CA_SECRET},src={bundle}"]
        for secret, source in work.given.secrets:
            argv += ["--secret", f"id={secret},src={source}"]
        return [*argv, "--add-host", f"{MARK}:127.0.0.1"]  # by which its steps are known as ours

    def _run_on(self, file: Path, work: _Work, note: Callable[[str], None]) -> None:
        spec, dockerfile = work.spec, work.dockerfile
        watch, begun = self._watch(), datetime.now(UTC)
        try:
            with watch:
                done = self.engine.run(
                    *self._argv(file, work),
                    str(spec.context),
                    timeout=self.timeout,
                    env=_BUILDKIT,
                    check=False,
                    on_line=note,
                    on_start=watch.began,
                )
        except CommandTimedOutError as error:
            said = error.completed.stdout + error.completed.stderr
            failure = read_failure(said, dockerfile)
            raise BuildTimedOutError(spec, failure, self.timeout, self.redact, said) from error
        if done.returncode != 0:
            said = done.stdout + done.stderr
            failure = read_failure(said, dockerfile)
            words = "\n".join((failure.cause, *failure.lines))
            if exceeded := watch.exceeded or watch.told(words):
                if exceeded.disk:
                    remove_layers(self.engine, dockerfile, begun)
                raise BuildExceededError(spec, failure, exceeded, self.redact, said)
            raise BuildFailedError(spec, failure, self.redact, said)

    def _watch(self) -> BuildWatch:
        limited = self.engine.host.startswith("unix://") and limitable()
        if not limited:
            reason = "control groups of its engine are not to be changed from here"
            self.progress.choice("limits", "of builds: time and disk alone", reason)
        return BuildWatch(self.limits, self._disk(), limited)

    def _disk(self) -> Path | None:
        if self._folder is None:
            self._folder = (engine_folder(self.engine),)
        return self._folder[0]
