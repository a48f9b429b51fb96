"""What the TypeScript and JavaScript sources of a program tell together."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath

from harness.contract.code import Code, Route
from harness.contract.finding import Place
from harness.contract.script import Script

_WAITS = re.compile(r"\b(await|async|then|Promise)\b")
_SUFFIXES = (".ts", ".tsx", ".js", ".jsx", ".mjs", ".cjs")


@dataclass
class Scripts:
    """The sources of one program, `root` is the folder of its package."""

    root: str
    files: dict[str, Script]

    @cached_property
    def code(self) -> Code:
        """Return all that the sources tell."""
        whole = Code()
        for script in self.files.values():
            whole.add(script.code)
        whole.routes += self._pages()
        return whole

    @cached_property
    def in_browser(self) -> list[Script]:
        """Return the files that reach the browser: marked ones and what they import."""
        wanted = [script for script in self.files.values() if script.client]
        found = {script.file: script for script in wanted}
        while wanted:
            script = wanted.pop()
            for path in script.imports:
                target = self._resolved(script, path)
                if target and target.file not in found:
                    found[target.file] = target
                    wanted.append(target)
        return list(found.values())

    def _resolved(self, script: Script, path: str) -> Script | None:
        if path.startswith(("@/", "~/")):
            bases = [f"{self.root}/src/{path[2:]}", f"{self.root}/{path[2:]}"]
        elif path.startswith("."):
            bases = [f"{PurePosixPath(script.file).parent}/{path}"]
        else:
            return None
        for base in bases:
            parts: list[str] = []
            for part in base.split("/"):
                if part == "..":
                    parts = parts[:-1]
                elif part not in (".", ""):
                    parts.append(part)
            name = "/".join(parts)
            for suffix in ("", *_SUFFIXES, *(f"/index{each}" for each in _SUFFIXES)):
                if name + suffix in self.files:
                    return self.files[name + suffix]
        return None

    def _pages(self) -> Iterator[Route]:
        """Yield the routes that Next.js makes of folders: app/ and pages/."""
        for file in self.files:
            below = file.removeprefix(f"{self.root}/").removeprefix("src/")
            stem, _, suffix = below.rpartition(".")
            if f".{suffix}" not in _SUFFIXES:
                continue
            folder, _, name = stem.rpartition("/")
            if folder.startswith("app") and name in ("route", "page"):
                parts = folder.split("/")[1:]
            elif below.startswith("pages/") and not name.startswith("_"):
                parts = [*folder.split("/")[1:], *([] if name == "index" else [name])]
            else:
                continue
            parts = [part for part in parts if not part.startswith(("(", "@"))]
            if not any(part.startswith("_") for part in parts):
                fixed = not any("[" in part for part in parts)
                yield Route(
                    "/" + "/".join(parts),
                    Place(file),
                    fixed,
                    database=_asks_database(self.files[file].text),
                    constant=name == "route" and not _WAITS.search(self.files[file].text),
                )


def _asks_database(text: str) -> str:
    """Return what a handler asks of a database before it says that it is not well."""
    asks = re.search(r"\b(getPool|pool|prisma|db|database|query)\b[^;\n]*", text)
    return asks[0][:60] if asks and re.search(r"\b50[03]\b", text) else ""


def package(text: str) -> dict[str, object]:
    """Return what a package.json says; nothing when it is no JSON object."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
