"""The static defects, seeded into projects of other names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from chart_support import helm

from harness.command import environment
from mutants.__main__ import main
from mutants.definitions import all_mutants
from mutants.mutant import Needs
from mutants.seeding.catalogue import all_seeds
from mutants.seeding.naming import Named, Naming, Seeded, misnamed, seeded
from mutants.seeding.page import figures, page
from mutants.seeding.seed import CannotApplyError
from mutants.seeding.text import Document, document, whole

ROOT = Path(__file__).parents[1]
SEEDS = {seed.id: seed for seed in all_seeds()}


@pytest.fixture(scope="module")
def notes() -> Iterator[Seeded]:
    """An example of the Todo app's shape."""
    helm()
    with seeded(ROOT / "examples" / "notes", environment()) as project:
        yield project


@pytest.fixture(scope="module")
def tickets() -> Iterator[Seeded]:
    """An example with sub-charts, and nginx in front."""
    helm()
    with seeded(ROOT / "examples" / "tickets", environment()) as project:
        yield project


def test_each_static_mutant_has_its_seed() -> None:
    static = [mutant.id for mutant in all_mutants() if mutant.needs is Needs.NOTHING]
    assert sorted(seed.id for seed in all_seeds()) == sorted(static)


def test_roles_are_found_by_what_they_do(notes: Seeded, tickets: Seeded) -> None:
    assert (notes.shape.inner.name, notes.shape.front.name) == ("backend", "frontend")
    assert (tickets.shape.inner.name, tickets.shape.front.name) == ("api", "desk")


@pytest.mark.parametrize(
    ("id", "named"),
    [
        ("images-sources-ignored", Named.SAME),
        ("backend-default-secret", Named.SAME),
        ("frontend-rewrite-at-build", Named.SAME),
        ("probes-liveness-on-database", Named.SAME),
        ("secrets-not-encoded", Named.SAME),
        ("secrets-config-change-reaches-nobody", Named.SAME),
        ("services-backend-exposed", Named.DESCRIBED),
        ("chart-no-limits", Named.ELSEWHERE),
        ("database-inside-exposed", Named.CANNOT),
    ],
)
def test_defect_is_named_in_a_project_of_other_names(notes: Seeded, id: str, named: Named) -> None:
    naming = notes.name(SEEDS[id])
    assert naming.named is named, naming.line()


@pytest.mark.parametrize(
    "id",
    [
        "images-frontend-on-localhost",
        "chart-ingress-one-path",
        "chart-version-latest",
        "services-version-in-selector",
        "lifecycle-changes-by-itself",
    ],
)
def test_defect_is_named_in_sub_charts_too(tickets: Seeded, id: str) -> None:
    naming = tickets.name(SEEDS[id])
    assert naming.named is Named.SAME, naming.line()


def test_defect_that_is_none_is_not_named(notes: Seeded) -> None:
    harmless = replace(SEEDS["chart-token-mounted"], make=lambda _piece: None)
    assert notes.name(harmless).named is Named.NOT


def test_other_defect_is_not_taken_for_it(notes: Seeded) -> None:
    other = replace(SEEDS["images-frontend-root"], make=SEEDS["images-no-ignore-file"].make)
    naming = notes.name(other)
    assert naming.named is Named.OTHERWISE
    assert naming.told.startswith("build context: ")


def test_cause_is_of_the_same_kind_only_for_the_right_role(notes: Seeded) -> None:
    seed, names = SEEDS["images-backend-root"], notes.shape.names
    assert seed.matches("the image backend to run as", "its last stage has no USER", names)
    assert not seed.matches("the image frontend to run as", "its last stage has no USER", names)
    assert not seed.matches("the image backend to run as", "its last USER is root", names)


