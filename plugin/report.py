"""The page of a run, made of its record when the run has ended; or of the specification alone."""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path

import pytest

from harness.record.documents import Document, read_document
from harness.record.messages import Message
from plugin.features import FEATURES
from plugin.record import RECORDED, reporting, told_of
from plugin.summary import remember


@pytest.hookimpl(wrapper=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None, object, object]:
    """Write the page. Whatever goes wrong with that changes nothing of the run."""
    try:
        return (yield)
    finally:
        config = session.config
        if not hasattr(config, "workerinput"):
            try:
                _write(session)
            except Exception as error:
                remember(config, "report", f"could not be made: {type(error).__name__}: {error}")


def _write(session: pytest.Session) -> None:
    config, wanted = session.config, reporting(session.config)
    if not wanted.pages:
        return
    if config.option.collectonly:
        if wanted.page and (found := config.stash[FEATURES]):
            _write_specification(session, sorted(found), wanted.page)
            remember(config, "specification", str(wanted.page))
        return
    recorded = config.stash.get(RECORDED, None)
    if recorded is None:
        return
    from harness.report.writing import write_messages

    place, messages = recorded
    page = wanted.page or place.page
    write_messages(messages, page, dict(os.environ), history=wanted.history)
    remember(config, "report", str(page))


def _write_specification(session: pytest.Session, files: list[Path], page: Path) -> None:
    from harness.report.writing import write_messages

    documents: list[Document] = [read_document(file, session.config.rootpath) for file in files]
    messages: list[Message] = [m for document in documents for m in document.messages]
    told = told_of(reporting(session.config).project)
    write_messages(messages, page, dict(os.environ), told=told)
