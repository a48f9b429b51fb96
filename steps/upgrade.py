"""Upgrades of the second installation, those that fail too, and the way back."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from pytest_bdd import parsers, then, when

from harness.errors import DeployError
from harness.helm.manifest import differences
from harness.kube.causes import CrashLoopError, ImagePullError
from harness.kube.inventory import take_inventory
from steps.installation import Before, pods_of, serves

if TYPE_CHECKING:
    from harness.deployment import Deployment
    from harness.installation import Installation

_NO_SUCH_TAG = "there-is-no-such-tag"
#: Each sentence's cause, and the words that it has to name.
_CAUSES: dict[str, tuple[type[DeployError], str]] = {
    "the image cannot be had": (ImagePullError, _NO_SUCH_TAG),
    "the backend ends at once": (CrashLoopError, "No module named 'encodings'"),
}


@when("it is upgraded to images with another tag", target_fixture="tags")
def upgrade_tags(deployment: Deployment, beside: Installation) -> dict[str, str]:
    tags = {name: f"{image.tag}-again" for name, image in beside.images.items()}
    for name, image in beside.images.items():
        deployment.engine.run("tag", image.ref, f"{image.repository}:{tags[name]}", timeout=30)
    deployment.provider.load([f"{i.repository}:{tags[name]}" for name, i in beside.images.items()])
    beside.change({path: tag for name, tag in tags.items() for path in _tag_of(beside, name)})
    return tags


def _tag_of(beside: Installation, image: str = "") -> list[str]:
    """Return the chart's values for the tag of an image, by default of the first."""
    name = image or next(iter(beside.images))
    paths = beside.project.values_of(f"images.{name}.tag")
    assert paths, f"no value of the chart is described as ${{images.{name}.tag}}"
    return paths


@then("every pod of it is new and runs the images with that tag")
def runs_the_tags(
    deployment: Deployment, beside: Installation, before: Before, tags: dict[str, str]
) -> None:
    from harness.kube.pods import running_image

    serves(beside, tags)
    roles = pods_of(beside, tags)
    # What the project does not build, such as a database of the chart's own, has no such tag.
    elsewhere = deployment.chart.images_from_elsewhere(
        beside.values({}), [image.ref for image in beside.images.values()]
    )
    all_now = [
        pod
        for pod in beside.release().pods()
        if not any(running_image([pod], name) for name in elsewhere)
    ]
    assert len(all_now) == sum(map(len, roles.values())), "\n".join(p.describe() for p in all_now)
    for role, pods in roles.items():
        kept = before.uids[role] & {pod.uid for pod in pods}
        assert not kept, f"pods of the {role} from before: {kept}"


@when("it is rolled back to the revision before")
def roll_back(beside: Installation, before: Before) -> None:
    beside.back(before.revision)


@then("it is as it was before the upgrade")
def as_before(beside: Installation, before: Before) -> None:
    last = beside.history()[-1]
    assert last.status == "deployed", str(last)
    odd = differences(beside.described(before.revision), beside.described())
    assert not odd, "Helm has other objects than before:\n" + "\n".join(odd)
    was, now = (
        inventory.specifications(beside.namespace)
        for inventory in (before.inventory, take_inventory(beside.kube, beside.namespace))
    )
    assert was, f"namespace {beside.namespace} was empty"
    other = sorted(name for name in was.keys() | now.keys() if was.get(name) != now.get(name))
    assert not other, f"in the cluster there are other objects than before: {', '.join(other)}"
    serves(beside)


@when(parsers.parse("an upgrade brings {defect}"), target_fixture="given_up")
def upgrade_brings(beside: Installation, defect: str) -> GivenUp:
    changes: dict[str, dict[str, Any]] = {
        "an image that does not exist": {_tag_of(beside)[0]: _NO_SUCH_TAG},
        # Python looks for its own library there.
        "a setting with which the backend cannot start": {"backend.env.PYTHONHOME": "/nowhere"},
    }
    started = time.monotonic()
    with pytest.raises(DeployError) as caught:
        beside.change(changes[defect])
    return GivenUp(caught.value, time.monotonic() - started)


@dataclass
class GivenUp:
    """Why an upgrade was given up, and after how many seconds."""

    error: DeployError
    seconds: float


@then(parsers.parse("that is given up within {seconds:d} seconds, because {cause}"))
def given_up_because(given_up: GivenUp, seconds: int, cause: str) -> None:
    kind, words = _CAUSES[cause]
    assert isinstance(given_up.error, kind), str(given_up.error)
    assert words in str(given_up.error), f"it does not name {words}:\n{given_up.error}"
    assert given_up.seconds <= seconds, f"after {given_up.seconds:.1f} s"


@then("the pods of before still serve")
def pods_still_serve(beside: Installation, before: Before) -> None:
    ready = {pod.uid for pod in beside.release().pods() if pod.ready}
    lost = {role: uids - ready for role, uids in before.uids.items() if uids - ready}
    assert not lost, f"no longer ready: {lost}"
