"""Our command line options, and the settings that come of them."""

from __future__ import annotations

import os
from collections.abc import Iterable

import pytest

from harness.errors import DeployError
from harness.options import OPTIONS, add_to
from harness.settings import Settings

SETTINGS = pytest.StashKey[Settings]()


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """Add one option for each setting, unless the plugin that is installed has added them."""
    if not pluginmanager.has_plugin("deploy-harness"):
        add_to(parser.getgroup("deploy", "deployment and acceptance"))


def load_settings(config: pytest.Config) -> Settings:
    """Return the settings of this run; wrong ones end it as a usage error."""
    if SETTINGS not in config.stash:
        try:
            config.stash[SETTINGS] = Settings.load(
                given(config),
                dict(os.environ),
                config.rootpath,
                slot=_slot(config),
                run=_run(config),
            )
        except DeployError as error:
            raise pytest.UsageError(f"\n{error}") from None
        _say(config, config.stash[SETTINGS].inferred)
    return config.stash[SETTINGS]


def _say(config: pytest.Config, inferred: Iterable[str]) -> None:
    """Say what of the project's description was inferred, once in a run of several processes."""
    from plugin.console import PROGRESS  # a plugin of its own, which pytest loads after this one

    progress = config.stash.get(PROGRESS, None)
    if progress is None or hasattr(config, "workerinput"):
        return
    for number, line in enumerate(inferred):
        if not number:
            progress.say("inferred, as the project's description leaves it out:")
        progress.say(f"  {line}")


def given(config: pytest.Config) -> dict[str, str | None]:
    """Return the value of each option by name without prefix; None where it was not given."""
    return {option.name: config.getoption(option.dest) for option in OPTIONS}


def _slot(config: pytest.Config) -> int:
    """Return the place of this process among xdist's workers, which are named gw0, gw1, …."""
    worker: dict[str, str] = getattr(config, "workerinput", {})
    return int(worker.get("workerid", "gw0").removeprefix("gw"))


def _run(config: pytest.Config) -> str:
    worker: dict[str, str] = getattr(config, "workerinput", {})
    return worker.get("testrunuid", "")


def pytest_collection_finish(session: pytest.Session) -> None:
    """Check the settings before the first test, where a scenario will need them."""
    if session.config.option.collectonly:
        return  # reading settings costs as much time as all of the collection
    if any(item.get_closest_marker("deploy") for item in session.items):
        load_settings(session.config)
