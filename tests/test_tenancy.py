"""Pods that pull with a secret, whatever account they have."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kube_support import FakeApi

from harness.kube.client import Kube
from harness.kube.namespaces import ensure_namespace
from harness.kube.tenancy import PullSecret, Tenancy, docker_config

SPACES = "/api/v1/namespaces"
ACCOUNTS = f"{SPACES}/mine/serviceaccounts"
SECRETS = f"{SPACES}/mine/secrets"
PULL = PullSecret(docker_config(("ada", "letmein"), "registry.test:5000"))


@pytest.fixture
def api() -> Iterator[FakeApi]:
    api = FakeApi()
    api.put(ACCOUNTS, {"metadata": {"name": "default"}})
    yield api
    api.close()


def client(api: FakeApi, folder: Path, pull: PullSecret | None = PULL) -> Kube:
    tenancy = Tenancy(pull=pull)
    return Kube(api.kubeconfig(folder), "fake", timeout=5, tenancy=tenancy)


def account(name: str = "app") -> dict[str, Any]:
    return {"metadata": {"name": name, "labels": {"app": "x"}, "annotations": {"a": "b"}}}


def test_the_default_account_pulls_with_the_secret(api: FakeApi, tmp_path: Path) -> None:
    kube = client(api, tmp_path)
    for _ in range(2):
        ensure_namespace(kube, "mine")
        assert api.objects[ACCOUNTS]["default"]["imagePullSecrets"] == [{"name": PULL.name}]
    secret = api.objects[SECRETS][PULL.name]
    assert secret["type"] == "kubernetes.io/dockerconfigjson"
    told = json.loads(base64.b64decode(secret["data"][".dockerconfigjson"]))
    auth = base64.b64decode(told["auths"]["registry.test:5000"]["auth"])
    assert auth == b"ada:letmein"
    assert "letmein" not in repr(kube.tenancy)


def test_a_secret_that_the_account_has_stays(api: FakeApi, tmp_path: Path) -> None:
    api.put(ACCOUNTS, {"metadata": {"name": "default"}, "imagePullSecrets": [{"name": "theirs"}]})
    ensure_namespace(client(api, tmp_path), "mine")
    names = [entry["name"] for entry in api.objects[ACCOUNTS]["default"]["imagePullSecrets"]]
    assert names == ["theirs", PULL.name]


def test_without_a_login_nothing_is_made(api: FakeApi, tmp_path: Path) -> None:
    kube = client(api, tmp_path, None)
    ensure_namespace(kube, "mine")
    kube.tenancy.admit(kube, "mine", account(), "shop")
    assert SECRETS not in api.objects
    assert list(api.objects[ACCOUNTS]) == ["default"]


def test_an_account_of_the_chart_is_there_before_its_pods(api: FakeApi, tmp_path: Path) -> None:
    kube = client(api, tmp_path)
    kube.tenancy.admit(kube, "mine", account(), "shop")
    made = api.objects[ACCOUNTS]["app"]
    assert made["imagePullSecrets"] == [{"name": PULL.name}]
    assert made["metadata"]["labels"] == {"app": "x", "app.kubernetes.io/managed-by": "Helm"}
    assert made["metadata"]["annotations"] == {
        "a": "b",
        "meta.helm.sh/release-name": "shop",
        "meta.helm.sh/release-namespace": "mine",
    }


def test_an_account_that_is_there_is_let_in(api: FakeApi, tmp_path: Path) -> None:
    kube = client(api, tmp_path)
    api.put(ACCOUNTS, account() | {"automountServiceAccountToken": False})
    kube.tenancy.admit(kube, "mine", account(), "shop")
    there = api.objects[ACCOUNTS]["app"]
    assert there["imagePullSecrets"] == [{"name": PULL.name}]
    assert there["automountServiceAccountToken"] is False
    assert "app.kubernetes.io/managed-by" not in there["metadata"]["labels"]
