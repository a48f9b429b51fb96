"""What recording a run costs, and how long the page of a large one takes."""

from __future__ import annotations

import os
import random
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.result import Result
from harness.cache import Cache
from harness.command import run
from harness.progress import Progress
from harness.record.attachments import Attachments, placed
from harness.record.case import Attempt, Case
from harness.record.documents import read_document
from harness.record.merging import merge
from harness.record.messages import Message, timestamp
from harness.record.reading import Part
from harness.report.page import render
from harness.supply.formatter import ensure_formatter

ROOT = Path(__file__).resolve().parents[1]
_SCENARIOS = 1_000
_LOG = 2_000  # characters
_MB = 1e6
_STEPS = "    Given it takes a while\n    When it takes a while\n    Then it takes a while\n"
_PROJECT = {
    "pytest.ini": f"[pytest]\npythonpath = {ROOT}\n"
    "markers =\n    deploy: x\n    requirement(id): x\n"
    "addopts = -p no:pytest-kind -p no:helm-charts -p no:cacheprovider\n",
    "deploy.toml": 'name = "bench"\n[chart]\npath = "chart"\nrelease = "r"\nnamespace = "n"\n'
    '[images.a]\ncontext = "."\nrepository = "a"\nport = 1\nhealth = "/"\n',
    "chart/Chart.yaml": "apiVersion: v2\nname: bench\nversion: 1.0.0\n",
    "conftest.py": "import time\nfrom pytest_bdd import step\n"
    "pytest_plugins = ['plugin.options', 'plugin.console', 'plugin.features',"
    " 'plugin.traceability', 'plugin.binding', 'plugin.failures', 'plugin.summary',"
    " 'plugin.record', 'plugin.record_scenarios', 'plugin.report', 'plugin.story']\n"
    "@step('it takes a while')\ndef wait(): time.sleep(0.2)\n",
}


def recording(times: int) -> Iterator[Result]:
    """Measure runs with and without a record, and the page of a thousand scenarios."""
    with tempfile.TemporaryDirectory(prefix="deploy-bench-") as folder:
        yield _cost(Path(folder), times)
        yield from _page(Path(folder), times)


def _cost(folder: Path, times: int) -> Result:
    """Measure 40 scenarios of 0.6 s each; those of a deployment take 4 s on average."""
    scenarios = "".join(f"\n  Scenario: Number {n}\n{_STEPS}" for n in range(40))
    files = {**_PROJECT, "features/f.feature": f"Feature: F\n{scenarios}"}
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")

    def measured(record: str) -> tuple[float, float]:
        """Return the seconds of a run, and those in which it used a processor."""
        words = [sys.executable, "-m", "pytest", "-q", "features", f"--deploy-record={record}"]
        before = _processor()
        took = run([*words, "--deploy-report=none"], timeout=120, cwd=folder).seconds
        return took, _processor() - before

    percent = []
    for _ in range(times):
        (took, without), (_, recorded) = measured("no"), measured("yes")
        percent.append(100 * (recorded - without) / took)
    how = "processor time more than without, 40 scenarios of 0.6 s each"
    return Result("recording, of a run's time", tuple(percent), "%", 2, how)


def _processor() -> float:
    """Return the seconds of a processor that programs which have ended used."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _page(folder: Path, times: int) -> Iterator[Result]:
    environ = dict(os.environ)
    formatter = ensure_formatter(Cache.default(environ), Progress(), environ)
    messages = _large(folder)
    took, text = [], ""
    for _ in range(times):
        began = time.monotonic()
        text = render(messages, formatter=formatter)
        took.append(time.monotonic() - began)
    shown = f"with 2 KB of log each, {formatter.name if formatter else 'its own view only'}"
    yield Result("page of 1,000 scenarios", tuple(took), "s", 3, shown)
    yield Result("size of that page", (len(text.encode()) / _MB,), "MB", 8, shown)


def _large(folder: Path) -> list[Message]:
    """Return the messages of a run of 1,000 scenarios in 20 files, each of which says something."""
    written: list[Message] = []

    def write(*messages: Message) -> None:
        written.extend(messages)

    chance = random.Random(1)  # noqa: S311
    words = ["".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=6)) for _ in range(2_000)]
    attachments, number = Attachments(folder, str), 0
    for part in range(20):
        file = folder / f"part{part}.feature"
        count = _SCENARIOS // 20
        scenarios = "".join(f"\n  Scenario: {part} {n}\n{_STEPS}" for n in range(count))
        file.write_text(f"Feature: Part {part}\n{scenarios}", encoding="utf-8")
        document = read_document(file, folder)
        written += document.messages
        for pickle in (m["pickle"] for m in document.messages if "pickle" in m):
            number += 1
            attempt = Attempt(Case(f"{number}", pickle, "run"), write, "gw0")
            for _ in pickle["steps"]:
                attempt.begin_step()
                attempt.end_step("PASSED")
            log = " ".join(chance.choices(words, k=_LOG // 7))
            ids = {"testCaseStartedId": attempt.id, "testStepId": f"{number}#3"}
            written += [placed(message, **ids) for message in attachments.text("app.log", log)]
            attempt.finish()
    start: Message = {"testRunStarted": {"id": "run", "timestamp": timestamp(time.time() - 60)}}
    end: Message = {"testRunFinished": {"success": True, "timestamp": timestamp(time.time())}}
    return merge([Part("", [start, *written, end])])
