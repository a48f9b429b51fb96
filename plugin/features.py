"""Feature files as test modules: `pytest features/some.feature` just works.

pytest-bdd wants a Python module that names each file. Here the file itself is collected:
its scenarios become the tests of a module that exists only in memory, and its tags say
which requirements they prove.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from pytest_bdd import scenarios

from harness.early_settings import wants_extended
from harness.errors import DeployError
from harness.scenarios import Feature, FeatureUnreadableError, read_feature
from plugin.options import given

#: What the collected feature files hold, by path.
FEATURES = pytest.StashKey[dict[Path, Feature]]()
#: The folders of features that a run is about, where they are not those of `testpaths`.
FOLDERS = pytest.StashKey[tuple[Path, ...]]()
#: By requirement, how it stands where no scenario is about it, and why.
LACKING = pytest.StashKey[dict[str, dict[str, str]]]()
# Tags that say something to the harness; every other tag is the id of a requirement.
MARKS = {
    "static": "needs neither engine nor cluster: reads the project and renders its chart",
    "cluster": "needs the application deployed on a cluster",
    "extended": "takes a minute or more: runs with --deploy-extended=yes only",
    "disruptive": "replaces or breaks something, and puts it right again",
    "alone": "disturbs the whole cluster: other processes of the run wait meanwhile",
}


def pytest_configure(config: pytest.Config) -> None:
    """Make our tags known as markers."""
    config.stash[FEATURES] = {}
    for name, meaning in MARKS.items():
        config.addinivalue_line("markers", f"{name}: {meaning}")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> FeatureFile | None:
    """Collect a file of scenarios."""
    if file_path.suffix != ".feature":
        return None
    return FeatureFile.from_parent(parent, path=file_path)


class FeatureFile(pytest.Module):
    """The scenarios of one file."""

    def _getobj(self) -> ModuleType:
        try:
            feature = read_feature(self.path, self.config.rootpath)
        except FeatureUnreadableError as error:
            raise self.CollectError(str(error)) from None
        self.config.stash[FEATURES][self.path] = feature
        module = ModuleType("feature_" + self.path.stem)
        module.__file__ = str(self.path)
        # `scenarios` puts the tests where its caller keeps its names.
        source = f"scenarios({str(self.path)!r}, features_base_dir={str(self.path.parent)!r})"
        names = vars(module)
        names["scenarios"] = scenarios
        exec(compile(source, str(self.path), "exec"), names)  # noqa: S102
        del names["scenarios"]
        return module

    def collect(self) -> list[Any]:
        """Return the scenarios; each deploys, and is found by `-m deploy`."""
        items = list(super().collect())
        for item in items:
            item.add_marker("deploy")
        return items


def pytest_bdd_apply_tag(tag: str, function: Callable[..., Any]) -> bool:
    """Turn a tag into a mark of the harness or into the requirement it names."""
    mark = getattr(pytest.mark, tag) if tag in MARKS else pytest.mark.requirement(tag)
    mark(function)
    return True


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let `-k FR-003` select, and say of long scenarios how they are run."""
    try:
        extended = wants_extended(given(config), os.environ)
    except DeployError as error:
        raise pytest.UsageError(f"\n{error}") from None
    for item in items:
        if not extended and item.get_closest_marker("extended"):
            item.add_marker(pytest.mark.skip(reason="long; --deploy-extended=yes runs it"))
        for mark in item.iter_markers("requirement"):
            item.extra_keyword_matches.add(mark.args[0])
