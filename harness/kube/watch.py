"""Watches that follow a namespace from a resource version, into one state."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from types import TracebackType

from harness.errors import DeployError
from harness.kube.client import Kube
from harness.kube.errors import ApiRefusedError, ApiUnreachableError, GoneError, NotFoundError
from harness.kube.resources import RELEASE, Object, Resource, meta
from harness.kube.state import State
from harness.kube.stream import Stream

_ROUND = 240  # seconds after which the server is to end a watch, which is then continued
_PAUSES = (0.1, 0.5, 1.0, 2.0)  # seconds between attempts while the API does not answer


class NotListedError(DeployError):
    """The objects to be watched could not be listed in time."""

    def __init__(self, namespace: str, kinds: Sequence[str], timeout: float, why: str) -> None:
        super().__init__(
            needed=f"a first list of {', '.join(kinds)}",
            seen=why or f"no complete answer within {timeout:.0f} s",
            looked=f"namespace {namespace}",
            fix="see that the cluster's API answers: `kubectl get --raw /readyz`",
        )


class Watcher:
    """Follows kinds of objects in one namespace, a thread a kind, until it is left.

    Each kind is listed once and then watched from that list's resource version. When a
    watch ends it is continued where it was; when that version is too old (410) the kind
    is listed again and the difference is recorded. Used as a context manager: on
    entering, all kinds have been listed once.

    Args:
        client: where to.
        namespace: which namespace; it need not exist yet. None for cluster-wide kinds.
        resources: which kinds.
        timeout: seconds for the first lists.

    Raises:
        NotListedError: on entering, when the first lists do not come.
        ApiRefusedError: on entering, when a kind may not be read.

    """

    def __init__(
        self,
        client: Kube,
        namespace: str | None,
        resources: Sequence[Resource] = RELEASE,
        *,
        timeout: float = 20.0,
    ) -> None:
        self.client, self.namespace, self.resources = client, namespace, resources
        self.state = State(namespace or "")
        self._timeout = timeout
        self._stop = threading.Event()
        self._guard = threading.Lock()
        self._streams: set[Stream] = set()
        self._threads = [
            threading.Thread(target=self._follow, args=(r,), name=f"watch-{r.plural}", daemon=True)
            for r in resources
        ]

    def __enter__(self) -> Watcher:
        for thread in self._threads:
            thread.start()
        kinds = [resource.kind for resource in self.resources]
        listed = self.state.wait_listed(kinds, self._timeout)
        if self.state.failure is None and listed:
            return self
        self.stop()
        if self.state.failure is not None:
            raise self.state.failure
        _, error = self.state.unreachable_for()
        why = error.seen if error else ""
        raise NotListedError(self.state.namespace, kinds, self._timeout, why)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End all watches and their threads."""
        self._stop.set()
        with self._guard:
            streams = list(self._streams)
        for stream in streams:
            stream.stop()
        for thread in self._threads:
            if thread.is_alive() and thread is not threading.current_thread():
                thread.join(5)

    def _follow(self, resource: Resource) -> None:
        version, misses = "", 0
        while not self._stop.is_set():
            try:
                if not version:
                    items, version = self.client.list_with_version(resource, self.namespace)
                    self.state.replace(resource, items)
                version = self._watch(resource, version)
                self.state.reached()
                misses = 0
            except GoneError:
                version = ""
            except NotFoundError:
                self.state.replace(resource, ())  # this cluster has no such kind
                return
            except ApiRefusedError as error:
                if error.status in (401, 403):
                    self.state.interrupt(error)
                    return
                misses = self._pause(error, misses)
            except ApiUnreachableError as error:
                misses = self._pause(error, misses)
            except Exception as error:  # a dead thread would look like "nothing happens"
                self.state.interrupt(_broken(resource, error))
                raise

    def _watch(self, resource: Resource, version: str) -> str:
        """Follow one stream to its end; return the version to go on from, "" to list anew."""
        query = {
            "watch": "1",
            "resourceVersion": version,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(_ROUND),
        }
        started = time.monotonic()
        stream = self.client.stream(resource.path(self.namespace), query, idle=_ROUND + 10)
        with self._guard:
            self._streams.add(stream)
        try:
            if self._stop.is_set():
                stream.stop()
            self.state.reached()
            for event in stream:
                obj: Object = event.get("object") or {}
                if event["type"] == "ERROR":
                    # 410 or another: what was missed is unknown, so list anew.
                    self._rest(started)
                    return ""
                version = str(meta(obj).get("resourceVersion") or version)
                if event["type"] != "BOOKMARK":
                    obj.setdefault("kind", resource.kind)
                    self.state.apply(event["type"], resource, obj)
        finally:
            stream.stop()
            with self._guard:
                self._streams.discard(stream)
        self._rest(started)
        return version

    def _rest(self, started: float) -> None:
        # A server that ends each watch at once must not make us spin.
        if time.monotonic() - started < 1.0:
            self._stop.wait(_PAUSES[0])

    def _pause(self, error: DeployError, misses: int) -> int:
        if not self._stop.is_set():
            self.state.unreachable(error)
            self._stop.wait(_PAUSES[min(misses, len(_PAUSES) - 1)])
        return misses + 1


def _broken(resource: Resource, error: Exception) -> DeployError:
    return DeployError(
        needed=f"the watch of {resource.plural} to go on",
        seen=f"{type(error).__name__}: {error}",
        looked="the stream of the API",
        fix="this is a fault of the harness: please report it with these words",
    )
