"""The page in a real browser: nothing acts in it but its own script, and everybody can use it."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest
from history_support import entry
from history_support import result as kept
from test_report import REQUIREMENTS, SYSTEM

from harness.cache import Cache
from harness.history.model import Size, Source, Spent
from harness.progress import Progress
from harness.record.attachments import JSON, Attachments, placed
from harness.record.case import Attempt, Case
from harness.record.documents import read_document
from harness.record.merging import merge
from harness.record.messages import result, seconds_of, timestamp
from harness.record.reading import Part
from harness.report.page import render
from harness.report.trends import Trends, trends
from harness.supply import npm
from harness.supply.browser import BrowserMissingError, find_browser
from harness.supply.formatter import Formatter, ensure_formatter

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

AXE = "axe-core@4.14.1"
AXE_INTEGRITY = (
    "sha512-FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NP"
    "jCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ=="
)
META = ("implementation", "runtime", "os", "cpu")
HOSTILE = (
    "</script><script>window.hit=1</script><img src=x onerror='window.hit=2'>"
    "<svg onload=window.hit=3><a href='javascript:window.hit=4'>x</a>{{ 7*7 }}${hit}"
    "<!-- <style>body{display:none}</style> \x1b[31m\x00\u2028\u2029\u202e\u2066]]>"
    "\" onclick='hit=5'"
)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    try:
        program = find_browser(os.environ)
    except BrowserMissingError as error:
        pytest.skip(error.headline)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(program), args=["--disable-gpu"], chromium_sandbox=False
        )
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def formatter() -> Formatter:
    found = ensure_formatter(Cache.default(os.environ), Progress(quiet=True), os.environ)
    if found is None:
        pytest.skip("npm's registry does not give the formatter")
    return found


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The script that finds what keeps people from using a page."""
    import tarfile

    archive = tmp_path_factory.mktemp("axe") / "axe.tgz"
    cache = Cache.default(os.environ)
    try:
        npm.fetch(
            AXE,
            AXE_INTEGRITY,
            archive,
            cache=cache,
            progress=Progress(quiet=True),
            environ=os.environ,
        )
    except npm.PackageNotFetchedError as error:
        pytest.skip(error.headline)
    with tarfile.open(archive) as opened:
        file = opened.extractfile("package/axe.min.js")
        assert file is not None
        return file.read().decode()


FEATURE = """\
Feature: Selling
  As a customer.

  @FR-1
  Scenario: Sale
    Given a shop
    Then it sells
      | thing | count |
      | tea   | 3     |

  @FR-2
  Scenario: Buy
    Given a shop
    Then it buys

  @FR-1
  Scenario Outline: It fails with <thing>
    Given a shop
    Then it sells <thing>

    Examples:
      | thing |
      | cake  |

  @FR-2
  Scenario: Left
    Given a shop
"""


