"""What the last stage of a Dockerfile comes to: user, variables, command, ports."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.images.dockerfile import Dockerfile, Instruction

_VARIABLE = re.compile(r"\$(?:\{(?P<braced>\w+)(?::?-(?P<default>[^}]*))?\}|(?P<bare>\w+))")


@dataclass
class Stage:
    """A stage with what it inherits from earlier ones of the same file.

    Attributes:
        base: the image that it begins with, variables filled in.
        env: its variables.
        env_lines: the line of each.
        user: the last USER, None when there is none.
        command, entrypoint: the instruction; None when the base's holds.
        ports: what it exposes.
        workdir: the folder that its command runs in.
        inherited: the instructions of the stages of the file that it begins with.
        instructions: those, and its own.

    """

    base: str
    line: int
    env: dict[str, str] = field(default_factory=dict)
    env_lines: dict[str, int] = field(default_factory=dict)
    user: Instruction | None = None
    command: Instruction | None = None
    entrypoint: Instruction | None = None
    ports: dict[int, int] = field(default_factory=dict)
    workdir: str = "/"
    inherited: list[Instruction] = field(default_factory=list)
    instructions: list[Instruction] = field(default_factory=list)

    @property
    def words(self) -> list[str]:
        """Return entry point and command as one list of words."""
        parts = [one.arguments for one in (self.entrypoint, self.command) if one]
        return [word for part in parts for word in part]


def last_stage(dockerfile: Dockerfile, build_args: Mapping[str, str]) -> Stage | None:
    """Return the last stage; None when there is no FROM."""
    found = stages(dockerfile, build_args)
    return list(found.values())[-1] if found else None


def stages(dockerfile: Dockerfile, build_args: Mapping[str, str]) -> dict[str, Stage]:
    """Return all stages by name or number."""
    args = dockerfile.global_args | dict(build_args)
    names = iter(dockerfile.stages)
    found: dict[str, Stage] = {}
    current: Stage | None = None
    for one in dockerfile.instructions:
        if one.word == "FROM":
            name, base, line = next(names, ("", "", one.line))
            current = _begun(filled(base, args), line, found)
            found[name] = current
        elif current is not None:
            current.instructions.append(one)
            _apply(one, current, args)
    return found


def filled(text: str, known: Mapping[str, str]) -> str:
    """Return the text with the variables that are known filled in."""
    return _VARIABLE.sub(
        lambda m: known.get(m["braced"] or m["bare"]) or m["default"] or m[0], text
    )


def _begun(base: str, line: int, earlier: Mapping[str, Stage]) -> Stage:
    parent = earlier.get(base.lower())
    if parent is None:
        return Stage(base, line)
    return Stage(
        base=parent.base,
        line=line,
        env=dict(parent.env),
        env_lines=dict(parent.env_lines),
        user=parent.user,
        command=parent.command,
        entrypoint=parent.entrypoint,
        ports=dict(parent.ports),
        workdir=parent.workdir,
        inherited=list(parent.instructions),
        instructions=list(parent.instructions),
    )


def _apply(one: Instruction, stage: Stage, args: Mapping[str, str]) -> None:
    if one.word == "ENV":
        for name, value in assignments(one):
            stage.env[name] = filled(value, {**args, **stage.env})
            stage.env_lines[name] = one.line
    elif one.word == "USER":
        stage.user = one
    elif one.word == "WORKDIR":
        stage.workdir = posixpath.join(stage.workdir, filled(one.rest, {**args, **stage.env}))
    elif one.word == "CMD":
        stage.command = one
    elif one.word == "ENTRYPOINT":
        stage.entrypoint, stage.command = one, None
    elif one.word == "EXPOSE":
        for word in one.arguments:
            port = filled(word, {**args, **stage.env}).partition("/")[0]
            if port.isdecimal():
                stage.ports[int(port)] = one.line


def assignments(one: Instruction) -> list[tuple[str, str]]:
    """Return the names and values of an ENV or ARG, in the old form `ENV name value` too."""
    words = one.arguments
    if words and "=" not in words[0] and one.word == "ENV":
        return [(words[0], " ".join(words[1:]))]
    return [(name, value) for name, _, value in (word.partition("=") for word in words)]
