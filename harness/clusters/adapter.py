"""Our clusters as pytest-helm-charts knows them, so that its fixtures work on them."""

from __future__ import annotations

from typing import Any

from pykube import HTTPClient, KubeConfig
from pytest_helm_charts.clusters import Cluster

from harness.clusters.base import Provider


class ProvidedCluster(Cluster):  # type: ignore[misc]
    """A `Cluster` of pytest-helm-charts that a provider of ours brings up.

    `create` ensures the cluster; `destroy` only closes the connection, because how long
    a cluster lives is the provider's matter and that library destroys at each module's
    end. The context is named explicitly; no ambient kubeconfig is looked at.
    """

    def __init__(self, provider: Provider) -> None:
        super().__init__()
        self._provider = provider

    def create(self) -> Any:
        """Ensure the cluster and return pykube's client for it."""
        access = self._provider.ensure()
        self.kube_config_path = str(access.kubeconfig)
        config = KubeConfig.from_file(self.kube_config_path)
        config.set_current_context(access.context)
        self._kube_client = HTTPClient(config)
        return self._kube_client

    def destroy(self) -> None:
        """Close the connection; the cluster stays."""
        if self._kube_client is not None:
            self._kube_client.session.close()
            self._kube_client = None
