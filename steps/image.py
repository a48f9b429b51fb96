"""The images that the project builds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import pytest
from pytest_bdd import given, parsers, then, when

from harness import evidence as facts
from harness.images.suspects import Kind

if TYPE_CHECKING:
    from fixtures.evidence import Evidence
    from harness.deployment import Deployment
    from harness.images.alone import Alone, Running
    from harness.images.layers import Finding
    from harness.images.spec import BuiltImage
    from harness.project import Project
    from harness.supply.engine import Engine

MB = 1_000_000
_OF_THE_BUILD = {Kind.BUILD_TOOL, Kind.DEV_DEPENDENCY, Kind.TESTS, Kind.BUILD_CACHE}
_OF_A_DEVELOPER = {
    Kind.ENV_FILE,
    Kind.PRIVATE_KEY,
    Kind.CREDENTIALS,
    Kind.VERSION_CONTROL,
    Kind.SECRET_ENV,
}


@then(parsers.parse('the chart lies in "{folder}"'))
def chart_lies_in(project: Project, folder: str) -> None:
    assert Path(project.chart.path) == Path(folder), f"it lies in {project.chart.path}"
    assert (project.root / folder / "Chart.yaml").is_file(), f"{folder} has no Chart.yaml"


@then(parsers.parse('every image is described below "{folder}"'))
def images_lie_below(project: Project, folder: str) -> None:
    for name, image in project.images.items():
        dockerfile = project.root / image.context / image.dockerfile
        assert dockerfile.is_file(), f"{name}: there is no {dockerfile}"
        assert dockerfile.is_relative_to(project.root / folder), (
            f"{name}: {dockerfile} is not below {folder}"
        )


@given(parsers.parse("the image of the {name}"), target_fixture="image")
@when(parsers.parse("the image of the {name} is built"), target_fixture="image")
def image_of(deployment: Deployment, name: str) -> BuiltImage:
    return deployment.image(name)


@pytest.fixture(scope="session")
def findings(deployment: Deployment, engine: Engine) -> Findings:
    """What was found in each image; searching all layers takes seconds, so once a run."""
    return Findings(deployment, engine)


class Findings:
    """Remembers what was found in an image, by its id."""

    def __init__(self, deployment: Deployment, engine: Engine) -> None:
        self._deployment, self._engine = deployment, engine
        self._known: dict[str, tuple[Finding, ...]] = {}

    def of(self, image: BuiltImage) -> tuple[Finding, ...]:
        """Return what the image holds that is remarkable."""
        from harness.images.layers import search
        from harness.supply.authority import ca_bundle

        if image.id not in self._known:
            deployment = self._deployment
            self._known[image.id] = search(
                self._engine,
                image.ref,
                secrets=deployment.secrets,
                authority=ca_bundle(deployment.settings.environ),
                base=list(image.bases.values())[-1] if image.bases else None,
            )
        return self._known[image.id]


def _none(found: list[Finding], image: BuiltImage) -> None:
    assert not found, f"in {image.ref}:\n" + "\n".join(map(str, found))


@when("a container of it is given all that it needs", target_fixture="container")
def container_with_all(deployment: Deployment, image: BuiltImage) -> Iterator[Running]:
    with _alone(deployment, image).started() as running:
        yield running


def _alone(deployment: Deployment, image: BuiltImage, without: str = "") -> Alone:
    alone = deployment.alone(image.name)
    env = {name: value for name, value in alone.env.items() if name != without}
    assert not without or len(env) < len(alone.env), f"{image.name} is never given {without}"
    return replace(alone, env=env)


@then("it answers on its port")
def answers(container: Running, image: BuiltImage, project: Project) -> None:
    container.answers(project.images[image.name].health)


@then("its log shows no error")
def no_error(container: Running) -> None:
    errors = container.errors()
    assert not errors, "its log says:\n" + "\n".join(errors)


@then(parsers.parse("it ends in good order within {seconds:d} seconds when it is told to stop"))
def ends_in_order(container: Running, seconds: int) -> None:
    stopped = container.stop(grace=seconds)
    assert not stopped.killed, f"it was still there {seconds} s after SIGTERM"
    assert stopped.exit_code in (0, 143), f"exit code {stopped.exit_code} after SIGTERM"


@when(
    parsers.parse("a container of it is given all that it needs except {variable}"),
    target_fixture="refusal",
)
def container_without(deployment: Deployment, image: BuiltImage, variable: str) -> str:
    from harness.images.alone import ContainerExitedError

    with _alone(deployment, image, without=variable).started() as running:
        with pytest.raises(ContainerExitedError) as ended:
            running.answers(deployment.settings.project.images[image.name].health, timeout=20)
        assert ended.value.code != 0, "it ended with exit code 0, as if all were well"
        return running.log()


@then(parsers.parse("it ends at once and its log names {variable}"))
def log_names(refusal: str, variable: str) -> None:
    assert variable in refusal, f"its log does not name {variable}:\n{refusal}"


@then(parsers.parse("it takes less than {limit:d} MB"))
def takes_less(
    engine: Engine, deployment: Deployment, image: BuiltImage, limit: int, evidence: Evidence
) -> None:
    from harness.images.inspect import compressed_size, inspect

    size = inspect(engine, image.ref).size
    described = deployment.settings.project.images[image.name]
    assert limit <= described.max_mb, f"the description allows {described.max_mb} MB"
    packed = compressed_size(engine, deployment.cache, image.id)
    evidence.facts("image", facts.image(image.name, described, size, packed))
    deployment.progress.say(
        f"  image {image.name}: {size / MB:.1f} MB, compressed {packed / MB:.1f} MB"
        + (f" (goal: {described.goal_mb} MB)" if described.goal_mb else "")
    )
    assert size < limit * MB, f"{image.ref} takes {size / MB:.1f} MB"


@then("it does not run as root")
def not_root(engine: Engine, image: BuiltImage) -> None:
    from harness.images.inspect import inspect

    facts = inspect(engine, image.ref)
    assert not facts.runs_as_root, f"its user is {facts.user or 'not set, which means root'}"


@then("its process receives the signal to stop")
def exec_form(engine: Engine, image: BuiltImage) -> None:
    from harness.images.inspect import inspect

    facts = inspect(engine, image.ref)
    assert facts.exec_form, f"a shell stands before it: {facts.entrypoint or facts.cmd}"


@then("none of its own layers holds tools for building, dependencies for development or tests")
def no_build_tools(findings: Findings, image: BuiltImage) -> None:
    found = [f for f in findings.of(image) if f.kind in _OF_THE_BUILD]
    own = [f for f in found if not f.from_base]
    # A virtual environment's own pip is nothing that the base does not bring anyway.
    brought = {_tool(f) for f in found if f.from_base and f.kind is Kind.BUILD_TOOL}
    _none([f for f in own if f.kind is not Kind.BUILD_TOOL or _tool(f) not in brought], image)


def _tool(finding: Finding) -> str:
    return PurePosixPath(finding.where).name.rstrip("0123456789.")


@then("none of its own layers holds settings, keys or histories of a developer")
def nothing_private(findings: Findings, image: BuiltImage) -> None:
    own = [f for f in findings.of(image) if f.kind in _OF_A_DEVELOPER and not f.from_base]
    _none(own, image)


@then("none of the secrets of this deployment is anywhere in it")
def no_secret(findings: Findings, image: BuiltImage) -> None:
    _none([f for f in findings.of(image) if f.kind is Kind.SECRET], image)


@then("nothing of the private network it was built in is anywhere in it")
def no_authority(findings: Findings, image: BuiltImage) -> None:
    _none([f for f in findings.of(image) if f.kind is Kind.AUTHORITY], image)
