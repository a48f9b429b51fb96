"""Defects of what objects of a chart refer to, and of its Ingress."""

from __future__ import annotations

import json

from mutants.seeding.piece import Piece
from mutants.seeding.seed import CannotApplyError, Catalogue
from mutants.seeding.text import whole

CATALOGUE = Catalogue()
seed = CATALOGUE.seed

_LABELS = "labels: {app.kubernetes.io/instance: {{ .Release.Name }}}"
_AUTOSCALER = f"""\
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: {{{{ .Release.Name | trunc 50 }}}}-scaled
  {_LABELS}
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: deployment-of-yesterday
  minReplicas: 1
  maxReplicas: 3
  metrics:
    - type: Resource
      resource: {{name: cpu, target: {{type: Utilization, averageUtilization: 80}}}}
"""
_BUDGET = f"""\
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{{{ .Release.Name | trunc 50 }}}}-budget
  {_LABELS}
spec:
  maxUnavailable: 1
  selector:
    matchLabels: {{app: pods-of-yesterday}}
"""
_SPREAD = """\
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels: {app: pods-of-yesterday}"""
_INGRESS = f"""\
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: {{{{ .Release.Name | trunc 50 }}}}-entrance
  {_LABELS}
spec:
  rules:
    - http:
        paths:
          - path: /
            pathType: Prefix
            backend:
              service:
                name: %s
                port: {{number: %d}}
"""


def _ingress(piece: Piece, service: str = "") -> None:
    """Give a chart without an Ingress one to its front; there may be one already."""
    if not piece.shape.objects("Ingress"):
        item = piece.front.service
        if item is None:
            raise CannotApplyError(f"{piece.front.name} has no Service")
        release = piece.shape.project.chart.release
        name = service or item.name.replace(release, "{{ .Release.Name | trunc 50 }}", 1)
        piece.add("entrance.yaml", _INGRESS % (name, item.spec["ports"][0]["port"]))
    elif service:
        _in_ingress(piece, r"(service:\n *name:) .*", rf"\1 {service}")


def _in_ingress(piece: Piece, pattern: str, new: str) -> None:
    if items := piece.shape.objects("Ingress"):
        piece.of(items[0]).sub(pattern, new)
    else:
        whole(piece.chart / "templates" / "entrance.yaml").sub(pattern, new)


@seed(
    "chart-no-cache-folder",
    "writable",
    r"a place at /app/.next/cache where .*<front>",
    "Next.js writes",
)
def _(piece: Piece) -> None:
    part = piece.workload(piece.front)
    part.sub(r"^ *- name: cache\n *mountPath: /app/.next/cache\n?", "")
    part.sub(r"^ *- name: cache\n *emptyDir: \{\}\n?", "")


@seed(
    "chart-no-service-account",
    "references",
    r"ServiceAccount \S+, for the account of",
    "of this kind",
)
def _(piece: Piece) -> None:
    part = piece.workload(piece.inner)
    part.before(["containers"], "serviceAccountName: {{ .Release.Name | trunc 50 }}-account")


@seed(
    "chart-fixed-name",
    "release names",
    r"a name of the \w+ that belongs to its",
    "in every release",
)
def _(piece: Piece) -> None:
    item = piece.shape.object("ConfigMap", "Secret")
    piece.of(item).sub(r"^(  name:) .*$", rf"\1 {item.name}", "metadata")


@seed(
    "chart-autoscaler-aims-wrong",
    "references",
    r"Deployment \S+, for HorizontalPodAutos",
    "of this kind",
)
def _(piece: Piece) -> None:
    piece.add("scaled.yaml", _AUTOSCALER)


@seed("chart-budget-selects-nobody", "references", "a pod, for PodDisruptionBudget", "matches none")
def _(piece: Piece) -> None:
    piece.add("budget.yaml", _BUDGET)


@seed(
    "chart-spread-counts-nobody",
    "references",
    r"the pods of .*, for the spread",
    "does not match them",
)
def _(piece: Piece) -> None:
    piece.workload(piece.inner).before(["containers"], _SPREAD)


@seed("chart-ingress-rewrite", "ingress", "hands on each path as it came", "every path becomes /")
def _(piece: Piece) -> None:
    _ingress(piece)
    rewrite = json.dumps({"nginx.ingress.kubernetes.io/rewrite-target": "/"})
    _in_ingress(piece, r"^metadata:$", f"metadata:\n  annotations: {rewrite}")


@seed("chart-ingress-one-path", "ingress", "an Ingress that leads all paths", "pathType: Exact")
def _(piece: Piece) -> None:
    _ingress(piece)
    _in_ingress(piece, "pathType: Prefix", "pathType: Exact")


@seed(
    "chart-ingress-to-nobody",
    "references",
    r"Service \S+, for a backend of Ingress",
    "of this kind",
)
def _(piece: Piece) -> None:
    _ingress(piece, "service-of-yesterday")
