"""The other ways to install a chart: its switches, each tried out."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from harness.contract.rendering import Rendering
from harness.inference.database import describe_server, inside
from harness.inference.known import Known
from harness.inference.probing import Probed, attempt, dotted

if TYPE_CHECKING:
    from harness.helm.rendering import Renderer

INSIDE = "database-inside"
SECRETS = ("${secrets.", "${database.url}", "${database.password}")
_OF_DATABASE = re.compile(r"postgres|database|(^|[._-])(db|pg|sql)([._-]|$)", re.IGNORECASE)
_PASSWORD = re.compile("passw", re.IGNORECASE)
_MOST_VARIANTS = 12


def describe_variants(known: Known, probed: Probed, helm: Renderer) -> None:
    """Find the other ways to install the chart: its switches, tried out."""
    rendering = probed.rendering
    assert rendering is not None
    switches = [
        leaf
        for leaf in probed.chart.leaves
        if leaf.value is False and leaf.path[-1] in ("enabled", "create", "deploy", "install")
    ][:_MOST_VARIANTS]
    database = [leaf for leaf in switches if _OF_DATABASE.search(".".join(leaf.path[:-1]))]
    others = [leaf for leaf in switches if leaf not in database]
    here = inside(known, rendering, probed)
    if known.facts.get("database", "env"):
        if here is not None:
            describe_server(known, here, f"{here.main} is there by default")
            if not any(f.value == "${database.url}" for f in known.facts.below("values")):
                why = "no value takes the URL of a database: it is the chart's own"
                known.facts.add("database", "external", value=False, why=why)
        for leaf in database if here is None else ():
            if _switch_to_inside(known, probed, helm, dotted(leaf.path)):
                break
    if others:
        every: dict[str, Any] = {dotted(leaf.path): True for leaf in others}
        _variant(known, probed, helm, "switched-on", every, "all that can be switched on")
    for leaf in probed.chart.leaves:
        if re.fullmatch(r"existingSecret(Name)?", leaf.path[-1]) and leaf.value in ("", None):
            paths: dict[str, Any] = {dotted(leaf.path): "a-secret-of-the-users-own"}
            paths |= _emptied(known, SECRETS)
            _variant(
                known, probed, helm, "existing-secret", paths, "a Secret that is there already"
            )
            break


def _emptied(known: Known, kinds: Iterable[str]) -> dict[str, Any]:
    """Return the values that hold a secret, emptied."""
    starts = tuple(kinds)
    return {
        fact.key[1]: ""
        for fact in known.facts.below("values")
        if str(fact.value).startswith(starts)
    }


def _switch_to_inside(known: Known, probed: Probed, helm: Renderer, path: str) -> bool:
    """Describe the variant that has the database in the cluster; say whether it is one."""
    leaves = {dotted(leaf.path): leaf for leaf in probed.chart.leaves}
    passwords = [
        p for p, leaf in leaves.items()
        if leaf.value in ("", None) and _OF_DATABASE.search(p) and _PASSWORD.search(leaf.path[-1])
    ]  # fmt: skip
    for given in (passwords, []):
        for emptied in (_emptied(known, ["${database.url}"]), {}):
            paths: dict[str, Any] = {path: True, **emptied}
            paths |= dict.fromkeys(given, "P1probe0000000000000000000000000")
            one = _tried(known, probed, helm, paths)
            image = inside(known, one, probed) if isinstance(one, Rendering) else None
            if image is None:
                continue
            key, why = ("variants", INSIDE), "tried out: it renders a PostgreSQL in the cluster"
            place = (
                known.probed.chart.place("values.yaml", leaves[path].line) if known.probed else None
            )
            known.facts.add("database", "inside", value=INSIDE, why=why, place=place)
            known.facts.add(*key, path, value=True, why=why, place=place)
            for probe, part in ((image.by_repository, "repository"), (image.by_tag, "tag")):
                if probe:
                    known.facts.add(
                        *key, probe.path, value=f"${{database.{part}}}", why="of its image"
                    )
            for name in emptied:
                known.facts.add(*key, name, value="", why="it is for a database outside")
            for name in given:
                known.facts.add(*key, name, value="${database.password}", why="its password")
            describe_server(known, image, f"{image.main} is there in the variant {INSIDE}")
            return True
    return False


def _variant(
    known: Known, probed: Probed, helm: Renderer, name: str, paths: dict[str, Any], why: str
) -> None:
    """Describe a variant if it renders; what prevents it is told."""
    for path in list(paths) if len(paths) > 1 else [""]:
        one = _tried(known, probed, helm, paths)
        if isinstance(one, Rendering):
            for each, value in paths.items():
                known.facts.add("variants", name, each, value=value, why=why)
            return
        # The one that it names is left out; then whatever remains is tried again.
        told = next((p for p in paths if p in one.seen or p.rpartition(".")[0] in one.seen), path)
        if paths.get(told) is True:
            known.facts.remark(f"{told} is left out of the variants: {one.headline[:200]}")
            del paths[told]
        else:
            break
    if paths:
        known.facts.remark(f"the variant {name} does not render, and is left out")


def _tried(known: Known, probed: Probed, helm: Renderer, paths: dict[str, Any]) -> Any:
    facts = known.facts
    release, namespace = str(facts.get("chart", "release")), str(facts.get("chart", "namespace"))
    return attempt(helm, probed.chart.folder, release, namespace, {**probed.values, **paths})
