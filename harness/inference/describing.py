"""Inferring a whole description: chart, images, roles, database, secrets, values."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.contract.chart import ChartFiles
from harness.contract.code import Code, sounds_secret
from harness.contract.finding import Place
from harness.contract.program import Program
from harness.inference import charts, compose
from harness.inference.errors import NothingToJudgeError
from harness.inference.facts import Facts
from harness.inference.folder import Folder, aside, shown
from harness.inference.images import Dockerized, find_dockerized, slug
from harness.inference.ports import READY, health_of, port_of
from harness.inference.probing import Probed, probe, untried
from harness.inference.running import Image, images_of, matched
from harness.project import Image as Described

if TYPE_CHECKING:
    from harness.helm.rendering import Renderer

_REPOSITORY = re.compile(r"[a-z0-9]+([._/-][a-z0-9]+)*")
_INSTALLS = re.compile(
    r"\bhelm\s+(?:upgrade|install)\b(?P<words>(?:[^\n`|;&]|\\\n)*)",
)
_NAME = re.compile(r"[a-z]([-a-z0-9]{0,51}[a-z0-9])?")
#: A URL with a password, which no description may repeat.
CREDENTIALS = re.compile(r"://[^\s:/@]*:[^\s/@]+@")
_MIGRATES = re.compile(r"migrat|upgrade|seed|init|setup|schema", re.IGNORECASE)


@dataclass
class Known:
    """What is looked at while a description is inferred, and what is known so far."""

    folder: Folder
    files: list[str]
    built: list[Dockerized]
    composed: list[compose.Composed]
    chart: charts.Choice
    facts: Facts = field(default_factory=Facts)
    probed: Probed | None = None
    images: list[Image] = field(default_factory=list)
    #: by the image's name in the description
    pairs: dict[str, tuple[Image | None, Dockerized | None]] = field(default_factory=dict)
    codes: dict[str, Code] = field(default_factory=dict)

    def place(self, probed: Probed, path: str) -> Place | None:
        """Return the line of a value."""
        for each in probed.probes:
            if each.path == path:
                return probed.chart.place(each.leaf.file, each.leaf.line)
        return None


def infer(folder: Folder, helm: Renderer | None, chart: str = "") -> Facts:
    """Return a description of a project that is made of what it holds.

    Args:
        folder: its copy.
        helm: renders the chart; without it values are told by their names alone.
        chart: the chart's folder, where it is known already.

    Raises:
        SeveralChartsError, NothingToJudgeError.

    """
    from harness.inference import outside

    known = look(folder, chart)
    _chart(known)
    _probed(known, helm)
    _pairs(known)
    for name, (image, built) in known.pairs.items():
        _image(known, name, image, built)
    outside.infer(known, helm)
    return known.facts


def look(folder: Folder, chart: str = "") -> Known:
    """Find chart, Dockerfiles and Compose files. Raises as `infer` does."""
    files = folder.files()
    composed = compose.find_composed(folder, files)
    built = find_dockerized(folder, files, composed)
    if chart:
        choice = charts.named(folder, files, chart)
    else:
        choice = charts.find_chart(folder, files, built)
    if choice.chart is None and not built:
        raise NothingToJudgeError(folder.origin, [shown(f) for f in files])
    return Known(folder, files, built, composed, choice)


def _chart(known: Known) -> None:
    facts, chart = known.facts, known.chart.chart
    origin = slug(known.folder.origin.resolve().name) or "project"
    if chart is None:
        facts.add("name", value=origin, why="the name of the folder")
        facts.add("chart", "path", value="chart", why="there is no Chart.yaml", sure=False)
        facts.remark("no chart: no Chart.yaml was found")
        name = origin
    else:
        name = chart.name if _NAME.fullmatch(chart.name) else slug(chart.name) or origin
        facts.add("name", value=name, why="the name of the chart", place=chart.place)
        facts.add("chart", "path", value=chart.path, why=known.chart.why, place=chart.place)
        if known.chart.others:
            facts.remark(f"charts that were left out: {_list(known.chart.others)}")
    for key, value, place in _installed(known):
        facts.add("chart", key, value=value, why="people are told to install it so", place=place)
    for key in ("release", "namespace"):
        facts.add(
            "chart", key, value=name, why="the name of the project, which nothing speaks against"
        )


def _installed(known: Known) -> list[tuple[str, str, Place]]:
    """Return release and namespace of the first `helm install` that is written down."""
    chart = known.chart.chart
    for file in known.files:
        if not re.search(r"(^|/)(README[^/]*|Makefile|[^/]*\.(sh|md))$", file) or aside(file):
            continue
        text = known.folder.text(file)
        for match in _INSTALLS.finditer(text):
            words = match["words"].replace("\\\n", " ").split()
            if chart and not any(w.strip("./").endswith(chart.path.strip("./")) for w in words):
                continue
            place = Place(file, text.count("\n", 0, match.start()) + 1)
            found, plain, space = [], [w for w in words if not w.startswith("-")], ""
            for flag, value in zip(words, [*words[1:], ""], strict=True):
                if flag in ("-n", "--namespace"):
                    space = value
                elif flag.startswith("--namespace="):
                    space = flag.partition("=")[2]
            if plain and _NAME.fullmatch(plain[0]):
                found.append(("release", plain[0], place))
            if _NAME.fullmatch(space):
                found.append(("namespace", space, place))
            if found:
                return found
    return []


def _probed(known: Known, helm: Renderer | None) -> None:
    chart, facts = known.chart.chart, known.facts
    if chart is None:
        return
    files = ChartFiles(known.folder.root / chart.path, known.folder.root)
    release, namespace = str(facts.get("chart", "release")), str(facts.get("chart", "namespace"))
    if helm is None:
        known.probed = untried(files)
        facts.remark("Helm is not there: what the values of the chart do was not tried out")
        return
    known.probed = probe(helm, files, release, namespace)
    for path, said in known.probed.dropped.items():
        first = said.strip().splitlines()[0] if said.strip() else "refused"
        facts.remark(f"the value {path} is left as it is: {shown(first)[:200]}")
    if known.probed.rendering is None:
        error = known.probed.error
        cause = error.headline if error else "for no reason that it gives"
        cause = known.folder.own(cause)
        facts.remark(f"the chart does not render, so its values are told by their names: {cause}")
        return
    known.images = images_of(known.probed.rendering, known.probed)


def _pairs(known: Known) -> None:
    """Name each image that is built here; one that is run and not built is told."""
    pairs = matched(known.images, known.built)
    used: set[str] = set()

    def free(*names: str) -> str:
        wanted = [n for n in names if n and _NAME.fullmatch(n)] or ["app"]
        for name in [*wanted, *(f"{wanted[0]}-{n}" for n in range(2, 99))]:
            if name not in used:
                used.add(name)
                return name
        raise AssertionError(wanted)

    for i, image in enumerate(known.images):
        if i in pairs:
            built = pairs[i]
            name = free(built.name, *image.called, str(known.facts.get("name")))
            known.pairs[name] = (image, built)
        elif not image.stranger:
            place = known.probed.chart.place(image.main.pod.owner.source) if known.probed else None
            known.facts.remark(
                f"{place}: no Dockerfile was found for the image {shown(image.repository)}"
            )
            if not known.built:
                known.pairs[free(*image.called, *image.words)] = (image, None)
    left = [one for one in known.built if one not in pairs.values()]
    # Without a rendering nobody tells which are run: all are, those of tests apart.
    if not known.images:
        for built in [one for one in left if not one.aside] or left:
            known.pairs[free(built.name, str(known.facts.get("name")))] = (None, built)
        left = []
    if left:
        places = _list([str(one.place) for one in left])
        known.facts.remark(f"Dockerfiles of images that the chart does not run: {places}")


def _image(known: Known, name: str, image: Image | None, built: Dockerized | None) -> None:
    facts, key = known.facts, ("images", name)
    context = built.context if built else "."
    if built is not None:
        facts.add(*key, "context", value=context, why=built.why, place=built.place, sure=built.sure)
    else:
        facts.add(*key, "context", value=".", why="there is no Dockerfile for it", sure=False)
    _repository(known, name, image, built)
    if built is None:
        code = Code()
    else:
        if built.dockerfile != "Dockerfile":
            facts.add(
                *key, "dockerfile", value=built.dockerfile, why=_instead(built), place=built.place
            )
        if built.bases:
            facts.add(
                *key, "bases", value=built.bases, why="what its FROM stand for", place=built.place
            )
        if built.composed and built.composed.args:
            args = {k: v for k, v in built.composed.args if not sounds_secret(k)}
            facts.add(
                *key,
                "build_args",
                value=args,
                why="Compose builds it with",
                place=built.composed.place,
            )
        provisional = Described.model_validate(
            {
                **{"context": context, "repository": "app", "dockerfile": built.dockerfile},
                **{"port": 1, "health": "/"},
            }
        )
        program = Program(name, provisional, known.folder.root)
        code = program.code
    known.codes[name] = code
    sources = program.sources if built else {}
    run = image.main if image else None
    declared = (run.ports[0], str(run)) if run and run.ports else None
    if built is not None:
        port, why, place, sure = port_of(built, sources, declared)
        facts.add(*key, "port", value=port, why=why, place=place, sure=sure)
        probe_ = _path(image, "livenessProbe") or _path(image, "readinessProbe")
        path, why, place, sure = health_of(built, code, probe_)
        facts.add(*key, "health", value=path, why=why, place=place, sure=sure)
    else:
        probe_ = _path(image, "livenessProbe") or _path(image, "readinessProbe")
        facts.add(
            *key,
            "port",
            value=declared[0] if declared else 8080,
            why="containerPort",
            sure=bool(declared),
        )
        facts.add(
            *key,
            "health",
            value=probe_[0] if probe_ else "/",
            why="as it is probed",
            sure=bool(probe_),
        )
    before = _before(image, built)
    if before:
        commands, place_of = before
        facts.add(*key, "before", value=commands, why=f"{place_of} runs it before the program")
    _role(known, name, image, code)


def _repository(known: Known, name: str, image: Image | None, built: Dockerized | None) -> None:
    default = image.repository if image else ""
    place = None
    if image and known.probed:
        taken = image.by_repository or image.by_whole
        place = known.probed.chart.where(image.main.pod.owner.source, "image:")
        if taken:
            place = known.probed.chart.place(taken.leaf.file, taken.leaf.line)
    if _REPOSITORY.fullmatch(default):
        known.facts.add(
            "images", name, "repository", value=default, why="the chart's default", place=place
        )
        return
    composed = built.composed.image.partition(":")[0] if built and built.composed else ""
    if built and _REPOSITORY.fullmatch(composed):
        known.facts.add(
            "images", name, "repository", value=composed, why="Compose calls it so",
            place=built.composed.place if built.composed else None,
        )  # fmt: skip
    made = f"{known.facts.get('name')}-{name}" if name != known.facts.get("name") else name
    known.facts.add("images", name, "repository", value=made, why="made of project and image")


def _role(known: Known, name: str, image: Image | None, code: Code) -> None:
    """Describe the Service that leads to an image's pods."""
    rendering = known.probed.rendering if known.probed else None
    if image is None or rendering is None:
        return
    run, facts = image.main, known.facts
    leading = []
    for service in rendering.of("Service"):
        selector = {k: str(v) for k, v in (service.spec.get("selector") or {}).items()}
        if any(pod.owner == run.pod.owner for pod in rendering.selected(selector)):
            leading.append(service)
    leading.sort(key=lambda service: service.spec.get("clusterIP") == "None")
    if not leading:
        if run.main:
            facts.remark(f"no Service leads to {run}, so {name} has no role in [services]")
        return
    service, key = leading[0], ("services", name)
    chart = known.probed.chart if known.probed else None
    place = chart.where(service.source, "kind: Service", "type:") if chart else None
    facts.add(
        *key,
        "image",
        value=name,
        why=f"the selector of {service} matches {run.pod.owner}",
        place=place,
    )
    kind = str(service.spec.get("type") or "ClusterIP")
    if kind not in ("ClusterIP", "NodePort", "LoadBalancer"):
        kind = "ClusterIP"
    facts.add(*key, "type", value=kind, why=f"the type of {service}", place=place)
    ports = [p for p in service.spec.get("ports") or () if isinstance(p, dict)]
    if ports:
        facts.add(
            *key, "port", value=ports[0].get("port"), why=f"the port of {service}", place=place
        )
    else:
        facts.add(
            *key,
            "port",
            value=facts.get("images", name, "port"),
            why="its Service has none",
            sure=False,
        )
    ready = _path(image, "readinessProbe")
    routes = {route.path: route.place for route in code.routes if route.fixed}
    routed = next((path for path in READY if path in routes), None)
    if ready:
        facts.add(
            *key, "health", value=ready[0], why=f"{ready[1]} asks it", place=routes.get(ready[0])
        )
    elif routed:
        facts.add(*key, "health", value=routed, why="a route of that name", place=routes[routed])
    facts.add(*key, "health", value=facts.get("images", name, "health"), why="as of its image")
    if kind != "ClusterIP":
        facts.add(*key, "public", value=True, why=f"{service} is of type {kind}", place=place)
    elif ingress := _ingress(known, service.name):
        facts.add(*key, "public", value=True, why=f"{ingress} leads to it")
    owner = run.pod.owner
    replicas = owner.spec.get("replicas")
    if isinstance(replicas, int) and replicas > 0:
        facts.add(*key, "replicas", value=replicas, why=f"as of {owner}")
    resources = run.body.get("resources") or {}
    for part in ("requests", "limits"):
        told = {k: str(v) for k, v in (resources.get(part) or {}).items()}
        if told:
            facts.add(*key, part, value=told, why=f"as of {run}")


