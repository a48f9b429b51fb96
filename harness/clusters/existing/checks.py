"""Whether a cluster that exists can be used, found out before anything is made on it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from harness.clusters.existing import errors, rights
from harness.kube.errors import ApiRefusedError, ApiUnreachableError
from harness.kube.resources import NODE, Object, condition, name_of

if TYPE_CHECKING:
    from harness.kube.client import Kube

#: The oldest version that is supported.
OLDEST = (1, 30)
#: https://kep.k8s.io/4006: programs in pods are given their standard input, and its end.
OLDEST_FOR = "the first whose API closes a pod's standard input over a web socket"
_PRESSURES = ("DiskPressure", "MemoryPressure", "PIDPressure")


def check(client: Kube, namespace: str) -> str:
    """Return the cluster's version (`v1.34.4`) if a run can work there.

    Args:
        client: of the cluster.
        namespace: one that the run would make.

    Raises:
        ApiSilentError, LoginRefusedError, VersionUnsupportedError, RightsMissingError,
        NoRoomOnNodesError.

    """
    version = _version(client)
    numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:2])
    if numbers < OLDEST:
        raise errors.VersionUnsupportedError(client.context, version, OLDEST, OLDEST_FOR)
    try:
        lacks = rights.missing(client, namespace)
        user = rights.who(client) if lacks else ""
    except ApiRefusedError as error:
        raise errors.LoginRefusedError(client.context, client.server, error.seen) from error
    if lacks:
        raise errors.RightsMissingError(client.context, user, lacks)
    nodes = client.list(NODE)
    if not any(usable(node) for node in nodes):
        raise errors.NoRoomOnNodesError(client.context, [describe(node) for node in nodes])
    return version


def _version(client: Kube) -> str:
    try:
        return str(client.json("GET", "/version")["gitVersion"])
    except ApiUnreachableError as error:
        raise errors.ApiSilentError(client.context, client.server, error.seen) from error
    except ApiRefusedError as error:
        raise errors.LoginRefusedError(client.context, client.server, error.seen) from error
    except (ValueError, KeyError) as error:
        why = f"what answers is no Kubernetes API: {error}"
        raise errors.ApiSilentError(client.context, client.server, why) from error


def usable(node: Object) -> bool:
    """Return whether a node takes new pods and has room on its disk."""
    return not _faults(node)


def describe(node: Object) -> str:
    """Return a node and what is wrong with it, in a line."""
    return f"{name_of(node)}: {'; '.join(_faults(node)) or 'it takes pods'}"


def _faults(node: Object) -> list[str]:
    found = []
    ready = condition(node, "Ready") or {}
    if ready.get("status") != "True":
        found.append(f"not Ready ({ready.get('message') or ready.get('reason') or 'no word'})")
    for kind in _PRESSURES:
        has = condition(node, kind) or {}
        if has.get("status") == "True":
            found.append(f"{kind}: {has.get('message') or has.get('reason') or 'no reason told'}")
    if (node.get("spec") or {}).get("unschedulable"):
        found.append("cordoned")
    for taint in (node.get("spec") or {}).get("taints") or ():
        if taint.get("effect") in ("NoSchedule", "NoExecute") and not _follows(taint):
            found.append(f"tainted: {taint.get('key')}:{taint.get('effect')}")
    return found


def _follows(taint: Object) -> bool:
    """Return whether a taint only repeats what a condition or a cordon tells."""
    return str(taint.get("key", "")).startswith("node.kubernetes.io/")
