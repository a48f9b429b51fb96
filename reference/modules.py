"""The modules that a run loads, and what of pytest stands in them."""

from __future__ import annotations

import importlib
import inspect
import runpy
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).parents[1]


def loaded(folder: str) -> list[ModuleType]:
    """Return the modules of a folder that `conftest.py` names, in its order."""
    names = runpy.run_path(str(ROOT / "conftest.py"))["pytest_plugins"]
    return [importlib.import_module(name) for name in names if name.startswith(f"{folder}.")]


def fixtures_in(module: ModuleType) -> Iterator[tuple[str, str, Callable[..., Any]]]:
    """Yield name, scope and function of each fixture that a module defines, in its order."""
    for name, value in vars(module).items():
        marker = getattr(value, "_fixture_function_marker", None)
        if marker is not None:
            function = value._get_wrapped_function()
            yield marker.name or name, str(marker.scope), function


def summary(thing: object) -> str:
    """Return the first line of a docstring."""
    return (inspect.getdoc(thing) or "").partition("\n")[0]
