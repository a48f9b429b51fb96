"""Secrets that were made for this run, looked for wherever they must not be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pytest_bdd import given, then

from harness.kube.pods import same_image
from harness.statuses import NOTHING_OF_THE_KIND

if TYPE_CHECKING:
    from fixtures.evidence import Evidence
    from harness.canaries.search import Canaries
    from harness.databases.database import Database
    from harness.deployment import Deployment
    from harness.release import Release


@given("the secrets of this deployment, which are nobody else's", target_fixture="canaries")
def the_secrets(deployment: Deployment) -> Canaries:
    from harness.canaries.search import Canaries

    secrets = {name: value for name, value in deployment.facts.all_secrets().items() if value}
    if not secrets:
        pytest.skip(f"{NOTHING_OF_THE_KIND}the project has no secret")
    return Canaries(secrets)


@then("none of them is in what anybody can fetch from outside")
def not_in_pages(canaries: Canaries, app_url: str, evidence: Evidence) -> None:
    from harness.canaries.pages import pages
    from harness.canaries.search import told

    fetched = list(pages(app_url))
    leaks = [leak for page in fetched for leak in canaries.in_bytes(page.url, page.content)]
    evidence.text("fetched.txt", "\n".join(f"{page.status} {page.url}" for page in fetched))
    assert not leaks, told(leaks)


@then("none of them is kept in the database as it is")
def not_in_rows(canaries: Canaries, database: Database, evidence: Evidence) -> None:
    from harness.canaries.rows import in_rows
    from harness.canaries.search import told

    leaks, tables = in_rows(database.query, canaries)
    assert tables, "the database has no table, so nothing was proven"
    evidence.text("database.txt", f"{tables} tables were looked through, {len(leaks)} leaks")
    assert not leaks, told(leaks)


@then("each of them reaches only the parts that are described to use it")
def reaches_only_users(canaries: Canaries, release: Release) -> None:
    from harness.canaries.reach import given as given_to

    described = {
        release.images[name].ref: image.env for name, image in release.project.images.items()
    }
    strangers = []
    for pod in release.pods():
        spec = pod.obj["spec"]
        for container in (*(spec.get("initContainers") or ()), *spec["containers"]):
            found = [ref for ref in described if same_image(ref, container["image"])]
            if not found:
                continue  # such as a database of the chart
            uses = " ".join(described[found[0]].values())
            for where, value in given_to(release.kube, pod.obj, container).items():
                strangers += [
                    f"{pod.name} ({container['name']}): {name}, by its {where}"
                    for name, secret in canaries.secrets.items()
                    if secret in value
                    and not any(f"${{{one}}}" in uses for one in _references(name))
                ]
    assert not strangers, "given to who is not described to use it:\n" + "\n".join(strangers)


def _references(name: str) -> tuple[str, ...]:
    """Return what a description calls a secret, and what else holds it."""
    if name == "database.password":  # a part of the address, where the chart makes that
        return (name, "database.url")
    return (name if "." in name else f"secrets.{name}",)


@then("none of them is in what this run has written down")
def not_in_artifacts(canaries: Canaries, deployment: Deployment) -> None:
    from harness.canaries.search import told

    folder = deployment.settings.artifacts
    assert any(folder.rglob("*")), f"nothing is written in {folder}, so nothing was proven"
    leaks = list(canaries.in_files(folder))
    assert not leaks, told(leaks)
