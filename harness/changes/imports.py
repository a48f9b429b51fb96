"""What a Python file imports of the project itself."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path


class Imports:
    """Follows imports from file to file below a folder, but not into the folders `without`."""

    def __init__(self, root: Path, without: tuple[Path, ...] = ()) -> None:
        self._root, self._without = root, without
        self._direct: dict[Path, frozenset[Path]] = {}

    def closure(self, file: Path) -> frozenset[Path]:
        """Return a file and all of the project that it imports, directly or not."""
        found, left = {file}, [file]
        while left:
            for other in self._of(left.pop()) - found:
                found.add(other)
                left.append(other)
        return frozenset(found)

    def _of(self, file: Path) -> frozenset[Path]:
        if file not in self._direct:
            self._direct[file] = frozenset(self._read(file))
        return self._direct[file]

    def _read(self, file: Path) -> Iterator[Path]:
        try:
            tree = ast.parse(file.read_bytes())
        except (OSError, SyntaxError, ValueError):
            return
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                for name in node.names:
                    yield from self._files(self._root, name.name)
            elif isinstance(node, ast.ImportFrom):
                base = file.parents[node.level - 1] if node.level else self._root
                for name in node.names:
                    yield from self._files(base, f"{node.module or ''}.{name.name}".strip("."))

    def _files(self, base: Path, dotted: str) -> Iterator[Path]:
        """Yield the packages on the way to a module, and the module, as far as they are ours."""
        place = base
        for part in dotted.split("."):
            place = place / part
            for file in (place.with_suffix(".py"), place / "__init__.py"):
                if file.is_file() and not any(file.is_relative_to(w) for w in self._without):
                    yield file.resolve()


def is_everywhere(file: Path) -> bool:
    """Return whether a module has a part in every test: a hook, or a fixture used by all."""
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return True
    return any(
        (isinstance(node, ast.FunctionDef) and node.name.startswith("pytest_"))
        or (isinstance(node, ast.keyword) and node.arg == "autouse")
        for node in ast.walk(tree)
    )
