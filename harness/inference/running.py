"""What a rendered chart runs: which images, by which values, and which of them are built here."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.contract.containers import Setting, settings_of
from harness.contract.rendering import PodTemplate, Rendering
from harness.inference.images import Dockerized, slug
from harness.inference.probing import IMAGE, REPOSITORY, TAG, Probe, Probed, dotted

#: Images that people take as they are.
_STRANGERS = re.compile(
    r"(postgres(ql)?|mysql|mariadb|mongo(db)?|redis|valkey|keydb|rabbitmq|kafka|zookeeper|nats"
    r"|elasticsearch|opensearch|memcached|minio|busybox|alpine|debian|ubuntu|curl|wait-for\S*|kubectl"
    r"|adminer|pgadmin4?|pgbouncer|mailhog|mailpit|keycloak|traefik|nginx|haproxy|prometheus|grafana)"
)
POSTGRES = re.compile(r"(^|[/-])(postgres|postgresql|postgis|timescaledb|pgvector)(ql)?($|[-:@])")
_ALIKE = (
    {"backend", "api", "server", "back", "app-server"},
    {"frontend", "web", "ui", "client", "front", "www", "site", "webapp", "dashboard"},
    {"worker", "celery", "jobs", "queue", "consumer"},
)
_ENOUGH = 2


@dataclass
class Run:
    """A container of the chart. `reference` is its image with the probes' texts in it."""

    pod: PodTemplate
    body: Mapping[str, Any]
    init: bool
    reference: str
    settings: tuple[Setting, ...] = field(repr=False)

    @property
    def main(self) -> bool:
        """Whether it serves until it is told to stop."""
        return self.pod.lasting and not self.init

    @property
    def ports(self) -> list[int]:
        """Return the ports that it declares."""
        found = []
        for port in self.body.get("ports") or ():
            number = port.get("containerPort") if isinstance(port, dict) else None
            if isinstance(number, int):
                found.append(number)
        return found

    @property
    def words(self) -> list[str]:
        """Return its command and arguments."""
        return [str(w) for w in (*(self.body.get("command") or ()), *(self.body.get("args") or ()))]

    def __str__(self) -> str:
        return f"{self.pod.owner} ({self.body.get('name')})"


@dataclass
class Image:
    """An image that a chart runs.

    Attributes:
        runs: its containers, those that serve first.
        repository: by default, as the chart's values have it.
        tag: by default.
        by_repository, by_tag, by_whole: the values that it is taken from.

    """

    runs: list[Run]
    repository: str
    tag: str
    by_repository: Probe | None = None
    by_tag: Probe | None = None
    by_whole: Probe | None = None

    @property
    def stranger(self) -> bool:
        """Whether it is one that is known and not built by projects."""
        return bool(_STRANGERS.fullmatch(self.repository.rpartition("/")[2]))

    @property
    def words(self) -> list[str]:
        """Return what the chart calls it: image, value, containers, workloads."""
        probe = self.by_repository or self.by_whole or self.by_tag
        found = [self.repository.rpartition("/")[2]]
        if probe:
            found += [part for part in probe.leaf.path[:-1] if part.lower() != "image"]
            found.append(re.sub(r"(?i)image.*|tag|repository", "", probe.leaf.path[-1]))
        for run in self.runs:
            found += [str(run.body.get("name") or ""), run.pod.owner.name]
        return [word for word in dict.fromkeys(map(slug, found)) if word]

    @property
    def called(self) -> list[str]:
        """Return what it may be called where its Dockerfile does not say: as its container."""
        return [name for run in self.runs if (name := slug(str(run.body.get("name") or "")))]

    @property
    def main(self) -> Run:
        """Return the container that serves, else the first."""
        return next((run for run in self.runs if run.main), self.runs[0])


def images_of(rendering: Rendering, probed: Probed) -> list[Image]:
    """Return the images of a rendering, each once."""
    found: dict[str, Image] = {}
    for run in _runs(rendering):
        if run.reference in found:
            found[run.reference].runs.append(run)
            continue
        repository, tag = _parts(run.reference)
        whole = _first(probed.inside(run.reference, IMAGE), repository)
        named = _first(probed.inside(repository, REPOSITORY), repository)
        tagged = _first(probed.inside(tag, TAG), tag)
        default = repository
        for probe in (named, whole):
            if probe is not None:
                default = repository.replace(str(probe.text), _default(probe))
        if whole is not None and ":" in default.rpartition("/")[2]:
            default, _, tag = default.rpartition(":")
        elif tagged is not None:
            tag = str(tagged.leaf.value or "")
        found[run.reference] = Image([run], default, tag, named, tagged, whole)
    for image in found.values():
        image.runs.sort(key=lambda run: not run.main)
    return list(found.values())


def matched(images: list[Image], built: list[Dockerized]) -> dict[int, Dockerized]:
    """Return what each image of a chart is built from, by its place in the list.

    They belong together by their names, by what both are alike, and by the port. One alone that
    is built and one alone that is run are the same, whatever they are called.
    """
    scores = sorted(
        (
            (_score(image, one), i, b)
            for i, image in enumerate(images)
            for b, one in enumerate(built)
        ),
        key=lambda each: (-each[0], built[each[2]].aside, each[1], each[2]),
    )
    found: dict[int, Dockerized] = {}
    taken: set[int] = set()
    for score, i, b in scores:
        if score >= _ENOUGH and i not in found and b not in taken:
            found[i] = built[b]
            taken.add(b)
    own = [i for i, image in enumerate(images) if not image.stranger and i not in found]
    left = [b for b, one in enumerate(built) if b not in taken and not one.aside]
    if len(own) == 1 and len(left) == 1:
        found[own[0]] = built[left[0]]
    return found


def _score(image: Image, built: Dockerized) -> float:
    words, names = image.words, list(built.names)
    if image.stranger and image.repository.rpartition("/")[2] not in names:
        return 0
    score = 0.0
    composed = built.composed.image.partition(":")[0] if built.composed else ""
    if composed and composed == image.repository:
        score += 6
    if names and any(name in words for name in names):
        score += 4
    pieces = {piece for word in words for piece in word.split("-")}
    own = {piece for name in names for piece in name.split("-")}
    score += min(2, len(pieces & own))
    score += 2 * any(alike & pieces and alike & own for alike in _ALIKE)
    ports = set(built.stage.ports) if built.stage else set()
    score += 1.5 * bool(ports & set(image.main.ports))
    return score - (3 if built.aside else 0)


def _runs(rendering: Rendering) -> Iterator[Run]:
    for pod in rendering.pods:
        for kind in ("initContainers", "containers"):
            for body in pod.spec.get(kind) or ():
                if isinstance(body, dict):
                    init = kind == "initContainers" and body.get("restartPolicy") != "Always"
                    settings = tuple(settings_of(body, rendering))
                    yield Run(pod, body, init, str(body.get("image") or ""), settings)


def _parts(reference: str) -> tuple[str, str]:
    """Return repository and tag."""
    reference = reference.partition("@")[0]
    if ":" in reference.rpartition("/")[2]:
        repository, _, tag = reference.rpartition(":")
        return repository, tag
    return reference, ""


def _first(probes: list[Probe], text: str) -> Probe | None:
    """Return the probe that a text begins with, else any that it holds."""
    return next((p for p in probes if text == p.text), probes[0] if probes else None)


def _default(probe: Probe) -> str:
    return str(probe.leaf.value or "") or slug(dotted(probe.leaf.path[:1])) or "app"
