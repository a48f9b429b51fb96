"""Defects in how a release lives, and of a database in the cluster."""

from __future__ import annotations

import re

from harness.contract.rendering import Rendered
from mutants.seeding.piece import Piece
from mutants.seeding.seed import CannotApplyError, Catalogue
from mutants.seeding.text import Document, whole

CATALOGUE = Catalogue()
seed = CATALOGUE.seed

_STAY = r"nothing of {} \S+ to stay"
_JOB = """\
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ .Release.Name | trunc 50 }}-once
  labels: {app.kubernetes.io/instance: {{ .Release.Name }}}
  annotations: {helm.sh/hook: post-install}
spec:
  template:
    spec:
      restartPolicy: Never
      containers:
        - name: once
          image: busybox:1.37
          command: ["true"]
"""
_NAMESPACE = """\
apiVersion: v1
kind: Namespace
metadata:
  name: a-further-one
  labels: {app.kubernetes.io/instance: {{ .Release.Name }}}
"""


def _server(piece: Piece) -> Rendered:
    """Return the database in the cluster. Raises CannotApplyError."""
    for item in piece.shape.objects("StatefulSet"):
        if "postgres" in str(item.body):
            return item
    raise CannotApplyError("the database is not in the cluster")


def _annotated(part: Document, line: str) -> None:
    """Give an object an annotation."""
    try:
        part.below(["metadata", "annotations"], line)
    except CannotApplyError:
        part.below(["metadata"], f"annotations:\n  {line}")


@seed(
    "database-not-migrated",
    "before",
    r"`.+` of the image \S+ to run before the program",
    "no init cont",
)
def _(piece: Piece) -> None:
    migrations = [c for name in piece.shape.roles for c in piece.shape.project.images[name].before]
    if not migrations:
        raise CannotApplyError("nothing has to run before the programs")
    wanted = [str(word) for word in migrations[0]]
    words = ", ".join(re.escape(word) for word in wanted)
    for part in [whole(file) for file in sorted(piece.chart.rglob("templates/*.yaml"))]:
        try:
            part.sub(rf"(command: )\[{words}\]", rf"\1[{wanted[0]}, --version]")
        except CannotApplyError:
            continue
        return
    raise CannotApplyError("the migration is given as no list of words")


@seed(
    "database-inside-wrong-name",
    "addresses",
    r"DATABASE_URL of .* to lead to a Service",
    "`postgres` in",
)
def _(piece: Piece) -> None:
    _server(piece)
    secret = piece.of(piece.shape.object("Secret"))
    secret.sub(r"\$postgres( \| quote)", r'"postgres"\1')


@seed("database-inside-password-not-there", "references", r"key \w+ in Secret", "its keys")
def _(piece: Piece) -> None:
    part = piece.of(_server(piece))
    part.sub(r"(secretKeyRef:\n *name: .*\n *key:) \w+", r"\1 PGPASSWORD")


@seed(
    "database-inside-exposed", "roles", "no Service open to the outside but", "is of type NodePort"
)
def _(piece: Piece) -> None:
    labels = piece.shape.subject.containers(piece.shape.main)
    server = _server(piece)
    pod = next(c.pod for c in labels if c.owner.name == server.name)
    for service in piece.shape.objects("Service"):
        if (service.spec.get("selector") or {"": ""}).items() <= pod.labels.items():
            piece.of(service).sub(r"^(  type:) ClusterIP", r"\1 NodePort")
            return
    raise CannotApplyError("the database has no Service")


@seed("database-inside-no-limits", "resources", r"a limit .* for StatefulSet \S+", "has none")
def _(piece: Piece) -> None:
    piece.of(_server(piece)).remove("containers", "resources")


@seed("lifecycle-secret-kept", "leftovers", _STAY.format("Secret"), "its resource policy is `keep`")
def _(piece: Piece) -> None:
    _annotated(piece.of(piece.shape.object("Secret")), "helm.sh/resource-policy: keep")


@seed("lifecycle-claim-template", "leftovers", _STAY.format("StatefulSet"), "make claims that stay")
def _(piece: Piece) -> None:
    piece.of(_server(piece)).remove("persistentVolumeClaimRetentionPolicy")


@seed("lifecycle-job-left", "leftovers", _STAY.format("Job"), r"it is a hook \(post-install")
def _(piece: Piece) -> None:
    piece.add("once.yaml", _JOB)


@seed(
    "lifecycle-namespace-made",
    "leftovers",
    _STAY.format("Namespace"),
    "the chart makes a Namespace",
)
def _(piece: Piece) -> None:
    piece.add("further.yaml", _NAMESPACE)


@seed(
    "lifecycle-fixed-namespace",
    "names",
    "the Secret in the namespace of the release",
    "always put into",
)
def _(piece: Piece) -> None:
    piece.of(piece.shape.object("Secret")).below(["metadata"], "namespace: default")


@seed(
    "lifecycle-all-pods-at-once",
    "rollout",
    r"\w+ \S+ to be replaced without losing",
    "all pods end before",
)
def _(piece: Piece) -> None:
    piece.workload(piece.inner).put(["strategy"], "strategy:\n  type: Recreate")


@seed("lifecycle-changes-by-itself", "stable", "the same manifests for the same", "randAlphaNum")
def _(piece: Piece) -> None:
    line = "installed: {{ randAlphaNum 8 | quote }}"
    part = piece.workload(piece.inner)
    try:
        part.below(["template", "annotations"], line)
    except CannotApplyError:
        part.before(["template", "labels"], f"annotations:\n  {line}")


@seed("lifecycle-not-owned", "labels", "label", "lacks|nobody can tell|there are none|has none")
def _(piece: Piece) -> None:
    piece.of(piece.shape.object("ConfigMap", "Secret")).remove("metadata", "labels")


CATALOGUE.never(
    "the seconds before a pod stops are no value: that they are gone shows in a rollout only",
    "lifecycle-no-farewell",
)
CATALOGUE.never("no claim of the chart has a name of its own", "database-inside-claim-not-there")
CATALOGUE.never("no claim of the chart belongs to the release", "lifecycle-claim-kept")
CATALOGUE.never(
    "no switch of the chart brings a database",
    "database-inside-switch-dead",
    "database-inside-by-default",
)
