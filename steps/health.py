"""What a program says of its own health, and of the database that it needs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from pytest_bdd import parsers, then, when

if TYPE_CHECKING:
    from harness.deployment import Deployment
    from harness.images.alone import Running
    from harness.images.running import Answer
    from harness.images.spec import BuiltImage
    from harness.project import Project

_NOWHERE = "127.0.0.1:9"  # refused at once: no name has to be looked up where there is no way out
_PATIENCE_S = 10.0  # until the program has looked at its database


@when("a container of it is given a database that is not there", target_fixture="container")
def without_database(deployment: Deployment, image: BuiltImage) -> Iterator[Running]:
    alone, database = deployment.alone(image.name), deployment.settings.project.database
    assert database, "the project describes no database"
    parts = urlsplit(alone.env[database.env])
    login = parts.netloc.rpartition("@")[0]
    url = urlunsplit(parts._replace(netloc=f"{login}@{_NOWHERE}"))
    secrets = (*alone.secrets, url)
    with replace(alone, env={**alone.env, database.env: url}, secrets=secrets).started() as running:
        yield running


@then("it lives all the same")
def lives(container: Running, image: BuiltImage, project: Project) -> None:
    container.answers(project.images[image.name].health, timeout=20)


@then("it is not ready")
def answers_not_ready(container: Running, image: BuiltImage, project: Project) -> None:
    for path, said in _readiness(container, image, project):
        assert said.status >= 500, f"{path} answers {said.status} without a database: {said.body}"


@then("it is not ready, and says that the database is the reason")
def not_ready(container: Running, image: BuiltImage, project: Project) -> None:
    for path, said in _readiness(container, image, project):
        assert said.status == 503, f"{path} answers {said.status} without a database: {said.body}"
        assert "database" in said.body, f"{path} does not name the database: {said.body}"


def _readiness(
    container: Running, image: BuiltImage, project: Project
) -> Iterator[tuple[str, Answer]]:
    """Yield the path and the answer of each probe that asks whether the image is ready."""
    paths = [s.health for s in project.services.values() if s.image == image.name]
    assert paths, f"no service runs the image {image.name}"
    for path in paths:
        yield path, container.answers(path, status=None, timeout=20)


@then(parsers.parse('its health calls the database "{state}"'))
def health_says(container: Running, image: BuiltImage, project: Project, state: str) -> None:
    import json

    path = project.images[image.name].health
    deadline, said = time.monotonic() + _PATIENCE_S, ""
    while time.monotonic() < deadline:
        body = container.answers(path, timeout=20).body
        said = str(json.loads(body)["database"]["status"])
        if said != "unknown":  # nothing is claimed before it has looked
            break
        time.sleep(0.2)
    assert said == state, f'{path} calls the database "{said}", not "{state}": {body}'
