"""Defects of values, schema, metadata and security of a chart."""

from __future__ import annotations

import contextlib
import re

from mutants.seeding.piece import Piece
from mutants.seeding.seed import CannotApplyError, Catalogue
from mutants.seeding.shape import Role
from mutants.seeding.text import whole

CATALOGUE = Catalogue()
seed = CATALOGUE.seed

_DEAD = r"the value \S*{} to change something"
_SAFE = r"\w+ \S+ \(<inner>\) without privileges"


def _resources(piece: Piece, role: Role) -> str:
    """Return the path of a role's resources."""
    part = piece.workload(role)
    first, last = part.block("containers", "resources")
    found = re.search(r"\.Values\.([\w.]+)", "\n".join(part.lines[first:last]))
    if found is None:
        raise CannotApplyError(f"the resources of {role.name} are no value")
    return _whole_path(found[1], role.container.owner.source)


def _whole_path(path: str, source: str) -> str:
    """Return the path that the whole chart has for one of a sub-chart."""
    below = re.match(r"charts/([\w-]+)/", source)
    return f"{below[1]}.{path}" if below else path


def _beside_image(piece: Piece, name: str, last: str) -> str:
    path = piece.value_of(f"images.{name}.tag").rpartition(".")[0] + f".{last}"
    files = piece.shape.subject.chart
    if path not in {leaf.dotted for leaf in [*files.leaves, *files.inner]}:
        raise CannotApplyError(f"the chart has no value {path}")
    return path


@seed("chart-does-not-render", "renders", "the chart to render", "unexpected")
def _(piece: Piece) -> None:
    piece.workload(piece.inner).below(["spec"], "revisionHistoryLimit: {{ 5 }")


@seed("chart-unknown-field", "fields", r"fields of \w+ \S+ that Kubernetes knows", "no such field")
def _(piece: Piece) -> None:
    piece.workload(piece.inner).before(["containers"], "terminationGrace: 30")


@seed(
    "chart-no-limits",
    "renders",
    r"the chart to render|a limit of \w+ for .*\(<inner>\)",
    "missing property 'limits'|has none",
    elsewhere={"resources": "no schema of its own demands limits, as that of the Todo app does"},
)
def _(piece: Piece) -> None:
    path = _resources(piece, piece.inner)
    files = piece.shape.subject.chart
    limits = [x for x in [*files.leaves, *files.inner] if x.dotted.startswith(f"{path}.limits")]
    lines = whole(piece.chart / limits[0].file)
    at = limits[0].line - 1
    while "limits:" not in lines.lines[at]:
        at -= 1
    text = lines.lines
    indent = len(text[at]) - len(text[at].lstrip())
    end = at + 1
    while end < len(text) and len(text[end]) - len(text[end].lstrip()) > indent:
        end += 1
    lines.file.write_text("\n".join(text[:at] + text[end:]))


@seed(
    "chart-other-limits", "resources", r"a limit of \w+ memory for .*\(<front>\), as", r"it is \w+$"
)
def _(piece: Piece) -> None:
    piece.set_value(f"{_resources(piece, piece.front)}.limits.memory", "7Mi")
    piece.set_value(f"{_resources(piece, piece.front)}.requests.memory", "7Mi")


@seed(
    "chart-resources-dead",
    "resources",
    r"a limit of \w+ memory for .*\(<front>\), as",
    r"it is \w+$",
)
def _(piece: Piece) -> None:
    fixed = "resources: {requests: {cpu: 1m, memory: 7Mi}, limits: {cpu: 1m, memory: 7Mi}}"
    _resources(piece, piece.front)
    piece.workload(piece.front).put(["containers", "resources"], fixed)


@seed("chart-replicas-dead", "values used", _DEAD.format("[Rr]eplica\\w*"), "no template")
def _(piece: Piece) -> None:
    piece.workload(piece.inner).sub(r"replicas: \{\{.*\}\}", "replicas: 1")


@seed("chart-two-replicas", "roles", r"pod\(s\) of the <inner> by default", r"has replicas: \d+")
def _(piece: Piece) -> None:
    part = piece.workload(piece.inner)
    first, last = part.block("replicas")
    found = re.search(r"\.Values\.([\w.]+)", "\n".join(part.lines[first:last]))
    if found is None:
        raise CannotApplyError("the number of replicas is no value")
    piece.set_value(_whole_path(found[1], piece.inner.container.owner.source), "5")


@seed(
    "chart-tag-dead", ("values used", "values given"), r"value \S*tag to", "no template|no rendered"
)
def _(piece: Piece) -> None:
    pattern = r"\(?\.Values[\w.]*\.tag \| default (\$?\.Chart\.AppVersion)\)?"
    done = False
    for part in (*piece.templates(), *piece.helpers()):
        with contextlib.suppress(CannotApplyError):
            part.sub(pattern, r"\1", every=True)
            done = True
    if not done:
        raise CannotApplyError("no tag falls back to the version of the chart")


