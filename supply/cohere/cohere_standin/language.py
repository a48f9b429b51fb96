"""What a sentence asks for: the intent, the phrase it is about, a number."""

from __future__ import annotations

import re
from dataclasses import dataclass

_VERBS: tuple[tuple[str, str], ...] = (
    ("add", r"add(?:ing)?|create|new|make|insert|remind me|remember|schedule|note|i (?:need|have) to"),
    ("list", r"list|show|display|view|see|what(?:'s| is| are)?|which|get|fetch|how many|tell me|do i have"),
    ("complete", r"complete[d]?|finish(?:ed)?|done|mark|tick|check off|close|resolve"),
    ("delete", r"delete|remove|cancel|drop|erase|discard|get rid of"),
    ("update", r"update|rename|change|edit|modify|replace"),
)
_QUOTED = re.compile(r"\"([^\"]+)\"|“([^”]+)”|(?<!\w)'([^']+)'(?!\w)|`([^`]+)`|«([^»]+)»")
_NUMBER = re.compile(r"(?:#|\b(?:task|todo|to-do|item|number|no\.?|id|nr\.?)\s*#?\s*)(\d+)\b", re.I)
_ONLY_NUMBER = re.compile(r"^#?(\d+)$")
_HEAD = re.compile(
    r"^(?:(?:please|me|to|up|off|out|a|an|the|my|this|that|another|new|as|done|completed?|finished)\s+)*"
    r"(?:(?:tasks?|todos?|to-dos?|items?|reminders?|entry|entries)\b\s*)?"
    r"(?:(?:to|for|about|called|named|titled|that says|saying|with the title|:|-)\s*)?",
    re.I,
)
_TAIL = re.compile(
    r"(?:\s+(?:to|on|in|from|into|off|of)\s+(?:my|the|our)?\s*(?:to-?do\s+)?(?:tasks?|todos?|to-dos?|lists?)(?:\s+list)?"
    r"|\s+as\s+(?:done|completed?|finished|a\s+(?:task|todo))|\s+(?:is\s+)?(?:done|completed?|finished)"
    r"|\s+(?:please|thanks|thank you)|\s+(?:task|todo|to-do|item))\s*$",
    re.I,
)


@dataclass(frozen=True)
class Wish:
    """`intent` is None when no verb is known. `renamed` is what follows "to" in a rename."""

    intent: str | None
    phrase: str
    number: int | None
    text: str
    renamed: str = ""


def understand(text: str) -> Wish:
    """Read a sentence. The first verb outside quotes counts."""
    flat = re.sub(r"\s+", " ", text).strip()
    quotes = [next(part for part in found if part) for found in _QUOTED.findall(flat)]
    unquoted = _QUOTED.sub(lambda match: " " * len(match[0]), flat)
    best: tuple[int, int, str] | None = None
    for intent, verbs in _VERBS:
        if match := re.search(rf"\b(?:{verbs})\b", unquoted, re.I):
            if best is None or match.start() < best[0]:
                best = (match.start(), match.end(), intent)
    if best is None:
        return Wish(None, quotes[0] if quotes else flat, None, flat)
    intent, rest = best[2], flat[best[1] :].strip()
    phrase = quotes[0].strip() if quotes else _phrase(rest)
    renamed = quotes[1].strip() if len(quotes) > 1 else ""
    if intent == "update" and not renamed:
        parts = re.split(r"\s+(?:to|into|as)\s+", phrase if not quotes else _QUOTED.sub("Q", rest), maxsplit=1)
        if len(parts) == 2:
            renamed = parts[1].strip(" .!?")
            phrase = phrase if quotes else parts[0]
    found = _NUMBER.search(unquoted) or _ONLY_NUMBER.match(phrase)
    return Wish(intent, phrase, int(found[1]) if found and intent != "add" else None, flat, renamed)


def _phrase(rest: str) -> str:
    phrase = _HEAD.sub("", rest.strip(" .!?,;:"), count=1)
    before = None
    while before != phrase:
        before, phrase = phrase, _TAIL.sub("", phrase).strip(" .!?,;:")
    return phrase


def words(text: str) -> set[str]:
    """Return the words of a name or sentence: snake_case and camelCase are taken apart."""
    spaced = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", text)
    return {word.lower() for word in re.findall(r"[A-Za-z]+|\d+", spaced)}
