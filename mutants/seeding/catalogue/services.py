"""Defects of Services and selectors, and of the addresses by which Services are called."""

from __future__ import annotations

import re

from mutants.seeding.piece import Piece
from mutants.seeding.seed import CannotApplyError, Catalogue
from mutants.seeding.text import Document

CATALOGUE = Catalogue()
seed = CATALOGUE.seed

_INSTANCE = "app.kubernetes.io/instance: {{ .Release.Name }}"
_VERSION = "helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}"
_SERVICE = r"Service \S+ to lead to the pods of one workload"
_ADDRESS = r"\w+ of \w+ \S+ \(<front>\) to lead to a Service"
_TEST = """\
apiVersion: v1
kind: Pod
metadata:
  name: {{ .Release.Name | trunc 50 }}-try
  labels:
%s
  annotations:
    helm.sh/hook: test
    helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
spec:
  restartPolicy: Never
  containers:
    - name: try
      image: busybox:1.37
      command: [wget, -q, -O-, http://localhost]
"""


def _several(piece: Piece) -> None:
    if len([pod for pod in piece.shape.main.pods if pod.lasting]) < 2:
        raise CannotApplyError("there is one workload only")


def _label(key: str, value: str, release: str) -> str:
    shown = "{{ .Release.Name }}" if value == release else value
    return f"    {key}: {shown}"


def _told(piece: Piece, value: str) -> None:
    """Tell the front another address of what is behind it."""
    variable = piece.address()
    pattern = rf"(- name: {variable}\n *value:) .*"
    piece.workload(piece.front).sub(pattern, rf"\1 {value}")


def _behind(piece: Piece) -> tuple[str, int]:
    service = piece.inner.service
    if service is None:
        raise CannotApplyError(f"{piece.inner.name} has no Service")
    return service.name, int(service.spec["ports"][0]["port"])


def _typed(part: Document, kind: str) -> None:
    try:
        part.sub(r"^(  type:) .*", rf"\1 {kind}")
    except CannotApplyError:
        part.below(["spec"], f"type: {kind}")


@seed("services-select-nobody", "services", _SERVICE, "matches none")
def _(piece: Piece) -> None:
    piece.service(piece.inner).put(["spec", "selector"], "selector: {app: pods-of-yesterday}")


@seed("services-select-both", "services", _SERVICE, r"matches \w+ \S+, \w+ \S+")
def _(piece: Piece) -> None:
    _several(piece)
    piece.service(piece.inner).put(["spec", "selector"], f"selector:\n  {_INSTANCE}")


@seed(
    "services-deployments-overlap", "selectors", r"the selector of \w+ \S+ to match its own", "too$"
)
def _(piece: Piece) -> None:
    _several(piece)
    for pod in piece.shape.main.pods:
        if pod.lasting:
            part = piece.of(pod.owner)
            first, _last = part.block("matchLabels")
            anchor = re.search(r" &\w+$", part.lines[first])
            own = f"matchLabels:{anchor[0] if anchor else ''}\n  {_INSTANCE}"
            part.put(["matchLabels"], own)


@seed(
    "services-version-in-selector",
    "selectors",
    r"a selector of \w+ \S+ that can stay",
    "holds a version",
)
def _(piece: Piece) -> None:
    part = piece.workload(piece.inner)
    part.below(["matchLabels"], _VERSION)
    first, last = part.block("template", "metadata")
    if not re.search(r"labels: \*", "\n".join(part.lines[first:last])):
        part.below(["template", "metadata", "labels"], _VERSION)


@seed(
    "services-test-pod-selected",
    "selectors",
    r"the pod of Pod \S+ to be nobody else",
    "matches it too",
)
def _(piece: Piece) -> None:
    release = piece.shape.project.chart.release
    selector = piece.inner.container.owner.spec["selector"]["matchLabels"]
    labels = [_label(key, str(value), release) for key, value in selector.items()]
    piece.add("tests/try.yaml", _TEST % "\n".join(labels))


@seed(
    "services-backend-exposed",
    "roles",
    "the Service of the <inner> of type ClusterIP|no Service open to the outside",
    "is of type NodePort",
)
def _(piece: Piece) -> None:
    if piece.inner.service is not None and piece.inner.service.spec.get("type") == "NodePort":
        raise CannotApplyError(f"{piece.inner.name} is meant to be open to the outside")
    _typed(piece.service(piece.inner), "NodePort")


@seed(
    "services-frontend-closed",
    "renders",
    "the chart to render|the Service of the <front> of type NodePort",
    "type is ClusterIP|is of type ClusterIP",
    elsewhere={"roles": "the chart has no words of its own for it, as that of the Todo app does"},
)
def _(piece: Piece) -> None:
    if piece.front.service is None or piece.front.service.spec.get("type") != "NodePort":
        raise CannotApplyError(f"{piece.front.name} is reached through an Ingress")
    part = piece.service(piece.front)
    _typed(part, "ClusterIP")
    part.sub(r"^ *\{\{-? *with .*nodePort.*\n.*\n.*end.*\n?", "")


@seed(
    "services-frontend-other-port", "roles", r"port \d+ of the Service of the <front>", r"has \d+$"
)
def _(piece: Piece) -> None:
    part = piece.service(piece.front)
    first, last = part.block("ports")
    found = re.search(r"port: \{\{ \.Values\.([\w.]+)", "\n".join(part.lines[first:last]))
    if found:
        piece.set_value(found[1], "8765")
    else:
        part.sub(r"( port:) \d+", r"\1 8765")


@seed(
    "services-target-port",
    "services",
    r"the ports of Service \S+ to be ports",
    "targetPort 9999 is none",
)
def _(piece: Piece) -> None:
    piece.service(piece.inner).sub(r"(targetPort:) .*", r"\1 9999")


@seed(
    "services-named-port",
    "services",
    r"the ports of Service \S+ to be ports",
    "targetPort web is none",
)
def _(piece: Piece) -> None:
    piece.service(piece.inner).sub(r"(targetPort:) .*", r"\1 web")


@seed(
    "services-wrong-name",
    "addresses",
    _ADDRESS,
    "there is no Service `service-of-yesterday`|backend-ser",
)
def _(piece: Piece) -> None:
    _name, port = _behind(piece)
    _told(piece, f"http://service-of-yesterday:{port}")


@seed("services-wrong-port", "addresses", _ADDRESS, r"Service \S+ has no port \d+")
def _(piece: Piece) -> None:
    variable = piece.address()
    pattern = rf"(- name: {variable}\n *value: \S+?)(:\d+| *:?\{{\{{ [^}}]*[pP]ort[^}}]* \}}\}})$"
    text = "\n".join(piece.workload(piece.front).lines)
    if not re.search(pattern, text, re.MULTILINE):
        pattern = rf"(- name: {variable}\n *value: .*):\S.*$"
    piece.workload(piece.front).sub(pattern, r"\1:8765")


@seed("services-one-release-only", "addresses", _ADDRESS, "there is no Service `")
def _(piece: Piece) -> None:
    name, port = _behind(piece)
    _told(piece, f"http://{name}:{port}")


@seed("services-localhost", "addresses", _ADDRESS, "`localhost` is the pod itself")
def _(piece: Piece) -> None:
    _name, port = _behind(piece)
    _told(piece, f"http://localhost:{port}")


CATALOGUE.never("the port on which a program listens is no value", "services-port-not-told")
CATALOGUE.never("the address of a program is no value of its own", "services-api-address-dead")
