"""Defects of Dockerfiles and of what they copy."""

from __future__ import annotations

import json
import re

from mutants.seeding.piece import Piece
from mutants.seeding.seed import CannotApplyError, Catalogue
from mutants.seeding.shape import Role
from mutants.seeding.text import whole

CATALOGUE = Catalogue()
seed = CATALOGUE.seed

_COPY = r"^COPY (?!--)(\S+) (\S+)$"
_USER = r"^USER .*$"
_COMMAND = r"^(CMD|ENTRYPOINT) (\[.*\])$"
_LAST_FROM = r"(?s)^FROM (\S+)((?!.*^FROM ).*)"


def _copied_folder(piece: Piece, role: Role) -> str:
    """Return a folder of the context that a Dockerfile copies."""
    context = piece.root / role.image.context
    for source, _ in re.findall(_COPY, "\n".join(piece.dockerfile(role).lines), re.MULTILINE):
        if (context / source).is_dir():
            return str(source)
    raise CannotApplyError(f"the Dockerfile of {role.name} copies no folder by itself")


def _copies_nothing(piece: Piece, role: Role) -> None:
    folder = _copied_folder(piece, role)
    piece.dockerfile(role).sub(rf"^COPY {re.escape(folder)} ", "COPY of-yesterday ")


def _of_node(piece: Piece) -> Role:
    for role in piece.shape.roles.values():
        if re.search(r"\bnpm ci\b", "\n".join(piece.dockerfile(role).lines)):
            return role
    raise CannotApplyError("no image is built with `npm ci`")


def _built(what: str) -> str:
    return rf"packages of \S+ as a lock file names them{what}"


@seed(
    "images-copy-missing-folder", "dockerfile copies", "what image <inner> copies", "not exist in"
)
def _(piece: Piece) -> None:
    _copies_nothing(piece, piece.inner)


@seed(
    "images-copy-missing-scripts", "dockerfile copies", "what image <front> copies", "not exist in"
)
def _(piece: Piece) -> None:
    piece.two()
    _copies_nothing(piece, piece.front)


@seed("images-sources-ignored", "dockerfile copies", "what image <inner> copies", "keeps it out of")
def _(piece: Piece) -> None:
    folder = _copied_folder(piece, piece.inner)
    ignore = whole(piece.root / piece.inner.image.context / ".dockerignore")
    try:
        ignore.sub(rf"^!{re.escape(folder)}\n", "")
    except CannotApplyError:
        ignore.sub(r"\Z", f"\n{folder}\n")


@seed(
    "images-no-lock-file-copied", "dockerfile dependencies", _built(""), "no package-lock.json is"
)
def _(piece: Piece) -> None:
    piece.dockerfile(_of_node(piece)).sub(r"^(COPY package\.json) package-lock\.json", r"\1")


@seed(
    "images-lock-file-gone",
    "dockerfile copies",
    r"what image \S+ copies",
    "`package-lock.json` does",
)
def _(piece: Piece) -> None:
    (piece.root / _of_node(piece).image.context / "package-lock.json").unlink()


@seed(
    "images-npm-install", "dockerfile dependencies", _built(""), "`npm install` takes what is new"
)
def _(piece: Piece) -> None:
    piece.dockerfile(_of_node(piece)).sub(r"\bnpm ci\b", "npm install")


@seed(
    "images-unpinned-packages", "dockerfile dependencies", _built(""), "installed without a version"
)
def _(piece: Piece) -> None:
    for role in piece.shape.roles.values():
        text = "\n".join(piece.dockerfile(role).lines)
        if re.search(r"pip install .*--require-hashes", text):
            wanted = piece.root / role.image.context / "requirements.in"
            names = re.findall(r"^[\w-]+", wanted.read_text(), re.MULTILINE)
            piece.dockerfile(role).sub(r"--require-hashes .*", " ".join(names))
            return
    raise CannotApplyError("no image is built with pip and a lock file")


@seed(
    "images-development-packages",
    "dockerfile dependencies",
    _built(""),
    "development packages that",
)
def _(piece: Piece) -> None:
    role = _of_node(piece)
    file = piece.root / role.image.context / "package.json"
    package = json.loads(file.read_text())
    if "build" in package.get("scripts", {}):
        raise CannotApplyError(f"the build of {role.name} needs them")
    package.setdefault("devDependencies", {"vitest": "4.1.12"})
    file.write_text(json.dumps(package, indent=2))
    piece.dockerfile(role).sub(r" --omit=dev", "")


@seed("images-backend-root", "dockerfile user", "the image <inner> to run as", "has no USER")
def _(piece: Piece) -> None:
    piece.dockerfile(piece.inner).sub(_USER + r"\n", "")


@seed("images-frontend-root", "dockerfile user", "the image <front> to run as", "USER is root")
def _(piece: Piece) -> None:
    piece.dockerfile(piece.front).sub(_USER, "USER root")


