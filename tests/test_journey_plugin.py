"""Journeys as scenarios: collected from the description, run with the sentences it brings."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from account_support import Shape, keeping
from journey_support import Notes, document, serving

SILENT: dict[str, Any] = {"told": False, "security": None}
ROOT = Path(__file__).parents[1]
JOURNEY = """
[[journey]]
name = "A note is kept"
stays = ["the note is there"]
requirements = ["FR-1"]

[[journey.steps]]
says = "somebody signs up"
request = "POST /signup"
body = { email = "${unique}@example.com", password = "pass-${unique}" }
status = 201
keep = { token = "$.token" }

[[journey.steps]]
says = "somebody writes a note"
request = "POST /notes"
headers = { Authorization = "Bearer ${token}" }
body = { title = "Water the plants" }
status = 201
keep = { note = "$.id" }

[[journey.steps]]
says = "the note is there"
request = "GET /notes/${note}"
headers = { Authorization = "Bearer ${token}" }
status = 200
expect = { "$.title" = "Water the plants" }
"""
OWN = """\
@FR-1 @static
Feature: Own
  Scenario: It is kept
    Given a visitor of the application
    When somebody signs up
    And somebody writes a note
    Then the note is there

  Scenario: It has an interface
    Given a visitor of the application
    And what the application tells of its interface
    When the visitor creates something that it keeps
    Then it can be read as it was created
    When the visitor deletes it
    Then it is gone
"""
HERE = """
import pytest

@pytest.fixture
def app_url(): return {url!r}
"""


@pytest.fixture
def project(project_dir: Path) -> Path:
    file = project_dir / "deploy.toml"
    public = file.read_text().replace('type = "ClusterIP"', 'type = "NodePort"\npublic = true')
    file.write_text(public + JOURNEY)
    return project_dir


@pytest.fixture
def notes(project: Path) -> Iterator[Notes]:
    """The application, and features that use it where it is."""
    (project / "features").mkdir()
    (project / "features" / "own.feature").write_text(OWN)
    with serving() as server:
        (project / "features" / "conftest.py").write_text(HERE.format(url=server.url))
        yield server


def run(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, project: Path, *words: object
) -> pytest.RunResult:
    monkeypatch.chdir(ROOT)
    return pytester.run(
        sys.executable,
        *("-m", "pytest", "-c", ROOT / "pytest.ini", f"--rootdir={ROOT}", "-q", "-rs"),
        *(f"--deploy-project={project}", f"--deploy-artifacts={pytester.path}/out"),
        *("--deploy-history=none", *words),
        timeout=120,
    )


def test_each_journey_is_a_scenario(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, project: Path
) -> None:
    result = run(pytester, monkeypatch, project, "--collect-only")
    assert result.ret == 0, result.stderr.str()
    result.stdout.fnmatch_lines_random(
        ["*journey.feature::test_a_note_is_kept", "*images.feature::test_the_image_*"]
    )
    result.stdout.no_fnmatch_line("*interface.feature*")
    [told] = (pytester.path / "out").rglob("journey.feature")
    assert "    And somebody writes a note\n    Then the note is there\n" in told.read_text()


def test_project_with_features_of_its_own_has_its_journeys_beside_them(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, project: Path, notes: Notes
) -> None:
    result = run(pytester, monkeypatch, project, "--collect-only")
    names = {line.rpartition("/")[2].partition("::")[0] for line in result.outlines if "::" in line}
    assert names == {"own.feature", "journey.feature"}


@pytest.mark.parametrize("words", [(), ("-n", "2")], ids=["alone", "two processes"])
def test_sentences_of_the_description_do_what_it_says(
    pytester: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
    project: Path,
    notes: Notes,
    words: tuple[str, ...],
) -> None:
    notes.told = document()
    result = run(pytester, monkeypatch, project, "-m", "static", *words)
    result.assert_outcomes(passed=2)
    assert [note["title"] for note in notes.notes.values()] == ["Water the plants"]


def test_step_that_fails_is_named_with_request_and_answer(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, project: Path, notes: Notes
) -> None:
    file = project / "deploy.toml"
    file.write_text(file.read_text().replace('"Bearer ${token}" }\nstatus', '"Bearer" }\nstatus'))
    result = run(pytester, monkeypatch, project, "-m", "static")
    result.assert_outcomes(failed=1, skipped=1)
    result.stdout.fnmatch_lines(
        [
            "step:   Then the note is there",
            "needed: the note is there: an answer with status 200",
            "seen:   401 Unauthorized: *who are you?*",
            "looked: GET http://127.0.0.1:*/notes/1, with authorization, cookie",
            "*SKIPPED*: an OpenAPI document: not provable: there is none*[[][[]journey]]*",
        ]
    )


ALONE = """\
@FR-1 @static
Feature: Own
  Scenario: It is not shown to another
    Given a visitor of the application
    And what the application tells of its interface
    When the visitor creates something that it keeps
    Then nobody reads, changes or deletes it without a login
    And nobody reads, changes or deletes it with another account
    And it can be read as it was created
"""


@pytest.mark.parametrize(
    ("shape", "outcome", "says"),
    [
        (Shape(), "passed", "*"),
        (Shape(wrong="all"), "failed", "needed: somebody with another account reads it: *"),
        (
            Shape(sign_up="", **SILENT),
            "skipped",
            "*SKIPPED*an account: not provable: it needs a login, and nobody can sign up: *",
        ),
        (
            Shape(wrong="open", **SILENT),
            "skipped",
            "*SKIPPED*kept for one visitor alone: not provable: its document does not say*",
        ),
    ],
    ids=["alone", "shared", "no account", "open"],
)
def test_what_is_kept_for_one_is_proven_failed_or_left_out_with_its_reason(
    pytester: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
    project: Path,
    shape: Shape,
    outcome: str,
    says: str,
) -> None:
    (project / "features").mkdir()
    (project / "features" / "own.feature").write_text(ALONE)
    with keeping(shape) as keeper:
        (project / "features" / "conftest.py").write_text(HERE.format(url=keeper.url))
        result = run(pytester, monkeypatch, project, "-m", "static")
    result.assert_outcomes(**{outcome: 1})
    result.stdout.fnmatch_lines([says])


def test_journey_that_cannot_be_ends_the_run(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, project: Path
) -> None:
    file = project / "deploy.toml"
    file.write_text(file.read_text().replace("GET /notes/${note}", "GET /notes/${nobody}"))
    result = run(pytester, monkeypatch, project, "--collect-only")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*journey.0.steps.2: ${nobody} is kept by no step before it*"])
