"""Defects in how secrets and configuration reach the programs."""

from __future__ import annotations

import re

from mutants.seeding.piece import Piece
from mutants.seeding.seed import CannotApplyError, Catalogue
from mutants.seeding.text import whole

CATALOGUE = Catalogue()
seed = CATALOGUE.seed

_READS = r"the program {} to read \w+, which the chart sets"
_CONFIG = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name | trunc 50 }}-in-the-open
  labels: {app.kubernetes.io/instance: {{ .Release.Name }}}
data:
"""


def _value(piece: Piece) -> str:
    """Return the value of a secret, rather than that of the database's address."""
    try:
        return piece.secret(piece.inner)[1]
    except CannotApplyError:
        return _given(piece)


def _given(piece: Piece) -> str:
    """Return the value that gives the database, whole or its password."""
    for reference in ("database.url", "database.password"):
        try:
            return piece.value_of(reference)
        except CannotApplyError:
            continue
    raise CannotApplyError("no value of the chart is a secret")


def _secret_of(piece: Piece) -> str:
    """Return a variable of the inner role that a Secret holds."""
    for setting in piece.inner.container.settings:
        if setting.secret:
            return setting.name
    raise CannotApplyError(f"{piece.inner.name} takes nothing from a Secret")


def _entry(variable: str) -> str:
    """Return a pattern of a variable that is taken from a Secret."""
    return rf"^ *- name: {variable}\n *valueFrom:\n *secretKeyRef:\n *name: .*\n *key: .*\n"


@seed("secrets-key-not-there", "references", r"key [a-z-]+ in Secret \S+, for", "its keys")
def _(piece: Piece) -> None:
    variable = _secret_of(piece)
    key = variable.lower().replace("_", "-")
    pattern = rf"(- name: {variable}\n *valueFrom:\n *secretKeyRef:\n *name: .*\n *key:) .*"
    piece.workload(piece.inner).sub(pattern, rf"\1 {key}")


@seed("secrets-secret-not-there", "references", r"Secret \S+, for \w+ of", "of this kind there is")
def _(piece: Piece) -> None:
    _secret_of(piece)
    piece.workload(piece.inner).sub(r"(secretKeyRef:\n *name:) .*", r"\1 secret-of-yesterday")


@seed(
    "secrets-variable-renamed",
    ("settings given", "settings read"),
    rf"\w+ for \w+ \S+ \(\S+\)|{_READS.format('<inner>')}",
    "the chart does not set it, but|nothing in .* reads it",
)
def _(piece: Piece) -> None:
    variable = _secret_of(piece)
    piece.workload(piece.inner).sub(rf"- name: {variable}$", "- name: DB_ADDRESS", every=True)


@seed(
    "secrets-unread-variable", "settings read", _READS.format("<inner>"), "nothing in .* reads it"
)
def _(piece: Piece) -> None:
    piece.env(piece.inner, "- name: PUBLIC_ADDRESS\n  value: http://example.internal")


@seed(
    "secrets-variable-missing",
    "settings given",
    r"\w+ for .*\(<inner>\)",
    "does not set it, but the code",
)
def _(piece: Piece) -> None:
    piece.workload(piece.inner).sub(_entry(_secret_of(piece)), "", every=True)


@seed(
    "secrets-too-widely-given", "settings read", _READS.format("<front>"), "nothing in .* reads it"
)
def _(piece: Piece) -> None:
    piece.two()
    text = "\n".join(piece.workload(piece.inner).lines)
    found = re.search(_entry(_secret_of(piece)), text, re.MULTILINE)
    if found is None:
        raise CannotApplyError(f"{piece.inner.name} is given its secrets in another way")
    lines = found[0].rstrip("\n").split("\n")
    indent = len(lines[0]) - len(lines[0].lstrip())
    piece.env(piece.front, "\n".join(line[indent:] for line in lines))


@seed(
    "secrets-in-config-map",
    "secrets kept",
    r"the secret \S+ in a Secret only",
    r"ConfigMap \S+ holds this",
)
def _(piece: Piece) -> None:
    line = f"OPENLY: {{{{ .Values.{_value(piece)} | quote }}}}"
    if items := piece.shape.objects("ConfigMap"):
        piece.of(items[0]).below(["data"], line)
    else:
        piece.add("open.yaml", f"{_CONFIG}  {line}\n")


@seed(
    "secrets-in-the-open",
    ("credentials", "secrets kept"),
    "credential that is written|secret ",
    "holds",
)
def _(piece: Piece) -> None:
    line = f"value: {{{{ .Values.{_given(piece)} | quote }}}}"
    piece.env(piece.inner, f"- name: MIGRATED_FROM\n  {line}")


@seed(
    "secrets-in-annotation",
    "secrets kept",
    r"the secret \S+ in a Secret only",
    r"^\w+ \S+ holds this secret",
)
def _(piece: Piece) -> None:
    line = f"signed-with: {{{{ .Values.{_value(piece)} | quote }}}}"
    part = piece.workload(piece.inner)
    try:
        part.below(["template", "annotations"], line)
    except CannotApplyError:
        part.before(["template", "labels"], f"annotations:\n  {line}")


@seed(
    "secrets-default-value", "credentials", "no credential that is written", "though it is a secret"
)
def _(piece: Piece) -> None:
    _variable, path = piece.secret(piece.inner)
    piece.set_value(path, "f3b1c2d4e5f60718293a4b5c6d7e8f90a1b2c3d4")


@seed(
    "secrets-default-database",
    "credentials",
    "no credential that is written",
    "a URL with a password",
)
def _(piece: Piece) -> None:
    _variable, path = piece.database()
    piece.set_value(path, "postgresql://shop:s3cr3t-of-all@db.internal:5432/shop")


@seed(
    "secrets-not-encoded",
    "secrets encoded",
    r"\w+ of Secret \S+ to be encoded",
    "stands below `data`",
)
def _(piece: Piece) -> None:
    piece.of(piece.shape.object("Secret")).sub(r" \| b64enc\b", "", every=True)


@seed(
    "secrets-not-demanded",
    "secrets wanted",
    "to refuse an installation without",
    "renders all the same",
)
def _(piece: Piece) -> None:
    for part in (*piece.templates(), *piece.helpers()):
        try:
            part.sub(r'required "[^"]*" ', "", every=True)
        except CannotApplyError:
            continue
        return
    raise CannotApplyError("nothing in the chart refuses anything")


@seed(
    "secrets-existing-ignored",
    "values given",
    r"value \S*existingSecret to show",
    "changes nothing",
)
def _(piece: Piece) -> None:
    for part in (*piece.helpers(), *piece.templates()):
        try:
            part.sub(r"\.Values[\w.]*\.existingSecret \| default", '"" | default')
        except CannotApplyError:
            continue
        return
    raise CannotApplyError("the chart takes no Secret of the user's")


@seed("secrets-change-reaches-nobody", "changes arrive", "be replaced when Secret", "the old value")
def _(piece: Piece) -> None:
    piece.workload(piece.inner).sub(r"^( *checksum/[\w-]+:) .*", r"\1 none", every=True)


@seed(
    "secrets-config-change-reaches-nobody",
    "changes arrive",
    "be replaced when ConfigMap",
    "the old value",
)
def _(piece: Piece) -> None:
    piece.shape.object("ConfigMap")
    values = " ".join(f".Values.{path}" for path in (piece.secret(piece.inner)[1], _given(piece)))
    line = rf"\1 {{{{ list {values} | toJson | sha256sum }}}}"
    whole(piece.workload(piece.inner).file).sub(r"^( *checksum/[\w-]+:) .*", line)
