"""What a change does to the manifests that the chart renders, object by object."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from harness.ci.markdown import block, folded, inline
from harness.contract import placeholders
from harness.contract.rendering import Installation, Rendering, render
from harness.errors import DeployError
from harness.helm.masking import Mask
from harness.project import Project

if TYPE_CHECKING:
    from harness.helm.rendering import Renderer

#: What GitHub and GitLab take as a comment, less what stands around it.
MOST = 60_000
_LINES = 3  # of what is the same, around a difference
AS_DESCRIBED = "as described"


@dataclass(frozen=True)
class Difference:
    """An object that is not as it was.

    Attributes:
        what: its kind and name.
        how: added, removed or changed.
        text: a unified diff.
        variants: the ways to install the chart in which it differs like this.

    """

    what: str
    how: str
    text: str
    variants: tuple[str, ...]


@dataclass(frozen=True)
class Refusal:
    """A way to install the chart that does not render, before or after the change."""

    variant: str
    before: bool
    said: str


@dataclass(frozen=True)
class Comparison:
    """All that differs, and what could not be compared."""

    differences: list[Difference]
    refusals: list[Refusal]
    compared: int


def compare(before: Path | None, after: Path, helm: Renderer) -> Comparison:
    """Render the chart of two project folders in every described way, and compare.

    Both are rendered with the same placeholders for secrets, addresses and built images, so
    that only what the change does can differ. Values in Secrets are shown by their length.

    Args:
        before: the folder as it was; None when there was none, so that everything is new.
        after: the folder as it is.
        helm: renders.

    Raises:
        ProjectFileMissingError, ProjectFileInvalidError, ChartMissingError: of `after`.

    """
    new = _rendered(after, helm)
    try:
        old = _rendered(before, helm) if before else {}
    except DeployError as error:  # its description may be of another time
        return Comparison([], [Refusal("all of it", before=True, said=error.headline)], len(new))
    refusals = [
        Refusal(variant, before=was, said=told.headline)
        for was, rendered in ((True, old), (False, new))
        for variant, told in rendered.items()
        if isinstance(told, DeployError)
    ]
    mask = Mask()
    found: dict[tuple[str, str, str], list[str]] = {}
    for variant in dict.fromkeys([*new, *old]):
        one, other = old.get(variant), new.get(variant)
        if isinstance(one, DeployError) or isinstance(other, DeployError):
            continue
        for difference in differences(_objects(one, mask), _objects(other, mask)):
            found.setdefault(difference, []).append(variant)
    ordered = [Difference(*key, tuple(variants)) for key, variants in found.items()]
    return Comparison(ordered, refusals, len(new))


def told(comparison: Comparison, base: str) -> str:
    """Return a comparison in Markdown, short enough for a comment."""
    count = len(comparison.differences)
    lines = [f"### Rendered manifests against `{inline(base)}`"]
    if count:
        lines.append(f"{count} object{'' if count == 1 else 's'} differ, in ")
        lines[-1] += f"{comparison.compared} ways to install the chart."
    elif not comparison.refusals:
        ways = comparison.compared
        lines.append(
            f"No difference, in {ways} way{'' if ways == 1 else 's'} to install the chart."
        )
    for refusal in comparison.refusals:
        when = "before the change" if refusal.before else "now"
        words = f"{refusal.variant}, {when}: not rendered, so not compared"
        lines.append(folded(f"❌ {inline(words)}", block(refusal.said)))
    left = MOST - sum(map(len, lines))
    for number, difference in enumerate(comparison.differences):
        shown = _difference(difference, comparison.compared)
        left -= len(shown) + 2
        if left < 0:
            more = count - number
            lines.append(f"{more} more object{'' if more == 1 else 's'} differ; no room here.")
            break
        lines.append(shown)
    return "\n\n".join(lines) + "\n"


def _difference(difference: Difference, ways: int) -> str:
    where = "" if len(difference.variants) == ways else f"in {', '.join(difference.variants)}"
    title = f"{difference.how} <b>{inline(difference.what)}</b> {inline(where)}"
    return folded(title, block(difference.text, "diff", most=12_000))


def _rendered(folder: Path, helm: Renderer) -> dict[str, Rendering | DeployError]:
    project = Project.load(folder)
    facts = placeholders.facts(project)
    chart = project.chart
    asked = [
        Installation(
            variant or AS_DESCRIBED,
            chart.release,
            chart.namespace,
            placeholders.values(project, facts, variant),
        )
        for variant in ("", *project.variants)
    ]
    done = render(helm, project.chart_path, asked)
    return {asking.title: one for asking, one in zip(asked, done, strict=True)}


def _objects(rendering: Rendering | None, mask: Mask) -> dict[str, str]:
    if rendering is None:
        return {}
    return {
        f"{item} (hook {item.hook})" if item.hook else str(item): yaml.safe_dump(
            mask(item.body), sort_keys=True, width=100
        )
        for item in rendering.objects
    }


def differences(
    before: Mapping[str, str], after: Mapping[str, str]
) -> Iterator[tuple[str, str, str]]:
    """Yield for each object that differs its name, how it does, and a unified diff.

    Args:
        before: the objects as they were, each as text, by name.
        after: the objects as they are.

    """
    for name in sorted(before.keys() | after.keys()):
        one, other = before.get(name, ""), after.get(name, "")
        if one != other:
            how = "changed" if one and other else "added" if other else "removed"
            lines = difflib.unified_diff(
                one.splitlines(), other.splitlines(), n=_LINES, lineterm=""
            )
            yield name, how, "\n".join(list(lines)[2:])
