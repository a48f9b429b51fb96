"""Judging a folder without a cluster: every check that can be carried out, whatever else fails."""

from __future__ import annotations

import dataclasses
import os
import re
import time
from collections.abc import Mapping
from pathlib import Path

from harness.contract import CHECKS, Contract, Finding, Place
from harness.default_requirements import defaults, has_features
from harness.errors import DeployError
from harness.helm.rendering import Renderer
from harness.inference import INFERRED, Described, Folder, described
from harness.inference.folder import shown
from harness.inference.limits import TimeLimitError, time_limit
from harness.inference.opening import inferring, opened
from harness.project import FILE_NAME, Project
from harness.verdict import demands
from harness.verdict.model import MET, NOT_APPLICABLE, NOT_JUDGED, NOT_MET, Item, Verdict
from harness.verdict.sentences import ADVICE, OF_A_CHART, WITHOUT_RENDERING, sentence

CHECKING = 15.0  # seconds


def judge(folder: Path, environ: Mapping[str, str]) -> Verdict:
    """Return the verdict on a folder as it lies there. Changes nothing in it.

    Args:
        folder: a project's; whoever wrote it need not be trusted.
        environ: says where Helm and our cache are.

    Raises:
        FolderMissingError, FolderTooLargeError, ProjectFileInvalidError, SeveralChartsError,
        NothingToJudgeError, NoImageError, TimeLimitError: there is nothing to give a verdict on.

    """
    began = time.monotonic()
    with opened(folder, environ) as (copy, helm, missing):
        with inferring(copy):
            project = described(copy, helm)
        checks = _checks(copy, project, helm, missing)
        remarks, problems = project.remarks, list[str]()
        requirements: tuple[Item, ...] = ()
        if texts := _demanded(project.project):
            with time_limit("the features of the project", CHECKING):
                found = demands.demands(project.project, problems)
            demanded = {check for name in texts if name in found for check in found[name].checks}
            checks = [
                dataclasses.replace(c, advice=c.advice and c.id not in demanded) for c in checks
            ]
            by_id = {check.id: check for check in checks}
            requirements = tuple(demands.judged(texts, found, by_id))
        unread = (*copy.notes, *problems)
    return Verdict(
        name=project.project.name,
        folder=shown(str(folder)),
        source=project.source,
        facts=project.facts,
        remarks=remarks,
        unread=unread,
        checks=tuple(checks),
        requirements=requirements,
        seconds=time.monotonic() - began,
    )


def _demanded(project: Project) -> dict[str, str]:
    """Return what is demanded of a project: its own, or what holds for any."""
    if project.requirements or has_features(project.root):
        return project.requirements
    return {name: one.text for name, one in defaults().items()}


def _checks(
    copy: Folder, project: Described, helm: Renderer | None, missing: DeployError | None
) -> list[Item]:
    contract = Contract(project.project, helm or _Absent())
    chart = (project.project.chart_path / "Chart.yaml").is_file()
    whole, why = True, ""
    items = []
    for check in CHECKS:
        if check == "renders" and not chart:
            whole, why = False, "there is no chart"
            items.append(_no_chart(project))
            continue
        if missing is not None and check not in WITHOUT_RENDERING - {"renders"}:
            whole, why = False, f"Helm is needed to render the chart: {missing.fix}"
            items.append(_item(check, NOT_JUDGED, why))
            continue
        if not whole and (check not in WITHOUT_RENDERING or (not chart and check in OF_A_CHART)):
            items.append(_item(check, NOT_JUDGED, why))
            continue
        item = _judged(copy, contract, project, check)
        items.append(item)
        if check == "renders" and item.status != MET and contract.subject.main is None:
            whole, why = False, f"the chart does not render: {item.why}"
    return items


class _Absent(Renderer):
    """Stands where Helm is not there; what needs it is not asked."""

    def __init__(self) -> None:
        super().__init__(Path("helm"), Path(os.devnull), "none", Path(os.devnull))

    def template(self, *_: object, **__: object) -> str:
        """Raise what a failing rendering does."""
        raise DeployError(needed="Helm", seen="it is not there", looked="-", fix="make prepare")


def _judged(copy: Folder, contract: Contract, project: Described, check: str) -> Item:
    """Carry out one check; what goes wrong with it is its own, and hides no other."""
    try:
        with time_limit(f"the check `{check}`", CHECKING):
            judgement = contract.examine(check)
    except (TimeLimitError, MemoryError, RecursionError) as error:
        words = error.needed if isinstance(error, TimeLimitError) else "more than it may take"
        return _item(check, NOT_JUDGED, f"it could not be carried out: {words}")
    except Exception as error:
        words = error.headline if isinstance(error, DeployError) else f"{type(error).__name__}"
        return _item(check, NOT_JUDGED, f"it could not be carried out: {copy.own(words)}")
    found = _of_files(project, judgement.findings)
    if check == "renders":  # what prevents one rendering prevents the others too
        found = tuple({(one.place, one.seen): one for one in reversed(found)}.values())[::-1]
    findings = tuple(_finding(copy, one) for one in found)
    if findings:
        more = f" (and {len(findings) - 1} more)" if findings[1:] else ""
        return _item(check, NOT_MET, f"{findings[0].headline}{more}", findings)
    if judgement.examined:
        return _item(check, MET)
    things = CHECKS[check].things
    if may_lack(check, project.project):
        return _item(check, NOT_APPLICABLE, f"there are no {things}")
    if check in ("database fallback", "fixed addresses"):
        return _item(check, NOT_JUDGED, "no source is in a language that is read: Python, scripts")
    return _item(check, NOT_JUDGED, f"nothing to judge was found: there are no {things}")


def may_lack(check: str, project: Project) -> bool:
    """Say whether a project may have nothing of what a check looks at."""
    if not CHECKS[check].always:
        return True
    if check == "liveness":
        database = project.database
        return database is None or not any(database.env in i.env for i in project.images.values())
    return check in _MAY_LACK


#: What small projects have none of, though ours had: settings, roles, values.
_MAY_LACK = frozenset(
    {
        *("roles", "values given", "writable", "values used", "values described"),
        *("settings read", "settings given", "probe paths", "probe times", "references", "stable"),
    }
)


def _no_chart(project: Described) -> Item:
    path = project.project.chart.path
    finding = Finding(
        "renders",
        needed="a Helm chart that deploys the project",
        seen=f"there is no Chart.yaml in {path}" if project.source == "given" else
        "no Chart.yaml anywhere in the folder",
        place=Place(path if project.source == "given" else "."),
        fix="add the chart, or name its folder in deploy.toml: [chart] with path",
    )  # fmt: skip
    return _item("renders", NOT_MET, finding.headline, (finding,))


def _of_files(project: Described, findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Return the findings in files that are there: a description that is inferred is none."""
    if project.source != INFERRED:
        return findings
    real = tuple(one for one in findings if one.place.file != FILE_NAME)
    place = Place(project.project.chart.path)
    return real or tuple(dataclasses.replace(one, place=place) for one in findings)


def _finding(copy: Folder, one: Finding) -> Finding:
    place = Place(copy.own(one.place.file) or ".", one.place.line)
    parts = (copy.own(part) for part in (one.needed, one.seen, one.fix))
    needed, seen, fix = parts
    return Finding(one.check, needed, re.sub(r"\n{2,}", "\n", seen), place, fix)


def _item(check: str, status: str, why: str = "", findings: tuple[Finding, ...] = ()) -> Item:
    return Item(check, sentence(check), status, why, findings, advice=check in ADVICE)
