"""A plan in words, line by line: the same on a terminal and in a pipe."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.plan.model import (
    BROKEN,
    CACHED,
    GIVEN,
    NEW,
    RUNNING,
    TO_BUILD,
    Changes,
    Phase,
    Plan,
    PlannedCluster,
    PlannedImage,
    PlannedRelease,
    PlannedScenario,
    PlannedService,
    Seconds,
)

#: A line, and the style in which a terminal shows it.
Line = tuple[str, str]
_SIGNS = {CACHED: "=", TO_BUILD: "+", BROKEN: "x", NEW: "+", RUNNING: "=", GIVEN: "="}
_STYLES = {CACHED: "green", TO_BUILD: "yellow", BROKEN: "red", NEW: "yellow", RUNNING: "green"}
_MARKS = {"added": "+", "removed": "-", "changed": "~"}
_COLOURS = {"+": "green", "-": "red", "@": "cyan"}
_NONE = "nothing"


def told(plan: Plan, *, brief: bool = False) -> Iterator[Line]:
    """Yield the lines of a plan.

    Args:
        plan: to be told.
        brief: without what each object of the manifests would change.

    """
    yield f"Plan for {plan.project}: nothing of it has been done", "bold"
    yield from _obstacles(plan)
    yield from _head("Build")
    for image in plan.images:
        yield from _image(image)
    if not plan.images:
        yield f"  {_NONE}: no scenario needs an image", ""
    if plan.cluster:
        yield from _cluster(plan.cluster)
    for service in plan.services:
        yield from _service(service)
    if plan.release:
        yield from _release(plan.release)
    if plan.changes:
        yield from _changes(plan.changes, brief=brief)
    if plan.tools:
        yield from _head("Use")
        width = max(len(name) for name, _, _ in plan.tools)
        for name, which, why in plan.tools:
            yield f"  {name:<{width}}  {which} ({why})", ""
    yield from _scenarios(plan)
    yield from _time(plan)


def clock(seconds: Seconds) -> str:
    """Return a time for people; one that nobody knows is unknown."""
    if seconds is None:
        return "unknown"
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{int(seconds) // 60} min {int(seconds) % 60:02d} s"


def _time_of(what: str, seconds: Seconds) -> str:
    return f"{what} took {clock(seconds)}" if seconds is not None else f"time of {what} unknown"


def _head(words: str) -> Iterator[Line]:
    yield "", ""
    yield words, "bold"


def _state(state: str, words: str) -> Line:
    return f"  {_SIGNS.get(state, '?')} {words}", _STYLES.get(state, "")


def _obstacles(plan: Plan) -> Iterator[Line]:
    if not plan.obstacles:
        return
    yield from _head("In the way: a run would end at this")
    for obstacle in plan.obstacles:
        seen = obstacle.seen.strip().replace("\n", "\n" + " " * 12)
        yield f"  x needed: {obstacle.needed}", "red"
        yield f"    seen:   {seen}", ""
        yield f"    looked: {obstacle.looked}", ""
        yield f"    fix:    {obstacle.fix}", ""


def _image(image: PlannedImage) -> Iterator[Line]:
    what = f"stand-in {image.name}" if image.stand_in else f"image {image.name}"
    ref = f" {image.ref}" if image.ref else ""
    yield _state(image.state, f"{what}{ref}: {image.state} ({image.why})")
    took = "" if image.state == CACHED else f", {_time_of('its build', image.seconds)}"
    yield f"      {image.context}/{image.dockerfile}{took}", ""
    for base in image.bases:
        found = f": {base.ref or 'none'} ({base.detail})" if base.detail else ""
        named = f"{base.name} " if base.name != base.official else ""
        yield f"      {named}{base.official}{found}", ""


def _cluster(cluster: PlannedCluster) -> Iterator[Line]:
    yield from _head("Create")
    nodes = f" of {cluster.nodes} node{'s' if cluster.nodes != 1 else ''}" if cluster.nodes else ""
    words = f"cluster {cluster.name} ({cluster.kind}{nodes}): {cluster.state}"
    took = f"; {_time_of('making it', cluster.seconds)}" if cluster.state == NEW else ""
    yield _state(cluster.state, f"{words} ({cluster.detail}{took})")
    for made in cluster.makes:
        yield f"      in it: {made}", ""
    yield f"      images, {cluster.how}:", ""
    for image in cluster.loads:
        yield f"        {image}", ""


def _service(service: PlannedService) -> Iterator[Line]:
    name = f"{service.kind} {service.name}"
    if service.name == "database":
        name = f"database of kind {service.kind}"
    yield _state(service.state, f"{name}: {service.state} ({service.detail})")


def _release(release: PlannedRelease) -> Iterator[Line]:
    yield from _head("Install")
    app = f", app {release.app_version}" if release.app_version else ""
    yield f"  chart {release.name} {release.version}{app} ({release.chart})", ""
    where = ", ".join(release.namespaces)
    spaces = "namespace" if len(release.namespaces) == 1 else "namespaces"
    yield f"  as release {release.release} in {spaces} {where}", ""
    if release.beside:
        yield f"  and once more in namespace {release.beside}, to be changed and broken", ""
    yield "  values", ""
    width = max((len(path) for path, _ in release.values), default=0)
    for path, value in release.values:
        yield f"    {path:<{width}}  {value}", ""


def _changes(changes: Changes, *, brief: bool) -> Iterator[Line]:
    against = f" against {changes.against}" if changes.against else ""
    yield from _head(f"Change in the rendered manifests{against}")
    if changes.problem:
        lines = changes.problem.strip().splitlines()
        yield from ((f"  {line}", "yellow") for line in lines)
        return
    count = len(changes.objects)
    if not changes.against:
        yield f"  no run has left manifests to compare with; {count} objects would be there:", ""
        yield from ((f"  + {what}", "") for what in changes.objects)
        return
    if not changes.differences:
        yield f"  none: {count} objects are as they were", "green"
    for difference in changes.differences:
        yield f"  {_MARKS[difference.how]} {difference.what}: {difference.how}", "bold"
        if not brief:
            for line in difference.text.splitlines():
                yield f"      {line}", _COLOURS.get(line[:1], "")


def _scenarios(plan: Plan) -> Iterator[Line]:
    yield from _head("Run")
    for note in plan.notes[:1]:
        yield f"  {note}", ""
    for uri, name, scenarios in plan.features():
        run = sum(not scenario.skipped for scenario in scenarios)
        count = f"{run} of {len(scenarios)}" if run < len(scenarios) else str(run)
        yield f"  {name} ({uri}): {count}", "bold"
        before = ""
        for scenario in scenarios:
            if scenario.skipped and scenario.skipped != before:
                yield f"    skipped: {scenario.skipped}", "yellow"
            before = scenario.skipped
            yield from _scenario(scenario, timed=bool(plan.measured))
    total, run = len(plan.scenarios), len(plan.run)
    parts = [f"{run} of {total} scenarios would run" if total else "no scenario is selected"]
    if total > run:
        parts.append(f"{total - run} would be skipped")
    if plan.left_out:
        parts.append(f"{plan.left_out} not selected")
    if plan.others:
        several = f"{plan.others} tests that are no scenarios"
        parts.append("1 test that is no scenario" if plan.others == 1 else several)
    if plan.processes > 1:
        parts.append(f"shared by {plan.processes} processes")
    yield f"  {'; '.join(parts)}", "bold"


def _scenario(scenario: PlannedScenario, *, timed: bool) -> Iterator[Line]:
    proves = f"  [{', '.join(scenario.requirements)}]" if scenario.requirements else ""
    took = "" if scenario.skipped else clock(scenario.seconds)
    space = f"{took:>8}  " if timed else ""
    sign, style = ("-", "yellow") if scenario.skipped else (">", "")
    yield f"    {sign} {space}{scenario.name}{proves}", style
    for reason in scenario.selected_by:
        yield f"      {' ' * len(space)}  selected by {reason}", ""


def _time(plan: Plan) -> Iterator[Line]:
    yield from _head("Time")
    if not plan.measured:
        yield "  unknown: no earlier run has left a record", ""
        return
    for stage in sorted({phase.stage for phase in plan.phases}):
        yield f"  {_side_by_side([phase for phase in plan.phases if phase.stage == stage])}", ""
    run = plan.run
    known = [scenario.seconds for scenario in run if scenario.seconds is not None]
    if run:
        untold = f", {len(run) - len(known)} unknown" if len(known) < len(run) else ""
        yield f"  {len(run)} scenarios {clock(sum(known))}{untold}", ""
    seconds, unknown = plan.seconds
    about = f"about {clock(seconds)}"
    if unknown:
        about = f"at least {clock(seconds)}: {unknown} parts are unknown"
    yield f"  {about}, by {plan.measured}", "bold"


def _side_by_side(phases: Sequence[Phase]) -> str:
    words = ", ".join(f"{phase.name} {clock(phase.seconds)}" for phase in phases)
    return f"{words} (side by side)" if len(phases) > 1 else words
