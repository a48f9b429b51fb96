"""What containers have written."""

from __future__ import annotations

from harness.kube.client import Kube
from harness.kube.resources import POD


def logs(
    client: Kube,
    namespace: str,
    pod: str,
    container: str = "",
    *,
    previous: bool = False,
    tail: int | None = None,
    timestamps: bool = False,
) -> str:
    """Return a container's log as text. It is not redacted: its use may be to find a secret.

    Args:
        client: where.
        namespace: of the pod.
        pod: its name.
        container: which container; needed when the pod has more than one.
        previous: of the run before the present one.
        tail: only so many last lines.
        timestamps: whether each line begins with its time.

    Raises:
        NotFoundError: there is no such pod.
        ApiRefusedError: the container has not begun, or has had no run before.

    """
    query = {"container": container, "tailLines": "" if tail is None else str(tail)}
    query["previous"] = "true" if previous else ""
    query["timestamps"] = "true" if timestamps else ""
    return client.text(POD.path(namespace, pod, "log"), query)