@seed(
    "chart-pull-policy-dead", "images", r"pullPolicy, a value .*\(<inner>\)", "stays IfNotPresent"
)
def _(piece: Piece) -> None:
    pattern = r"imagePullPolicy: \{\{.*\}\}"
    piece.workload(piece.inner).sub(pattern, "imagePullPolicy: IfNotPresent", "containers")


@seed("chart-node-selector-dead", "values used", _DEAD.format("nodeSelector"), "no template")
def _(piece: Piece) -> None:
    done = False
    for part in piece.templates():
        with contextlib.suppress(CannotApplyError):
            part.sub(r"^ *\{\{- with \S*nodeSelector \}\}\n.*\n.*\n", "", every=True)
            done = True
    if not done:
        raise CannotApplyError("the chart takes no node selector")


@seed("chart-log-level-dead", "values used", _DEAD.format(""), "no template")
def _(piece: Piece) -> None:
    config = piece.of(piece.shape.object("ConfigMap"))
    config.sub(r"^(  [A-Z_]+:) \{\{ \.Values\.[\w.]+ \| quote \}\}", r'\1 "60"')


@seed(
    "chart-parameter-undocumented",
    "values described",
    r"the value \S+ to be",
    "README.* not name it",
)
def _(piece: Piece) -> None:
    whole(piece.chart / "README.md").sub(r"`(\w+\.\w+)`(?! \|.*`\1)", r"`\g<1>OfYesterday`")


@seed("chart-latest-always", "images", r"taken from the node|name a version", "is Always|is latest")
def _(piece: Piece) -> None:
    piece.set_value(_beside_image(piece, piece.inner.name, "pullPolicy"), "Always")
    piece.set_value(_beside_image(piece, piece.inner.name, "tag"), "latest")


@seed("chart-version-latest", "images", "default tags that name a version", "appVersion is latest")
def _(piece: Piece) -> None:
    source = piece.inner.container.owner.source
    own = re.match(r"charts/[\w-]+/", source)
    whole(piece.chart / (own[0] if own else "") / "Chart.yaml").sub(
        r"^appVersion: .*", "appVersion: latest"
    )


@seed(
    "chart-no-schema", "values checked", "a schema that checks the chart's values", "there is none"
)
def _(piece: Piece) -> None:
    file = piece.chart / "values.schema.json"
    whole(file)
    file.unlink()


@seed("chart-open-schema", "values checked", "the schema to refuse unknown names below the top", "")
def _(piece: Piece) -> None:
    pattern = r'^  "additionalProperties": false,\n'
    whole(piece.chart / "values.schema.json").sub(pattern, "")


@seed("chart-root-allowed", "security", _SAFE, "it may run as root")
def _(piece: Piece) -> None:
    piece.near(piece.inner, "runAsNonRoot: true", "runAsNonRoot: false")


@seed("chart-root-user", "security", _SAFE, "its user is 0, which is root")
def _(piece: Piece) -> None:
    piece.near(piece.inner, r"runAsUser: \d+", "runAsUser: 0")


@seed("chart-writable-root", "security", _SAFE, "its root file system can be written")
def _(piece: Piece) -> None:
    piece.near(piece.inner, "readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false")


@seed("chart-privilege-escalation", "security", _SAFE, "its process can gain privileges")
def _(piece: Piece) -> None:
    piece.near(piece.inner, "(allowPrivilegeEscalation): false", r"\1: true")


@seed("chart-capabilities", "security", _SAFE, "it keeps capabilities")
def _(piece: Piece) -> None:
    piece.near(piece.inner, r"^ *capabilities:\n *drop: \[ALL\]\n", "")


@seed(
    "chart-token-mounted",
    "security",
    _SAFE.replace(r" \(<inner>\)", ".*"),
    "a token of the cluster",
)
def _(piece: Piece) -> None:
    piece.near(piece.inner, "(automountServiceAccountToken): false", r"\1: true")


@seed("chart-too-new", "renders", "the chart to render", r"it requires Kubernetes >=1\.99")
def _(piece: Piece) -> None:
    file = whole(piece.chart / "Chart.yaml")
    try:
        file.sub(r"^kubeVersion: .*", 'kubeVersion: ">=1.99.0-0"')
    except CannotApplyError:
        file.sub(r"^(version: .*)", r'\1\nkubeVersion: ">=1.99.0-0"')


CATALOGUE.never("no value of the chart adds variables", "chart-env-dead")