def test_nothing_in_the_project_itself_is_changed(notes: Seeded) -> None:
    before = {file: file.read_bytes() for file in notes.folder.rglob("*") if file.is_file()}
    assert notes.name(SEEDS["images-env-file-let-in"]).named is Named.SAME
    assert before == {f: f.read_bytes() for f in notes.folder.rglob("*") if f.is_file()}


def test_seed_that_says_something_else_than_the_mutant_is_told() -> None:
    helm()
    ids = ("services-wrong-name", "images-npm-install")
    wrong = replace(SEEDS[ids[1]], needed="packages of somebody else")
    mutants = [mutant for mutant in all_mutants() if mutant.id in ids]
    told = list(misnamed(ROOT, mutants, SEEDS | {wrong.id: wrong}, environment()))
    assert [id for id, _ in told] == ["images-npm-install"]
    assert "`npm install` takes what is newest" in told[0][1]


# Text


TEMPLATE = """\
kind: Deployment
spec:
  selector: {{- include "a" . | nindent 4 }}
  template:
    containers:
      - name: web
        env: &all
          - name: A
            value: b
        probe:
          path: /a
---
kind: Service
spec:
  ports: []
"""


@pytest.fixture
def made(tmp_path: Path) -> Document:
    file = tmp_path / "web.yaml"
    file.write_text(TEMPLATE)
    return document(file, "Deployment")


def test_key_is_removed_with_what_is_below_it(made: Document) -> None:
    made.remove("containers", "env")
    assert made.file.read_text() == TEMPLATE.replace(
        "        env: &all\n          - name: A\n            value: b\n", ""
    )


def test_text_is_put_below_a_list_and_below_what_is_included(made: Document) -> None:
    made.below(["env"], "- name: B\n  value: c")
    made.below(["selector"], "more: x")
    text = made.file.read_text()
    assert (
        "        env: &all\n          - name: B\n            value: c\n          - name: A" in text
    )
    assert '  selector:\n    more: x\n    {{- include "a" . | nindent 4 }}\n' in text


def test_document_grows_with_what_is_put_into_it(made: Document) -> None:
    made.put(["probe"], "probe:\n  path: /a\n  port: 1\n  period: 2")
    made.before(["containers"], "account: x")
    assert "".join(made.lines[made.last]) == "---"
    with pytest.raises(CannotApplyError, match=r"web\.yaml has no ports"):
        made.block("ports")  # the Service's


def test_pattern_that_changes_nothing_is_an_error(made: Document) -> None:
    with pytest.raises(CannotApplyError, match="nothing like `/a` in containers"):
        made.sub("/a", "/a", "containers")


@pytest.mark.parametrize("number", [1, 2])
def test_object_that_no_document_makes_is_an_error(made: Document, number: int) -> None:
    with pytest.raises(CannotApplyError, match="does not make a Deployment"):
        document(made.file, "Deployment", number)


def test_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CannotApplyError, match=r"there is no values\.schema\.json"):
        whole(tmp_path / "values.schema.json")


# Telling


def test_page_tells_figures_and_what_is_left() -> None:
    judged = {
        "a": [Naming("x-y", Named.SAME, "images: b: c"), Naming("z-z", Named.NOT, "a|b")],
        "b": [Naming("x-y", Named.CANNOT, "why"), Naming("z-z", Named.DESCRIBED, "roles: b: c")],
    }
    text = page(judged)
    assert "| a | 2 | 1 | 0 | 0 | 1 | 0 |" in text
    assert "| b | 1 | 1 | 1 | 0 | 0 | 1 |" in text
    assert "- `z-z` in a: not at all: a\\|b" in text
    assert "| x-y | images | no: why |" in text
    assert "| z-z | **not at all** | roles, once described |" in text
    assert figures("b", judged["b"]).startswith("b: 1 of 1 named the same, 1 of them once")


def test_choice_of_nothing_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--project", "examples/notes", "-k", "no-such-defect"]) == 2
    assert "no defect is selected by 'no-such-defect'" in capsys.readouterr().out
