"""The cluster's API, as plain JSON, through one named kubeconfig and context."""

from __future__ import annotations

import ipaddress
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from harness.kube.errors import ApiUnreachableError, KubeconfigError, refused
from harness.kube.resources import Object, Objects, Resource
from harness.kube.stream import Stream, never_sent, transport_errors
from harness.kube.tenancy import Tenancy

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

_CONNECT = 5.0
_PAUSE = 0.25  # seconds until a connection is tried again
_MERGE_PATCH = "application/merge-patch+json"


class Kube:
    """A client for one cluster. Objects are plain dicts, as the API gives them.

    The typed models of the `kubernetes` package refuse answers in which a required list
    is null; what is only looked at needs no model. The package's configuration loading,
    authentication and connection pool are used as they are. Safe to use from threads.

    Args:
        kubeconfig: the file; the ambient KUBECONFIG is never looked at.
        context: the context in it.
        timeout: seconds for one request.
        tenancy: what namespaces that are made through it get.
        patience: seconds for which a connection that is refused is tried again, so that a
            server that restarts fails nobody; a request that was sent is never repeated so.
        witness: says, of a server that does not answer, what its machine knows; its words
            become a note of the error.

    Raises:
        KubeconfigError: the file or the context is not there or not usable.

    """

    def __init__(
        self,
        kubeconfig: Path,
        context: str,
        *,
        timeout: float = 20.0,
        tenancy: Tenancy | None = None,
        patience: float = 0.0,
        witness: Callable[[], str] | None = None,
    ) -> None:
        self.kubeconfig, self.context, self.timeout = kubeconfig, context, timeout
        self.patience, self._witness = patience, witness
        self.tenancy = tenancy or Tenancy()
        self.api = _api_client(kubeconfig, context)
        self.server = str(self.api.configuration.host)

    def __enter__(self) -> Kube:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close idle connections."""
        self.api.rest_client.close()

    def get(self, resource: Resource, name: str, namespace: str | None = None) -> Object:
        """Return one object. Raises NotFoundError."""
        return self.json("GET", resource.path(namespace, name))

    def list(
        self,
        resource: Resource,
        namespace: str | None = None,
        *,
        labels: str = "",
        fields: str = "",
    ) -> Objects:
        """Return the objects of a kind, of one namespace or of all."""
        return self.list_with_version(resource, namespace, labels=labels, fields=fields)[0]

    def list_with_version(
        self,
        resource: Resource,
        namespace: str | None = None,
        *,
        labels: str = "",
        fields: str = "",
    ) -> tuple[Objects, str]:
        """Return the objects and the resource version from which to watch on."""
        query = {"labelSelector": labels, "fieldSelector": fields}
        answer = self.json("GET", resource.path(namespace), query=query)
        items: Objects = answer.get("items") or []
        for item in items:  # a list leaves out what each object would say of itself
            item.setdefault("kind", resource.kind)
            item.setdefault("apiVersion", resource.api)
        return items, str((answer.get("metadata") or {}).get("resourceVersion", ""))

    def create(self, resource: Resource, obj: Object, namespace: str | None = None) -> Object:
        """Create an object. Raises ConflictError when its name is taken."""
        return self.json("POST", resource.path(namespace), body=obj)

    def patch(
        self, resource: Resource, name: str, change: Object, namespace: str | None = None
    ) -> Object:
        """Lay a change over an object (JSON merge patch: null removes)."""
        path = resource.path(namespace, name)
        return self.json("PATCH", path, body=change, content_type=_MERGE_PATCH)

    def delete(
        self,
        resource: Resource,
        name: str,
        namespace: str | None = None,
        *,
        uid: str | None = None,
        grace: int | None = None,
    ) -> Object:
        """Ask for an object's deletion, and return before it is gone.

        Args:
            resource: its kind.
            name: its name.
            namespace: its namespace.
            uid: delete only this very object, not a successor of the same name.
            grace: seconds that a pod's processes get; None is the object's own choice.

        """
        options: Object = {"propagationPolicy": "Background"}
        if uid:
            options["preconditions"] = {"uid": uid}
        if grace is not None:
            options["gracePeriodSeconds"] = grace
        return self.json("DELETE", resource.path(namespace, name), body=options)

    def text(self, path: str, query: Mapping[str, str] | None = None) -> str:
        """GET a path that answers with text (`/readyz`, a log)."""
        return self._send("GET", path, query=query).decode(errors="replace")

    def json(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Object | None = None,
        content_type: str = "application/json",
    ) -> Object:
        """Send one request and return the JSON answer.

        Raises:
            ApiUnreachableError: no answer within `timeout`.
            ApiRefusedError: an answer that is an error (NotFoundError, ConflictError, …).

        """
        raw = self._send(method, path, query=query, body=body, content_type=content_type)
        answer: Object = json.loads(raw)
        return answer

    def stream(self, path: str, query: Mapping[str, str], *, idle: float) -> Stream:
        """Open a watch. `idle` is how many seconds may pass without a line."""
        return Stream(self._open("GET", path, query=query, timeout=(_CONNECT, idle)))

    def _send(self, method: str, path: str, **request: Any) -> bytes:
        response = self._connected(method, path, **request)
        try:
            data: bytes = response.read()
        except transport_errors() as error:
            raise ApiUnreachableError(self.server, f"{method} {path}", str(error)) from error
        finally:
            response.release_conn()
        return data

    def _connected(self, method: str, path: str, **request: Any) -> Any:
        deadline = time.monotonic() + self.patience
        while True:
            try:
                return self._open(method, path, timeout=(_CONNECT, self.timeout), **request)
            except ApiUnreachableError as error:
                if time.monotonic() >= deadline or not never_sent(error.__cause__):
                    if self._witness:
                        error.add_note(self._witness())
                    raise
            time.sleep(_PAUSE)

    def _open(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Object | None = None,
        content_type: str = "application/json",
        timeout: tuple[float, float],
    ) -> Any:
        headers = {"Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = content_type
        # Asked for on each request: a token from a plugin is renewed there.
        self.api.update_params_for_auth(headers, [], ["BearerToken"], path, method, body)
        given = {key: value for key, value in (query or {}).items() if value != ""}
        url = f"{self.server}{path}" + (f"?{urlencode(given)}" if given else "")
        try:
            rest: Any = self.api.rest_client  # the package's types stop here
            response = rest.request(
                method, url, headers=headers, body=body, _request_timeout=timeout
            ).response
        except transport_errors() as error:
            raise ApiUnreachableError(self.server, f"{method} {path}", str(error)) from error
        if response.status >= 400:
            text = response.read().decode(errors="replace")
            response.release_conn()
            raise refused(self.server, f"{method} {path}", response.status, text)
        return response


def _api_client(kubeconfig: Path, context: str) -> ApiClient:
    from kubernetes import client, config  # 0.5 s: only when a cluster is really used
    from urllib3 import Retry

    if not kubeconfig.is_file():
        raise KubeconfigError(kubeconfig, context, "there is no such file")
    settings = client.Configuration()
    settings.connection_pool_maxsize = 32  # a watch holds its connection
    # Once more for an idle connection that the server had closed; whoever waits for an API
    # that does not answer yet asks again by himself, and says what he waits for.
    settings.retries = Retry(total=1, connect=0, read=1, redirect=0, status=0, other=0)
    settings.keep_alive = True  # a watch whose other end vanished must not wait for ever
    try:
        load: Any = config.load_kube_config
        load(
            config_file=str(kubeconfig),
            context=context,
            client_configuration=settings,
            persist_config=False,
        )
    except (config.ConfigException, ValueError, OSError) as error:
        raise KubeconfigError(kubeconfig, context, str(error)) from error
    if _is_loopback(str(settings.host)):
        settings.proxy = None  # no proxy can reach our own loopback
    return client.ApiClient(settings)


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
