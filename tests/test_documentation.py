"""The documentation builds without a warning, and says what the code does."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from pytest_bdd.steps import StepFunctionContext, step_function_context_registry

from harness.clusters.base import Provider
from harness.command import run
from harness.options import OPTIONS
from reference import options
from reference.__main__ import main, outdated
from reference.modules import fixtures_in, loaded
from reference.table import code, table

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SENTENCE = re.compile(r"^\s+(?:Given|When|Then|And|But) (.+)$", re.MULTILINE)


def blocks(language: str) -> list[str]:
    """Return all examples in a language."""
    found = [match for page in PAGES for match in _BLOCK.findall(page.read_text("utf-8"))]
    return [text for name, text in found if name == language]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `make docs` builds it."""
    folder = tmp_path_factory.mktemp("site")
    # Without --quiet: it would hide warnings from --strict, too.
    argv = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    run(argv, timeout=120, cwd=ROOT, env={"NO_MKDOCS_2_WARNING": "1"})
    return folder


def test_site_builds_without_a_warning(site: Path) -> None:
    assert {page.relative_to(DOCS).with_suffix(".html") for page in PAGES} <= {
        page.relative_to(site) for page in site.rglob("*.html")
    }


def test_reading_fetches_nothing_from_elsewhere(site: Path) -> None:
    fetched = re.compile(
        r"""<(?:script|img|iframe|link)\b[^>]*\b(?:src|href)=["']?(?:https?:)?//"""
    )
    pages = list(site.rglob("*.html"))
    assert pages
    for page in pages:
        text = page.read_text("utf-8")
        assert not fetched.search(text), page
        # A script of the theme fetches what draws such a diagram.
        assert 'class="mermaid"' not in text, page
    for sheet in site.rglob("*.css"):
        assert not re.search(r"(?:@import|url\()\s*[\"']?(?:https?:)?//", sheet.read_text("utf-8"))


def test_reference_is_what_the_code_says() -> None:
    assert not outdated(), "run `python -m reference`"


def test_drift_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(outdated(tmp_path)) == 3
    for path, text in outdated(tmp_path).items():
        path.write_text(text)
    assert not outdated(tmp_path)
    (tmp_path / "options.md").write_text("other")
    assert [path.name for path in outdated(tmp_path)] == ["options.md"]
    assert main(["--check"]) == 0


def test_each_option_is_told() -> None:
    text = options.page()
    assert all(f"`{option.flag}`<br>`{option.variable}`" in text for option in OPTIONS)


def test_each_sentence_is_told() -> None:
    text = (DOCS / "reference" / "sentences.md").read_text("utf-8")
    assert text.count("\n| Given |") + text.count("\n| When |") + text.count("\n| Then |") == len(
        contexts()
    )


def contexts() -> list[StepFunctionContext]:
    return [
        context
        for module in loaded("steps")
        for _, _, function in fixtures_in(module)
        if (context := step_function_context_registry.get(function))
    ]


def test_examples_use_sentences_that_there_are() -> None:
    sentences = [sentence for text in blocks("gherkin") for sentence in _SENTENCE.findall(text)]
    assert sentences
    known = contexts()
    unknown = [s for s in sentences if not any(c.parser.is_matching(s) for c in known)]
    assert not unknown


def test_options_that_pages_name_are_there() -> None:
    named = {
        flag
        for page in [*PAGES, ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
        for flag in re.findall(r"--deploy-[a-z-]*[a-z]", page.read_text("utf-8"))
    }
    assert named <= {option.flag for option in OPTIONS}


def test_methods_of_a_provider_are_told() -> None:
    text = (DOCS / "how-to" / "provider.md").read_text("utf-8")
    methods = [name for name in vars(Provider) if not name.startswith("_")]
    assert methods
    assert not [name for name in methods if f"`{name}`" not in text]


def test_targets_that_pages_name_are_there() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    named = {
        target
        for page in [*PAGES, ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
        for target in re.findall(r"(?:^    |`)make ([a-z]+)", page.read_text("utf-8"), re.MULTILINE)
    }
    assert named
    assert not {target for target in named if f"\n{target}: " not in makefile}


@pytest.mark.parametrize(("language", "parse"), [("yaml", yaml.safe_load), ("toml", tomllib.loads)])
def test_examples_can_be_read(language: str, parse: object) -> None:
    assert callable(parse)
    assert [parse(text) for text in blocks(language)]


def test_licence_is_the_same_everywhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    text = (ROOT / "LICENSE").read_text("utf-8")
    assert text.startswith(f"{project['license']} License\n")
    assert project["license-files"] == ["LICENSE"]


def test_changelog_keeps_its_form() -> None:
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    versions = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert versions[0] == "Unreleased"
    assert all(re.match(r"\d+\.\d+\.\d+( - \d{4}-\d\d-\d\d)?$", v) for v in versions[1:])
    parts = set(re.findall(r"^### (.+)$", text, re.MULTILINE))
    assert parts <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_what_would_end_a_cell_is_escaped() -> None:
    assert table(("a",), [("x | y",)]).endswith("| x \\| y |")
    assert code("a|b*") == "<code>a&#124;b&#42;</code>"
