"""What is described of an image: where it is built from, its port, its health."""

from __future__ import annotations

import re

from harness.contract.code import Code, sounds_secret
from harness.contract.program import Program
from harness.inference.images import Dockerized
from harness.inference.known import CREDENTIALS, Known, listed
from harness.inference.ports import health_of, port_of
from harness.inference.roles import describe_role, probed_path
from harness.inference.running import Image
from harness.project import Image as Described

_REPOSITORY = re.compile(r"[a-z0-9]+([._/-][a-z0-9]+)*")
_MIGRATES = re.compile(r"migrat|upgrade|seed|init|setup|schema", re.IGNORECASE)


def describe_image(known: Known, name: str, image: Image | None, built: Dockerized | None) -> None:
    """Write down an image: `image` is what the chart runs, `built` its Dockerfile, if any."""
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
                value=args or None,
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
        probe_ = probed_path(image, "livenessProbe") or probed_path(image, "readinessProbe")
        path, why, place, sure = health_of(built, code, probe_)
        facts.add(*key, "health", value=path, why=why, place=place, sure=sure)
    else:
        probe_ = probed_path(image, "livenessProbe") or probed_path(image, "readinessProbe")
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
    _writable(known, name, image)
    describe_role(known, name, image, code)


def _writable(known: Known, name: str, image: Image | None) -> None:
    """Tell where the program may write, as its pod lets it; nothing where that is usual."""
    run = image.main if image else None
    security = (run.body.get("securityContext") or {}) if run else {}
    if run is None or not security.get("readOnlyRootFilesystem"):
        why = f"the root file system of {run} is writable" if run else "no chart says otherwise"
        known.facts.add("images", name, "writable", value=["/"], why=why)
        return
    kept = {
        str(volume.get("name"))
        for volume in run.pod.spec.get("volumes") or ()
        if not volume.keys() & {"configMap", "secret", "projected", "downwardAPI"}
    }
    mounts = [
        str(mount.get("mountPath"))
        for mount in run.body.get("volumeMounts") or ()
        if mount.get("name") in kept and not mount.get("subPath")
    ]
    if mounts != ["/tmp"]:  # noqa: S108 - a path in the container
        known.facts.add("images", name, "writable", value=mounts, why=f"the volumes of {run}")


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
        return f"taken instead of {listed(built.others)}"
    return "the name of its Dockerfile, from the context"
