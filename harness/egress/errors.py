"""Why nothing can be said of whom pods have tried to reach."""

from __future__ import annotations

from harness.errors import DeployError


class EgressOpenError(DeployError):
    """Pods may reach whom they like, so that nothing can be said of whom they tried to reach."""

    def __init__(self, why: str) -> None:
        super().__init__(
            needed="a cluster whose pods reach nobody outside but who is allowed",
            seen=why,
            looked="the kind of cluster, --deploy-egress, and the rules of its nodes",
            fix="run it on a cluster that the harness makes, with --deploy-egress=closed",
        )
