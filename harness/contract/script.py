"""What a TypeScript or JavaScript source tells, by a careful look at its words."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property

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
_HANDLER = 2000  # characters of a handler that are looked at
#: What a handler asks of a database before it says, of its failure, that all is not well.
_ASKS = re.compile(
    r"try\s*\{[^}]*?(?P<asks>\b(?:pool|client|db|database|knex|sequelize|prisma|mongoose)\b[^;\n]*)"
    r".*?\bcatch\b.*?\b50[0-9]\b",
    re.DOTALL,
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


@dataclass
class Script:
    """One source file, without its comments; lines are kept."""

    file: str
    source: str

    @cached_property
    def code(self) -> Code:
        """Return all that it tells."""
        code = Code(files=1)
        _variables(self, code)
        _texts(self, code)
        _routes(self, code)
        return code

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


def _without_comment(match: re.Match[str]) -> str:
    if match["comment"] is None:
        return match[0]
    return re.sub(r"[^\n]", " ", match[0])


def _unquoted(text: str | None) -> str:
    return text[1:-1] if text else ""


def _variables(script: Script, code: Code) -> None:
    text, reads = script.text, code.reads
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


def _texts(script: Script, code: Code) -> None:
    text, texts = script.text, code.texts
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
        code.binds.append(Text("bind", _unquoted(match["host"]), script.place(match.start())))


def _routes(script: Script, code: Code) -> None:
    found = [*_ROUTE.finditer(script.text)]
    ends = [*(each.start() for each in found[1:]), len(script.text)]
    for match, end in zip(found, ends, strict=False):
        path = _unquoted(match["path"])
        if path.startswith("/"):
            fixed = not re.search(r"[:*{$]", path)
            asks = _ASKS.search(script.text[match.end() : min(end, match.end() + _HANDLER)])
            database = " ".join(asks["asks"].split())[:60] if asks else ""
            place = script.place(match.start())
            code.routes.append(Route(path, place, fixed, database=database))
