"""What is found out of a cluster that exists before anything is made on it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kube_support import CONTEXT, FakeApi

from harness.clusters.existing import checks, errors, rights
from harness.kube.client import Kube

REVIEW = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
WHO = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
NODES = "/api/v1/nodes"


def node(name: str = "one", **conditions: str) -> dict[str, Any]:
    found = {"Ready": "True", "DiskPressure": "False"} | conditions
    told = [{"type": k, "status": v, "message": f"{k} is {v}"} for k, v in found.items()]
    return {"metadata": {"name": name}, "status": {"conditions": told}}


class Shared(FakeApi):
    """A cluster that answers what a user may."""

    def __init__(self) -> None:
        super().__init__()
        self.forbidden: set[tuple[str, str]] = set()
        self.asked_for: list[dict[str, str]] = []
        self.texts["/version"] = '{"gitVersion": "v1.34.4+cloud.1"}'
        self.answers[REVIEW] = self.review
        self.answers[WHO] = lambda _: {"status": {"userInfo": {"username": "ada"}}}
        self.put(NODES, node())

    def review(self, body: dict[str, Any]) -> dict[str, Any]:
        asked = body["spec"]["resourceAttributes"]
        self.asked_for.append(asked)
        what = "/".join(filter(None, (asked["resource"], asked.get("subresource"))))
        return {"status": {"allowed": (asked["verb"], what) not in self.forbidden}}


@pytest.fixture
def api() -> Iterator[Shared]:
    api = Shared()
    yield api
    api.close()


@pytest.fixture
def client(api: Shared, tmp_path: Path) -> Kube:
    return api.client(tmp_path)


def test_a_cluster_that_will_do(api: Shared, client: Kube) -> None:
    assert checks.check(client, "mine") == "v1.34.4+cloud.1"
    assert len(api.asked_for) == len(rights.RIGHTS)
    of_pods = [a for a in api.asked_for if a["resource"] == "pods" and a["verb"] == "delete"]
    assert [a["namespace"] for a in of_pods] == ["mine"]
    assert not any(method in ("DELETE", "PATCH") for method, _ in api.requests)
    posted = {path for method, path in api.requests if method == "POST"}
    assert posted == {REVIEW}


def test_an_api_that_does_not_answer(api: Shared, client: Kube) -> None:
    api.close()
    with pytest.raises(errors.ApiSilentError, match=f"context {CONTEXT}"):
        checks.check(client, "mine")


def test_something_else_that_answers(api: Shared, client: Kube) -> None:
    api.texts["/version"] = "<html>Welcome</html>"
    with pytest.raises(errors.ApiSilentError, match="no Kubernetes API"):
        checks.check(client, "mine")


@pytest.mark.parametrize("path", ["/version", REVIEW])
def test_credentials_that_are_not_accepted(api: Shared, client: Kube, path: str) -> None:
    api.refusals[path] = 401
    with pytest.raises(errors.LoginRefusedError, match="401"):
        checks.check(client, "mine")


@pytest.mark.parametrize("version", ["v1.29.14", "v1.9.0", "v0.30.0"])
def test_an_unsupported_version(api: Shared, client: Kube, version: str) -> None:
    api.texts["/version"] = f'{{"gitVersion": "{version}"}}'
    with pytest.raises(errors.VersionUnsupportedError) as caught:
        checks.check(client, "mine")
    assert version in caught.value.seen
    assert "1.30" in caught.value.needed


def test_rights_that_are_missing_are_named(api: Shared, client: Kube) -> None:
    api.forbidden = {
        ("create", "namespaces"),
        ("get", "pods/portforward"),
        ("patch", "deployments"),
    }
    with pytest.raises(errors.RightsMissingError) as caught:
        checks.check(client, "mine")
    assert "ada" in caught.value.needed
    assert caught.value.seen.splitlines() == [
        "3 are missing:",
        "  may not create namespaces in the whole cluster",
        "  may not patch deployments (apps) in namespace mine",
        "  may not get pods/portforward in namespace mine",
    ]


@pytest.mark.parametrize(
    ("faulty", "seen"),
    [
        (node(DiskPressure="True"), "one: DiskPressure: DiskPressure is True"),
        (node(Ready="False"), "one: not Ready (Ready is False)"),
        (node() | {"spec": {"unschedulable": True}}, "one: cordoned"),
        (
            node() | {"spec": {"taints": [{"key": "theirs", "effect": "NoSchedule"}]}},
            "one: tainted: theirs:NoSchedule",
        ),
    ],
)
def test_no_node_that_takes_pods(
    api: Shared, client: Kube, faulty: dict[str, Any], seen: str
) -> None:
    api.put(NODES, faulty)
    with pytest.raises(errors.NoRoomOnNodesError) as caught:
        checks.check(client, "mine")
    assert caught.value.seen == seen
    api.put(NODES, node("two"))
    assert checks.check(client, "mine")
