"""The sentences that a description's journeys bring: each takes its step."""

from __future__ import annotations

import os
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import pytest
from pytest_bdd import step as sentence
from pytest_bdd.parsers import string

from harness.early_settings import project_folder
from harness.errors import DeployError
from harness.project_file import read_project_file
from plugin.options import given

if TYPE_CHECKING:
    from harness.journey.description import Step
    from harness.journey.visitor import Visitor

NAME = "journey_of_the_project"


def described(folder: Path) -> bool:
    """Say whether a project's description has journeys. A file that cannot be read has none."""
    try:
        return bool(read_project_file(folder).get("journey"))
    except DeployError:
        return False


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Define the sentences, in each process that will need them."""
    config = session.config
    folder = project_folder(given(config), os.environ, config.rootpath)
    if described(folder) and not config.pluginmanager.has_plugin(NAME):
        config.pluginmanager.register(_module(folder), NAME)


def _module(folder: Path) -> ModuleType:
    from harness.journey.description import read, sentences

    # What is wrong with it is said where the whole description is read.
    journeys = read(read_project_file(folder)["journey"])
    module = ModuleType(NAME)
    for number, told in enumerate(sentences(journeys).values()):
        _define(module, told, number)
    return module


def _define(module: ModuleType, told: Step, number: int) -> None:
    def take(visitor: Visitor) -> None:
        visitor.take(told)

    take.__doc__ = told.says
    take.__qualname__ = take.__name__ = f"step_{number}"
    take.__module__ = NAME
    # pytest-bdd keeps a definition among the names of whoever calls it.
    names = vars(module)
    names.update(sentence=sentence, parser=string(told.says), take=take)
    exec("sentence(parser)(take)", names)  # noqa: S102
    for name in ("sentence", "parser", "take"):
        del names[name]
