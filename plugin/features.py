"""Feature files as test modules: `pytest features/some.feature` just works.

pytest-bdd wants a Python module that names each file. Here the file itself is collected:
its scenarios become the tests of a module that exists only in memory, and its tags say
which requirements they prove.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from pytest_bdd import scenarios

from harness.project import FILE_NAME, Project, ProjectFileInvalidError
from plugin.options import load_settings

# Tags that say something to the harness; every other tag is the id of a requirement.
MARKS = {
    "cluster": "needs the application deployed on a cluster",
    "disruptive": "replaces or breaks something, and puts it right again",
}


def pytest_configure(config: pytest.Config) -> None:
    """Make our tags known as markers."""
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
    """Let `-k FR-003` select, and refuse a tag that names no requirement."""
    described = [(item, list(item.iter_markers("requirement"))) for item in items]
    if not any(marks for _, marks in described):
        return
    project = load_settings(config).project
    for item, marks in described:
        for mark in marks:
            _refuse_unknown(mark.args[0], item, project)
            item.extra_keyword_matches.add(mark.args[0])


def _refuse_unknown(tag: str, item: pytest.Item, project: Project) -> None:
    if tag not in project.requirements:
        problem = f"@{tag} in {item.nodeid} is not in its [requirements]"
        error = ProjectFileInvalidError(project.root / FILE_NAME, [problem])
        raise pytest.UsageError(f"\n{error}")
