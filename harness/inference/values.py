"""Which values of a chart name the images, and the port on the nodes."""

from __future__ import annotations

from typing import Any

from harness.inference.images import slug
from harness.inference.known import Known
from harness.inference.probing import IMAGE, NODE_PORT, REPOSITORY, TAG, Probe, Probed


def describe_values(known: Known, probed: Probed) -> None:
    """Write down which values give repository and tag of each image, and the node's port."""
    facts = known.facts
    for name, (image, _) in known.pairs.items():
        if image is None:
            _by_name(known, probed, name)
            continue
        for probe, part in (
            (image.by_repository, "repository"),
            (image.by_tag, "tag"),
            (image.by_whole, "ref" if image.by_tag is None else "repository"),
        ):
            if probe is None or (part == "repository" and _prefixed(image, probe)):
                continue
            facts.add(
                "values", probe.path, value=f"${{images.{name}.{part}}}",
                why=f"it shows in the image of {image.main}",
                place=known.place(probed, probe.path),
            )  # fmt: skip
        if not (image.by_tag or image.by_whole):
            facts.remark(f"no value gives the tag of {image.main}: what is built cannot be named")
    _node_port(known, probed)
    for path, value in probed.filled.items():
        facts.add(
            "values", path, value=value, why="the chart does not render without it", sure=False
        )


def _prefixed(image: Any, probe: Probe) -> bool:
    """Say whether something stands before the value, so that only the whole is the name."""
    return not str(image.main.reference).startswith(str(probe.text))


def _by_name(known: Known, probed: Probed, name: str) -> None:
    """Tell the values of an image by their names, where nothing is rendered."""
    for probe in probed.of(REPOSITORY, TAG, IMAGE):
        words = {slug(part) for part in probe.leaf.path} | {slug(str(probe.leaf.value or ""))}
        if name in words or len(known.pairs) == 1:
            part = "ref" if probe.kind == IMAGE else probe.kind
            known.facts.add(
                "values", probe.path, value=f"${{images.{name}.{part}}}", why="by its name",
                place=known.place(probed, probe.path), sure=False,
            )  # fmt: skip


def _node_port(known: Known, probed: Probed) -> None:
    rendering = probed.rendering
    shown: dict[str, tuple[str, bool]] = {}
    for service in rendering.of("Service") if rendering else ():
        public = any(
            known.facts.get("services", name, "public") and _leads(known, name, service.name)
            for name in known.pairs
        )
        for port in service.spec.get("ports") or ():
            for probe in probed.of(NODE_PORT):
                if isinstance(port, dict) and port.get("nodePort") == probe.text:
                    shown[probe.path] = (str(service), public)
    ordered = sorted(shown, key=lambda path: not shown[path][1])
    for path in ordered[:1]:
        known.facts.add(
            "values", path, value="${cluster.node_port}",
            why=f"it is the nodePort of {shown[path][0]}", place=known.place(probed, path),
        )  # fmt: skip
    for path in ordered[1:]:
        known.facts.remark(f"{path} is a fixed nodePort beside the public one")


def _leads(known: Known, name: str, service: str) -> bool:
    fact = known.facts.facts.get(("services", name, "image"))
    return fact is not None and service in fact.why
