"""The plugin as `pip install` brings it: there for every run of pytest, and idle in most.

Until a run deploys, nothing of the harness is imported but this package: other repositories have
modules by names such as `steps` and `plugin` of their own.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

#: Where what was installed lies, so that nobody else finds it by its common names.
HOME = Path(__file__).resolve().parent / "home"
OURS = ("harness", "plugin", "fixtures", "steps")
#: Both come with the harness and define --kubeconfig; their classes are used, not their plugins.
_CLASHING = ("pytest-kind", "helm-charts")
_SELECTS = re.compile(r"(?<!not )\bdeploy\b")
_NAMES = pytest.StashKey[tuple[str, ...]]()
_MARKERS = (
    "deploy: deploys the application and accepts it; needs a container engine",
    "requirement(id): the requirement of the spec that a scenario proves",
    "engine: needs a container engine",
)


def _taken(name: str, other: str) -> pytest.UsageError:
    """Return the error for a package that has the name of one of ours; ours is not loaded yet."""
    return pytest.UsageError(
        f"\nneeded: the module `{name}` of the harness\n"
        f"seen:   another one of that name: {other}\n"
        f"looked: the modules that are imported, and {HOME}\n"
        "fix:    give yours another name, or import it only where it is used"
    )


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """Add the options, and keep two plugins apart that would not start together."""
    for name in _CLASHING:
        if not pluginmanager.has_plugin(name):
            pluginmanager.set_blocked(name)
    group = parser.getgroup("deploy", "deployment and acceptance")
    _table().add_to(group)


def _table() -> Any:
    """Return the module of the options, loaded beside `sys.modules`."""
    name = f"{__package__}.options"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, HOME / "harness" / "options.py")
        if spec is None or spec.loader is None:
            raise ImportError(name)
        sys.modules[name] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[name]


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Import the harness if this run deploys: before a conftest.py can want its steps."""
    early_config.stash[_NAMES] = ()
    if deploys(early_config):
        early_config.stash[_NAMES] = load()
        for name in ("fixtures", "steps"):
            join(sys.modules[name], early_config.rootpath / name)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Load the harness's plugins, unless a conftest.py such as that of its repository has."""
    for marker in _MARKERS:
        config.addinivalue_line("markers", marker)
    manager = config.pluginmanager
    if config.stash[_NAMES] and not (config.rootpath / "deploy.toml").exists():
        _infer(config)
    if not manager.has_plugin("plugin.options"):
        for name in config.stash[_NAMES]:
            manager.import_plugin(name)


def _infer(config: pytest.Config) -> None:
    """Have what there is to know inferred of the folder itself, unless another was named."""
    if config.option.deploy_project is None and not os.environ.get("DEPLOY_PROJECT"):
        config.option.deploy_project = "."


def deploys(config: pytest.Config) -> bool:
    """Return whether a run is one of the harness.

    It is when it says so by -m, by an option of ours, or by naming features of a project that
    has a description.
    """
    if (config.rootpath / "plugin" / "wiring.py").is_file():
        return False  # the harness's own repository, which loads itself
    options = config.known_args_namespace
    given = vars(options)
    if any(given.get(option.dest) is not None for option in _table().OPTIONS):
        return True
    if _SELECTS.search(given.get("markexpr") or ""):
        return True
    if not (config.rootpath / "deploy.toml").is_file():
        return False
    named = [config.invocation_params.dir / arg.partition("::")[0] for arg in options.file_or_dir]
    named = named or [config.rootpath / name for name in config.getini("testpaths")]
    folder = (config.rootpath / "features").resolve()
    return any(path.resolve().is_relative_to(folder) for path in named)


def load() -> tuple[str, ...]:
    """Import our packages from where they were installed; return the plugins' names.

    Raises:
        pytest.UsageError: a run would use somebody else's.

    """
    sys.path.insert(0, str(HOME))
    try:
        for name in OURS:
            _ours(importlib.import_module(name), name)
        names: tuple[str, ...] = importlib.import_module("plugin.wiring").MODULES
    finally:
        sys.path.remove(str(HOME))
    return names


def main() -> int:
    """Be the program `deploy`."""
    load()
    work: Callable[[], int] = importlib.import_module("harness.__main__").main
    return work()


def _ours(module: ModuleType, name: str) -> None:
    if Path(str(module.__file__)).resolve().parent != HOME / name:
        raise _taken(name, str(module.__file__))


def join(package: ModuleType, folder: Path) -> None:
    """Let the modules of a folder be found beside ours: projects keep sentences in `steps/` too.

    Raises:
        pytest.UsageError: two modules have the same name.

    """
    for file in sorted(folder.glob("*.py")):
        if file.name != "__init__.py" and (HOME / package.__name__ / file.name).exists():
            raise _taken(f"{package.__name__}.{file.stem}", str(file))
    if folder.is_dir() and folder.resolve() != HOME / package.__name__:
        package.__path__.append(str(folder))
