"""What TypeScript and JavaScript sources tell, by a careful look at their words."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePosixPath

from harness.contract.code import LOCALHOST, Code, Read, Route, Text, sounds_secret
from harness.contract.finding import Place

_NAME = r"[A-Z][A-Z0-9_]+"
_QUOTED = r"(?:\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`)"
_TOKEN = re.compile(
    rf"(?P<text>{_QUOTED})|(?P<comment>//[^\n]*|/\*.*?\*/)"
    r"|(?<=[=(,:\[!&|?{};\n])[ \t]*/(?![/*])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n\[])+/[a-z]*",
    re.DOTALL,
)
_ENV = r"(?:process\.env|import\.meta\.env|\benv(?:ironment)?)"
_FALLBACK = rf"\s*(?:\|\||\?\?)=?\s*(?P<default>{_QUOTED})"
_DIRECT = re.compile(
    rf"{_ENV}(?:\.(?P<dot>{_NAME})\b|\[\s*[\"'](?P<index>{_NAME})[\"']\s*\])(?P<must>!(?!=))?"
    rf"(?:{_FALLBACK})?"
)
_CALLED = re.compile(
    rf"(?P<function>[\w.]+)\s*\(\s*(?:{_ENV}\s*,\s*)[\"'](?P<name>{_NAME})[\"']"
    rf"(?:[^()]|\([^()]*\))*\)(?:{_FALLBACK})?"
)
_BY_FUNCTION = re.compile(
    rf"\b(?P<function>(?:get|read|require[d]?|must|need)?_?[eE]nv\w*)\s*\(\s*[\"'](?P<name>{_NAME})[\"']"
    rf"(?:\s*,\s*(?P<second>{_QUOTED}))?\s*\)(?:{_FALLBACK})?"
)
_SCHEMA = re.compile(rf"\b(?P<name>{_NAME})\s*:\s*(?P<rest>z\.[^\n]*(?:\n\s*\.[^\n]*)*)")
_SPREAD = re.compile(rf"\{{(?P<names>[^{{}}]*)\}}\s*=\s*{_ENV}\b")
_MUST = re.compile(r"require|must|need|assert|ensure|mandatory", re.IGNORECASE)
_ROUTE = re.compile(
    r"\b(?:app|router|server|fastify|api)\.(?:get|post|put|patch|delete|all|use|route)\s*\(\s*"
    rf"(?P<path>{_QUOTED})"
)
_ASSIGNED = re.compile(
    rf"\b(?P<name>[A-Za-z_]\w*)[\"']?\s*(?::\s*string\s*)?[:=]\s*(?P<text>{_QUOTED})"
)
_OR = re.compile(rf"(?:\|\||\?\?)=?\s*(?P<text>{_QUOTED})")
_CALL_URL = re.compile(
    rf"\b(?P<name>fetch|axios(?:\.\w+)?|baseURL|baseUrl|EventSource|WebSocket)\s*[(:=]\s*(?P<text>{_QUOTED})"
)
_IMPORT = re.compile(r"\b(?:from|import|export\s+\*\s+from)\s*\(?\s*[\"'](?P<path>[^\"']+)[\"']")
_LISTEN = re.compile(rf"\.listen\s*\([^)]*?(?P<host>{_QUOTED})")
_WAITS = re.compile(r"\b(await|async|then|Promise)\b")
_SUFFIXES = (".ts", ".tsx", ".js", ".jsx", ".mjs", ".cjs")


@dataclass
class Script:
    """One source file, without its comments; lines are kept."""

    file: str
    source: str
    code: Code = field(default_factory=lambda: Code(files=1))

    @cached_property
    def text(self) -> str:
        """Return the source with comments replaced by blanks."""
        return _TOKEN.sub(_without_comment, self.source)

    @cached_property
    def client(self) -> bool:
        """Say whether it is marked as running in the browser."""
        return bool(re.match(r"\s*[\"']use client[\"']", self.text))

    @cached_property
    def imports(self) -> list[str]:
        """Return what it imports, as written."""
        return [match["path"] for match in _IMPORT.finditer(self.text)]

    def place(self, offset: int) -> Place:
        """Return the line of an offset."""
        return Place(self.file, bisect_right(self._lines, offset))

    @cached_property
    def _lines(self) -> list[int]:
        return [0, *(match.end() for match in re.finditer("\n", self.source))]


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
            _variables(script)
            _texts(script)
            for match in _ROUTE.finditer(script.text):
                path = _unquoted(match["path"])
                if path.startswith("/"):
                    fixed = not re.search(r"[:*{$]", path)
                    script.code.routes.append(Route(path, script.place(match.start()), fixed))
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


def _without_comment(match: re.Match[str]) -> str:
    if match["comment"] is None:
        return match[0]
    return re.sub(r"[^\n]", " ", match[0])


def _unquoted(text: str | None) -> str:
    return text[1:-1] if text else ""


def _variables(script: Script) -> None:
    text, reads = script.text, script.code.reads
    for match in _DIRECT.finditer(text):
        name = match["dot"] or match["index"]
        before = text[max(0, match.start() - 12) : match.start()]
        after = text[match.end() : match.end() + 4].lstrip()
        if after.startswith("=") and not after.startswith(("==", "=>")):
            continue  # it is set, not read
        must = bool(match["must"]) or (
            bool(re.search(r"\(\s*!\s*$", before)) and _throws(text, match)
        )
        reads.append(
            Read(name, script.place(match.start()), must, _unquoted(match["default"]) or None)
        )
    for match in _CALLED.finditer(text):
        default = _unquoted(match["default"]) or None
        must = default is None and bool(_MUST.search(match["function"]))
        reads.append(Read(match["name"], script.place(match.start()), must, default))
    for match in _BY_FUNCTION.finditer(text):
        default = _unquoted(match["second"]) or _unquoted(match["default"]) or None
        must = default is None and bool(_MUST.search(match["function"]))
        reads.append(Read(match["name"], script.place(match.start()), must, default))
    for match in _SCHEMA.finditer(text):
        rest = match["rest"]
        given = re.search(rf"\.default\(\s*(?P<text>{_QUOTED})?", rest)
        must = not given and not re.search(r"\.(optional|nullish)\(", rest)
        default = _unquoted(given["text"]) if given else None
        reads.append(Read(match["name"], script.place(match.start()), must, default or None))
    for match in _SPREAD.finditer(text):
        for part in match["names"].split(","):
            if name := re.match(rf"\s*({_NAME})\b(?:[^=]*=\s*({_QUOTED}))?", part):
                default = _unquoted(name[2]) or None
                reads.append(Read(name[1], script.place(match.start()), default=default))


def _throws(text: str, match: re.Match[str]) -> bool:
    return bool(re.search(r"\bthrow\b|process\.exit", text[match.end() : match.end() + 120]))


def _texts(script: Script) -> None:
    text, texts = script.text, script.code.texts
    for match in _ASSIGNED.finditer(text):
        name, value = match["name"], _unquoted(match["text"])
        if (sounds_secret(name) and not name.isupper()) or (
            sounds_secret(name) and re.search(r"\b(const|let|var)\s+$", text[: match.start()][-8:])
        ):
            texts.append(Text("secret", value, script.place(match.start()), name))
        elif LOCALHOST.search(value):
            texts.append(Text("localhost", value, script.place(match.start()), name))
    for match in _OR.finditer(text):
        value = _unquoted(match["text"])
        if re.match(r"https?://", value):
            texts.append(Text("fallback", value, script.place(match.start())))
        elif value.startswith(("sqlite:", "file:")):
            texts.append(Text("database", value, script.place(match.start())))
    for match in _CALL_URL.finditer(text):
        value = _unquoted(match["text"])
        if re.match(r"(https?|wss?)://", value):
            texts.append(Text("address", value, script.place(match.start()), match["name"]))
    for match in _LISTEN.finditer(text):
        script.code.binds.append(
            Text("bind", _unquoted(match["host"]), script.place(match.start()))
        )
