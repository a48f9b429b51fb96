"""Why a cluster that exists cannot be used."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.errors import DeployError, Fault


class KubeconfigUnreadableError(DeployError):
    """The file that was named is no kubeconfig."""

    fault = Fault.INPUT

    def __init__(self, kubeconfig: Path, why: str) -> None:
        super().__init__(
            needed="a kubeconfig of the cluster that exists",
            seen=why,
            looked=str(kubeconfig),
            fix="name the right file: --deploy-kubeconfig=FILE; KUBECONFIG is never used",
        )


class ContextUnknownError(DeployError):
    """No context was named, or one that the kubeconfig does not have."""

    fault = Fault.INPUT

    def __init__(self, kubeconfig: Path, context: str, known: Sequence[str]) -> None:
        there = ", ".join(known) or "none at all"
        said = f"no context {context!r}" if context else "none is named"
        super().__init__(
            needed="a context of the kubeconfig, named explicitly",
            seen=f"{said}; the file has: {there}",
            looked=str(kubeconfig),
            fix=f"--deploy-context={known[0] if len(known) == 1 else 'NAME'}, one of: {there}; "
            "the current context is never used",
        )


class ApiSilentError(DeployError):
    """The cluster's API does not answer."""

    def __init__(self, context: str, server: str, why: str) -> None:
        super().__init__(
            needed=f"the API of the cluster behind context {context} to answer",
            seen=why,
            looked=server,
            fix="see that the cluster runs, that this machine reaches it (a VPN, a proxy), and "
            "that the kubeconfig is of today",
        )


class LoginRefusedError(DeployError):
    """The API does not accept the kubeconfig's credentials."""

    def __init__(self, context: str, server: str, why: str) -> None:
        super().__init__(
            needed=f"credentials of context {context} that the API accepts",
            seen=why,
            looked=server,
            fix="have the kubeconfig written anew, or log in to the cluster again",
        )


class VersionUnsupportedError(DeployError):
    """The cluster is older than what the harness needs."""

    def __init__(self, context: str, version: str, oldest: tuple[int, int], why: str) -> None:
        wanted = ".".join(map(str, oldest))
        super().__init__(
            needed=f"Kubernetes {wanted} or newer: {why}",
            seen=f"Kubernetes {version}",
            looked=f"the API behind context {context}",
            fix=f"upgrade the cluster to a version that is still maintained, {wanted} at least",
        )


class RightsMissingError(DeployError):
    """The kubeconfig's user may not do what a run has to do."""

    def __init__(self, context: str, user: str, missing: Sequence[str]) -> None:
        lines = "\n".join(f"  may not {one}" for one in missing)
        super().__init__(
            needed=f"rights of {user or 'the user'} to work in namespaces of its own",
            seen=f"{len(missing)} are missing:\n{lines}",
            looked=f"SelfSubjectAccessReview through context {context}",
            fix="bind the ClusterRole of docs/existing-clusters.md to that user",
        )


class NoRoomOnNodesError(DeployError):
    """No node takes pods at this moment."""

    def __init__(self, context: str, nodes: Sequence[str]) -> None:
        super().__init__(
            needed="a node that is Ready, takes pods and has disk space",
            seen="\n".join(nodes) or "the cluster has no node",
            looked=f"the nodes of the cluster behind context {context}",
            fix="free disk space on the node (`crictl rmi --prune`), or uncordon or mend it",
        )


class NamespaceInUseError(DeployError):
    """The namespace that was named belongs to another run that is at work."""

    def __init__(self, name: str, owner: str, seconds: float) -> None:
        super().__init__(
            needed=f"the namespace {name} for this run alone",
            seen=f"it is of a run of {owner}, which was alive {seconds:.0f} s ago",
            looked=f"the labels of namespace {name} and its run's lease",
            fix="leave --deploy-namespace out (each run then has one of its own), or wait",
        )


class NodesOffLimitsError(DeployError):
    """Something is to be done on a node of a cluster that is not ours."""

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(
            needed=f"to {what} on a node of the cluster",
            seen=reason,
            looked="the option --deploy-disruptive",
            fix="where that is allowed: --deploy-disruptive=yes; or use a cluster of our own",
        )


class DatabaseUnreachableError(DeployError):
    """The kind of database runs on this machine, where the cluster's pods do not get."""

    def __init__(self, kind: str) -> None:
        super().__init__(
            needed=f"an address of this machine that the cluster's pods reach, for the database"
            f" of kind {kind}",
            seen="none is named, and a cluster that exists may be anywhere",
            looked="the option --deploy-host-address",
            fix="--deploy-host-address=ADDRESS; or choose a database that needs none: "
            "--deploy-database=in-cluster, given (with its URL) or neon",
        )


class HostAddressError(DeployError):
    """Pods do not reach this machine at the address that was named."""

    fault = Fault.INPUT

    def __init__(self, address: str, port: int, seen: str) -> None:
        super().__init__(
            needed=f"pods of the cluster to reach this machine at {address}",
            seen=f"port {port}: {seen}",
            looked="from a pod of our own",
            fix="name another address of this machine (--deploy-host-address), open its "
            "firewall, or choose --deploy-database=in-cluster",
        )