def everything(words: str = "needed: a shop\nseen:   none") -> list[dict[str, Any]]:
    """Return a record that has all that the page shows, written as a run writes it."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "selling.feature"
        file.write_text(FEATURE)
        document = read_document(file, file.parent)
    written: list[dict[str, Any]] = [
        {"meta": {name: {"name": "x", "version": "1"} for name in META} | {"protocolVersion": "1"}},
        *document.messages,
        {"testRunStarted": {"id": "run", "timestamp": timestamp(time.time())}},
    ]

    def write(*messages: dict[str, Any]) -> None:
        written.extend(messages)

    for number, message in enumerate(m for m in document.messages if "pickle" in m):
        case = Case(f"c{number}", message["pickle"], "run")
        attempt = Attempt(case, write, "gw0")
        attempt.begin_step()
        attempt.end_step("PASSED")
        for _ in case.pickle["steps"][1:]:
            attempt.begin_step()
            failing = "fails" in case.pickle["name"]
            if failing:
                log = Attachments(Path(), str).text("captured.log", words)
                written += [
                    placed(m, testCaseStartedId=attempt.id, testStepId=attempt.at) for m in log
                ]
            attempt.end_step("FAILED" if failing else "PASSED", words if failing else "")
        attempt.finish()
    image = {"name": "api", "bytes": 1e8, "packed": 5e7, "limit_mb": 500, "goal_mb": 120}
    call = {"from": "outside", "to": "web", "how": "HTTP 200"}
    phases = {"worker": "", "phases": [{"name": "build", "at": 1002, "seconds": 4}]}
    found = [("image", image), ("system", SYSTEM), ("call", call), ("phases", phases)]
    found += [("choices", [["engine", "docker", "it is there"]])]
    found += [("project", {"name": "shop", "requirements": REQUIREMENTS})]
    written.append({"hook": {"id": "h", "sourceReference": {}, "type": "AFTER_TEST_RUN"}})
    ids = {
        "id": "h1",
        "hookId": "h",
        "testRunStartedId": "run",
        "timestamp": timestamp(time.time()),
    }
    written.append({"testRunHookStarted": ids})
    for kind, facts in found:
        told = Attachments(Path(), str).evidence(kind, facts)
        written.append(placed(told, testRunHookStartedId="h1"))
    ends = {"testRunHookStartedId": "h1", "timestamp": timestamp(time.time())}
    written.append({"testRunHookFinished": {**ends, "result": result("PASSED")}})
    written.append({"testRunFinished": {"success": False, "timestamp": timestamp(time.time())}})
    return merge([Part("", written)])


def in_history(messages: list[dict[str, Any]], words: str = "") -> Trends:
    """Return the trends of a record's run, the last of several that differ in all they can."""
    began = next(m["testRunStarted"]["timestamp"] for m in messages if "testRunStarted" in m)
    now = seconds_of(began)
    runs = [
        entry(
            number,
            kept(f"Sale{words}", feature=f"f{words}"),
            kept(f"Buy{words}", "FAILED" if number % 2 else "PASSED", cause=words),
            began=now - 60 * (6 - number),
            source=Source(f"{number}{words}", dirty=bool(number % 2), tree="t"),
            chart=f"1{words}",
            provider=f"kind{words}",
            sizes=(Size(f"api{words}", number * 30e6, 4e7, 120.0), Size(f"web{words}", 5e7, 0)),
            phases=tuple(Spent(f"{name}{words}", number) for name in ("build", "load", "install")),
        )
        for number in range(1, 7)
    ]
    found = trends(runs, now)
    assert found.wavering
    assert found.sizes[0].line.over
    return found


def opened(
    browser: Browser, tmp_path: Path, text: str, width: int = 1280, scheme: str = "light"
) -> tuple[Page, list[str]]:
    """Open a page from a file; return it, and a list of what goes wrong in it or is fetched."""
    file = tmp_path / "report.html"
    file.write_text(text, errors="replace")
    scheme_: Any = scheme
    page = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme_
    ).new_page()
    seen: list[str] = []
    page.on("pageerror", lambda error: seen.append(str(error)))
    page.on("console", lambda said: seen.append(said.text) if said.type == "error" else None)
    page.on("dialog", lambda dialog: seen.append(dialog.message))
    page.on("request", lambda asked: seen.append(asked.url) if asked.url != file.as_uri() else None)
    page.goto(file.as_uri())
    return page, seen


def spoiled(value: Any) -> Any:
    """Return a message with hostile words at the end of each text that is no reference."""
    if isinstance(value, dict):
        kept = ("id", "uri", "status", "mediaType", "fileName", "type", "contentEncoding")
        return {
            key: part if key in kept or key.endswith(("Id", "Ids")) else spoiled(part)
            for key, part in value.items()
        }
    if isinstance(value, list):
        return [spoiled(part) for part in value]
    return value + HOSTILE if isinstance(value, str) else value


def test_hostile_text_does_nothing(chromium: Browser, formatter: Formatter, tmp_path: Path) -> None:
    import json

    messages = []
    for message in everything():
        if str(message.get("attachment", {}).get("mediaType")) == JSON:
            told = message["attachment"]
            facts = spoiled(json.loads(told["body"]))
            messages.append({"attachment": {**told, "body": json.dumps(facts)}})
        else:
            messages.append(spoiled(message))
    told = in_history(messages, HOSTILE)
    page, seen = opened(chromium, tmp_path, render(messages, formatter=formatter, trends=told))
    page.evaluate("document.querySelectorAll('details').forEach((part) => (part.open = true))")
    page.click("#show")
    page.wait_for_selector("#content .html-formatter")
    page.wait_for_timeout(500)
    assert page.evaluate("window.hit") is None
    assert (
        page.evaluate(
            "document.querySelectorAll('img[src=x], [onclick], [onload], [onerror]').length"
        )
        == 0
    )
    assert page.evaluate("document.querySelectorAll('a[href^=javascript]').length") == 0
    assert page.evaluate("getComputedStyle(document.body).display") == "block"
    text = page.inner_text("body")
    assert "<img src=x onerror='window.hit=2'>" in text
    assert "49" not in page.inner_text("h1")
    for hidden in "\x00\x1b\u2028\u202e\u2066":
        assert hidden not in text
    assert not seen


