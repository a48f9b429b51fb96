"""Dockerfiles that build, and build something made for production (FR-001, FR-010)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from harness.contract.code import sounds_secret
from harness.contract.finding import Notes
from harness.contract.program import Program
from harness.contract.secrets import credential
from harness.contract.stage import Stage, assignments
from harness.contract.stage import stages as all_stages
from harness.contract.subject import Subject

_TOOLS = re.compile(
    r"\b(build-essential|gcc|g\+\+|make|git|python3?-dev|libpq-dev|cmake|curl|wget|vim)\b"
)
_BUILDS = re.compile(
    r"\b(npm|pnpm|yarn) (ci|install|run build|build)\b|\bnext build\b|\bpip3? install\b"
    r"|\buv (pip|sync|build)\b|\bpoetry install\b|\b(go|cargo) build\b"
)
_NAMED_USERS = {"nobody": 65534, "node": 1000, "www-data": 33, "nginx": 101, "postgres": 999}


def _each(subject: Subject, notes: Notes) -> Iterator[tuple[Program, Stage]]:
    for program in subject.programs.values():
        if program.stage is not None:
            notes.saw(program.docker_place().file)
            yield program, program.stage


def stages(subject: Subject, notes: Notes) -> None:
    """What builds the program stays out of what runs it."""
    for program, stage in _each(subject, notes):
        assert program.dockerfile is not None
        if len(program.dockerfile.stages) < 2:
            notes.found(
                program.docker_place(stage.line),
                needed=f"a Dockerfile of {program.name} with a stage that builds and one that runs",
                seen="there is one stage only, so that what builds the program is in the image",
                fix="build in a first stage, and COPY --from it what runs",
            )
        building = next((o for o in stage.inherited if _BUILDS.search(o.rest)), None)
        if building is not None:
            notes.found(
                program.docker_place(stage.line),
                needed=f"a last stage of {program.name} without what built it",
                seen=f"it begins with the stage that builds, as in line {building.line}",
                fix="begin it with the base image, and COPY --from the stage that builds",
            )
        for one in stage.instructions:
            if one.word == "RUN" and re.search(r"\b(apt-get|apt|apk)\b", one.rest):
                tools = sorted({match[0] for match in _TOOLS.finditer(one.rest)})
                if tools and not re.search(r"apt-get (purge|remove)|apk del", one.rest):
                    notes.found(
                        program.docker_place(one.line),
                        needed=f"no tools for building in the image {program.name}",
                        seen=f"its last stage installs {', '.join(tools)}",
                        fix="install them in the stage that builds",
                    )


def user(subject: Subject, notes: Notes) -> None:
    """The last stage ends as a user that is not root."""
    for program, stage in _each(subject, notes):
        name = (stage.user.arguments or [""])[0].partition(":")[0] if stage.user else ""
        if name in ("", "root", "0"):
            notes.found(
                program.docker_place(stage.user.line if stage.user else stage.line),
                needed=f"the image {program.name} to run as a user that is not root",
                seen=f"its last USER is {name}" if name else "its last stage has no USER",
                fix="end the last stage with USER and a number other than 0",
            )
            continue
        number = int(name) if name.isdecimal() else _number(stage, name)
        for rendering in subject.renderings[:1]:
            for container in subject.containers(rendering):
                wanted = container.security("runAsUser")
                if container.image != program.name or not container.main or wanted == number:
                    continue
                seen = f"its USER is {name}, and the chart runs it as {wanted}"
                if wanted is None and not name.isdecimal():
                    seen = f"its USER is {name}, a name, of which Kubernetes cannot tell that"
                elif wanted is None:
                    continue
                notes.found(
                    program.docker_place(stage.user.line if stage.user else stage.line),
                    needed=f"the image {program.name} to run as one user, known by its number",
                    seen=seen + (" it is not root" if wanted is None else ""),
                    fix="write the same number as USER and as runAsUser",
                )


def _number(stage: Stage, name: str) -> int | None:
    """Return the number of a user that the Dockerfile makes, or that images mostly have."""
    for one in stage.instructions:
        if one.word == "RUN" and re.search(
            rf"\b(useradd|adduser)\b[^&;]*\b{re.escape(name)}\b", one.rest
        ):
            made = re.search(r"(?:--uid|-u)[ =](\d+)", one.rest)
            return int(made[1]) if made else None
    return _NAMED_USERS.get(name)


def bases(subject: Subject, notes: Notes) -> None:
    """Every base image names a version."""
    for program in subject.programs.values():
        if program.dockerfile is None:
            continue
        for name, stage in all_stages(program.dockerfile, program.image.build_args).items():
            notes.saw(f"{name} of {program.name}: {stage.base}")
            _, _, tag = stage.base.rpartition("/")[2].partition(":")
            if stage.base != "scratch" and "@" not in stage.base and tag in ("", "latest"):
                notes.found(
                    program.docker_place(_from(program, stage)),
                    needed=f"a base of {program.name} that names a version",
                    seen=f"`{stage.base}` is another image every few weeks",
                    fix="write the version, such as python:3.12-slim",
                )
        given = program.image.bases
        names = {name for name, _, _ in program.dockerfile.stages}
        for _, base, line in program.dockerfile.stages:
            if given and "$" not in base and base.lower() not in names and base != "scratch":
                notes.found(
                    program.docker_place(line),
                    needed=f"the bases of {program.name} as they are given, by {', '.join(given)}",
                    seen=f"`FROM {base}` is fixed, so that another base cannot stand in for it",
                    fix=f"write FROM ${{{next(iter(given))}}}",
                )


def _from(program: Program, stage: Stage) -> int:
    """Return the line of the ARG that names a base, or of the FROM."""
    assert program.dockerfile is not None
    for one in program.dockerfile.instructions:
        if one.word == "ARG" and one.line < stage.line and one.rest.endswith(f"={stage.base}"):
            return one.line
    return stage.line


def secrets(subject: Subject, notes: Notes) -> None:
    """No ARG or ENV holds a secret: both stay in the image's history."""
    for program in subject.programs.values():
        if program.dockerfile is None:
            continue
        notes.saw(program.docker_place().file)
        for one in program.dockerfile.instructions:
            if one.word not in ("ARG", "ENV"):
                continue
            for name, value in assignments(one):
                held = bool(value) and not value.startswith("$")
                url = re.search(r"://[^\s:/@]*:[^\s/@]+@", value)
                secret = sounds_secret(name) or name in _described(subject)
                if url or (secret and (held or one.word == "ARG" or value)):
                    notes.found(
                        program.docker_place(one.line),
                        needed=f"no secret in the image {program.name}",
                        seen=f"{one.word} {name} stays in its history",
                        fix="give it at run time, or in the build by RUN --mount=type=secret",
                    )
    for program in subject.programs.values():
        for name, value in program.image.build_args.items():
            if sounds_secret(name) and credential(value):
                notes.found(
                    subject.described(),
                    needed=f"no secret in the build arguments of {program.name}",
                    seen=f"{name} stays in the image's history",
                    fix="give it at run time",
                )


def _described(subject: Subject) -> set[str]:
    """Return the names of the variables that hold a secret, as the description says."""
    project = subject.project
    found = {secret.env for secret in project.secrets.values()}
    found |= {standin.unless for standin in project.standins.values()}
    return found | ({project.database.env} if project.database else set())


def port(subject: Subject, notes: Notes) -> None:
    """The port of the image is the one that the project describes."""
    for program, stage in _each(subject, notes):
        wanted = program.image.port
        if stage.ports and wanted not in stage.ports:
            notes.found(
                program.docker_place(next(iter(stage.ports.values()))),
                needed=f"the image {program.name} to offer the port {wanted}, as described",
                seen=f"it exposes {', '.join(map(str, stage.ports))}",
                fix="correct EXPOSE, or the port in the description",
            )
        told = stage.env.get("PORT", "")
        if told.isdecimal() and int(told) != wanted:
            notes.found(
                program.docker_place(stage.env_lines["PORT"]),
                needed=f"the image {program.name} to listen on the port {wanted}, as described",
                seen=f"it sets PORT to {told}",
                fix="correct PORT, or the port in the description",
            )
