"""Variables: what the chart sets is read, what the code needs is set."""

from __future__ import annotations

import difflib
import re

from harness.contract.containers import Container
from harness.contract.finding import Notes
from harness.contract.program import Program
from harness.contract.subject import Subject
from harness.project import REFERENCE

#: What runtimes, servers and libraries read by themselves.
_RUNTIME = re.compile(
    r"PATH|HOME|TZ|LANG|LC_\w+|PORT|HOST|HOSTNAME|NODE_\w+|NPM_\w+|NEXT_TELEMETRY_DISABLED"
    r"|PYTHON\w+|UV_\w+|UVICORN_\w+|GUNICORN_\w+|WEB_CONCURRENCY|KEEP_ALIVE_TIMEOUT|MALLOC_\w+"
    r"|(HTTPS?|NO|ALL)_PROXY|SSL_CERT_\w+|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|OTEL_\w+|SENTRY_\w+"
    r"|JAVA_\w+|JDK_\w+|ASPNETCORE_\w+|DOTNET_\w+|GOMAXPROCS|GOMEMLIMIT|GOGC|PG[A-Z]+"
)
#: Libraries that read variables of their own, by a word of the package's name.
_LIBRARIES = {
    "better-auth": re.compile(r"BETTER_AUTH_\w+|AUTH_SECRET"),
    "next-auth": re.compile(r"(NEXT)?AUTH_\w+"),
    "prisma": re.compile(r"DATABASE_URL|DIRECT_URL"),
    "openai": re.compile(r"OPENAI_\w+"),
    "cohere": re.compile(r"CO_API_\w+"),
}


def read(subject: Subject, notes: Notes) -> None:
    """Whatever the chart sets for a program, the program reads."""
    for rendering in subject.renderings:
        for container in subject.containers(rendering):
            if container.image is None:
                continue
            program = subject.programs[container.image]
            if not program.code.files:
                continue
            names: set[str] = set()
            for setting in container.settings:
                notes.saw(f"{setting.name} of {container}")
                place = subject.chart.where(container.owner.source, setting.name)
                if setting.name in names:
                    notes.found(
                        place,
                        needed=f"{setting.name} once for {container}",
                        seen="it is set twice, and the last one counts",
                        fix="leave one of the two out",
                    )
                names.add(setting.name)
                if not _known(setting.name, program, container):
                    notes.found(
                        place,
                        needed=f"the program {program.name} to read {setting.name}, which the"
                        f" chart sets for {container}",
                        seen=f"nothing in {program.image.context} reads it"
                        f"{_similar(setting.name, program)}",
                        fix="write the name as the code does, or leave the variable out",
                    )


def given(subject: Subject, notes: Notes) -> None:
    """Whatever a program cannot do without, the chart sets."""
    if subject.main is None:
        return
    for rendering in subject.renderings:
        for container in subject.containers(rendering):
            if container.image is None:
                continue
            program = subject.programs[container.image]
            given = {setting.name for setting in container.settings}
            given |= set(program.stage.env) if program.stage else set()
            for name, (file, why) in _needed(program, container, subject).items():
                notes.saw(f"{name} of {container}")
                if name not in given:
                    notes.found(
                        subject.chart.where(container.owner.source, name, "env:"),
                        needed=f"{name} for {container}",
                        seen=f"the chart does not set it, but {why} ({file}){_close(name, given)}",
                        fix="set it in the chart, from the ConfigMap or the Secret",
                    )


def _needed(program: Program, container: Container, subject: Subject) -> dict[str, tuple[str, str]]:
    database = subject.project.database
    described = str(subject.described())
    if not container.main:
        # Another command of the image may need less; what migrates needs the database.
        before = [command for command in program.image.before if ends_with(container, command)]
        if before and database and database.env in program.image.env:
            return {database.env: (described, "what runs before the program needs the database")}
        return {}
    read = program.code.read
    needed = {
        name: (str(found.place), "the code reads it")
        if (found := read(name))
        else (described, "the program is described as needing it")
        for name, value in program.image.env.items()
        if not all(r.startswith("standins.") for r in REFERENCE.findall(value) or [""])
    }
    if not container.body.get("command"):
        needed |= {
            read.name: (str(read.place), "the code does not start without it")
            for read in program.code.reads
            if read.required and program.code.read(read.name) == read
        }
    return {n: why for n, why in needed.items() if not _RUNTIME.fullmatch(n)}


def ends_with(container: Container, command: list[str]) -> bool:
    """Say whether the container's command or arguments end with these words."""
    words = container.words
    return bool(command) and words[-len(command) :] == command


def _known(name: str, program: Program, container: Container) -> bool:
    if program.code.read(name) or _RUNTIME.fullmatch(name):
        return True
    if any(re.search(rf"\b{re.escape(name)}\b", word) for word in container.words):
        return True
    wanted = program.packages
    return any(
        pattern.fullmatch(name) and any(word in package for package in wanted)
        for word, pattern in _LIBRARIES.items()
    )


def _similar(name: str, program: Program) -> str:
    return _close(name, {read.name for read in program.code.reads})


def _close(name: str, names: set[str]) -> str:
    close = difflib.get_close_matches(name, sorted(names), n=1, cutoff=0.7)
    return f"; there is {close[0]}" if close else ""
