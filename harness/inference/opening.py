"""Opening somebody's folder: its copy, Helm for its chart, and its description."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from harness.cache import Cache
from harness.command import CommandFailedError
from harness.errors import DeployError, Fault
from harness.helm.errors import ChartInvalidError
from harness.helm.rendering import Renderer
from harness.inference.described import Described, described
from harness.inference.folder import Folder, copied, shown
from harness.inference.limits import MemoryLimitError, time_limit
from harness.inference.schemas import elsewhere
from harness.progress import Progress
from harness.project import Project
from harness.supply.tools import ToolMissingError, find_helm

READING, INFERRING = 20.0, 45.0  # seconds
_ENDED = re.compile(r"out of memory|cannot allocate memory|runtime: .*goroutine|runtime\.goexit")
_NOWHERE = "http://127.0.0.1:9"  # the port that discards: nobody answers there


class NotInferredError(DeployError):
    """Something in the folder is such that nothing could be made of it; the fault may be ours."""

    fault = Fault.HARNESS

    def __init__(self, folder: str, error: BaseException) -> None:
        super().__init__(
            needed=f"a description of {folder}",
            seen=f"{type(error).__name__} while it was inferred",
            looked="chart, Dockerfiles, manifests and sources",
            fix="describe the project in deploy.toml, so that nothing has to be inferred",
        )


class Confined(Renderer):
    """Helm for a chart that somebody else wrote: with less time, and without a network.

    Only a schema can make it fetch something, which is refused. Should it try all the same, a
    proxy that answers nothing is in the way.
    """

    patience: ClassVar[float] = 10.0

    def template(
        self,
        chart: Path,
        release: str,
        namespace: str,
        values: Mapping[str, Any],
        *,
        kube_version: str | None = None,
    ) -> str:
        """Return the manifest, as every Renderer does. Raises MemoryLimitError too."""
        if reference := elsewhere(chart):
            problem = f"values.schema.json refers to {shown(reference)[:200]}, another document"
            raise ChartInvalidError(chart, problem, "write what is needed of it into the schema")
        try:
            return super().template(chart, release, namespace, values, kube_version=kube_version)
        except CommandFailedError as error:
            if _ENDED.search(error.completed.stderr):
                raise MemoryLimitError("Helm to render the chart") from None
            raise

    def _environment(self) -> dict[str, str]:
        names = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
        closed = {n: _NOWHERE for name in names for n in (name, name.lower())}
        return super()._environment() | closed | {"NO_PROXY": "", "no_proxy": ""}


@contextlib.contextmanager
def opened(
    folder: Path, environ: Mapping[str, str]
) -> Iterator[tuple[Folder, Renderer | None, DeployError | None]]:
    """Give a copy of a folder, and Helm, or why there is none.

    Raises:
        FolderMissingError, FolderTooLargeError, TimeLimitError.

    """
    cache = Cache.default(environ)
    helm: Renderer | None = None
    missing: DeployError | None = None
    try:
        program = find_helm(cache, Progress(quiet=True), environ)
        helm = Confined(program, Path(os.devnull), "none", cache.root)
    except ToolMissingError as error:
        missing = error
    with contextlib.ExitStack() as stack:
        with time_limit(f"reading {shown(str(folder))}", READING):
            copy = stack.enter_context(copied(folder))
        yield copy, helm, missing


@contextlib.contextmanager
def inferring(copy: Folder) -> Iterator[None]:
    """Limit the time for it, and have errors name the folder itself, not its copy.

    Raises:
        TimeLimitError, NotInferredError, and every DeployError of what is done within.

    """
    place = shown(str(copy.origin))
    try:
        with time_limit(f"the description of {place}", INFERRING):
            yield
    except DeployError as error:
        for part in ("needed", "seen", "looked", "fix"):
            setattr(error, part, copy.own(getattr(error, part)))
        raise
    except (Exception, RecursionError, MemoryError) as error:
        raise NotInferredError(place, error) from error


def project_in(folder: Path, environ: Mapping[str, str]) -> Described:
    """Return the project in a folder itself, described as far as its file leaves it out.

    Raises:
        what `opened`, `inferring` and `described` do, and ChartMissingError.

    """
    with opened(folder, environ) as (copy, helm, missing):
        with inferring(copy):
            found = described(copy, helm)
        if missing is not None and found.facts:
            raise missing
    data = found.project.model_dump(exclude={"root"})
    project = Project.checked(folder, data)  # against the folder itself, links and all
    return Described(project, found.source, found.facts, found.remarks)
