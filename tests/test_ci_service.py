"""What a job of a CI service is told, and that nothing of unknown origin can tell it anything."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path

import pytest

from harness.ci.markdown import block, inline
from harness.ci.places import Folders, annotated
from harness.ci.quality import quality_report
from harness.ci.service import MOST_ANNOTATIONS, Annotation, GitHub, GitLab, detect
from harness.ci.summary import MOST, summary
from harness.report.model import Feature, Hook, Run, Scenario, Step

ROOT = Path(__file__).parents[1]
LINE = "helm/todo-app/templates/backend.yaml"


def scenario(name: str = "It fails", reason: str = "", line: int = 6) -> Scenario:
    steps = (
        Step("Given", "a shop", "PASSED", 0.1),
        Step("Then", "it sells", "FAILED", 0.1, reason),
    )
    steps = (steps[0], Step(**{**vars(steps[1]), "line": line}))
    return Scenario("1", name, "features/us1_images.feature", 4, ("FR-1",), "FAILED", steps)


def run_of(*scenarios: Scenario, hooks: tuple[Hook, ...] = ()) -> Run:
    feature = Feature("features/us1_images.feature", "F", "", scenarios)
    return Run((feature,), hooks, (), 1.0, 2.0, ended=True, success=False, message="", workers=1)


@pytest.mark.parametrize(
    ("environ", "kind"),
    [
        ({"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": "/x"}, GitHub),
        ({"GITLAB_CI": "true"}, GitLab),
        ({"CI": "true"}, type(None)),
        ({"GITHUB_ACTIONS": "false"}, type(None)),
    ],
)
def test_service_is_found_by_its_own_variables(environ: dict[str, str], kind: type) -> None:
    assert isinstance(detect(environ, Path("/a")), kind)


def test_commands_are_obeyed_between_our_tokens_only() -> None:
    github = GitHub(token="t0ken")
    lines = [*github.begin(), *github.group("a\nb"), *github.group("c"), *github.end_group()]
    assert lines == [
        "::stop-commands::t0ken",
        *("::t0ken::", "::group::a%0Ab", "::stop-commands::t0ken"),
        *("::t0ken::", "::endgroup::", "::group::c", "::stop-commands::t0ken"),
        *("::t0ken::", "::endgroup::", "::stop-commands::t0ken"),
    ]
    assert github.end_group() == []
    assert GitHub().token != GitHub().token


def test_annotation_keeps_its_message_in_one_command() -> None:
    hostile = Annotation("a,b:c.yaml", 3, "t,::x", "100%\n::error::injected\r\n")
    (command,) = [c for c in GitHub(token="t").annotate([hostile]) if c.startswith("::error")]
    assert command == (
        "::error file=a%2Cb%3Ac.yaml,line=3,title=t%2C%3A%3Ax::100%25%0A::error::injected%0D%0A"
    )


def test_more_than_github_shows_is_counted() -> None:
    many = [Annotation("f", n, "t", "m") for n in range(1, MOST_ANNOTATIONS + 4)]
    commands = [c for c in GitHub().annotate(many) if c.startswith("::error")]
    assert len(commands) == MOST_ANNOTATIONS
    assert commands[-1].endswith("%0A(3 more are in the summary)")


def test_sections_of_gitlab() -> None:
    gitlab = GitLab()
    lines = [*gitlab.group("features/us1.feature"), *gitlab.group("next"), *gitlab.end_group()]
    marks = [re.sub(r":\d+:", ":T:", line) for line in lines]
    assert marks == [
        "\x1b[0Ksection_start:T:deploy_features_us1_feature\r\x1b[0Kfeatures/us1.feature",
        "\x1b[0Ksection_end:T:deploy_features_us1_feature\r\x1b[0K",
        "\x1b[0Ksection_start:T:deploy_next\r\x1b[0Knext",
        "\x1b[0Ksection_end:T:deploy_next\r\x1b[0K",
    ]


@pytest.mark.parametrize(
    ("said", "place"),
    [
        (f"needed: n\nseen:   s\nlooked: {LINE}:12\nfix:    f", (LINE, 12)),
        ("needed: n\nseen:   todo-app/templates/backend.yaml:3:7: bad\nlooked: l\nfix:    f", None),
        ("needed: n\nseen:   s\nlooked: images/backend/Dockerfile, line 7\nfix:    f", None),
    ],
    ids=["finding", "template", "Dockerfile"],
)
def test_line_of_the_cause_and_of_the_sentence(said: str, place: tuple[str, int] | None) -> None:
    place = place or ((LINE, 3) if "templates" in said else ("images/backend/Dockerfile", 7))
    run = run_of(scenario(reason=said))
    found = annotated(run, Folders(ROOT, ROOT / "helm" / "todo-app"))
    assert [(a.file, a.line) for a in found] == [place, ("features/us1_images.feature", 6)]
    assert all(a.title == "It fails" for a in found)


@pytest.mark.parametrize(
    "said", ["at 10.0.0.1:5432", "http://x.test:80/a", "../../etc/passwd:1", "/etc/passwd:1"]
)
def test_what_is_no_file_of_the_repository_is_no_place(said: str) -> None:
    found = annotated(run_of(scenario(reason=f"seen:   {said}")), Folders(ROOT))
    assert [a.file for a in found] == ["features/us1_images.feature"]


def test_paths_begin_at_the_repository() -> None:
    found = annotated(run_of(scenario(reason="x")), Folders(ROOT, repository=ROOT.parent))
    assert [a.file for a in found] == [f"{ROOT.name}/features/us1_images.feature"]


def test_quality_report_has_what_gitlab_reads() -> None:
    (told,) = json.loads(quality_report([Annotation("f.yaml", 3, "t", "m")]))
    assert told["location"] == {"path": "f.yaml", "lines": {"begin": 3}}
    assert set(told) == {"description", "check_name", "fingerprint", "severity", "location"}
    assert json.loads(quality_report([])) == []


HOSTILE = "</details>\n```\n<img src=x onerror=y> @somebody #12 [a](http://x.test) | `b` ````"


def test_hostile_text_stays_text() -> None:
    text = inline(HOSTILE)
    left = text.replace("<!-- -->", "")
    assert not re.search(r"[<>`|\[\]\n]", left)
    assert not re.search(r"@\w|#\d+(?!;)|http://", text.replace("&#", ""))
    assert html.unescape(left) == " ".join(HOSTILE.split())


def test_block_cannot_be_left() -> None:
    lines = block(HOSTILE).splitlines()
    fence = lines[0]
    assert fence == lines[-1] == "`````"
    assert all(not line.startswith(fence) for line in lines[1:-1])


def test_summary_tells_causes_first_and_fits() -> None:
    said = "needed: a customer\nseen:   nobody\nlooked: l\nfix:    f"
    text = summary(run_of(scenario(reason=said)), "shop", ["3 files changed"])
    assert text.startswith("## ❌ shop\n\n**Not accepted: 1 scenario did not pass.**")
    assert text.index("seen:   nobody") < text.index("needed: a customer")
    assert "features/us1&#95;images.feature:4" in text
    many = run_of(*(scenario(f"n{n}", "x" * 10_000) for n in range(300)))
    assert len(summary(many)) < MOST + 100


def test_summary_of_a_set_up_that_failed() -> None:
    said = "needed: room\nseen:   none"
    hook = Hook("cluster", before=True, status="FAILED", began=1.0, seconds=1.0, message=said)
    text = summary(run_of(hooks=(hook,)))
    assert "set-up of cluster" in text
    assert "needed: room" in text
