"""Failures of talking to a cluster's API."""

from __future__ import annotations

import json
from pathlib import Path

from harness.errors import DeployError


class KubeconfigError(DeployError):
    """The kubeconfig that was named cannot be used."""

    def __init__(self, kubeconfig: Path, context: str, why: str) -> None:
        super().__init__(
            needed=f"a kubeconfig with the context {context}",
            seen=why,
            looked=str(kubeconfig),
            fix="name the right file and context in the settings; no other is ever used",
        )


class ApiUnreachableError(DeployError):
    """The API server did not answer."""

    def __init__(self, server: str, request: str, why: str) -> None:
        super().__init__(
            needed="an answer of the cluster's API",
            seen=why,
            looked=f"{request} at {server}",
            fix="see that the cluster runs and that its kubeconfig is of today",
        )


class ApiRefusedError(DeployError):
    """The API server answered with an error.

    Attributes:
        status: the HTTP status code.
        reason: the API's machine-readable reason (`NotFound`, `Conflict`, `Forbidden`, …).
        message: the API's own words.

    """

    def __init__(self, server: str, request: str, status: int, body: str) -> None:
        self.status = status
        self.reason, self.message = _reason(body)
        super().__init__(
            needed=f"the API to accept {request}",
            seen=f"{status} {self.reason}: {self.message}".strip(),
            looked=server,
            fix=_FIX.get(status, "read the API's answer above"),
        )


class NotFoundError(ApiRefusedError):
    """What was asked for does not exist (404)."""


class ConflictError(ApiRefusedError):
    """It exists already, or it changed meanwhile (409)."""


class GoneError(ApiRefusedError):
    """The resource version is too old to be continued from (410)."""


_FIX = {
    401: "the kubeconfig's credentials are not accepted: have it written anew",
    403: "the kubeconfig's user lacks this right, or an admission rule refuses the object",
    404: "see that the object's name, namespace and API version are right",
    409: "use another name, or remove what exists",
    422: "correct the fields that the API names above",
}


def refused(server: str, request: str, status: int, body: str) -> ApiRefusedError:
    """Return the error for an HTTP status."""
    kind = {404: NotFoundError, 409: ConflictError, 410: GoneError}.get(status, ApiRefusedError)
    return kind(server, request, status, body)


def _reason(body: str) -> tuple[str, str]:
    try:
        status = json.loads(body)
    except ValueError:
        return "", body.strip()[:500]
    if not isinstance(status, dict):
        return "", body.strip()[:500]
    return str(status.get("reason") or ""), str(status.get("message") or "")
