"""The verdict of a run as a document: what is demanded, how it stands, and why."""

from __future__ import annotations

import json
import os
from collections.abc import Generator
from typing import TYPE_CHECKING

import pytest

from harness.errors import DeployError
from harness.files import write_whole
from plugin.record import RECORDED, STATIC, reporting
from plugin.summary import remember

if TYPE_CHECKING:
    from harness.verdict import Verdict


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Judge what needs no cluster first: whatever the run comes to, that is known."""
    config = session.config
    if hasattr(config, "workerinput") or config.option.collectonly:
        return
    wanted = reporting(config)
    if wanted.verdict is None:
        return
    if not wanted.record:
        raise pytest.UsageError(
            "\n--deploy-verdict is made of the record, which --deploy-record=no leaves out"
        )
    from harness.verdict import judge

    try:
        config.stash[STATIC] = judge(wanted.project, os.environ).document()
    except DeployError as error:
        remember(config, "verdict", f"without the checks that need no cluster: {error.headline}")


@pytest.hookimpl(wrapper=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None, object, object]:
    """Write it. Whatever goes wrong with that changes nothing of the run."""
    try:
        return (yield)
    finally:
        config = session.config
        if not hasattr(config, "workerinput") and not config.option.collectonly:
            try:
                _write(config)
            except Exception as error:
                remember(config, "verdict", f"not written: {type(error).__name__}: {error}")


def _write(config: pytest.Config) -> None:
    wanted = reporting(config)
    if wanted.verdict is None:
        return
    from harness.record.messages import Message
    from harness.report.reader import read_run
    from harness.verdict.accepting import accepted

    messages: list[Message] = config.stash[RECORDED][1] if RECORDED in config.stash else []
    verdict: Verdict = accepted(read_run(messages), config.stash.get(STATIC, None))
    wanted.verdict.parent.mkdir(parents=True, exist_ok=True)
    write_whole(wanted.verdict, json.dumps(verdict.document(), indent=2) + "\n")
    remember(config, "verdict", f"{verdict.status}: {wanted.verdict}")
