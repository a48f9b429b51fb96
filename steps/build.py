"""Sources with a defect, and how a deployment of them ends."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from pytest_bdd import given, parsers, then, when

if TYPE_CHECKING:
    from harness.deployment import Deployment
    from harness.faults.context import BrokenContext
    from harness.rehearsal import Rehearsal

# File, what is replaced in it, and by what.
_DEFECTS = {
    "lock file wants fastapi in a version nobody made": (
        "requirements.lock",
        r"^fastapi==\S+",
        "fastapi==0.0.0",
    ),
    "package file and lock file disagree": (
        "package.json",
        r'"jose": "[^"]+"',
        '"jose": "5.0.0"',
    ),
    "Dockerfile has an unknown keyword": ("Dockerfile", r"^WORKDIR ", "WORKDIRR "),
    "Dockerfile runs an unknown program": ("Dockerfile", r"^RUN node ", "RUN nodee "),
}


@given(parsers.parse("a copy of the sources of the {name}"), target_fixture="app")
def sources_of(deployment: Deployment, name: str) -> str:
    assert name in deployment.settings.project.images, f"there is no image {name}"
    return name


@given(parsers.re("its file (?P<defect>.+) is gone"), target_fixture="sources")
@given(parsers.re("its (?P<defect>(?!file ).+)"), target_fixture="sources")
def with_defect(deployment: Deployment, broken: ExitStack, app: str, defect: str) -> BrokenContext:
    from harness.faults.context import BrokenContext

    project = deployment.settings.project
    image = project.images[app]
    file, pattern, replacement = _DEFECTS.get(defect, (defect, "", ""))
    return broken.enter_context(
        BrokenContext(project.root / image.context, image.dockerfile, file, pattern, replacement)
    )


@when("these sources are to be deployed", target_fixture="rehearsal")
def deploy_these(deployment: Deployment, app: str, sources: BrokenContext) -> Rehearsal:
    from harness.rehearsal import rehearse

    return rehearse(deployment, {app: sources.folder})


@then("it ends before anything is brought to a cluster")
def ends_before(rehearsal: Rehearsal) -> None:
    assert not rehearsal.touched, f"it went on to {rehearsal.touched}\n{rehearsal.error}"
    assert rehearsal.error is not None, "the sources were deployed as if all were well"


@then(parsers.parse('the message names the image of the {name} and the instruction "{words}"'))
def names_instruction(rehearsal: Rehearsal, name: str, words: str) -> None:
    error = rehearsal.error
    assert error is not None
    assert f"image {name}" in error.needed, f"the image is not named:\n{error}"
    assert words in error.needed, f"the instruction is not named:\n{error}"
    assert "Dockerfile, line " in error.looked, f"the line is not named:\n{error}"


@then(parsers.parse('the cause that it names is "{words}"'))
def names_cause(rehearsal: Rehearsal, words: str) -> None:
    assert rehearsal.error is not None
    cause = rehearsal.error.seen.splitlines()[0]
    assert words in cause, f"its first line is not the cause:\n{rehearsal.error}"
    assert rehearsal.error.fix, "it does not say what to do"
