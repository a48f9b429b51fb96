"""The chart as it would be installed, under several names, rendered side by side."""

from __future__ import annotations

import contextvars
import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from harness.errors import DeployError
from harness.helm import ReleaseObject, release_objects

if TYPE_CHECKING:
    from pathlib import Path

    from harness.helm.rendering import Renderer

_DOCUMENT = re.compile(r"^---[ \t]*$", re.MULTILINE)
_SOURCE = re.compile(r"^# Source: [^/\n]+/(.+)$", re.MULTILINE)
#: Kinds whose pods come of a template, and the way to it.
_TEMPLATES = {
    "Deployment": ("spec", "template"),
    "StatefulSet": ("spec", "template"),
    "DaemonSet": ("spec", "template"),
    "ReplicaSet": ("spec", "template"),
    "Job": ("spec", "template"),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
    "Pod": (),
}


@dataclass(frozen=True)
class Installation:
    """Under which names and with which values a chart is to be rendered."""

    title: str
    release: str
    namespace: str
    values: Mapping[str, Any] = field(repr=False)
    variant: str = ""


@dataclass(frozen=True)
class Rendered:
    """An object, and the file of the chart that it comes from."""

    kind: str
    name: str
    namespace: str | None
    hook: str | None
    body: dict[str, Any] = field(repr=False, compare=False)
    source: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"

    @property
    def spec(self) -> dict[str, Any]:
        """Return its `spec`."""
        return dict(self.body.get("spec") or {})

    @property
    def annotations(self) -> dict[str, str]:
        """Return its annotations."""
        return dict((self.body.get("metadata") or {}).get("annotations") or {})


@dataclass(frozen=True)
class PodTemplate:
    """What the pods of an object look like."""

    owner: Rendered
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    spec: Mapping[str, Any] = field(repr=False)

    @property
    def lasting(self) -> bool:
        """Whether its pods serve until they are told to stop, not a Job's or a hook's."""
        return self.owner.hook is None and self.owner.kind not in ("Job", "CronJob", "Pod")

    @property
    def images(self) -> list[str]:
        """Return the images of its containers, as they are named."""
        kinds = ("initContainers", "containers")
        named = [one.get("image") for kind in kinds for one in self.spec.get(kind) or ()]
        return [name for name in named if isinstance(name, str) and name]


@dataclass
class Rendering:
    """All objects of one installation."""

    installation: Installation
    text: str = field(repr=False)

    @cached_property
    def objects(self) -> list[Rendered]:
        """Return the objects in their order."""
        return list(_objects(self.text))

    @cached_property
    def pods(self) -> list[PodTemplate]:
        """Return the pods' templates, those of hooks as well."""
        return [pod for item in self.objects if (pod := _pod(item))]

    def of(self, *kinds: str) -> list[Rendered]:
        """Return the objects of some kinds."""
        return [item for item in self.objects if item.kind in kinds]

    def find(self, kind: str, name: str) -> Rendered | None:
        """Return the object of this kind and name in the release's own namespace."""
        own = (None, self.installation.namespace)
        found = (i for i in self.objects if (i.kind, i.name) == (kind, name) and i.namespace in own)
        return next(found, None)

    def selected(self, selector: Mapping[str, str]) -> list[PodTemplate]:
        """Return the lasting pods that a selector matches; an empty one matches none."""
        return [
            pod
            for pod in self.pods
            if selector and pod.lasting and selector.items() <= pod.labels.items()
        ]


def render(
    helm: Renderer, chart: Path, installations: Sequence[Installation]
) -> list[Rendering | DeployError]:
    """Render all installations side by side; a failure takes the place of its rendering."""

    def one(installation: Installation) -> Rendering | DeployError:
        try:
            text = helm.template(
                chart, installation.release, installation.namespace, installation.values
            )
            rendering = Rendering(installation, text)
            _ = rendering.objects
        except DeployError as error:
            return error
        return rendering

    with ThreadPoolExecutor(max_workers=4) as pool:
        # In a copy of our context: an interrupted run ends its programs by it.
        started = [pool.submit(contextvars.copy_context().run, one, each) for each in installations]
        return [each.result() for each in started]


def _objects(text: str) -> Iterator[Rendered]:
    for document in _DOCUMENT.split(text):
        source = _SOURCE.search(document)
        for item in release_objects(document):
            yield _rendered(item, source[1] if source else "")


def _rendered(item: ReleaseObject, source: str) -> Rendered:
    return Rendered(item.kind, str(item.name), item.namespace, item.hook, item.body, source.strip())


def _pod(item: Rendered) -> PodTemplate | None:
    if item.kind not in _TEMPLATES:
        return None
    template: Any = item.body
    for key in _TEMPLATES[item.kind]:
        template = (template or {}).get(key)
    template = template or {}
    metadata = template.get("metadata") or {}
    return PodTemplate(
        owner=item,
        labels={k: str(v) for k, v in (metadata.get("labels") or {}).items()},
        annotations=dict(metadata.get("annotations") or {}),
        spec=template.get("spec") or {},
    )
