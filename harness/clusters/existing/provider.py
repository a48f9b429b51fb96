"""A cluster that exists, as a provider: namespaces are made and removed, nothing else."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from harness.clusters.base import ClusterAccess, Loaded
from harness.clusters.existing import checks, errors
from harness.clusters.existing.lease import Heartbeat, owner_here, seen_at, server_time
from harness.clusters.existing.leftovers import TOOLS, make_way, sweep
from harness.clusters.existing.node_pod import PRIVILEGED, run_on_node
from harness.clusters.existing.way_in import WayIn
from harness.kube.client import Kube
from harness.kube.emptying import end_pods
from harness.kube.namespaces import delete_namespace, ensure_namespace, ours, wait_gone
from harness.kube.resources import NAMESPACE, NODE, name_of
from harness.kube.tenancy import CREATED, KEPT, OWNER, RUN, PullSecret, Tenancy
from harness.labels import ROLE

if TYPE_CHECKING:
    from pathlib import Path

    from harness.cache import Cache
    from harness.clusters.existing.options import Existing
    from harness.command import Completed
    from harness.progress import Progress
    from harness.registries.registry import Registry

_GONE = 120.0  # seconds


class ExistingProvider:
    """Works in namespaces of its own on a cluster that others use as well.

    One of them, for tools, holds the run's sign of life and the relay that tunnels lead
    to. Whatever namespace is made through the client of `ensure` carries the run's labels;
    all that do are removed by `delete`, and by a later run should this one be killed.

    Args:
        options: how the cluster is reached.
        run: name of the run and its process; a label's value.
        namespace: of the release; the one for tools is named after it.
        registry: what the cluster pulls from.
        repository: of an image that will be pushed there.
        cache: holds the lock for what one process at a time does.
        progress: told what is done.
        kubectl: path of the program.
        relay_image: makes the image of the relay and of pods on nodes, in the engine, and
            returns the name by which nodes pull it.
        port: of the loopback for the application; 0 for any.

    """

    def __init__(
        self,
        options: Existing,
        run: str,
        namespace: str,
        registry: Registry,
        repository: str,
        cache: Cache,
        progress: Progress,
        kubectl: Path,
        relay_image: Callable[[], str],
        *,
        port: int = 0,
    ) -> None:
        self.options, self.registry = options, registry
        self.namespace, self.tools = namespace, f"{namespace}-{TOOLS}"
        self._run, self._repository = run, repository
        self._cache, self._progress = cache, progress
        self._kubectl, self._relay_image = kubectl, relay_image
        self.owner = owner_here()
        self.way_in = WayIn(
            self.ensure,
            self.tools,
            relay_image,
            lambda images: registry.put(images),
            progress,
            {namespace: port},
            hint=f"the cluster's nodes pull from {registry.pull}",
        )
        self._lock = threading.RLock()
        self._version = ""
        self._begun = False
        self._access: ClusterAccess | None = None
        self._heartbeat: Heartbeat | None = None

    def check(self) -> None:
        """See that cluster and registry let us work, before anything is made.

        Raises:
            What `checks.check` and `Registry.check` raise, ForeignNamespaceError,
            NamespaceInUseError.

        """
        with self._progress.step(f"checking the cluster of context {self.options.context}") as step:
            with self._client() as client:
                self._version = checks.check(client, self.namespace)
                make_way(client, (self.namespace, self.tools), self._run)
            step.note(f"pushing to {self.registry.push}")
            with self._cache.lock("registry-check"):
                self.registry.check(self._repository)
            step.result = f"Kubernetes {self._version}"

    def ensure(self) -> ClusterAccess:
        """Return access to the cluster, with the namespace for tools and the sign of life."""
        with self._lock:
            if self._access is None:
                if not self._version:
                    self.check()
                self._begun = True
                with self._client() as client:
                    self._begin(client)
                self._access = ClusterAccess(
                    name=self.options.context,
                    kubeconfig=self.options.kubeconfig,
                    context=self.options.context,
                    kubernetes_version=self._version,
                    created=False,
                    tenancy=self._tenancy(),
                )
            return self._access

    def load(self, images: Sequence[str], names: Mapping[str, str] | None = None) -> Loaded:  # noqa: ARG002
        """Bring images to the registry, each by its own name. See `Registry.put`."""
        return self.registry.put(images)

    def endpoint(self, node_port: int) -> str:
        """Raise: no port of a node leads to this machine; see `way_in`."""
        raise errors.NodesOffLimitsError(f"open port {node_port}", "the cluster is not ours")

    def on_node(self, *argv: str, node: str = "", timeout: float = 60) -> Completed:
        """Run a program on a node, if that was allowed: by a privileged pod of ours there.

        Raises:
            NodesOffLimitsError: it was not; or no node is named, and there are several.
            CommandFailedError.

        """
        if not self.options.disruptive:
            reason = "the cluster is not ours, and its nodes serve others, too"
            raise errors.NodesOffLimitsError(f"run {argv[0]}", reason)
        client = self.ensure().client()
        names = [node] if node else [name_of(one) for one in client.list(NODE)]
        if len(names) != 1:
            raise errors.NodesOffLimitsError(f"run {argv[0]}", f"there are {len(names)} nodes")
        image = self._relay_image()
        self.registry.put([image])
        return run_on_node(client, self._kubectl, self.tools, image, names[0], argv, timeout)

    def machine(self, node: str) -> None:
        """Return none: its machines are not ours to lose."""

    def stop(self) -> None:
        """Do nothing: the cluster is not ours to stop."""

    def keep(self) -> list[str]:
        """Have the namespaces stay, and no other run take them for left; return their names."""
        self._end()
        if not self._begun:
            return []
        with self._client() as client:
            names = ours(client)
            for name in names:
                client.patch(NAMESPACE, name, {"metadata": {"labels": {KEPT: "true"}}})
        return names

    def how_to_remove(self) -> str:
        """Return the words that remove the namespaces of this run."""
        words = f"kubectl --kubeconfig={self.options.kubeconfig} --context={self.options.context}"
        return f"removed by `{words} delete namespace -l {RUN}={self._run}`"

    def delete(self) -> list[str]:
        """Remove every namespace of this run, and what dead runs have left.

        Returns:
            The names of the namespaces of this run. None is there any more.

        """
        self._end()
        if not self._begun:
            return []  # whatever `check` has refused is not asked again
        with self._client() as client:
            names = ours(client)
            end_pods(client, names)
            for name in names:
                delete_namespace(client, name, wait=False)
            sweep(client, server_time(client))
            for name in names:
                wait_gone(client, NAMESPACE, name, timeout=_GONE)
        with self._lock:
            self._access, self._begun = None, False
        return names

    @property
    def version(self) -> str:
        """The cluster's version, once it was checked."""
        return self._version

    def describe(self) -> Mapping[str, str]:
        """Return what a report says of it."""
        return {
            "provider": "existing",
            "kubeconfig": str(self.options.kubeconfig),
            "context": self.options.context,
            "registry": self.registry.pull,
            "namespaces": f"{self.namespace}, {self.tools}",
            **self.way_in.describe(),
        }

    def _tenancy(self) -> Tenancy:
        login = self.registry.login
        return Tenancy(
            labels={
                RUN: self._run,
                OWNER: self.owner,
                CREATED: datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ"),
            },
            pull=PullSecret(login.config(*self.registry.hosts)) if login else None,
            shared=True,
        )

    def _client(self) -> Kube:
        return Kube(self.options.kubeconfig, self.options.context, tenancy=self._tenancy())

    def _begin(self, client: Kube) -> None:
        privileged = PRIVILEGED if self.options.disruptive else {}
        ensure_namespace(client, self.tools, labels={ROLE: TOOLS, **privileged})
        self._heartbeat = Heartbeat(client, self.tools, self.owner)
        self._heartbeat.client = Kube(client.kubeconfig, client.context)
        self._heartbeat.start()
        left = sweep(client, seen_at(client.get(NAMESPACE, self.tools)))
        if left:
            self._progress.choice("leftovers", ", ".join(left), "of runs that died; removed")

    def _end(self) -> None:
        """End what runs on this machine for it."""
        self.way_in.close()
        if self._heartbeat is not None:
            self._heartbeat.stop()
            self._heartbeat.client.close()
            self._heartbeat = None
