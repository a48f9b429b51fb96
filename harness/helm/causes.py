"""From what Helm said to the error that names the cause."""

from __future__ import annotations

import re
from pathlib import Path

from harness.errors import DeployError
from harness.helm import errors

_ERROR = re.compile(r"^Error: ", re.MULTILINE)
_ACTION = re.compile(r"^(?:UPGRADE|INSTALLATION) FAILED: |^failed to (?:install|upgrade): ")
_SCHEMA = "values don't meet the specifications of the schema"
_SCHEMA_LINE = re.compile(r"^- (?:at '(?P<pointer>[^']*)': |(?P<dotted>[\w.()-]+): )", re.MULTILINE)
_EXTRA = re.compile(r"additional propert(?:y|ies) (?P<names>'[^\n]+') not allowed", re.IGNORECASE)
_REFUSED = re.compile(r"execution error at \((?P<where>[^)]+)\): (?P<said>.+)", re.DOTALL)
_PARSE = re.compile(r"parse error at \((?P<where>[^)]+)\): (?P<said>.+)", re.DOTALL)
_YAML = re.compile(r"YAML parse error on (?P<where>\S+): (?P<said>.+)", re.DOTALL)
_EXEC_3 = re.compile(r"template: (?P<where>\S+:\d+:\d+): (?P<said>.+)", re.DOTALL)
_EXEC_4 = re.compile(r"(?P<where>[^\s:]+/templates/[^\s:]+:\d+:\d+)\n(?P<said>.+)", re.DOTALL)
_LOAD = re.compile(
    r"cannot load (?:Chart|values|requirements)\.ya?ml|chart\.metadata|validation: |"
    r"values\.schema\.json|invalid character .* looking for|chart file .* is larger"
)
_DEPENDENCY = re.compile(r"missing in charts/? directory: (?P<names>.+)")
_KUBE_VERSION = re.compile(r"chart requires kubeVersion: (?P<said>.+)")
_UNREACHABLE = re.compile(
    r"cluster unreachable|connection refused|no such host|i/o timeout|context .* does not exist|"
    r"cluster has no server defined|certificate signed by unknown authority",
    re.IGNORECASE,
)
_NOT_FOUND = re.compile(r"release: not found|release not loaded")
_HINTS = (
    (
        "invalid ownership metadata",
        "another release or a person made that object: remove it, choose another name or "
        "namespace, or add Helm's labels to it",
    ),
    ("another operation", "an earlier run was interrupted, or another works on the release now"),
    ("conflict", "someone else has changed that field: apply again, or give the field to them"),
    ("field is immutable", "that field cannot be changed: uninstall the release and install it"),
    ("no matches for kind", "the cluster does not know that kind: install its definition first"),
    ("forbidden", "the cluster's user may not do that, or a policy or quota refuses it"),
    ("hook", "see the log of the hook's pod"),
    ("already allocated", "another Service has that port: choose a different one"),
    ("timed out", "see what it was waiting for, and give it more time if that is normal"),
    ("deadline exceeded", "see what it was waiting for, and give it more time if that is normal"),
)


def message_of(stderr: str) -> str:
    """Return Helm's own error message, without its log lines before it."""
    text = _ERROR.split(stderr.strip())[-1].strip()
    return text.replace("Use --debug flag to render out invalid YAML", "").strip()


def is_missing_release(stderr: str) -> bool:
    """Tell whether Helm says that there is no such release."""
    return bool(_NOT_FOUND.search(stderr))


def rendering_cause(chart: Path, said: str) -> DeployError | None:
    """Return the error of a chart or of values that cannot be rendered, if that is what it is.

    Args:
        chart: the chart's folder.
        said: Helm's message, redacted.

    """
    said = _ACTION.sub("", said)
    if _SCHEMA in said:
        return _schema_refusal(chart, said)
    if match := _REFUSED.search(said):
        return errors.ValuesRefusedError(chart, match["said"].strip(), match["where"])
    if match := _PARSE.search(said) or _YAML.search(said) or _EXEC_3.search(said):
        return errors.TemplateFailedError(chart, match["where"], match["said"].strip())
    if match := _EXEC_4.search(said):
        flat = " ".join(line.strip() for line in match["said"].splitlines())
        return errors.TemplateFailedError(chart, match["where"], flat)
    if match := _DEPENDENCY.search(said):
        return errors.ChartInvalidError(
            chart,
            f"charts that it depends on are missing: {match['names']}",
            f"run `helm dependency build {chart}`",
        )
    if match := _KUBE_VERSION.search(said):
        return errors.ChartInvalidError(
            chart,
            f"it requires Kubernetes {match['said']}",
            "use a cluster of a version that the chart supports",
        )
    if _LOAD.search(said):
        return errors.ChartInvalidError(chart, said)
    return None


def release_cause(
    action: str, release: str, namespace: str, said: str
) -> errors.ReleaseFailedError:
    """Return the error of a release that the cluster or Helm refused."""
    low = said.lower()
    fix = next((hint for sign, hint in _HINTS if sign in low), "see what Helm said above")
    problem = _ACTION.sub("", said)
    return errors.ReleaseFailedError(action, release, namespace, problem, fix)


def is_unreachable(said: str) -> bool:
    """Tell whether the cluster did not answer."""
    return bool(_UNREACHABLE.search(said))


def _schema_refusal(chart: Path, said: str) -> DeployError:
    lines = [line.strip() for line in said.splitlines() if line.strip().startswith("- ")]
    paths: list[str] = []
    readable: list[str] = []
    for line in lines:
        readable.append(_dotted(line))
        if not (match := _SCHEMA_LINE.match(line)):
            continue
        path = (match["pointer"] or match["dotted"] or "").strip("/").replace("/", ".")
        path = "" if path == "(root)" else path
        if extra := _EXTRA.search(line):
            names = re.findall(r"'([^']+)'", extra["names"])
            unknown = [".".join(filter(None, (path, name))) for name in names]
            readable[-1] += f" (there is no {', '.join(unknown)})"
            paths += unknown
        else:
            paths.append(path)
    where = str(chart / "values.schema.json")
    return errors.ValuesRefusedError(chart, "\n".join(readable) or said, where, tuple(paths))


def _dotted(line: str) -> str:
    def name(match: re.Match[str]) -> str:
        pointer = match["pointer"]
        if pointer is None:
            return match[0].removeprefix("- ")
        return f"{pointer.strip('/').replace('/', '.') or 'top level'}: "

    return _SCHEMA_LINE.sub(name, line)
