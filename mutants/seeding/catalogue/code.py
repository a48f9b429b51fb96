"""Defects of the sources: settings, addresses, routes."""

from __future__ import annotations

import re

from harness.contract.code import sounds_secret
from mutants.seeding.piece import Piece
from mutants.seeding.seed import CannotApplyError, Catalogue
from mutants.seeding.shape import Role
from mutants.seeding.text import Document, whole

CATALOGUE = Catalogue()
seed = CATALOGUE.seed

_READS = "the program {} to read \\w+, which the chart sets"
_FETCH = r"fetch\(([`\"'])(/)"


def _defaulted(piece: Piece, role: Role) -> None:
    """Have the code fall back to a text of its own."""
    variable, _value = piece.secret(role)
    default = '"a-default-that-everybody-can-read-in-git"'
    try:
        new = rf'os.environ.get("{variable}", {default})'
        piece.in_sources(role, rf'os\.environ\["{variable}"\]', new)
    except CannotApplyError:
        piece.in_sources(role, rf"(process\.env\.{variable})\b(?! \?\?)", rf"\1 ?? {default}")


def _settings(piece: Piece) -> list[str]:
    """Return the settings of the inner role that are no secrets and that its code reads."""
    code = piece.shape.subject.programs[piece.inner.name].code
    secret = {s.env for s in piece.shape.project.secrets.values()}
    secret |= {piece.shape.project.database.env} if piece.shape.project.database else set()
    names = [s.name for s in piece.inner.container.settings if s.name not in secret]
    return [n for n in names if code.read(n) is not None and not sounds_secret(n)]


def _renamed(piece: Piece, role: Role, variable: str, new: str) -> None:
    piece.in_sources(role, rf"\b{variable}\b", new, every=True)


def _next(piece: Piece) -> Document:
    """Return the configuration of a frontend on Next.js."""
    for file in sorted((piece.root / piece.front.image.context).glob("next.config.*")):
        return whole(file)
    raise CannotApplyError(f"{piece.front.name} is not made with Next.js")


def _called(piece: Piece, base: str) -> None:
    piece.in_sources(piece.front, _FETCH, rf"fetch(\1{base}\2")


@seed(
    "backend-on-localhost",
    "listening",
    "answers on the address of its pod",
    r"127\.0\.0\.1.*nobody",
)
def _(piece: Piece) -> None:
    try:
        piece.dockerfile(piece.inner).sub(r"0\.0\.0\.0", "127.0.0.1")
    except CannotApplyError:
        piece.in_sources(piece.inner, r"0\.0\.0\.0", "127.0.0.1")


@seed(
    "backend-default-secret",
    "secrets honoured",
    "from the Secret, and nothing else",
    "stands in for",
)
def _(piece: Piece) -> None:
    _defaulted(piece, piece.inner)


@seed("backend-other-variable", "settings read", _READS.format("<inner>"), "nothing in .* reads it")
def _(piece: Piece) -> None:
    names = _settings(piece)
    if not names:
        raise CannotApplyError(f"{piece.inner.name} has no setting but secrets")
    _renamed(piece, piece.inner, names[0], f"{names[0]}_NAME")


@seed(
    "backend-other-log-variable",
    "settings read",
    _READS.format("<inner>"),
    "nothing in .* reads it",
)
def _(piece: Piece) -> None:
    names = _settings(piece)
    if len(names) < 2:
        raise CannotApplyError(f"{piece.inner.name} has no second setting")
    _renamed(piece, piece.inner, names[1], "VERBOSITY")


@seed(
    "backend-no-ready-path",
    "probe paths",
    r"readinessProbe of .*\(<inner>\) to be a route",
    "answers",
)
def _(piece: Piece) -> None:
    path = piece.inner.container.body["readinessProbe"]["httpGet"]["path"].strip("/")
    piece.in_sources(piece.inner, rf"([\"']/?){re.escape(path)}([\"'])", r"\1readiness\2")


@seed(
    "frontend-not-standalone", "standalone", "in the configuration of <front>", "it is not set, but"
)
def _(piece: Piece) -> None:
    _next(piece).sub(r"output: [\"']standalone[\"'],\s*", "")


@seed(
    "frontend-rewrite-at-build",
    ("fixed routes", "baked settings"),
    "(routes|settings) of <front> that",
    "take a variable of the build|is fixed by the build",
)
def _(piece: Piece) -> None:
    variable = piece.address()
    route = f"{{ source: '/v1/:path*', destination: `${{process.env.{variable}}}/:path*` }}"
    new = rf"\1 rewrites: async () => [{route}],"
    _next(piece).sub(r"(output: [\"']standalone[\"'],)", new)


@seed(
    "frontend-baked-address",
    "baked settings",
    "settings of <front> that take",
    "fixed by the build",
)
def _(piece: Piece) -> None:
    _next(piece)
    variable = piece.address()
    _renamed(piece, piece.front, variable, f"NEXT_PUBLIC_{variable}")
    piece.workload(piece.front).sub(rf"name: {variable}$", f"name: NEXT_PUBLIC_{variable}")


@seed(
    "frontend-calls-localhost", "fixed addresses", "<front> to call what", "http://localhost:8000"
)
def _(piece: Piece) -> None:
    _called(piece, "http://localhost:8000")


@seed(
    "frontend-calls-production",
    "fixed addresses",
    "<front> to call what",
    "-production.com.* is written",
)
def _(piece: Piece) -> None:
    _called(piece, "https://api.shop-production.com")


@seed(
    "frontend-undefined-address",
    "baked settings",
    "settings of <front> that take",
    "holds `undefined`",
)
def _(piece: Piece) -> None:
    _next(piece)
    piece.in_sources(piece.front, r"fetch\(`/", "fetch(`${process.env.NEXT_PUBLIC_BASE_URL}/")


@seed(
    "frontend-default-secret",
    "secrets honoured",
    "from the Secret, and nothing else",
    "stands in for",
)
def _(piece: Piece) -> None:
    piece.two()
    _defaulted(piece, piece.front)


@seed(
    "frontend-other-variable", "settings read", _READS.format("<front>"), "nothing in .* reads it"
)
def _(piece: Piece) -> None:
    _renamed(piece, piece.front, piece.address(), "UPSTREAM")


@seed(
    "frontend-no-ready-path",
    "probe paths",
    r"readinessProbe of .*\(<front>\) to be a route",
    "answers",
)
def _(piece: Piece) -> None:
    piece.two()
    piece.workload(piece.front).sub(r"(path: [\w/]+)", r"\1z", "containers", "readinessProbe")