@seed(
    "images-named-user", "dockerfile user", "the image <inner> to run as one", "its USER is nobody"
)
def _(piece: Piece) -> None:
    piece.dockerfile(piece.inner).sub(_USER, "USER nobody")


@seed("images-shell-form", "dockerfile command", "the image <inner> to start", "runs in a shell")
def _(piece: Piece) -> None:
    part = piece.dockerfile(piece.inner)
    found = re.search(_COMMAND, "\n".join(part.lines), re.MULTILINE)
    if found is None:
        raise CannotApplyError(f"{piece.inner.name} is started by its base image")
    part.sub(_COMMAND, f"{found[1]} {' '.join(json.loads(found[2]))}")


@seed(
    "images-one-stage",
    "dockerfile stages",
    "a last stage of <inner> without",
    "the stage that builds",
)
def _(piece: Piece) -> None:
    part = piece.dockerfile(piece.inner)
    stages = re.findall(r"^FROM \S+ AS (\w+)$", "\n".join(part.lines), re.MULTILINE)
    if not stages:
        raise CannotApplyError(f"{piece.inner.name} is built in one stage")
    part.sub(_LAST_FROM, rf"FROM {stages[-1]}\2")


@seed(
    "images-base-latest",
    "dockerfile bases",
    "a base of <front> that names",
    "is another image every",
)
def _(piece: Piece) -> None:
    piece.dockerfile(piece.front).sub(r"^(FROM|ARG \w+=)( ?)([a-z/]+):[\w.-]+", r"\1\2\3:latest")


@seed(
    "images-secret-in-env", "dockerfile secrets", "no secret in the image <inner>", r"ENV \w+ stays"
)
def _(piece: Piece) -> None:
    variable, _value = piece.secret(piece.inner)
    line = rf"FROM \1\nENV {variable}=kept-in-every-layer-for-all-to-read\2"
    piece.dockerfile(piece.inner).sub(_LAST_FROM, line)


@seed(
    "images-secret-as-argument",
    "dockerfile secrets",
    "no secret in the image <front>",
    "ARG .* stays",
)
def _(piece: Piece) -> None:
    variable, _value = piece.database()
    piece.dockerfile(piece.front).sub(r"\A(FROM .*)$", rf"\1\nARG {variable}")


@seed(
    "images-env-file-let-in", "build context", "nothing private in .* of <inner>", r"`\.env` is in"
)
def _(piece: Piece) -> None:
    context = piece.root / piece.inner.image.context
    ignore = context / ".dockerignore"
    lines = [line for line in ignore.read_text().splitlines() if ".env" not in line]
    ignore.write_text("\n".join([*lines, "!.env", ""]))
    (context / ".env").write_text("SIGNING_KEY=of-a-developer\n")
    piece.dockerfile(piece.inner).sub(_USER, r"COPY .env ./\n\g<0>")


@seed(
    "images-no-ignore-file",
    "build context",
    "a .dockerignore for the image <front>",
    "there is none",
)
def _(piece: Piece) -> None:
    (piece.root / piece.front.image.context / ".dockerignore").unlink()


@seed(
    "images-wrong-port", "dockerfile port", r"the image <inner> to offer the port \d+", "it exposes"
)
def _(piece: Piece) -> None:
    piece.dockerfile(piece.inner).sub(r"^EXPOSE \d+", "EXPOSE 8765")


@seed(
    "images-frontend-on-localhost",
    "listening",
    "answers on the address of its pod",
    r"127\.0\.0\.1",
)
def _(piece: Piece) -> None:
    piece.two()
    try:
        piece.dockerfile(piece.front).sub(r"0\.0\.0\.0", "127.0.0.1")
    except CannotApplyError:
        piece.in_sources(piece.front, r"^( *listen )(\d+;)", r"\g<1>127.0.0.1:\2")


@seed(
    "images-development-server",
    "dockerfile command",
    "<front> to start its program as",
    "development",
)
def _(piece: Piece) -> None:
    text = "\n".join(piece.dockerfile(piece.front).lines)
    servers = {
        "npm run build": '["node_modules/.bin/next", "dev"]',
        "manage.py": '["python", "manage.py", "runserver", "0.0.0.0:8000"]',
        "gunicorn": '["flask", "run", "--debug", "--host", "0.0.0.0"]',
        "node": '["node", "--watch", "src/server.js"]',
    }
    command = next((words for word, words in servers.items() if word in text), None)
    if command is None:
        raise CannotApplyError(f"nobody develops {piece.front.name} with a server of its own")
    piece.dockerfile(piece.front).sub(_COMMAND, f"CMD {command}")


CATALOGUE.never(
    "its Dockerfiles name their bases, and take none as an argument", "images-base-fixed"
)
