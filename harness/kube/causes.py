"""Why a release does not become ready: all causes by name."""

from harness.kube.cause import Cause
from harness.kube.pod_causes import (
    ContainerConfigError,
    ContainerStartError,
    CrashLoopError,
    ImagePullError,
    OutOfMemoryError,
    SandboxError,
    UnschedulableError,
    VolumeMountError,
    missing_from,
)
from harness.kube.probe_causes import ProbeFailingError, ProbePortError
from harness.kube.release_causes import (
    HookFailedError,
    JobFailedError,
    NoEndpointsError,
    PodRefusedError,
    ProgressDeadlineError,
    ServicePortError,
    ServiceUnreadyError,
)

__all__ = [
    "Cause",
    "ContainerConfigError",
    "ContainerStartError",
    "CrashLoopError",
    "HookFailedError",
    "ImagePullError",
    "JobFailedError",
    "NoEndpointsError",
    "OutOfMemoryError",
    "PodRefusedError",
    "ProbeFailingError",
    "ProbePortError",
    "ProgressDeadlineError",
    "SandboxError",
    "ServicePortError",
    "ServiceUnreadyError",
    "UnschedulableError",
    "VolumeMountError",
    "missing_from",
]
