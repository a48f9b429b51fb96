"""What can be known to fail before a build is started."""

from __future__ import annotations

import fnmatch
from pathlib import PurePosixPath

from harness.errors import DeployError, Fault
from harness.images.context import Context, ignore_file
from harness.images.dockerfile import Copy, Dockerfile
from harness.images.spec import ImageSpec

_GLOB = frozenset("*?[")


class ContextMissingError(DeployError):
    """The folder to build from does not exist."""

    fault = Fault.PROJECT

    def __init__(self, spec: ImageSpec) -> None:
        super().__init__(
            needed=f"the build context of image {spec.name}",
            seen="the folder does not exist",
            looked=str(spec.context),
            fix="correct the image's context in the project's description",
        )


class DockerfileMissingError(DeployError):
    """There is no Dockerfile at the place that the project names."""

    fault = Fault.PROJECT

    def __init__(self, spec: ImageSpec) -> None:
        present = ", ".join(sorted(p.name for p in spec.context.iterdir())[:20]) or "nothing"
        super().__init__(
            needed=f"the Dockerfile of image {spec.name}",
            seen=f"the file does not exist; the folder holds: {present}",
            looked=str(spec.file),
            fix="add the Dockerfile, or correct its name in the project's description",
        )


class CopySourceMissingError(DeployError):
    """A COPY or ADD names something that is not in the build context (EC-1)."""

    fault = Fault.PROJECT

    def __init__(self, spec: ImageSpec, copy: Copy, source: str, *, ignored: bool) -> None:
        one = copy.instruction
        rules = ignore_file(spec.context, spec.dockerfile)
        seen = f"`{source}` does not exist in the build context"
        fix = "add it to the context, or correct the path, which is relative to the context"
        if ignored:
            seen = f"`{source}` exists, but {rules} keeps it out of the build"
            fix = f"add an exception (`!{source}`) to {rules}"
        super().__init__(
            needed=f"what image {spec.name} copies: line {one.line}, `{one.word} {one.rest}`",
            seen=seen,
            looked=f"{spec.file}, line {one.line}; build context {spec.context}",
            fix=fix,
        )


class BaseArgUnknownError(DeployError):
    """The Dockerfile has no such ARG before its first FROM, so a base would be ignored."""

    fault = Fault.PROJECT

    def __init__(self, spec: ImageSpec, name: str, known: list[str]) -> None:
        super().__init__(
            needed=f"`ARG {name}` before the first FROM of image {spec.name}, used by a FROM",
            seen=f"base ARGs there: {', '.join(known) or 'none'}",
            looked=str(spec.file),
            fix=f"declare `ARG {name}=<official image>` and use it as `FROM ${{{name}}}`",
        )


class TargetUnknownError(DeployError):
    """The Dockerfile has no such stage."""

    fault = Fault.PROJECT

    def __init__(self, spec: ImageSpec, stages: list[str]) -> None:
        super().__init__(
            needed=f"the stage `{spec.target}` of image {spec.name}",
            seen=f"stages there: {', '.join(stages) or 'none'}",
            looked=str(spec.file),
            fix="correct the image's target in the project's description",
        )


def check(spec: ImageSpec) -> tuple[Context, Dockerfile]:
    """Check a spec against its sources and return context and parsed Dockerfile.

    Raises:
        ContextMissingError, DockerfileMissingError, CopySourceMissingError,
        BaseArgUnknownError, TargetUnknownError.

    """
    if not spec.context.is_dir():
        raise ContextMissingError(spec)
    if not spec.file.is_file():
        raise DockerfileMissingError(spec)
    dockerfile = Dockerfile.read(spec.file)
    known = dockerfile.base_args()
    for name in spec.bases:
        if name not in known:
            raise BaseArgUnknownError(spec, name, sorted(known))
    stages = [name for name, _, _ in dockerfile.stages]
    if spec.target and spec.target.lower() not in stages:
        raise TargetUnknownError(spec, stages)
    context = Context(spec.context, spec.dockerfile)
    names = context.names()
    for copy in dockerfile.copies(spec.build_args):
        for source in copy.sources:
            if not _present(context, names, source):
                raise CopySourceMissingError(spec, copy, source, ignored=_on_disk(spec, source))
    return context, dockerfile


def _present(context: Context, names: frozenset[str], source: str) -> bool:
    if not _GLOB & set(source):
        return context.holds(str(PurePosixPath("/") / source).lstrip("/"))
    parts = PurePosixPath(source.strip("/").removeprefix("./")).parts

    def matches(name: str) -> bool:
        own = name.split("/")
        return len(own) >= len(parts) and all(
            fnmatch.fnmatchcase(word, pattern) for word, pattern in zip(own, parts, strict=False)
        )

    return any(matches(name) for name in names)


def _on_disk(spec: ImageSpec, source: str) -> bool:
    return any(spec.context.glob(source.strip("/")))
