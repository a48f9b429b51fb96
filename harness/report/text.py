"""Text of unknown origin, made fit to be shown: nothing in it acts, nothing in it hides."""

from __future__ import annotations

import re

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-_])")
# Control characters, those that turn the direction of text or hide, and what JSON escapes.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
#: Each part of an error's four, and what stands beside them.
_PART = re.compile(
    r"^(?:(step|needed|seen|looked|fix|note):\s+|(at) {6}|(cause)\?\s+)", re.MULTILINE
)


def clean(text: object) -> str:
    """Return a text without terminal colours; characters that hide are shown by their number."""
    plain = _ANSI.sub("", str(text)).replace("\r\n", "\n")
    return _HIDDEN.sub(lambda found: f"\N{SYMBOL FOR ESCAPE}{ord(found[0]):04X}", plain)


def cut(text: str, most: int) -> str:
    """Return the beginning of a text, and say how much is left out."""
    if len(text) <= most:
        return text
    return f"{text[:most]}\n… {len(text) - most:,} characters more are in the record"


def parts_of(text: str) -> list[tuple[str, str]]:
    """Return the parts of an error by name; one without a name for a text that has none."""
    found = list(_PART.finditer(text))
    if not found:
        return [("", text)] if text.strip() else []
    parts = [("", text[: found[0].start()])] if text[: found[0].start()].strip() else []
    ends = [*(part.start() for part in found[1:]), len(text)]
    for part, end in zip(found, ends, strict=True):
        name = part[1] or part[2] or part[3]
        words = re.sub(r"^ {8}", "", text[part.end() : end], flags=re.MULTILINE).strip()
        if name == "step":  # a sentence is one line
            words, _, rest = words.partition("\n")
            parts += [("step", words), *([("", rest)] if rest.strip() else [])]
        else:
            parts.append((name, words))
    return parts


def seconds(value: float) -> str:
    """Return a length of time for a person."""
    if value < 10:
        return f"{value:.1f} s" if value >= 0.05 else "< 0.1 s"
    if value < 100:
        return f"{value:.0f} s"
    whole = round(value)
    return f"{whole // 60} min {whole % 60} s"
