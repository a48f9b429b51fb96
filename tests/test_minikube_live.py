"""A real Minikube cluster with the application on it, as Minikube's own commands see it.

Needs `--deploy-cluster=minikube`; with another kind of cluster there is nothing to ask.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, cast

import httpx
import pytest

from harness.clusters.minikube_errors import MinikubeFailedError
from harness.options import MINIKUBE
from harness.settings import Settings

if TYPE_CHECKING:
    from harness.clusters.minikube import MinikubeProvider
    from harness.deployment import Deployment
    from harness.release import Release

pytestmark = [pytest.mark.engine, pytest.mark.cluster, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def provider(request: pytest.FixtureRequest, settings: Settings) -> MinikubeProvider:
    if settings.cluster != MINIKUBE:
        pytest.skip(f"the cluster is one of kind {settings.cluster}")
    deployment: Deployment = request.getfixturevalue("deployment")
    return cast("MinikubeProvider", deployment.provider)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere it goes on until it is ended")
def test_address_that_minikube_tells_answers(provider: MinikubeProvider, release: Release) -> None:
    for role, described in release.project.services.items():
        service = release.service(role)
        if not described.public:
            continue
        url = provider.tool.service_url(release.namespace, service.name)
        assert url.rpartition(":")[2] in {str(port.node_port) for port in service.ports}
        answer = httpx.get(url + described.health, timeout=20, trust_env=False)
        assert answer.status_code == 200, f"{url}{described.health}: {answer.text[:300]}"


def test_service_that_is_not_there_has_none(provider: MinikubeProvider, release: Release) -> None:
    with pytest.raises(MinikubeFailedError, match="SVC_NOT_FOUND"):
        provider.tool.service_url(release.namespace, "nobody-has-this-name")


def test_minikube_finds_it_in_good_health(provider: MinikubeProvider, release: Release) -> None:
    assert release.pods()
    told = json.loads(provider.tool.ask("status", "--output=json"))
    parts = ("Host", "Kubelet", "APIServer", "Kubeconfig")
    assert {part: told[part] for part in parts} == {
        "Host": "Running",
        "Kubelet": "Running",
        "APIServer": "Running",
        "Kubeconfig": "Configured",
    }


def test_minikube_lists_the_images_that_were_loaded(
    provider: MinikubeProvider, release: Release
) -> None:
    listed = provider.tool.ask("image", "ls")
    for image in release.images.values():
        assert image.ref in listed


def test_its_ssh_comes_in_with_the_path_of_an_administrator(provider: MinikubeProvider) -> None:
    path = provider.tool.ask("ssh", "--", "echo", "$PATH").strip()
    assert "/usr/sbin" in path.split(":")
    assert provider.tool.ask("ssh", "--", "sudo", "id", "-u").strip() == "0"


def test_stopped_again_and_again_it_comes_back_with_the_application(
    deployment: Deployment, provider: MinikubeProvider, release: Release
) -> None:
    for _ in range(2):  # what is wrong with a first start may show at the second only
        provider.stop()
        assert not provider.ensure().created
        deployment.entrance.wait_until_open()
    assert {pod.name for pod in release.pods()}
