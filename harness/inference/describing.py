"""Inferring a whole description: chart, images, roles, database, secrets, values."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from harness.contract.chart import ChartFiles
from harness.contract.finding import Place
from harness.inference import charts, compose
from harness.inference.building import describe_image
from harness.inference.database import describe_database
from harness.inference.errors import NothingToJudgeError
from harness.inference.facts import Facts
from harness.inference.folder import Folder, aside, shown
from harness.inference.images import find_dockerized, slug
from harness.inference.known import Known, listed
from harness.inference.probing import probe, untried
from harness.inference.running import images_of, matched
from harness.inference.secrets import describe_environment, describe_secrets, secrets_of_code
from harness.inference.values import describe_values
from harness.inference.variants import describe_variants

if TYPE_CHECKING:
    from harness.helm.rendering import Renderer

_INSTALLS = re.compile(
    r"\bhelm\s+(?:upgrade|install)\b(?P<words>(?:[^\n`|;&]|\\\n)*)",
)
_NAME = re.compile(r"[a-z]([-a-z0-9]{0,51}[a-z0-9])?")


def infer(folder: Folder, helm: Renderer | None, chart: str = "") -> Facts:
    """Return a description of a project that is made of what it holds.

    Args:
        folder: its copy.
        helm: renders the chart; without it values are told by their names alone.
        chart: the chart's folder, where it is known already.

    Raises:
        SeveralChartsError, NothingToJudgeError.

    """
    known = look(folder, chart)
    _chart(known)
    _probed(known, helm)
    _pairs(known)
    for name, (image, built) in known.pairs.items():
        describe_image(known, name, image, built)
    _outside(known, helm)
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
            facts.remark(f"charts that were left out: {listed(known.chart.others)}")
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
        places = listed([str(one.place) for one in left])
        known.facts.remark(f"Dockerfiles of images that the chart does not run: {places}")


def _outside(known: Known, helm: Renderer | None) -> None:
    """Write down what a run gives: database, secrets, images, ports; and the chart's variants."""
    probed = known.probed
    describe_database(known)
    if probed is None:
        secrets_of_code(known)
        return
    describe_values(known, probed)
    describe_secrets(known, probed)
    secrets_of_code(known)
    describe_environment(known)
    if helm is not None and probed.rendering is not None:
        describe_variants(known, probed, helm)
