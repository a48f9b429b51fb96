"""Why a workload or a Service of a release does not become ready: one class a cause."""

from __future__ import annotations

from collections.abc import Sequence

from harness.kube.cause import Cause, namespace_of
from harness.kube.resources import Object, name_of


class JobFailedError(Cause):
    """A Job of the release has given up."""

    def __init__(self, job: Object, reason: str, message: str, log: Sequence[str]) -> None:
        super().__init__(
            f"job/{name_of(job)}",
            needed=f"job {name_of(job)} to complete",
            seen=f"{reason}: {message}",
            looked=f"job {name_of(job)} in namespace {namespace_of(job)} and its pods",
            fix="read the log above: it is of the job's last pod",
            log=log,
        )


class HookFailedError(Cause):
    """A hook of the chart has failed, and with it what Helm was doing.

    Attributes:
        hook: which (`pre-install`, `post-upgrade`, …).

    """

    def __init__(self, obj: Object, hook: str, message: str, log: Sequence[str]) -> None:
        self.hook = hook
        kind = str(obj.get("kind", "")).lower()
        super().__init__(
            f"{kind}/{name_of(obj)}",
            needed=f"the chart's {hook} hook, {kind} {name_of(obj)}, to complete",
            seen=message,
            looked=f"{kind} {name_of(obj)} in namespace {namespace_of(obj)} and its pods",
            fix="read the log above: it is of the hook's last pod",
            log=log,
        )


class PodRefusedError(Cause):
    """The API refuses the pods of a workload: quota, admission rule, service account."""

    def __init__(self, owner: Object, message: str) -> None:
        super().__init__(
            f"{str(owner.get('kind', '')).lower()}/{name_of(owner)}",
            needed=f"the pods of {owner.get('kind')} {name_of(owner)} to be accepted by the API",
            seen=message,
            looked=f"its conditions and FailedCreate events in namespace {namespace_of(owner)}",
            fix="keep to the quota or limit range"
            if "quota" in message or "LimitRange" in message
            else "set the pod's security context as the namespace's rules want it"
            if "PodSecurity" in message
            else "create what the API names above, or correct the chart",
        )


class NoEndpointsError(Cause):
    """A Service's selector matches no pod, and none that is to come (EC-2).

    `there` is what the pods carry that are there, or that workloads make: a line each.
    """

    def __init__(self, service: Object, there: Sequence[str]) -> None:
        super().__init__(
            f"service/{name_of(service)}",
            needed=f"pods behind service {name_of(service)}, which selects {_selector(service)}",
            seen="\n".join([f"no pod carries these labels: {_selector(service)}", *there])
            if there
            else "there is no pod at all",
            looked=f"the pods' labels in namespace {namespace_of(service)}",
            fix="have the Service's selector and the pods' labels agree in the chart",
        )


class ServicePortError(Cause):
    """A Service leads to a port by a name that no container of its pods gives (EC-2)."""

    def __init__(self, service: Object, unknown: Sequence[str], offered: Sequence[str]) -> None:
        names = ", ".join(filter(None, offered)) or "none"
        super().__init__(
            f"service/{name_of(service)}",
            needed=f"a container port named {', '.join(unknown)}, where service "
            f"{name_of(service)} leads",
            seen=f"the pods that it selects name these ports: {names}",
            looked=f"targetPort of service {name_of(service)} and the ports of the containers "
            f"in namespace {namespace_of(service)}",
            fix="have the Service's targetPort and a container's port agree in name in the chart",
        )


class ServiceUnreadyError(Cause):
    """A Service selects pods, all is rolled out, and none of these pods is Ready (EC-2)."""

    def __init__(self, service: Object, pods: Sequence[str]) -> None:
        super().__init__(
            f"service/{name_of(service)}",
            needed=f"a ready pod behind service {name_of(service)}, which selects "
            f"{_selector(service)}",
            seen="\n".join(["all workloads are rolled out, and yet it has no endpoint", *pods]),
            looked=f"its endpoints and pods in namespace {namespace_of(service)}",
            fix="select the pods that serve, not those of a Job or of nobody",
        )


def _selector(service: Object) -> str:
    selector = (service.get("spec") or {}).get("selector") or {}
    return ", ".join(f"{key}={value}" for key, value in selector.items())


class ProgressDeadlineError(Cause):
    """A Deployment has made no progress for its progressDeadlineSeconds."""

    def __init__(self, deployment: Object, message: str, pods: Sequence[str]) -> None:
        limit = (deployment.get("spec") or {}).get("progressDeadlineSeconds", 600)
        super().__init__(
            f"deployment/{name_of(deployment)}",
            needed=f"progress of deployment {name_of(deployment)} within {limit} s",
            seen="\n".join([message, *pods]),
            looked=f"its Progressing condition in namespace {namespace_of(deployment)}",
            fix="see what its pods wait for, above",
        )
