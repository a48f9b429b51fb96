"""Dockerfiles that build, and build something made for production (FR-001, FR-010)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, cast

from docker.utils.build import PatternMatcher

from harness.contract.code import sounds_secret
from harness.contract.finding import Notes
from harness.contract.program import Program
from harness.contract.secrets import credential
from harness.contract.stage import Stage, assignments
from harness.contract.stage import stages as all_stages
from harness.contract.subject import Subject
from harness.errors import DeployError
from harness.images.context import Context, ignore_file
from harness.images.dockerfile import Copy, Instruction
from harness.images.precheck import CopySourceMissingError, check

_LOCKS = {
    "npm": ("package-lock.json", "npm-shrinkwrap.json"),
    "pnpm": ("pnpm-lock.yaml",),
    "yarn": ("yarn.lock",),
}
_DEV_FILE = re.compile(r"requirements[-_.]?(dev|test)\S*|dev[-_]requirements\S*", re.IGNORECASE)
_TOOLS = re.compile(
    r"\b(build-essential|gcc|g\+\+|make|git|python3?-dev|libpq-dev|cmake|curl|wget|vim)\b"
)
_BUILDS = re.compile(
    r"\b(npm|pnpm|yarn) (ci|install|run build|build)\b|\bnext build\b|\bpip3? install\b"
    r"|\buv (pip|sync|build)\b|\bpoetry install\b|\b(go|cargo) build\b"
)
#: Packages that no build needs, only whoever tests or reads the code.
_FOR_TESTS = re.compile(
    r"(vitest|jest|mocha|chai|cypress|playwright|oxlint|eslint|prettier|husky|lint-staged|nyc|msw)\b"
    r"|@(testing-library|playwright|vitest|storybook|eslint)/|(eslint|prettier)-|jsdom|happy-dom"
)
_PRIVATE = re.compile(
    r"(^|/)(\.env(\.(?!example$|sample$|template$|dist$)[^/]+)?|id_(rsa|ecdsa|ed25519)|\.npmrc|\.netrc"
    r"|\.pypirc|[^/]+\.(pem|key|p12|pfx)|\.git-credentials|kubeconfig|secrets?\.(ya?ml|json))$"
)
_PROBES = (".env", ".env.local", ".git/config", "node_modules/x/index.js")
_NAMED_USERS = {"nobody": 65534, "node": 1000, "www-data": 33, "nginx": 101, "postgres": 999}


def _each(subject: Subject, notes: Notes) -> Iterator[tuple[Program, Stage]]:
    for program in subject.programs.values():
        if program.stage is not None:
            notes.saw(program.docker_place().file)
            yield program, program.stage


def copies(subject: Subject, notes: Notes) -> None:
    """Everything that a COPY takes is in the build context (EC-1)."""
    for program in subject.programs.values():
        notes.saw(program.docker_place().file)
        try:
            check(program.spec)
        except DeployError as error:
            line = None
            if isinstance(error, CopySourceMissingError):
                found = re.search(r"line (\d+)", error.looked)
                line = int(found[1]) if found else None
            notes.found(
                program.docker_place(line), needed=error.needed, seen=error.seen, fix=error.fix
            )
        stages = program.dockerfile.stages if program.dockerfile else []
        names = {name for name, _, _ in stages} | {str(n) for n in range(len(stages))}
        for one in program.dockerfile.instructions if program.dockerfile else ():
            source = one.flags.get("from", "")
            if (
                one.word == "COPY"
                and re.fullmatch(r"[a-z][\w-]*|\d+", source)
                and source not in names
            ):
                notes.found(
                    program.docker_place(one.line),
                    needed=f"the stage `{source}` that a COPY takes from",
                    seen=f"stages: {', '.join(sorted(names))}",
                    fix="correct the name of the stage",
                )


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


def dependencies(subject: Subject, notes: Notes) -> None:
    """Packages are installed as their lock says, without those of development."""
    for program in subject.programs.values():
        if program.dockerfile is None:
            continue
        notes.saw(program.docker_place().file)
        copied: list[str] = []
        for one in program.dockerfile.instructions:
            if one.word == "FROM":
                copied = []
            elif one.word in ("COPY", "ADD"):
                copied += one.arguments[:-1]
            elif one.word == "RUN":
                for seen, fix in _installs(program, one, copied):
                    notes.found(
                        program.docker_place(one.line),
                        needed=f"packages of {program.name} as a lock file names them",
                        seen=seen,
                        fix=fix,
                    )


def _installs(program: Program, one: Instruction, copied: list[str]) -> Iterator[tuple[str, str]]:
    text = re.sub(r"\s+", " ", one.rest)
    if re.search(r"\bnpm (ci|clean-install)\b", text) and not _brings(
        program, copied, _LOCKS["npm"]
    ):
        yield (
            "`npm ci` fails: no package-lock.json is copied before it",
            "COPY package.json package-lock.json ./ before it",
        )
    elif re.search(r"\bnpm (install|i)\b(?! -g| --global)", text):
        yield "`npm install` takes what is newest, whatever the lock says", "use `npm ci`"
    needless = program.package.get("devDependencies")
    if (
        re.search(r"\bnpm (ci|clean-install)\b(?![^&;]*(--omit[= ]dev|--production|--only))", text)
        and isinstance(needless, dict)
        and needless
        and all(_FOR_TESTS.match(name) for name in needless)
    ):
        yield "development packages that no build needs are installed", "add --omit=dev"
    for tool in ("pnpm", "yarn"):
        if re.search(
            rf"\b{tool}( install| i)?\b.*--(frozen-lockfile|immutable)", text
        ) and not _brings(program, copied, _LOCKS[tool]):
            yield f"no {_LOCKS[tool][0]} is copied before it", f"COPY {_LOCKS[tool][0]} before it"
    if _DEV_FILE.search(text) or re.search(r"pip install[^&;]*\[[^\]]*\b(dev|test)\b", text):
        yield "dependencies of development are installed", "install those of production only"
    if re.search(r"\buv sync\b(?!.*--no-dev)(?!.*--only-group)", text):
        yield "`uv sync` installs dependencies of development too", "add --no-dev"
    if re.search(r"\bnpm (ci|install)\b[^&;]*--include=dev", text):
        yield "dependencies of development are installed", "leave --include=dev out"
    if match := re.search(r"\bpip3? install\b([^&;]*)", text):
        words = [w for w in match[1].split() if not w.startswith(("-", "."))]
        loose = [w for w in words if re.fullmatch(r"[A-Za-z][\w.-]*(\[[\w,]*\])?", w)]
        loose = [w for w in loose if w not in ("pip", "uv", "setuptools", "wheel", "poetry")]
        if loose and not re.search(r"(-r|--requirement|-c|--constraint|--target|-t)\b", match[1]):
            yield f"`{loose[0]}` is installed without a version", "install from a lock file"


def _brings(program: Program, copied: list[str], names: tuple[str, ...]) -> bool:
    for name in names:
        if not (program.folder / name).is_file():
            continue
        for word in copied:
            pattern = re.escape(word.removeprefix("./")).replace(r"\*", ".*")
            if word in (".", "./") or re.fullmatch(pattern, name):
                return True
    return False


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


def context(subject: Subject, notes: Notes) -> None:
    """Nothing private, and nothing that a machine made, reaches the build."""
    for program in subject.programs.values():
        if program.dockerfile is None or not program.folder.is_dir():
            continue
        notes.saw(program.image.context)
        file = ignore_file(program.folder, program.image.dockerfile)
        whole = [c for c in program.dockerfile.copies() if _everything(c)]
        if file is None:
            notes.found(
                program.place(program.folder),
                needed=f"a .dockerignore for the image {program.name}",
                seen="there is none: .env, .git and node_modules of whoever builds get in",
                fix="write one that leaves out everything but what the Dockerfile copies",
            )
            continue
        reached = Context(program.folder, program.image.dockerfile)
        for name in sorted(reached.names()):
            if (
                _PRIVATE.search(name)
                and (program.folder / name).is_file()
                and _taken(program, name)
            ):
                notes.found(
                    program.place(program.folder / name),
                    needed=f"nothing private in the build of {program.name}",
                    seen=f"`{name}` is in the build context, and a COPY takes it along",
                    fix=f"add it to {program.place(file)}",
                )
        folders = [s.strip("/") for c in program.dockerfile.copies() for s in c.sources]
        inner = [f for f in folders if f not in (".", "") and (program.folder / f).is_dir()]
        for folder in inner:
            if _lets(reached, f"{folder}/.env"):
                notes.found(
                    program.place(file),
                    needed=f"the build of {program.name} to leave every .env out",
                    seen=f"`{folder}/.env` would be taken along",
                    fix="add **/.env* as its last line",
                )
        if whole:
            for name in filter(lambda probe: _lets(reached, probe), _PROBES):
                notes.found(
                    program.place(file),
                    needed=f"the build of {program.name} to leave {name} out",
                    seen=f"the COPY of line {whole[0].instruction.line} takes everything",
                    fix=f"add {name} to it",
                )


def _everything(copy: Copy) -> bool:
    return any(source.strip("/") in (".", "", "./") for source in copy.sources)


def _taken(program: Program, name: str) -> bool:
    assert program.dockerfile is not None
    for copy in program.dockerfile.copies():
        for source in copy.sources:
            base = source.strip("/").removeprefix("./")
            if base in (".", "") or name == base or name.startswith(f"{base}/"):
                return True
    return False


def _lets(reached: Context, path: str) -> bool:
    """Say whether the ignore file would let a file through if it were there."""
    return not cast("Any", PatternMatcher)(list(reached.patterns)).matches(path)
