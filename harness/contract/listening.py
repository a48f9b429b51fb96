"""Servers that answer on the pod's address, not to the container alone."""

from __future__ import annotations

import itertools
import re

from harness.contract.finding import Notes, Place
from harness.contract.program import Program
from harness.contract.subject import Subject

_LOCAL = re.compile(r"localhost|127\.\d+\.\d+\.\d+|::1")
_NAMES = ("HOST", "HOSTNAME", "BIND", "BIND_ADDRESS", "LISTEN_ADDRESS", "UVICORN_HOST")
_FLAGS = ("--host", "--hostname", "--bind", "-b", "-H", "--listen")
#: Servers that bind to 127.0.0.1 unless they are told otherwise, and by what they are told.
_CAREFUL = {
    "uvicorn": ("--host", "UVICORN_HOST"),
    "gunicorn": ("--bind", "-b", "GUNICORN_CMD_ARGS"),
    "flask": ("--host", "-h", "FLASK_RUN_HOST"),
    "hypercorn": ("--bind", "-b"),
}


def check(subject: Subject, notes: Notes) -> None:
    """Neither Dockerfile, chart nor code binds a server to localhost."""
    for program in subject.programs.values():
        notes.saw(program.name)
        _dockerfile(program, notes)
        _code(subject, program, notes)
    for rendering in subject.renderings:
        for container in subject.containers(rendering):
            if container.image is None or not container.main:
                continue
            for setting in container.settings:
                if setting.name in _NAMES and _LOCAL.fullmatch(setting.value or ""):
                    place = subject.chart.where(container.owner.source, setting.name)
                    _found(notes, place, f"the chart sets {setting.name} to {setting.value}")
            if problem := _command(container.words, {s.name for s in container.settings}):
                _found(notes, subject.chart.where(container.owner.source, "command"), problem)


def _found(notes: Notes, place: Place, seen: str) -> None:
    notes.found(
        place,
        needed="a server that answers on the address of its pod",
        seen=f"{seen}: nobody outside the container reaches it",
        fix="bind it to 0.0.0.0",
    )


def _dockerfile(program: Program, notes: Notes) -> None:
    stage = program.stage
    if stage is None:
        return
    for name in _NAMES:
        if _LOCAL.fullmatch(stage.env.get(name, "")):
            place = program.docker_place(stage.env_lines[name])
            _found(notes, place, f"the image sets {name} to {stage.env[name]}")
    if problem := _command(stage.words, set(stage.env)):
        one = stage.command or stage.entrypoint
        _found(notes, program.docker_place(one.line if one else None), problem)


def _command(words: list[str], variables: set[str]) -> str:
    words = [part for word in words for part in word.split()]
    for flag, value in itertools.pairwise([*words, ""]):
        name, _, joined = flag.partition("=")
        if name in _FLAGS and _LOCAL.fullmatch(
            (joined or value).rpartition(":")[0] or joined or value
        ):
            return f"the command says `{name} {joined or value}`"
    for word in words:
        told = _CAREFUL.get(word.rpartition("/")[2])
        if told and not any(w.partition("=")[0] in told for w in words) and not variables & {*told}:
            return f"{word} binds to 127.0.0.1 unless it is told otherwise by {told[0]}"
    return ""


def _code(subject: Subject, program: Program, notes: Notes) -> None:
    set_elsewhere = set(program.stage.env) if program.stage else set()
    for rendering in subject.renderings[:1]:
        for container in subject.containers(rendering):
            if container.image == program.name and container.main:
                set_elsewhere |= {setting.name for setting in container.settings}
    for bind in program.code.binds:
        if _LOCAL.fullmatch(bind.text):
            _found(notes, bind.place, f"the code binds it to {bind.text}")
    for read in program.code.reads:
        if (
            read.name in _NAMES
            and read.name not in set_elsewhere
            and _LOCAL.fullmatch(read.default or "")
        ):
            _found(notes, read.place, f"{read.name} is {read.default} unless it is set")