@pytest.mark.parametrize("with_formatter", [True, False], ids=["formatter", "own view"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_use_the_page(
    chromium: Browser,
    formatter: Formatter,
    axe: str,
    tmp_path: Path,
    scheme: str,
    *,
    with_formatter: bool,
) -> None:
    messages = everything()
    with_it = formatter if with_formatter else None
    text = render(messages, formatter=with_it, trends=in_history(messages))
    page, seen = opened(chromium, tmp_path, text, scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach((part) => (part.open = true))")
    if with_formatter:
        page.click("#show")
        page.wait_for_selector("#content .html-formatter")
    page.evaluate(axe)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    told = [
        f"{broken['id']}: {broken['nodes'][0]['html']}"
        for broken in found["violations"]
        if broken["impact"] in ("serious", "critical")
    ]
    assert not told
    assert not seen


def test_page_fits_a_telephone(chromium: Browser, formatter: Formatter, tmp_path: Path) -> None:
    words = "seen:   " + "a-word-that-never-ends" * 30
    messages = everything(words)
    text = render(messages, formatter=formatter, trends=in_history(messages, words))
    page, _ = opened(chromium, tmp_path, text, width=390)
    page.evaluate("document.querySelectorAll('details').forEach((part) => (part.open = true))")
    page.click("#show")
    page.wait_for_selector("#content .html-formatter")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_page_is_used_by_keyboard(chromium: Browser, tmp_path: Path) -> None:
    from playwright.sync_api import expect

    page, _ = opened(chromium, tmp_path, render(everything()))
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "To the content"
    summary = page.locator("#r-FR-2 > summary")
    summary.focus()
    page.keyboard.press("Enter")
    assert page.locator("#r-FR-2").get_attribute("open") is not None
    link = page.locator("#r-FR-2 a").first
    target = page.locator((link.get_attribute("href") or "").replace("#", "id="))
    link.focus()
    page.keyboard.press("Enter")
    expect(target).to_have_attribute("open", "")  # a link opens what it leads to


def test_page_prints_all_of_it(chromium: Browser, tmp_path: Path) -> None:
    messages = everything()
    page, _ = opened(chromium, tmp_path, render(messages, trends=in_history(messages)))
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    closed = page.evaluate("document.querySelectorAll('details:not([open])').length")
    assert closed == 0
    assert page.pdf().startswith(b"%PDF")


def test_paper_is_never_dark(chromium: Browser, axe: str, tmp_path: Path) -> None:
    page, _ = opened(chromium, tmp_path, render(everything()), scheme="dark")
    page.emulate_media(media="print", color_scheme="dark")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.evaluate(axe)
    found = page.evaluate("axe.run(document, {runOnly: ['color-contrast']})")
    assert not [broken["nodes"][0]["html"] for broken in found["violations"]]


def test_trends_are_told_in_words_and_figures(chromium: Browser, tmp_path: Path) -> None:
    messages = everything()
    page, seen = opened(chromium, tmp_path, render(messages, trends=in_history(messages)))
    drawn = page.locator("#trends svg")
    words = [drawn.nth(place).get_attribute("aria-label") or "" for place in range(drawn.count())]
    assert len(words) == 8
    assert words[0].startswith("api: run 1 30.0 MB, run 2 60.0 MB")
    assert words[0].endswith("run 6 180.0 MB; budget 120.0 MB")
    assert words[-1] == "runs 1 to 6: failed in 1, 3, 5"
    assert "changed 5 times with the same sources" in page.inner_text("#trends")
    page.locator("#trends summary").click()
    rows = page.locator("#trends table.figures").nth(1).locator("tbody tr")
    assert rows.count() == 6
    assert rows.first.inner_text().split("\t") == ["6", "180.0 MB", "50.0 MB"]
    assert not seen


def test_page_works_without_scripts(chromium: Browser, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_text(render(everything()))
    page = chromium.new_context(java_script_enabled=False).new_page()
    page.goto(file.as_uri())
    page.locator("#scenarios summary", has_text=re.compile("It fails")).click()
    assert page.locator("#scenarios .said").is_visible()
