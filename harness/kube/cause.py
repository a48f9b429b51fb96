"""What every cause has in common, and the words by which it names its object."""

from __future__ import annotations

from collections.abc import Sequence

from harness.errors import DeployError, Fault
from harness.kube.pods import Container
from harness.kube.resources import Object, meta, name_of


class Cause(DeployError):
    """A named reason for which an object of a release will not become ready.

    Attributes:
        about: the object, as `pod/NAME` or `pod/NAME/CONTAINER`.
        log: the last log lines that belong to it, if any.

    """

    fault = Fault.PROJECT

    def __init__(
        self,
        about: str,
        *,
        needed: str,
        seen: str,
        looked: str,
        fix: str,
        log: Sequence[str] = (),
    ) -> None:
        self.about, self.log = about, list(log)
        lines = "\n".join(f"  | {line}" for line in log)
        text = f"{seen}\nlast log lines:\n{lines}" if log else seen
        super().__init__(needed=needed, seen=text, looked=looked, fix=fix)


def namespace_of(obj: Object) -> str:
    """Return the namespace of an object."""
    return str(meta(obj).get("namespace", ""))


def about_pod(pod: Object, container: Container | None = None) -> str:
    """Return how a cause names a pod, or one of its containers."""
    return f"pod/{name_of(pod)}" + (f"/{container.name}" if container else "")


def where(pod: Object, container: Container) -> str:
    """Return where a container is, for people."""
    kind = "init container" if container.init else "container"
    return f"{kind} {container.name} of pod {name_of(pod)} in namespace {namespace_of(pod)}"


def restarted(container: Container) -> str:
    """Return how often a container was started again, for the end of a sentence."""
    count = container.restarts
    return f", after {count} restart{'s' if count > 1 else ''}" if count else ""
