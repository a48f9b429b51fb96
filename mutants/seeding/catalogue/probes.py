"""Defects of the probes."""

from __future__ import annotations

from mutants.seeding.piece import Piece
from mutants.seeding.seed import CannotApplyError, Catalogue
from mutants.seeding.shape import Role

CATALOGUE = Catalogue()
seed = CATALOGUE.seed

_OF = r"of \w+ \S+ \({}\)"
_RISK = "without a database the pod would restart|depends on one"
_PATH = r"(path: )[^\s,}]+"


def _path(role: Role, kind: str) -> str:
    asked = (role.container.body.get(kind) or {}).get("httpGet") or {}
    if not asked:
        raise CannotApplyError(f"the {kind} of {role.name} asks no path")
    return str(asked["path"])


def _asks(piece: Piece, role: Role, kind: str, path: str) -> None:
    if _path(role, kind) == path:
        raise CannotApplyError(f"{role.name} is asked at one path only")
    piece.workload(role).sub(_PATH, rf"\g<1>{path}", "containers", kind)


def _database(piece: Piece, role: Role) -> None:
    database = piece.shape.project.database
    if database is None or database.env not in {s.name for s in role.container.settings}:
        raise CannotApplyError(f"{role.name} has no database")


@seed(
    "probes-path-not-there", "probe paths", rf"Probe {_OF.format('<inner>')} to be a", "nothing in"
)
def _(piece: Piece) -> None:
    path = _path(piece.inner, "readinessProbe")
    _asks(piece, piece.inner, "readinessProbe", f"{path}-of-yesterday")


@seed(
    "probes-liveness-on-database", "liveness", rf"livenessProbe {_OF.format('<inner>')} not", _RISK
)
def _(piece: Piece) -> None:
    _database(piece, piece.inner)
    _asks(piece, piece.inner, "livenessProbe", _path(piece.inner, "readinessProbe"))


@seed(
    "probes-frontend-liveness-on-database",
    "liveness",
    rf"livenessProbe {_OF.format('<front>')} not",
    _RISK,
)
def _(piece: Piece) -> None:
    piece.two()
    _database(piece, piece.front)
    _asks(piece, piece.front, "livenessProbe", _path(piece.front, "readinessProbe"))


@seed(
    "probes-readiness-blind",
    "liveness",
    rf"readinessProbe {_OF.format('<inner>')} to depend on the database",
    "without the database|whatever the database does",
)
def _(piece: Piece) -> None:
    _database(piece, piece.inner)
    _asks(piece, piece.inner, "readinessProbe", _path(piece.inner, "livenessProbe"))


@seed(
    "probes-no-readiness", "probes", rf"a readinessProbe {_OF.format('<inner>')}", "there is none"
)
def _(piece: Piece) -> None:
    piece.workload(piece.inner).remove("containers", "readinessProbe")


@seed(
    "probes-no-startup",
    "probe times",
    rf"livenessProbe {_OF.format('<inner>')}",
    "no startup probe",
)
def _(piece: Piece) -> None:
    part = piece.workload(piece.inner)
    part.remove("containers", "startupProbe")
    part.below(["containers", "livenessProbe"], "periodSeconds: 5")


@seed("probes-other-port", "probes", rf"Probe {_OF.format('<inner>')} to ask one of", "it asks web")
def _(piece: Piece) -> None:
    piece.workload(piece.inner).sub(r"(port: )http", r"\1web", "containers", "readinessProbe")


CATALOGUE.never("the paths of its probes are no values", "probes-path-dead")
