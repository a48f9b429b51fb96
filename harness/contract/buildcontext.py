"""Build contexts: what a Dockerfile copies is there, what is private stays out."""

from __future__ import annotations

import re
from typing import Any, cast

from harness.contract.finding import Notes
from harness.contract.program import Program
from harness.contract.subject import Subject
from harness.errors import DeployError
from harness.images.context import Context, ignore_file
from harness.images.dockerfile import Copy
from harness.images.precheck import CopySourceMissingError, check

_PRIVATE = re.compile(
    r"(^|/)(\.env(\.(?!example$|sample$|template$|dist$)[^/]+)?|id_(rsa|ecdsa|ed25519)|\.npmrc|\.netrc"
    r"|\.pypirc|[^/]+\.(pem|key|p12|pfx)|\.git-credentials|kubeconfig|secrets?\.(ya?ml|json))$"
)
_PROBES = (".env", ".env.local", ".git/config", "node_modules/x/index.js")


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
    from docker.utils.build import PatternMatcher  # imports all of Docker's SDK

    return not cast("Any", PatternMatcher)(list(reached.patterns)).matches(path)
