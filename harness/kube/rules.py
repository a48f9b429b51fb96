"""When each cause is hopeless, and when it may still recover: for people, and for a test.

The numbers come from `Patience`; `docs/causes.md` is generated from here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.kube import causes
from harness.kube.finding import Patience

AT_ONCE = "at once"
NEVER = "never by itself"


@dataclass(frozen=True)
class Rule:
    """What is said of one state.

    Attributes:
        cause: the error that is raised.
        state: what the cluster shows.
        hopeless: when the wait is given up.
        recovers: why it is not given up before, "" when nothing can mend it.

    """

    cause: type[causes.Cause]
    state: str
    hopeless: str
    recovers: str = ""


def rules(patience: Patience | None = None) -> Sequence[Rule]:
    """Return the rules, the causes in the order of a pod's life."""
    p = patience or Patience()

    def after(seconds: float, of: str = "") -> str:
        return f"after {seconds:.0f} s{of}"

    return (
        Rule(
            causes.PodRefusedError,
            "the API refuses the pods: quota, limit range, no such service account",
            after(p.refusal),
            f"the quota may be raised, the account may come; {p.volume:.0f} s while an "
            "admission webhook does not answer or pods are being deleted",
        ),
        Rule(causes.PodRefusedError, "the same, by the namespace's PodSecurity", AT_ONCE),
        Rule(
            causes.UnschedulableError,
            "Unschedulable: no node has room, or may take it",
            after(p.unschedulable),
            f"{p.node:.0f} s while a pod is being deleted or a node is not ready yet",
        ),
        Rule(
            causes.UnschedulableError,
            "the same, for a volume claim that is not bound",
            after(p.volume),
            "a provisioner may bind it",
        ),
        Rule(
            causes.VolumeMountError,
            "FailedMount: a Secret or ConfigMap that is not there",
            after(p.config, " of failing"),
            "it may be applied a moment later",
        ),
        Rule(
            causes.VolumeMountError,
            "FailedMount or FailedAttachVolume for another reason",
            after(p.volume, " of failing"),
            "a driver may need several attempts",
        ),
        Rule(
            causes.SandboxError,
            "FailedCreatePodSandBox: the node's runtime does not know the runtime class",
            AT_ONCE,
        ),
        Rule(
            causes.SandboxError,
            "FailedCreatePodSandBox for another reason",
            after(p.sandbox, " of failing"),
            "the pod network may be starting",
        ),
        Rule(
            causes.ImagePullError,
            "ErrImageNeverPull, InvalidImageName, or the registry says no (not found, denied, "
            "no such host, certificate)",
            AT_ONCE,
        ),
        Rule(
            causes.ImagePullError,
            "ErrImagePull, ImagePullBackOff for another reason",
            after(p.pull, " of a scheduled pod"),
            "the network may recover",
        ),
        Rule(
            causes.ContainerConfigError,
            "CreateContainerConfigError: a Secret, ConfigMap or key that is not there",
            after(p.config, " of a scheduled pod"),
            "it may be applied a moment later",
        ),
        Rule(
            causes.ContainerConfigError,
            "the same, for what the kubelet has not read in time",
            after(p.volume, " of a scheduled pod"),
            "it asks again, and the API may be busy",
        ),
        Rule(
            causes.ContainerConfigError,
            "the same, for what can never be (root where it is forbidden)",
            AT_ONCE,
        ),
        Rule(
            causes.ContainerStartError,
            "StartError, RunContainerError, CreateContainerError: no such command, not permitted",
            AT_ONCE,
        ),
        Rule(
            causes.OutOfMemoryError,
            "OOMKilled, also when it runs again since a moment, or before its command began",
            AT_ONCE,
        ),
        Rule(
            causes.OutOfMemoryError,
            "CrashLoopBackOff with exit code 137 and a memory limit, and no probe had it killed",
            f"after {p.restarts} restart{'s' if p.restarts > 1 else ''}",
            "somebody may have killed it; a busy node at times misses the reason OOMKilled",
        ),
        Rule(
            causes.CrashLoopError,
            "a container that is to run ends: CrashLoopBackOff",
            f"after {p.restarts} restart{'s' if p.restarts > 1 else ''}, "
            f"of an init container after {p.init_restarts}",
            "one end may be chance; an init container may wait for something",
        ),
        Rule(
            causes.CrashLoopError,
            "the same; its last words name what no restart mends (module, command, argument, file, "
            "setting), or its exit code says so (64, 78: called or set up wrongly; 126, 127)",
            AT_ONCE,
        ),
        Rule(
            causes.CrashLoopError,
            "the same; its last words name a host that does not answer",
            f"after {p.dependency_restarts} restarts",
            "a database may be starting",
        ),
        Rule(
            causes.ProbeFailingError,
            "a probe answers 4xx, or speaks another protocol, or its program is not in the image",
            after(p.probe, " of running"),
            "a server may know its paths a moment later",
        ),
        Rule(
            causes.ProbeFailingError,
            "the liveness or startup probe has had the container killed",
            "the second time",
            "one slow start may be chance",
        ),
        Rule(
            causes.ProbeFailingError,
            "a probe answers 5xx, or in no time",
            NEVER,
            "a dependency such as the database may come; the rollout's time limit ends it",
        ),
        Rule(
            causes.ProbePortError,
            "connection refused; the server listens at that port on localhost only",
            after(p.localhost, " of running"),
            "no server is judged in its first moments",
        ),
        Rule(
            causes.ProbePortError,
            "connection refused; the server listens at another port that the chart declares or "
            "its log names",
            after(p.probe, " of running"),
            "it may open its ports one after another",
        ),
        Rule(
            causes.ProbePortError,
            "connection refused; another port is open that nobody speaks of",
            after(p.elsewhere, " of running"),
            "it may be a port for debugging, opened before a slow start",
        ),
        Rule(
            causes.ProbePortError,
            "connection refused; nothing listens, or the image has no `cat` to tell",
            NEVER,
            "it may be a slow start; the progress deadline and the time limit end it",
        ),
        Rule(
            causes.JobFailedError,
            "a Job has given up (backoffLimit, activeDeadlineSeconds)",
            AT_ONCE,
            "before that its pods are not judged for crashes: the Job tries again",
        ),
        Rule(
            causes.HookFailedError,
            "a Job or pod that is a hook of the chart has failed",
            AT_ONCE,
            "as for a Job; Helm need not have ended",
        ),
        Rule(
            causes.NoEndpointsError,
            "a Service's selector matches no pod, and no pod that a workload makes",
            after(p.endpoints, " of the Service's last change"),
            "the workload may be applied a moment later",
        ),
        Rule(
            causes.ServicePortError,
            "a Service's targetPort is a name that no container of its pods has",
            after(p.endpoints, " of the Service's last change"),
            "the workload may be changed a moment later",
        ),
        Rule(
            causes.ServiceUnreadyError,
            "a Service selects pods, none of them is Ready, and all workloads are rolled out",
            after(p.endpoints, " of the pods' last change"),
            "endpoints follow the pods a moment later; a pod whose containers are being "
            "made may be Ready yet",
        ),
        Rule(
            causes.ProgressDeadlineError,
            "a Deployment's progressDeadlineSeconds are over",
            AT_ONCE,
            "before that whatever its pods wait for may come",
        ),
    )
