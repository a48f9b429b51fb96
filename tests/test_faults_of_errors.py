"""Whose a failure is: only the project's own speak against the project."""

from __future__ import annotations

import importlib
import pickle
import pkgutil
from pathlib import Path

import pytest

import harness
from harness.errors import DeployError, Fault
from harness.images.dockerfile import Dockerfile
from harness.images.failure import BuildFailedError, read_failure
from harness.images.spec import ImageSpec
from harness.kube.pod_causes import ImagePullError, SandboxError, UnschedulableError
from harness.kube.pods import containers
from harness.redact import Redactor


def classes() -> dict[str, type[DeployError]]:
    """Every error of the harness by module and name."""
    for module in pkgutil.walk_packages(harness.__path__, "harness."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    found, left = {}, [DeployError]
    while left:
        for one in left.pop().__subclasses__():
            left.append(one)
            if one.__module__.startswith("harness."):
                found[f"{one.__module__.removeprefix('harness.')}.{one.__name__}"] = one
    return found


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("images.failure.BuildFailedError", Fault.PROJECT),
        ("images.precheck.CopySourceMissingError", Fault.PROJECT),
        ("images.running.ContainerSilentError", Fault.PROJECT),
        ("kube.pod_causes.CrashLoopError", Fault.PROJECT),
        ("kube.probe_causes.ProbePortError", Fault.PROJECT),
        ("probes.unreachable.NoEndpointsError", Fault.PROJECT),
        ("helm.errors.TemplateFailedError", Fault.PROJECT),
        ("contract.finding.ContractBrokenError", Fault.PROJECT),
        ("journey.errors.StepFailedError", Fault.PROJECT),
        ("probes.unreachable.DnsSilentError", Fault.MACHINE),
        ("images.failure.BuildTimedOutError", Fault.MACHINE),
        ("supply.bases.BaseUnknownError", Fault.MACHINE),
        ("supply.disk.DiskTooSmallError", Fault.MACHINE),
        ("supply.engine_errors.EngineMissingError", Fault.MACHINE),
        ("supply.tools.ToolMissingError", Fault.MACHINE),
        ("clusters.errors.ClusterUnhealthyError", Fault.MACHINE),
        ("helm.errors.ClusterUnreachableError", Fault.MACHINE),
        ("plain_language.errors.KubectlAiMissingError", Fault.MACHINE),
        ("inference.limits.TimeLimitError", Fault.MACHINE),
        ("project_file.ProjectFileInvalidError", Fault.INPUT),
        ("option_reader.SettingInvalidError", Fault.INPUT),
        ("inference.errors.NothingToJudgeError", Fault.INPUT),
        ("helm.earlier.RevisionMissingError", Fault.INPUT),
    ],
)
def test_each_class_says_whose_fault_it_is(name: str, fault: Fault) -> None:
    assert classes()[name].fault is fault


def test_nothing_of_supply_or_of_clusters_speaks_against_the_project() -> None:
    ours = ("supply.", "clusters.", "registries.", "record.", "history.", "ci.", "databases.")
    accused = [
        name
        for name, one in classes().items()
        if name.startswith(ours) and one.fault is Fault.PROJECT
    ]
    assert not accused


BUILD = """\
#5 [2/3] RUN {command}
#5 1.0 {said}
#5 ERROR: process "/bin/sh -c {command}" did not complete successfully: exit code: {code}
"""


@pytest.mark.parametrize(
    ("said", "code", "fault"),
    [
        ("ERROR: No matching distribution found for fastapi==0.0.0", 1, Fault.PROJECT),
        ("/bin/sh: 1: nodee: not found", 127, Fault.PROJECT),
        ("npm error code EAI_AGAIN", 1, Fault.MACHINE),
        ("write /x: no space left on device", 1, Fault.MACHINE),
        ("SSL: CERTIFICATE_VERIFY_FAILED certificate verify failed", 1, Fault.MACHINE),
        ("Killed", 137, Fault.MACHINE),
    ],
)
def test_a_build_that_the_machine_fails_is_not_the_projects(
    tmp_path: Path, said: str, code: int, fault: Fault
) -> None:
    file = tmp_path / "Dockerfile"
    file.write_text("FROM scratch\nRUN make\nRUN test\n")
    spec = ImageSpec(name="api", context=tmp_path, repository="api")
    output = BUILD.format(command="make", said=said, code=code)
    failure = read_failure(output, Dockerfile.read(file))
    error = BuildFailedError(spec, failure, Redactor(), output)
    assert error.fault is fault
    assert pickle.loads(pickle.dumps(error)).fault is fault


POD = {
    "metadata": {"name": "api-1", "namespace": "shop"},
    "spec": {"containers": [{"name": "api", "image": "shop-api:1"}]},
}


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        ('failed to pull image "shop-api:1": not found', Fault.PROJECT),
        ("dial tcp: lookup registry.invalid: no such host", Fault.MACHINE),
    ],
)
def test_an_image_that_no_registry_was_asked_for_is_the_machines(words: str, fault: Fault) -> None:
    waiting = {"waiting": {"reason": "ErrImagePull", "message": words}}
    status = {"containerStatuses": [{"name": "api", "state": waiting, "restartCount": 0}]}
    pod = POD | {"status": status}
    (container,) = containers(pod)
    assert ImagePullError(pod, container).fault is fault


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        ("0/1 nodes are available: 1 Insufficient cpu.", Fault.MACHINE),
        ("1 node(s) had untolerated taint {node.kubernetes.io/disk-pressure: }", Fault.MACHINE),
        ("1 node(s) didn't match Pod's node affinity/selector.", Fault.PROJECT),
    ],
)
def test_a_cluster_without_room_is_the_machines(words: str, fault: Fault) -> None:
    assert UnschedulableError(POD, words, ()).fault is fault


def test_a_sandbox_is_the_nodes_unless_the_pod_wants_another_runtime() -> None:
    assert SandboxError(POD, "cni plugin not initialized").fault is Fault.MACHINE
    assert SandboxError(POD, 'no runtime for "gvisor" is configured').fault is Fault.PROJECT
