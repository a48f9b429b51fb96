"""Credentials that are written down: in values, templates, ConfigMaps, Dockerfiles, sources."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator

from harness.contract.code import sounds_secret
from harness.contract.containers import data_of
from harness.contract.finding import Notes, Place
from harness.contract.rendering import Rendering
from harness.contract.subject import Subject

_KNOWN = re.compile(
    r"\b(?:sk-[A-Za-z0-9_-]{20,}|gh[pousr]_[A-Za-z0-9]{30,}|github_pat_\w{30,}|AKIA[0-9A-Z]{16}"
    r"|AIza[0-9A-Za-z_-]{30,}|xox[abprs]-[0-9A-Za-z-]{10,}|glpat-[0-9A-Za-z_-]{15,}"
    r"|npg_[0-9A-Za-z]{10,}|hf_[A-Za-z0-9]{25,}|eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.)"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----"
)
_URL = re.compile(r"[a-z][a-z0-9+.-]*://(?P<user>[^\s:/@\"'`]*):(?P<password>[^\s/@\"'`]+)@")
#: What people write where a password goes in an example.
_PLACEHOLDER = re.compile(
    r"[A-Z_]+|pass(word|wd)?|pwd|pw|secret|x+|\*+|\.+|…|%[sv]|<.*|[$%{(].*|change.?me|your.*|user",
)
_NAMED = re.compile(
    r"(?P<name>[A-Za-z][\w.-]*)[\"']?\s*[:=]\s*(?P<quote>[\"']?)(?P<text>[^\s\"'#{}]{6,})"
)
# Keys whose value is the name of something: `existingSecret`, `secretName`, `passwordKey`.
_REFERENCE = re.compile(
    r"[eE]xisting|[nN]ame$|NAME$|[rR]ef$|^key$|([sS]ecret|[pP]assword|[tT]oken|[uU]ser)Key$"
    r"|[pP]ath$|[fF]ile$|[mM]ount|[cC]reate$|[eE]nabled$"
)
_IS_KEY = re.compile(r"(secret|password|token)_?key$", re.IGNORECASE)
_MADE = re.compile(r"(?=.*\d)(?=.*[A-Za-z])[A-Za-z0-9+/]{24,}={0,2}")
_RANDOM = re.compile(r"(?<![\w/+=.-])[A-Za-z0-9+/_-]{24,}={0,2}(?![\w/+=.-])")


def check(subject: Subject, notes: Notes) -> None:
    """No credential has a place in files that are shared, nor in objects that all may read."""
    for place_file, text in _files(subject):
        notes.saw(place_file)
        for number, line in enumerate(text.splitlines(), 1):
            if seen := _known(line):
                place = subject.chart.place(place_file, number)
                _found(notes, place, seen)
    for leaf in subject.chart.leaves:
        if isinstance(leaf.value, str) and (seen := _value(leaf.path[-1], leaf.value)):
            _found(notes, subject.chart.place("values.yaml", leaf.line), f"{leaf.dotted} {seen}")
    for file, text in subject.chart.templates.items():
        for number, line in enumerate(text.splitlines(), 1):
            for match in _NAMED.finditer(line):
                if "{{" not in line and (seen := _value(match["name"], match["text"])):
                    _found(notes, subject.chart.place(file, number), f"{match['name']} {seen}")
    for rendering in subject.renderings:
        _rendered(subject, notes, rendering)
    for program in subject.programs.values():
        for file, text in program.sources.items():
            notes.saw(file)
            for number, line in enumerate(text.splitlines(), 1):
                if seen := _known(line):
                    _found(notes, Place(file, number), seen)


def _found(notes: Notes, place: Place, seen: str) -> None:
    notes.found(
        place,
        needed="no credential that is written down",
        seen=seen,
        fix="take it out, change it where it is valid, and give it by a Secret at installation",
    )


def _files(subject: Subject) -> Iterator[tuple[str, str]]:
    for name in ("values.yaml", "Chart.yaml", "README.md"):
        file = subject.chart.folder / name
        if file.is_file():
            yield name, file.read_text(encoding="utf-8", errors="replace")
    yield from subject.chart.templates.items()
    yield from subject.chart.inner_templates.items()


def _known(line: str) -> str:
    if match := _KNOWN.search(line):
        return f"a text that begins like a key (`{match[0][:4]}…`)"
    for match in _URL.finditer(line):
        if not _PLACEHOLDER.fullmatch(match["password"]):
            return "a URL with a password"
    return ""


def _value(name: str, text: str) -> str:
    """Say what is wrong with a value of this name; nothing when it is none."""
    if seen := _known(text):
        return f"holds {seen}"
    if not text or "{{" in text or text.startswith("$"):
        return ""
    # `secretKey` may be the key of a Secret or a secret that is a key; that one looks like it.
    if _REFERENCE.search(name) and not (_IS_KEY.search(name) and _MADE.fullmatch(text)):
        return ""
    if sounds_secret(name) or re.search(r"database.?url|dsn", name, re.I):
        return "has a text, though it is a secret"
    return ""


def _rendered(subject: Subject, notes: Notes, rendering: Rendering) -> None:
    """Judge what is plain in a rendering: ConfigMaps, variables, annotations."""
    given = set(map(str, subject.facts.values()))
    for item in rendering.of("ConfigMap"):
        for key, text in data_of(item).items():
            notes.saw(f"{key} of {item}")
            if text not in given and (seen := _plain(key, text)):
                place = subject.chart.where(item.source, key)
                _found(notes, place, f"{key} of {item.kind} {seen}")
    for container in subject.containers(rendering):
        for setting in container.settings:
            if setting.origin == "plain" and (seen := _plain(setting.name, setting.value or "")):
                place = subject.chart.where(container.owner.source, setting.name)
                _found(notes, place, f"the variable {setting.name} of {container} {seen}")
        for word in container.words:
            if seen := _known(word):
                place = subject.chart.where(container.owner.source, "args", "command")
                _found(notes, place, f"the command of {container} holds {seen}")
    for item in rendering.objects:
        for key, text in item.annotations.items():
            if seen := _plain(key, str(text)):
                place = subject.chart.where(item.source, key)
                _found(notes, place, f"the annotation {key} of {item.kind} {seen}")


def _plain(name: str, text: str) -> str:
    if _URL.search(text):
        return "holds a URL with a password"
    if seen := _value(name, text):
        return seen
    random = _RANDOM.search(text)
    if (
        random
        and _entropy(random[0]) > 4.3
        and re.search(r"\d", random[0])
        and "/" not in random[0]
    ):
        return "holds a text that looks like a key"
    return ""


def _entropy(text: str) -> float:
    counts = Counter(text).values()
    return -sum(n / len(text) * math.log2(n / len(text)) for n in counts)
