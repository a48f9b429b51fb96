"""Text of unknown origin in Markdown: shown as it is, never as markup."""

from __future__ import annotations

import re
from collections.abc import Iterable

from harness.report.text import clean

# Markup; and what GitHub finds in the text that is shown, however it is written there:
# mentions, references and addresses.
_MEANT = re.compile(r"(?P<markup>[\\`*_\[\]<>|~$&])|[@#]|(?<=http)(?=s?://)|(?<=www)(?=\.)")


def inline(text: object) -> str:
    """Return a text as one line without meaning: no links, no mentions, no HTML."""
    return _MEANT.sub(_harmless, " ".join(clean(text).split()))


def _harmless(found: re.Match[str]) -> str:
    return f"&#{ord(found[0])};" if found["markup"] else f"{found[0]}<!-- -->"


def block(text: object, language: str = "", most: int = 4000) -> str:
    """Return a text as a block of code, cut where it is too long.

    The fence is longer than any row of backticks in the text, so that nothing gets out.
    """
    shown = clean(text).strip("\n")
    if len(shown) > most:
        shown = f"{shown[:most]}\n… {len(shown) - most:,} characters more"
    longest = max((len(row) for row in re.findall(r"`+", shown)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{shown}\n{fence}"


def folded(title: str, body: str) -> str:
    """Return a part that is opened by a click; `title` is Markdown-safe already."""
    return f"<details><summary>{title}</summary>\n\n{body}\n\n</details>"


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Return a table; cells are Markdown-safe already."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
