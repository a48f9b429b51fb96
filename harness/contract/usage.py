"""Which values the templates of a chart read, by a look at their words.

A template hands parts of the values to others (`dict "values" .Values.backend`), which read
on from there (`$values.image.tag`). So a path counts as read when it falls into a chain that
begins with `.Values` and further chains that stand somewhere in the templates.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_ACTION = re.compile(r"\{\{-?(.*?)-?\}\}", re.DOTALL)
_BLOCK = re.compile(
    r"\{\{-?\s*(?P<word>define|if|range|with|block|end)\b(?:\s*\"(?P<name>[^\"]+)\")?.*?\}\}",
    re.DOTALL,
)
_CALL = re.compile(r"\b(?:include|template)\s+\"([^\"]+)\"")
_STRING = re.compile(r"\"(?:\\.|[^\"\\])*\"")
_CHAIN = re.compile(r"(?P<start>\$\w*|\)|(?<![\w.)]))(?P<chain>(?:\.[A-Za-z_]\w*)+)")
# What takes a part of the values as it is, whatever it holds.
_WHOLE = re.compile(r"\b(?:toYaml|toJson|toPrettyJson|range)\s+(?:[^|()]*\s)?$")
_WITH = re.compile(r"\bwith\s+$")

# `{{ $pg := .Values.postgresql }}`
_ASSIGNED = re.compile(r"\{\{-?\s*(\$\w+)\s*:=\s*\$?\.Values\.([\w.]+)\s*-?\}\}")

Path = tuple[str, ...]


@dataclass
class Usage:
    """The chains that templates read: from the top of the values, and from a part of them.

    Each with whether it is taken as a whole, with all that it may hold. `keys` are the
    names of a `dict` that one template hands to another.
    """

    absolute: dict[Path, bool] = field(default_factory=dict)
    relative: dict[Path, bool] = field(default_factory=dict)
    keys: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, templates: Mapping[str, str]) -> Usage:
        """Read all templates that take part in making an object.

        A value that only the notes or a check mention changes nothing that is installed.
        """
        blocks, roots = _blocks(templates)
        wanted = [name for name in roots if _makes(name, blocks, frozenset())]
        seen = set(wanted)
        usage = cls(keys={k for text in blocks.values() for k in _keys(text)})
        while wanted:
            text = blocks[wanted.pop()]
            usage._read(text)
            for name in _CALL.findall(text):
                if name in blocks and name not in seen:
                    seen.add(name)
                    wanted.append(name)
        return usage

    def reads(self, path: Path) -> bool:
        """Say whether the value of a path, or a part of the values around it, is read."""
        return self._falls(path, self.absolute)

    def _falls(self, path: Path, chains: Mapping[Path, bool]) -> bool:
        return not path or any(
            path[: len(chain)] == chain
            and (whole or self._falls(path[len(chain) :], self.relative))
            for chain, whole in chains.items()
        )

    def _read(self, text: str) -> None:
        known = {m[1]: tuple(m[2].split(".")) for m in _ASSIGNED.finditer(text)}
        for action in _ACTION.finditer(text):
            words = _STRING.sub('""', action[1])
            for match in _CHAIN.finditer(words):
                before, chain = words[: match.start()], tuple(match["chain"].split(".")[1:])
                rest = text[action.end() : action.end() + 80]
                whole = bool(_WHOLE.search(before) or (_WITH.search(before) and "toYaml ." in rest))
                if (start := known.get(match["start"])) is not None:
                    _add(self.absolute, start + chain, whole=whole)
                elif "Values" in chain:
                    _add(self.absolute, chain[chain.index("Values") + 1 :], whole=whole)
                elif not match["start"] and chain[0] in self.keys:
                    # `.image.tag`, where `image` is what the caller named a part of the values.
                    _add(self.relative, chain[1:], whole=whole)
                    _add(self.relative, chain, whole=whole)
                elif chain[0] not in ("Release", "Chart", "Capabilities", "Template", "Files"):
                    _add(self.relative, chain, whole=whole)


def _keys(text: str) -> set[str]:
    """Return the names under which templates hand parts of the values to one another."""
    calls = (action for action in _ACTION.findall(text) if re.search(r"\bdict\b", action))
    return {key for action in calls for key in re.findall(r"\"(\w+)\"", action)}


def _add(chains: dict[Path, bool], chain: Path, *, whole: bool) -> None:
    if chain:
        chains[chain] = chains.get(chain, False) or whole


def _blocks(templates: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Return all definitions and files by name, and the names of files."""
    blocks: dict[str, str] = {}
    roots: list[str] = []
    for file, text in templates.items():
        if file.endswith("NOTES.txt"):
            continue
        outside, defined = _split(text)
        blocks[file], roots = outside, [*roots, file]
        blocks |= defined
    return blocks, roots


def _split(text: str) -> tuple[str, dict[str, str]]:
    """Return what stands outside of the definitions of a file, and each definition."""
    outside, defined, depth, name, begun, last = list[str](), dict[str, str](), 0, "", 0, 0
    for match in _BLOCK.finditer(text):
        if match["word"] == "define" and not name:
            outside.append(text[last : match.start()])
            name, depth, begun = match["name"] or "", 0, match.end()
        elif not name:
            continue
        elif match["word"] != "end":
            depth += 1
        elif depth:
            depth -= 1
        else:
            defined[name], name, last = text[begun : match.start()], "", match.end()
    if name:
        defined[name], last = text[begun:], len(text)
    return "".join([*outside, text[last:]]), defined


def _makes(name: str, blocks: Mapping[str, str], seen: frozenset[str]) -> bool:
    """Say whether a block writes an object, by itself or by what it calls."""
    text = blocks.get(name, "")
    if re.search(r"^\s*(apiVersion|kind):", text, re.MULTILINE):
        return True
    return any(
        _makes(each, blocks, seen | {name}) for each in _CALL.findall(text) if each not in seen
    )
