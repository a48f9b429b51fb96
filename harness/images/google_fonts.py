"""The fonts that Next.js fetches from Google while it builds, where nobody reaches Google."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import httpx

from harness.supply.proxy import Routes

#: Where `next/font/google` fetches style sheets; the fonts themselves come from a sibling.
HOST = "fonts.googleapis.com"
#: The path of a module that answers in Google's place; Next.js reads it since 13.2.
VARIABLE = "NEXT_FONT_GOOGLE_MOCKED_RESPONSES"
_MODULE = Path(__file__).with_suffix(".cjs")
_NO_CALLS = "const CALLS = []"
_SOURCES = frozenset((".js", ".jsx", ".ts", ".tsx", ".mjs", ".cjs", ".mts", ".cts"))
_LARGEST = 1_000_000  # bytes
_CONNECT, _ANSWER = 3.0, 5.0  # seconds
_IMPORT = re.compile(r"""import\s*\{([^}]*)\}\s*from\s*['"](?:next|@next)/font/google['"]""")
_STRING = r"""'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`"""
_TOKEN = re.compile(rf"{_STRING}|//[^\n]*|/\*.*?\*/|[()]", re.S)
_TYPES = re.compile(r"\s+as\s+const\b")  # TypeScript's, which is no JavaScript

Call = tuple[str, str]


def calls(files: Iterable[Path]) -> list[Call] | None:
    """Return the fonts that sources ask Google for, None when none imports `next/font/google`.

    Each is the name of its function and its options as they are written, which Next.js wants
    to be literals.
    """
    found: dict[Call, None] = {}
    imported = False
    for file in files:
        if file.suffix not in _SOURCES or "node_modules" in file.parts or not file.is_file():
            continue
        if file.stat().st_size > _LARGEST:
            continue
        text = file.read_text(encoding="utf-8", errors="replace")
        for match in _IMPORT.finditer(text):
            imported = True
            found |= dict.fromkeys(_calls(match[1], text[match.end() :]))
    return list(found) if imported else None


def module(wanted: Iterable[Call]) -> str:
    """Return the CommonJS module that answers these calls, and any other, in Google's place."""
    text = _MODULE.read_text(encoding="utf-8")
    return text.replace(_NO_CALLS, f"const CALLS = {json.dumps(list(wanted))}", 1)


def unreached(environ: Mapping[str, str]) -> str:
    """Return why Google's fonts cannot be reached from here, empty when they can."""
    timeout = httpx.Timeout(_ANSWER, connect=_CONNECT)
    with httpx.Client(
        transport=Routes(environ, _CONNECT), timeout=timeout, trust_env=False
    ) as client:
        try:
            code = client.get(f"https://{HOST}/css2?family=Inter").status_code
        except httpx.HTTPError as error:
            return str(error) or type(error).__name__
    return "" if code < 400 else f"HTTP {code}"


def _calls(names: str, text: str) -> Iterator[Call]:
    for name in names.split(","):
        font, _, local = name.strip().partition(" as ")
        font, local = font.strip(), (local or font).strip()
        if not font.isidentifier():
            continue
        for match in re.finditer(rf"(?<![\w.$]){re.escape(local)}\s*\(", text):
            yield font, _TYPES.sub("", _options(text, match.end()))


def _options(text: str, start: int) -> str:
    """Return what stands from here to the parenthesis that closes, as far as there is one."""
    depth = 1
    for token in _TOKEN.finditer(text, start):
        depth += {"(": 1, ")": -1}.get(token[0], 0)
        if depth == 0:
            return text[start : token.start()].strip().rstrip(",")
    return ""
