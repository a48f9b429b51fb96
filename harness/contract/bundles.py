"""What is fixed in a frontend when it is built, and what reaches the browser."""

from __future__ import annotations

import re
from collections.abc import Iterator

from harness.contract.code import LOCALHOST
from harness.contract.finding import Notes, Place
from harness.contract.program import Program
from harness.contract.script import Script
from harness.contract.stage import assignments
from harness.contract.subject import Subject

_BAKED = re.compile(
    r"process\.env\.(NEXT_PUBLIC_\w+)|import\.meta\.env\.(VITE_\w+)|process\.env\.(REACT_APP_\w+)"
)
_OUTPUT = re.compile(r"\boutput\s*:\s*[\"'`](standalone|export)[\"'`]")
_STANDALONE = re.compile(r"[\"'/]standalone\b")
_STRANGERS = re.compile(r"(?:https?|wss?)://(?P<host>[A-Za-z0-9.-]+)")
#: Files beside the sources by which tools are configured.
_OF_THE_BUILD = re.compile(
    r"[\w.-]*config[\w.-]*|setup\.py|(webpack|vite|vitest|gulp|grunt|rollup|jest|playwright|cypress"
    r"|eslint|drizzle|knex|noxfile|tasks|fabfile|conftest)[\w.-]*",
    re.IGNORECASE,
)
#: Names that stand for a namespace or a document, not for a server.
_DOCUMENTS = ("www.w3.org", "schema.org", "json-schema.org", "example.com", "example.org")


def _config(program: Program) -> Script | None:
    for suffix in ("ts", "mjs", "js", "cjs"):
        name = f"{program.scripts.root}/next.config.{suffix}"
        if name in program.scripts.files:
            return program.scripts.files[name]
    return None


def standalone(subject: Subject, notes: Notes) -> None:
    """A server that is copied by itself is also built by itself: `output: "standalone"`."""
    for program in subject.programs.values():
        if not program.next or program.dockerfile is None:
            continue
        notes.saw(program.name)
        config = _config(program)
        output = _OUTPUT.search(config.text) if config else None
        users = [
            program.docker_place(one.line)
            for one in program.dockerfile.instructions
            if one.word in ("COPY", "RUN") and _STANDALONE.search(one.rest)
        ]
        for script in program.scripts.files.values():
            if script is not config and (match := _STANDALONE.search(script.text)):
                users.append(script.place(match.start()))
        if users and (output is None or output[1] != "standalone"):
            notes.found(
                config.place(0) if config else program.place(program.folder / "next.config.ts"),
                needed=f'`output: "standalone"` in the configuration of {program.name}',
                seen=f"it is not set, but {users[0]} takes the standalone server",
                fix='set output: "standalone"',
            )
        if not users and output is None:
            notes.found(
                config.place(0) if config else program.place(program.folder / "next.config.ts"),
                needed=f"the image {program.name} to hold the standalone server only",
                seen="neither is it configured nor copied: all of node_modules is in the image",
                fix='set output: "standalone", and copy .next/standalone and .next/static',
            )


def baked(subject: Subject, notes: Notes) -> None:
    """No setting that the chart gives is one that was fixed by the build."""
    for program in subject.programs.values():
        if not program.package:
            continue
        given = {
            setting.name
            for rendering in subject.renderings
            for container in subject.containers(rendering)
            if container.image == program.name
            for setting in container.settings
        } | set(program.image.env)
        in_build = set(program.image.build_args)
        for one in program.dockerfile.instructions if program.dockerfile else ():
            if one.word in ("ARG", "ENV"):
                in_build |= {name for name, value in assignments(one) if value}
        for script in program.scripts.files.values():
            notes.saw(script.file)
            for match in _BAKED.finditer(script.text):
                name = next(filter(None, match.groups()))
                dead = f"{name} is fixed by the build: what the chart sets has no effect"
                lost = f"{name} is not set when the bundle is built: it holds `undefined`"
                if name in given or name not in in_build:
                    notes.found(
                        script.place(match.start()),
                        needed=f"settings of {program.name} that take effect when it runs",
                        seen=dead if name in given else lost,
                        fix="read it on the server at run time, by a name that is a variable there",
                    )


def rewrites(subject: Subject, notes: Notes) -> None:
    """No rewrite leads to an address that was fixed by the build."""
    for program in subject.programs.values():
        config = _config(program)
        if config is None:
            continue
        notes.saw(config.file)
        for seen, offset in _fixed(config.text):
            notes.found(
                config.place(offset),
                needed=f"routes of {program.name} that follow its settings at run time",
                seen=seen,
                fix="hand requests on in a route, which reads the setting at run time",
            )


def _fixed(text: str) -> Iterator[tuple[str, int]]:
    if (start := re.search(r"\b(rewrites|redirects)\b", text)) is not None:
        for match in re.finditer(r"process\.env\b|https?://", text):
            word = "a variable of the build" if match[0].startswith("p") else "an address"
            if match.start() > start.start() or match[0].startswith("p"):
                yield f"its {start[1]} take {word}, which is fixed in the image", match.start()
    for match in re.finditer(r"\benv\s*:\s*\{[^}]*process\.env", text):
        yield "`env` copies variables of the build into the bundle", match.start()


def fixed_addresses(subject: Subject, notes: Notes) -> None:
    """No source calls a fixed address, least of all localhost."""
    for program in subject.programs.values():
        for text in program.code.texts:
            if text.kind in ("localhost", "fallback", "address") and not _harmless(text.text):
                if program.place(program.folder).file and _tool(text.place.file, program):
                    continue
                _found(notes, program, text.place, text.text)
        for read in program.code.reads:
            if (
                read.default
                and LOCALHOST.match(read.default)
                and not _tool(read.place.file, program)
            ):
                _found(notes, program, read.place, read.default)
        for file in program.sources:
            notes.saw(file)
        for script in program.scripts.in_browser:
            for match in re.finditer(r"[\"'`]((?:https?|wss?)://[^\s\"'`]+)", script.text):
                if not _harmless(match[1]) and _calls(script.text, match.start()):
                    _found(notes, program, script.place(match.start()), match[1])


def _found(notes: Notes, program: Program, place: Place, address: str) -> None:
    host = re.sub(r"//[^/@]*@", "//", address)[:60]
    local = LOCALHOST.match(address)
    notes.found(
        place,
        needed=f"{program.name} to call what its settings name, and browsers their own origin",
        seen=f"`{host}` is written down, "
        + ("which in a cluster is the pod itself" if local else "whatever it is deployed beside"),
        fix="read the address from the environment, without a fallback",
    )


def _tool(file: str, program: Program) -> bool:
    """Say whether a file belongs to the build, not to what is built."""
    below = file.removeprefix(f"{program.scripts.root}/")
    return below.startswith("scripts/") or bool(_OF_THE_BUILD.fullmatch(below))


def _harmless(address: str) -> bool:
    found = _STRANGERS.match(address)
    return found is not None and found["host"] in _DOCUMENTS


def _calls(text: str, offset: int) -> bool:
    """Say whether an address is called or kept for it, not shown as a link."""
    before = text[max(0, offset - 60) : offset]
    return bool(
        re.search(r"(fetch|axios[\w.]*|URL|EventSource|WebSocket)\s*\(\s*$|[Uu][Rr][Ll]\w*\s*[:=]\s*$"
                  r"|(\|\||\?\?)\s*$|(API|HOST|ORIGIN|BASE)\w*\s*[:=]\s*$", before)
    )  # fmt: skip
