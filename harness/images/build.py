"""Building an image, once for each content of its sources."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.cache import Cache, digest
from harness.command import CommandTimedOutError
from harness.images import precheck
from harness.images.context import Context
from harness.images.dockerfile import Dockerfile
from harness.images.failure import BuildFailedError, BuildTimedOutError, read_failure
from harness.images.spec import HASH_LABEL, NAME_LABEL, BuiltImage, ImageSpec
from harness.labels import MANAGED
from harness.progress import Progress
from harness.redact import Redactor
from harness.supply.authority import ca_bundle

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
CA_SECRET = "ca_bundle"  # noqa: S105 - the id of a build secret, not its value


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

    """

    engine: Engine
    bases: Bases
    cache: Cache
    progress: Progress
    environ: Mapping[str, str]
    timeout: float = 900.0
    redact: Redactor = field(default_factory=Redactor)

    def check(self, spec: ImageSpec) -> None:
        """Check a spec against its sources without building; see `precheck.check`."""
        precheck.check(spec)

    def find(self, spec: ImageSpec, bases: Mapping[str, str]) -> tuple[str, bool]:
        """Return the name for the present sources, and whether the engine has it. Builds nothing.

        Args:
            spec: what would be built.
            bases: ARG name to the image that would stand in its FROM, in the engine.

        Raises:
            DeployError: the spec does not fit its sources (see `precheck`).

        """
        context, _ = precheck.check(spec)
        key = self._key(spec, context, bases)
        ref = f"{spec.repository}:{key[:12]}"
        return ref, self._find(ref, key) is not None

    def build(self, spec: ImageSpec) -> BuiltImage:
        """Return the image for the present sources, building it when it is not there.

        Raises:
            BuildFailedError: a step failed; names image, step, line and cause (EC-1).
            BuildTimedOutError: the build took longer than `timeout`.
            DeployError: the spec does not fit its sources (see `precheck`), or a base
                image is not to be had.

        """
        started = time.monotonic()
        context, dockerfile = precheck.check(spec)
        bases = {name: self.bases.ensure(official).ref for name, official in spec.bases.items()}
        key = self._key(spec, context, bases)
        tag = key[:12]
        ref = f"{spec.repository}:{tag}"
        with self.cache.lock(f"build-{spec.repository.replace('/', '_')}-{tag}"):
            found = self._find(ref, key)
            built = found is None
            if found is None:
                with self.progress.step(f"building image {spec.name}") as step:
                    self._run(spec, dockerfile, ref, key, bases, step.note)
                    found = self._find(ref, key)
                    step.result = ref
            else:
                self.progress.choice(f"image {spec.name}", ref, "unchanged, already in the engine")
        if found is None:
            output = f"the build ended well, but the engine has no image {ref} with our label"
            raise BuildFailedError(spec, read_failure(output, dockerfile), self.redact)
        seconds = time.monotonic() - started
        return BuiltImage(spec.name, spec.repository, tag, found, bases, seconds, built)

    def _key(self, spec: ImageSpec, context: Context, bases: Mapping[str, str]) -> str:
        return digest(
            files=context.files(),
            root=spec.context,
            dockerfile=spec.file.read_bytes(),
            arguments=sorted(spec.build_args.items()),
            bases=sorted((name, self.engine.image_id(ref)) for name, ref in bases.items()),
            target=spec.target,
        )

    def _find(self, ref: str, key: str) -> str | None:
        """Return the image's id when the tag is there and its label says the same content."""
        shown = self.engine.run("image", "inspect", ref, timeout=30, check=False)
        if shown.returncode != 0:
            return None
        facts: list[dict[str, Any]] = json.loads(shown.stdout)
        labels = (facts[0].get("Config") or {}).get("Labels") or {}
        return str(facts[0]["Id"]) if labels.get(HASH_LABEL) == key else None

    def _run(
        self,
        spec: ImageSpec,
        dockerfile: Dockerfile,
        ref: str,
        key: str,
        bases: Mapping[str, str],
        note: Callable[[str], None],
    ) -> None:
        argv = ["build", "--progress=plain", "--file", str(spec.file), "--tag", ref]
        labels = {MANAGED: "true", HASH_LABEL: key, NAME_LABEL: spec.name}
        for name, value in labels.items():
            argv += ["--label", f"{name}={value}"]
        for name, value in {**spec.build_args, **bases}.items():
            argv += ["--build-arg", f"{name}={value}"]
        if spec.target:
            argv += ["--target", spec.target]
        if bundle := ca_bundle(self.environ):
            argv += ["--secret", f"id={CA_SECRET},src={bundle}"]
        try:
            done = self.engine.run(
                *argv,
                str(spec.context),
                timeout=self.timeout,
                env=_BUILDKIT,
                check=False,
                on_line=note,
            )
        except CommandTimedOutError as error:
            said = error.completed.stdout + error.completed.stderr
            failure = read_failure(said, dockerfile)
            raise BuildTimedOutError(spec, failure, self.timeout, self.redact, said) from error
        if done.returncode != 0:
            said = done.stdout + done.stderr
            raise BuildFailedError(spec, read_failure(said, dockerfile), self.redact, said)
