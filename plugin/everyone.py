"""Which features a project is accepted by: its own, or those for everyone.

A project that brings no `features/` gets some that are made of its description. They are written
beside the record, so that they can be read, selected and copied like any others.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness.early_settings import project_folder
from harness.errors import DeployError
from harness.outlines import Filled, fill, journeys, lacking, write
from harness.traceability import project_name
from plugin.features import FOLDERS, LACKING
from plugin.journeys import described
from plugin.options import given, load_settings
from plugin.record import reporting

if TYPE_CHECKING:
    from harness.project import Project

_HANDED_ON = "deploy_features"
_WRITTEN = pytest.StashKey[Path]()
_DEPLOYS = re.compile(r"(?<!not )\bdeploy\b")


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Choose the features, where the command line leaves that open."""
    config = session.config
    if worker := getattr(config, "workerinput", None):
        config.args[:], folders, written, config.stash[LACKING] = worker[_HANDED_ON]
        if folders:
            config.stash[FOLDERS] = tuple(map(Path, folders))
        if written:
            config.stash[_WRITTEN] = Path(written)
        return
    if config.args_source is config.ArgsSource.ARGS:
        return
    root, folder = config.rootpath.resolve(), _folder(config)
    if _is_home(root, folder):
        if not _has_features(root) and _asked(config):
            _add(config, [*config.args], _written(config))
        elif _has_features(root) and _asked(config):
            _add(config, [*config.args], root / "features")
            if described(folder):
                _add(config, [*config.args], _written(config, journeys))
                config.stash[FOLDERS] = (root / "features", *config.stash[FOLDERS])
        return
    if _has_features(folder):
        chosen = [folder / "features"]
        chosen += [_written(config, journeys)] if described(folder) else []
    else:
        chosen = [_written(config)]
    config.stash[FOLDERS] = tuple(chosen)
    config.args[:] = map(str, chosen)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of xdist, which begins later, what was chosen."""
    stash, args = node.config.stash, [*node.config.args]
    folders, written = stash.get(FOLDERS, ()), stash.get(_WRITTEN, "")
    lacking = stash.get(LACKING, {})
    node.workerinput[_HANDED_ON] = args, [*map(str, folders)], str(written), lacking


@pytest.hookimpl(tryfirst=True)
def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Let the features be found that were written into a hidden folder, and nothing beside them."""
    written = config.stash.get(_WRITTEN, None)
    if written is None or written in collection_path.parents:
        return None
    if written.is_relative_to(collection_path):
        return False
    return True if written.parent in collection_path.parents else None


def _folder(config: pytest.Config) -> Path:
    return project_folder(given(config), os.environ, config.rootpath).resolve()


def _is_home(root: Path, folder: Path) -> bool:
    """Say whether the features of the run's own folder are about a project, or a copy of it."""
    if root == folder:
        return True
    try:
        return project_name(root) == project_name(folder)
    except DeployError:
        return False


def _has_features(folder: Path) -> bool:
    return any((folder / "features").rglob("*.feature"))


def _asked(config: pytest.Config) -> bool:
    """Say whether a run wants features at all: its own tests may be all that is to run."""
    expression = config.option.markexpr or ""
    return bool(_DEPLOYS.search(expression) or given(config)["project"])


def _add(config: pytest.Config, args: list[str], folder: Path) -> None:
    """Have a folder collected, unless it lies in one that is."""
    places = [(config.invocation_params.dir / arg).resolve() for arg in args]
    if folder == config.stash.get(_WRITTEN, None) or not any(
        folder.is_relative_to(place) for place in places
    ):
        args = [*args, str(folder)]
    config.args[:] = args


def _written(config: pytest.Config, made: Callable[[Project], Iterator[Filled]] = fill) -> Path:
    """Write the features that are made of the project's description, and return their folder."""
    project = load_settings(config).project
    folder = reporting(config).folder.resolve() / "features" / project.name
    try:
        filled = list(made(project))
        write(filled, folder)
    except (DeployError, OSError) as error:
        raise pytest.UsageError(f"\n{error}") from None
    if made is fill:
        config.stash[LACKING] = lacking(project, filled)
    config.stash[FOLDERS], config.stash[_WRITTEN] = (folder,), folder
    return folder
