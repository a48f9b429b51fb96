"""Places to write for programs that cannot write their own files."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from harness.contract.finding import Notes
from harness.contract.program import Program
from harness.contract.subject import Subject


def check(subject: Subject, notes: Notes) -> None:
    """What a program writes while it runs lies in a volume: temporary files, caches."""
    for rendering in subject.renderings:
        for container in subject.containers(rendering):
            if container.image is None or not container.main:
                continue
            if not (container.body.get("securityContext") or {}).get("readOnlyRootFilesystem"):
                continue
            notes.saw(str(container))
            mounts = [str(m.get("mountPath")) for m in container.body.get("volumeMounts") or ()]
            for path, who in _written(subject.programs[container.image]):
                if not any(path == m or path.startswith(m.rstrip("/") + "/") for m in mounts):
                    notes.found(
                        subject.chart.where(container.owner.source, "volumeMounts", "containers:"),
                        needed=f"a place at {path} where {container} can write",
                        seen=f"its root file system is read-only, and {who} writes to {path}",
                        fix=f"mount an emptyDir at {path}",
                    )


def _written(program: Program) -> Iterator[tuple[str, str]]:
    yield "/tmp", "many a library"  # noqa: S108 - a path in a container
    if program.next and program.stage:
        yield posixpath.join(program.stage.workdir, ".next/cache"), "Next.js"