def _ingress(known: Known, service: str) -> str:
    rendering = known.probed.rendering if known.probed else None
    for item in rendering.of("Ingress", "HTTPRoute") if rendering else ():
        if re.search(rf"'name': '{re.escape(service)}'", str(item.spec)):
            return str(item)
    return ""


def _path(image: Image | None, kind: str) -> tuple[str, str] | None:
    """Return the path that a probe asks, and which probe that is."""
    run = image.main if image else None
    told = run.body.get(kind) if run else None
    get = told.get("httpGet") if isinstance(told, dict) else None
    if not isinstance(get, dict):
        return None
    path = str(get.get("path") or "/").partition("?")[0]
    return (path, f"the {kind} of {run}") if path.startswith("/") else None


def _before(image: Image | None, built: Dockerized | None) -> tuple[list[list[str]], str] | None:
    """Return what is given to containers of the same image that end before the program starts.

    The image's own entry point is no part of it; a container with another one is left out.
    """
    stage = built.stage if built else None
    entry = list(stage.entrypoint.arguments) if stage and stage.entrypoint else []
    found: list[list[str]] = []
    place = ""
    for run in image.runs if image else ():
        words = run.words
        if run.main or not words or (not run.init and run.pod.owner.hook is None):
            continue
        if run.pod.owner.hook and not re.search(r"pre-|post-install", run.pod.owner.hook):
            continue
        shell = words[0].rpartition("/")[2] in ("sh", "bash", "ash")
        if shell and not _MIGRATES.search(" ".join(words)):
            continue
        if run.body.get("command") and entry:
            if words[: len(entry)] != entry or len(words) == len(entry):
                continue
            words = words[len(entry) :]
        if any(CREDENTIALS.search(word) or sounds_secret(word) for word in words):
            continue
        found.append(words)
        place = place or str(run)
    return (found, place) if found else None


def _instead(built: Dockerized) -> str:
    if built.others:
        return f"taken instead of {_list(built.others)}"
    return "the name of its Dockerfile, from the context"


def _list(names: Any) -> str:
    names = [shown(str(name)) for name in names]
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more
